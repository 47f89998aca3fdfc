"""Labels from any words, on the robot: the text tower that was exported along with an engine.

Needs the `text` extra and the two files that
`c2p-export --text-encoder` writes, NAME.text.onnx and NAME.tokenizer.json. A label's feature
is the mean of the unit features of its prompts, one prompt per template, at unit length again
(Radford et al. 2021, section 3.1.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from c2p_deploy import LabelSet, Manifest
from c2p_deploy.errors import (
    EngineError,
    LabelError,
    ManifestError,
    MissingDependencyError,
    UnknownLabelError,
    reason_of,
)
from c2p_deploy.extras import install
from c2p_deploy.files import sha256_of
from c2p_deploy.json_file import MOST_BYTES, check_regular
from c2p_deploy.labels import PAPER_TEMPLATE, choose_labels, is_template, templates_of
from c2p_deploy.labels.names import row_of, rows_of
from c2p_deploy.projection.spec import FloatArray
from c2p_runtime.backends.onnxruntime import open_session
from c2p_runtime.text.cache import keep_features, kept_features

_NO_FEATURE = (
    "choose a near word, teach it from clouds (c2p-run --learn), give a label-set file with text features, "
    "or use an engine exported with --text-encoder, which takes any words"
)
_SAME_FEATURE = 0.995  # cosine of two roundings to float16 of one text feature
_MOST_TOKENS = 4096  # of a prompt; CLIP's text tower takes 77
_PROMPTS_AT_ONCE = 32  # 20 MB of activations per layer with CLIP's text tower of width 512


class TextEncoder:
    """The loaded text tower and tokenizer of an engine: words in, a label set for that engine out."""

    def __init__(self, engine: Path, manifest: Manifest) -> None:
        """engine: the file whose manifest it is; the text encoder lies beside it.

        Raises ManifestError when the manifest names no text encoder, or a file is missing or not the
        one that was exported; EngineError when one cannot be loaded; MissingDependencyError.
        """
        files = manifest.text_encoder
        if files is None:
            raise ManifestError("has no text encoder", "export it with --text-encoder", engine)
        tokenizers = import_tokenizers()
        self._model = _checked(engine, files.model, files.model_sha256)
        tokenizer = _checked(engine, files.tokenizer, files.tokenizer_sha256, MOST_BYTES)
        self._file = tokenizer
        try:
            self._tokenizer = tokenizers.Tokenizer.from_file(str(tokenizer))
            padding = self._tokenizer.padding or {}
        except BaseException as error:  # bare Exception, and the panics of Rust, which are none
            _let_through(error)
            raise EngineError(
                f"tokenizers {tokenizers.__version__} cannot read it: {reason_of(error)}",
                "install a newer release of that library, or export again",
                tokenizer,
            ) from error
        if (padding.get("length") or 0) > _MOST_TOKENS or (
            padding.get("pad_to_multiple_of") or 0
        ) > _MOST_TOKENS:
            raise EngineError(f"pads prompts to more than {_MOST_TOKENS} tokens", "export again", tokenizer)
        self._session = open_session(self._model)
        self._dim = manifest.labels.dim

    def label_set(self, names: Sequence[str], templates: Sequence[str] = (PAPER_TEMPLATE,)) -> LabelSet:
        """The label set of `names`. templates: prompts, each with `{}` where the name goes.

        Raises LabelError for a template without `{}` or names that make no label set, EngineError
        when the text tower cannot be run or gives what is no feature of the engine's space.
        """
        prompts = _prompts(names, templates)
        return _label_set(names, templates, self.encode(prompts))

    def encode(self, prompts: Sequence[str]) -> FloatArray:
        """Unit features float32 [N, D] of N prompts."""
        parts = []
        for start in range(0, len(prompts), _PROMPTS_AT_ONCE):
            tokens = self._tokens(list(prompts[start : start + _PROMPTS_AT_ONCE]))
            try:
                parts += self._session.run(["features"], {"tokens": tokens})
            except Exception as error:  # as in OnnxRuntimeBackend
                raise EngineError(reason_of(error), "export it again", self._model) from error
        features: FloatArray = np.concatenate(parts)
        with np.errstate(over="ignore"):
            lengths = np.linalg.norm(features, axis=-1)  # NaN for NaN
        if features.shape != (len(prompts), self._dim) or not ((lengths >= 0.5) & (lengths <= 2)).all():
            raise EngineError(
                f"gives features {list(features.shape)}, finite numbers [{len(prompts)}, {self._dim}] of "
                "unit length are needed here",
                "export the engine again with --text-encoder",
                self._model,
            )
        return features

    def _tokens(self, prompts: list[str]) -> npt.NDArray[np.int64]:
        """[N, L] of N prompts; L is fixed by the tokenizer."""
        try:
            ids = [prompt.ids for prompt in self._tokenizer.encode_batch(prompts)]
        except BaseException as error:  # as above
            _let_through(error)
            problem = f"cannot make tokens of these labels: {reason_of(error)}"
            raise EngineError(problem, "export again", self._file) from error
        lengths = set(map(len, ids))
        if len(lengths) > 1 or max(lengths, default=0) > _MOST_TOKENS:
            raise EngineError(
                f"gives {min(lengths)} to {max(lengths)} tokens for a prompt, one number of at most "
                f"{_MOST_TOKENS} is needed",
                "export again",
                self._file,
            )
        return np.array(ids, dtype=np.int64)


def choose_any_labels(
    engine: Path, manifest: Manifest, wanted: LabelSet | str | PathLike[str] | Iterable[str] | None
) -> LabelSet:
    """The label set a user asks for, as `choose_labels` has it, with names that the engine does not know.

    They are made by the text encoder beside the engine, where there is one: as soon as one name is unknown,
    all of them, with the templates of the engine's own label set, so that their features are comparable.
    Without one they are looked up in the word bank. Raises LabelError when a name is in neither, and what
    TextEncoder raises.
    """
    try:
        return choose_labels(manifest.labels, wanted, bank=manifest.text_encoder is None)
    except UnknownLabelError as error:
        if manifest.text_encoder is None:
            raise LabelError(error.problem, _NO_FEATURE, error.path) from error
        return _made_or_kept(engine, manifest, error.names, templates_of(manifest.labels))


def _made_or_kept(
    engine: Path, manifest: Manifest, names: Sequence[str], templates: Sequence[str]
) -> LabelSet:
    """As `TextEncoder.label_set`; what this tower has encoded on this machine is not encoded again."""
    assert manifest.text_encoder is not None
    prompts = _prompts(names, templates)
    kept = kept_features(manifest.text_encoder, manifest.labels.dim)
    missing = list(dict.fromkeys(prompt for prompt in prompts if prompt not in kept))
    if missing:
        made = dict(zip(missing, TextEncoder(engine, manifest).encode(missing), strict=True))
        keep_features(manifest.text_encoder, made, kept)
        kept |= made
    return _label_set(names, templates, np.stack([kept[prompt] for prompt in prompts]))


def _prompts(names: Sequence[str], templates: Sequence[str]) -> list[str]:
    """Of every name all templates in turn. Raises LabelError for what makes none."""
    for template in templates:
        if not is_template(template):
            raise LabelError(
                f"template {template!r} has no one place for the name",
                f"write {{}} once, where the name goes, as in {PAPER_TEMPLATE!r}",
            )
    if not names or not templates:
        raise LabelError("a label set needs at least one name and one template")
    return [template.format(name) for name in names for template in templates]


def _label_set(names: Sequence[str], templates: Sequence[str], features: FloatArray) -> LabelSet:
    """features: unit rows [C x T, D], in the order of `_prompts`."""
    unit = features.reshape(len(names), len(templates), -1)
    return LabelSet(tuple(names), unit.mean(axis=1), " | ".join(templates))


def untried_names(engine: LabelSet, labels: LabelSet) -> tuple[str, ...]:
    """Those of `labels` that are none of the engine's own, by name or by text feature.

    CLIP knows what they mean; whether the engine recognises such things nobody has tried.
    """
    own = rows_of(engine.names)
    alike = (labels.text_features @ engine.text_features.T).max(axis=1) >= _SAME_FEATURE
    return tuple(
        name
        for name, known in zip(labels.names, alike, strict=True)
        if not known and row_of(name, own) is None
    )


def import_tokenizers() -> Any:
    """The library `tokenizers`, imported only where words are to be encoded."""
    try:
        import tokenizers
    except ImportError as error:
        raise MissingDependencyError(
            "words that the engine does not know need the library tokenizers",
            install("text"),
        ) from error
    return tokenizers


def _let_through(error: BaseException) -> None:
    """Raises again what is nobody's fault: Ctrl-C, the end of the program."""
    if isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit)):
        raise error


def _checked(engine: Path, name: str, sha256: str, most_bytes: int | None = None) -> Path:
    """The file of that name beside the engine, once its bytes are the recorded ones."""
    path = engine.with_name(name)
    remedy = f"copy {name} again, from the export that {engine.name} is from"
    try:
        check_regular(path, most_bytes)
        found = sha256_of(path)
    except OSError as error:
        raise ManifestError(f"cannot read it: {reason_of(error)}", remedy, path) from error
    if found != sha256:
        raise ManifestError(
            f"SHA-256 differs from the one in {Manifest.path_for(engine).name}",
            f"the file is damaged or from another export: {remedy}",
            path,
        )
    return path
