"""What the bundled model's rejection is fitted to: clouds its training held out, and objects of other packs.

Each also as seen from one side: what a robot's camera sees of a known thing must not look new to it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np

from c2p_deploy import DepthSpec, LabelSet, Manifest, progress
from c2p_deploy.errors import C2PError
from c2p_deploy.files import write_atomic
from c2p_deploy.projection.spec import FloatArray, UpAxis
from c2p_deploy.rejection import Rejection
from c2p_recipes.augment import seen_from_one_side
from c2p_recipes.clouds import Clouds
from c2p_recipes.data import FOLDER_LABELS, SEED, VAL_FRACTION, Source, validation_files
from c2p_recipes.packs.objects import object_points, object_rows
from c2p_recipes.vocabulary.object_names import STRANGER as A_STRANGER
from c2p_recipes.vocabulary.object_names import outcome_of, plain_name
from c2p_recipes.vocabulary.size_limits import known_limits
from c2p_recipes.vocabulary.table import label_of
from c2p_train.datasets.cloud_files import prepare_cloud, read_each, read_prepared
from c2p_train.evaluate.calibrate import STRANGER, Encode, Group, calibrate, engine_encoder

_ONE_SIDE = ", one side"
_LEAST_KNOWN = 50  # clouds: of fewer, detectors would be anybody's guess
_MOST_OF_A_LABEL = 30  # a pack of trees must not decide alone what known things look like


def rejection_groups(
    sources: Sequence[Source], objects: Path | None, labels: LabelSet, spec: DepthSpec, seed: int
) -> list[Group]:
    """Groups of known things and strangers for a model that learned from `sources`, but not from `objects`.

    The validation files of every source, where a class that is not offered is a stranger, and the named
    objects of a folder (`c2p_recipes.packs.objects`). labels: those that are offered. Raises C2PError.
    """
    groups = []
    for source in sources:
        files = validation_files(source, VAL_FRACTION, SEED)
        read, _ = read_each(files, partial(_prepared, spec=spec, up=source.up, seed=seed))
        names = [FOLDER_LABELS[files[index].parent.name] for index, _ in read]
        label = [labels.names.index(name) if name in labels.names else STRANGER for name in names]
        points = np.stack([clouds[0] for _, clouds in read])
        groups.append(Group(source.name, points, np.array(label), np.arange(len(read))))
    if objects is not None:
        named = _named_objects(objects, labels, spec, seed)
        groups += [] if named is None else [named]
    return [_with_one_side(group, spec, seed) for group in groups]


def validation_groups(
    clouds: Clouds, objects: Path, labels: LabelSet, spec: DepthSpec, seed: int
) -> list[Group]:
    """Groups for a model that learned from the named objects, too: all that was kept apart, and strangers.

    clouds: those for validation; of a source "NAME, one side" they show the objects of "NAME" in the same
    order. objects: as for `rejection_groups`; those that no label of the table fits are strangers, which
    nothing was trained on.
    """
    parts: dict[str, list[Group]] = {}
    of_label = [labels.names.index(name) if name in labels.names else STRANGER for name in clouds.labels]
    for source, name in enumerate(clouds.sources):
        rows = np.flatnonzero(clouds.validation & (clouds.source == source))
        label = np.array(of_label)[clouds.label[rows]]
        group = Group(name, clouds.points[clouds.first[rows]], label, np.arange(len(rows)))
        parts.setdefault(name.removesuffix(_ONE_SIDE), []).append(group)
    groups = [
        Group(
            name,
            np.concatenate([part.points for part in same]),
            np.concatenate([part.label for part in same]),
            np.concatenate([part.object for part in same]),
        )
        for name, same in parts.items()
    ]
    strangers = _named_objects(objects, labels, spec, seed, known_too=False)
    if strangers is None:
        return groups
    return [*groups, replace(_with_one_side(strangers, spec, seed), name="unlabelled objects")]


def fit_groups(
    groups: list[Group], labels: LabelSet, logit_scale: float, encode: Encode, out: Path, seed: int
) -> Rejection | None:
    """`calibrate`, with the figures in `out`/rejection.json and on the screen; None for too few clouds."""
    known = sum(int((group.label >= 0).sum()) for group in groups)
    if known < _LEAST_KNOWN:
        progress.say(f"no rejection: {known} clouds of known things kept apart, {_LEAST_KNOWN} are needed")
        return None
    rejection, figures = calibrate(groups, labels, logit_scale, encode, seed)
    out.mkdir(parents=True, exist_ok=True)
    write_atomic(out / "rejection.json", json.dumps([asdict(row) for row in figures], indent=1).encode())
    for row in figures:
        told = {name: value for name, value in asdict(row).items() if isinstance(value, float)}
        shares = ", ".join(f"{name.replace('_', ' ')} {100 * value:.1f} %" for name, value in told.items())
        progress.say(f"{row.kind}, {row.group} ({row.clouds}): {shares}")
    return rejection


def calibrate_engine(
    engine: Path, sources: Sequence[Source], objects: Path | None, out: Path, seed: int
) -> None:
    """Fits the rejection of an engine that learned from `sources`, and writes it into the manifest."""
    manifest = Manifest.for_engine(engine)
    groups = rejection_groups(sources, objects, manifest.labels, manifest.spec, seed)
    encode = engine_encoder(engine, manifest)
    rejection = fit_groups(groups, manifest.labels, manifest.logit_scale, encode, out, seed)
    if rejection is None:
        raise C2PError("too few clouds of things that it has labels for", "give more of them", engine)
    limits = known_limits(manifest.labels.names)
    replace(manifest, rejection=rejection, size_limits=limits).save(Manifest.path_for(engine))


def _prepared(path: Path, spec: DepthSpec, up: UpAxis, seed: int) -> list[FloatArray]:
    return [read_prepared(path, spec, up, seed)]


def _named_objects(
    folder: Path, labels: LabelSet, spec: DepthSpec, seed: int, *, known_too: bool = True
) -> Group | None:
    """Objects whose names say that they are strangers or, with `known_too`, some of each label; if any."""
    points = object_points(folder)
    names = [(row["name"], row["category"]) for row in object_rows(folder)]
    if len(names) != len(points):
        raise C2PError(f"has {len(points)} clouds and {len(names)} names", "copy it again", folder)
    rows, label = [], []
    count: Counter[str] = Counter()
    for row in np.random.default_rng(seed).permutation(len(names)):
        what = outcome_of(names[row][0])
        count[what] += 1
        if what == A_STRANGER and label_of(*names[row]) not in labels.names:
            rows.append(row)
            label.append(STRANGER)
        elif known_too and what in labels.names and count[what] <= _MOST_OF_A_LABEL:
            rows.append(row)
            label.append(labels.names.index(what))
    if not rows:
        return None
    prepared = [prepare_cloud(points[row].astype(np.float32), spec, "y", seed) for row in rows]
    # "Apple 1" and "Apple 2" may be the same mesh in two colours: they stay on one side of a split.
    kinds = np.unique([plain_name(names[row][0]) for row in rows], return_inverse=True)[1]
    return Group("objects", np.stack(prepared), np.array(label), kinds)


def _with_one_side(group: Group, spec: DepthSpec, seed: int) -> Group:
    """The clouds, and each as one camera sees it."""
    seen = []
    for index, cloud in enumerate(group.points):
        rng = np.random.default_rng((seed, index))
        part = cloud[seen_from_one_side(cloud.astype(np.float64), rng)]
        seen.append(prepare_cloud(part, spec, "y", seed))
    points = np.concatenate((group.points, np.stack(seen)))
    return Group(group.name, points, np.tile(group.label, 2), np.tile(group.object, 2))
