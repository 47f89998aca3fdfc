"""`TaughtLabels`: a label set with features of clouds that somebody showed, and the scores that follow.

Nothing is trained. The features are kept as they are, as keys of a cache (Tip-Adapter: Zhang et al. 2022,
arXiv 2207.09519), so clouds can be added, names forgotten and files merged later, without a loss.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import LabelError
from c2p_deploy.json_file import is_whole, shown
from c2p_deploy.labels.label_set import LabelSet, checked_names, read_label_file
from c2p_deploy.labels.names import key_of, rows_of

VERSION = 1  # of the file; readers refuse a later one
MOST_CLOUDS = 40_000  # of a label set: what a file of 64 MiB holds at D = 512
_AGAIN = "teach it again: c2p-run --learn"
FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False, kw_only=True)
class TaughtLabels(LabelSet):
    """C names, N clouds that were shown for some of them, and text features where there are any.

    shots: [N, D], features of the clouds, as the engine gave them; of: [N], the row of each one's name;
    worded: [C], whether a name has a text feature: where not, its row of text_features is the mean of its
    shots, and scores do not look at it; encoder: `Manifest.encoder_sha256` of the engine that they are of.
    Raises LabelError when they do not fit together, or a name has neither text feature nor cloud.
    """

    shots: FloatArray
    of: npt.NDArray[np.int64]
    worded: npt.NDArray[np.bool_]
    encoder: str

    def __post_init__(self) -> None:
        super().__post_init__()
        shots, of, worded = np.array(self.shots, np.float32), np.asarray(self.of), np.asarray(self.worded)
        if shots.ndim != 2 or shots.shape[1] != self.dim or not 1 <= len(shots) <= MOST_CLOUDS:
            raise LabelError(
                f"needs features of 1 to {MOST_CLOUDS} clouds [N, {self.dim}], got {list(shots.shape)}",
                _AGAIN,
            )
        lengths = np.sqrt(np.einsum("ij,ij->i", shots, shots, dtype=np.float64))
        if not (np.isfinite(lengths) & (lengths > 1e-6)).all():
            raise LabelError("the feature of a cloud is zero or not finite", _AGAIN)
        fits = of.shape == (len(shots),) and of.dtype.kind == "i" and worded.shape == (len(self),)
        if not fits or of.min() < 0 or of.max() >= len(self):
            raise LabelError("its clouds and names do not fit together", _AGAIN)
        nameless = np.setdiff1d(np.flatnonzero(~worded), of)
        if len(nameless):
            raise LabelError(f"{self.names[nameless[0]]!r} has neither a text feature nor a cloud", _AGAIN)
        for name, array in (("shots", shots), ("of", of.astype(np.int64)), ("worded", worded)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def clouds(self) -> npt.NDArray[np.int64]:
        """[C], how many clouds each name was taught with."""
        return np.bincount(self.of, minlength=len(self))

    def forget(self, names: Iterable[str]) -> LabelSet:
        """Without these names and their clouds. Raises UnknownLabelError; LabelError when none is left."""
        gone = set(self._rows(checked_names(names)))
        kept = [row for row in range(len(self)) if row not in gone]
        if not kept:
            raise LabelError("no name would be left", "forget fewer")
        return self._of_rows(kept, tuple(self.names[row] for row in kept))

    def _of_rows(self, rows: list[int], names: tuple[str, ...]) -> LabelSet:
        """These rows with their clouds; a plain label set where none has any."""
        by_row = np.split(np.argsort(self.of, kind="stable"), np.cumsum(self.clouds())[:-1])
        shots = [by_row[row] for row in rows]
        chosen = np.concatenate(shots)
        if not len(chosen):
            return super()._of_rows(rows, names)
        return replace(
            self,
            names=names,
            text_features=self.text_features[rows],
            shots=self.shots[chosen],
            of=np.repeat(np.arange(len(rows)), [len(each) for each in shots]),
            worded=self.worded[rows],
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values. The keys are not a label set's: who knows no clouds must not take it for one."""
        plain = LabelSet(self.names, self.text_features, self.template).to_dict()
        return {
            "taught": VERSION,
            "encoder_sha256": self.encoder,
            "labels": plain,
            "worded": [int(worded) for worded in self.worded],
            "cloud_of": self.of.tolist(),
            "cloud_features": base64.b64encode(self.shots.astype("<f2").tobytes()).decode("ascii"),
        }

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> TaughtLabels:
        """The inverse of `to_dict`, up to float16 rounding. Raises LabelError when malformed."""
        if not is_whole(values["taught"]) or not 1 <= values["taught"] <= VERSION:
            raise LabelError(
                f"taught labels of version {shown(values['taught'])}, this release reads {VERSION}",
                "install a newer c2p-deploy, or teach it again",
            )
        try:
            plain = LabelSet.from_dict(values["labels"])
            raw = base64.b64decode(values["cloud_features"], validate=True)
            of, worded, encoder = values["cloud_of"], values["worded"], values["encoder_sha256"]
            if not isinstance(of, list) or not all(map(is_whole, of)) or not isinstance(encoder, str):
                raise ValueError("cloud_of must be whole numbers, encoder_sha256 a text")
            if not isinstance(worded, list) or not all(one in (0, 1) for one in worded):
                raise ValueError("worded must be a list of 0 and 1")
            shots = np.frombuffer(raw, "<f2").reshape(len(of), plain.dim).astype(np.float32)
            rows = np.array(of, np.int64)
        except KeyError as error:
            raise LabelError(f"taught labels have no key {error}", _AGAIN) from error
        except (ValueError, TypeError, OverflowError) as error:
            raise LabelError(f"malformed taught labels: {error}", _AGAIN) from error
        return TaughtLabels(
            plain.names, plain.text_features, plain.template,
            shots=shots, of=rows, worded=np.array(worded, bool), encoder=encoder,
        )  # fmt: skip


def load_labels(path: str | PathLike[str]) -> LabelSet:
    """Reads a label-set file, taught or not. Raises LabelError that names the file."""
    values = read_label_file(path)
    try:
        return TaughtLabels.from_dict(values) if "taught" in values else LabelSet.from_dict(values)
    except LabelError as error:
        raise error.at(path) from error


def taught(labels: LabelSet, examples: Mapping[str, npt.ArrayLike], encoder: str) -> TaughtLabels:
    """`labels` with further clouds: for names that they have, or for new ones, which come last.

    examples: features [n, D] of the clouds of each name; encoder: of these features, and of those that are in
    `labels` already. A new name has no text feature: give it one first, where it has one (`by_names`).
    Raises LabelError, also where `labels` were taught with another engine.
    """
    names = checked_names(examples)
    rows = rows_of(labels.names)
    shots, of = [np.empty((0, labels.dim), np.float32)], [np.empty(0, np.int64)]
    worded = np.ones(len(labels), bool)
    if isinstance(labels, TaughtLabels):
        check_encoder(labels, encoder)
        shots, of, worded = [labels.shots], [labels.of], labels.worded
    new: list[str] = []
    means = []
    for name in names:
        features = np.asarray(examples[name], np.float32)
        if features.ndim != 2 or not len(features) or features.shape[1] != labels.dim:
            raise LabelError(
                f"{name!r} needs features [n, {labels.dim}] of one cloud or more, got {list(features.shape)}"
            )
        row = rows.setdefault(key_of(name), len(labels) + len(new))
        if row >= len(labels) + len(new):
            new.append(name)
            means.append(features.mean(axis=0))
        shots.append(features)
        of.append(np.full(len(features), row, np.int64))
    return TaughtLabels(
        (*labels.names, *new),
        np.concatenate([labels.text_features, *(mean[None] for mean in means)]),
        labels.template,
        shots=np.concatenate(shots),
        of=np.concatenate(of),
        worded=np.concatenate([worded, np.zeros(len(new), bool)]),
        encoder=encoder,
    )


def extended(labels: LabelSet, names: Sequence[str], text_features: FloatArray) -> LabelSet:
    """`labels` with further names that have text features [n, D], and no cloud."""
    names, text = (*labels.names, *names), np.concatenate([labels.text_features, text_features])
    if not isinstance(labels, TaughtLabels):
        return replace(labels, names=names, text_features=text)
    worded = np.concatenate([labels.worded, np.ones(len(text_features), bool)])
    return replace(labels, names=names, text_features=text, worded=worded)


def merged(labels: LabelSet, other: TaughtLabels) -> TaughtLabels:
    """`labels` with the names and clouds of `other`; what both have twice, a cloud too, is kept once.

    Raises LabelError for features of two engines.
    """
    if isinstance(labels, TaughtLabels):
        check_encoder(other, labels.encoder)
        known = {shot.tobytes() for shot in labels.shots.astype(np.float16)}
    else:
        known = set()
    rows = rows_of(labels.names)
    more = [row for row, name in enumerate(other.names) if other.worded[row] and key_of(name) not in rows]
    labels = extended(labels, [other.names[row] for row in more], other.text_features[more])
    fresh = np.array([shot.tobytes() not in known for shot in other.shots.astype(np.float16)])
    examples = {
        other.names[row]: other.shots[fresh & (other.of == row)] for row in np.unique(other.of[fresh])
    }
    if not examples and isinstance(labels, TaughtLabels):
        return labels
    return taught(labels, examples, other.encoder)


def check_encoder(labels: TaughtLabels, encoder: str) -> None:
    """Raises LabelError unless the labels were taught with this engine: others have other features."""
    if labels.encoder != encoder:
        raise LabelError(
            f"was taught with another engine (encoder {labels.encoder[:12]}, this one is {encoder[:12]})",
            "use the engine it was taught with, or teach this one with the same clouds: c2p-run --learn",
        )
