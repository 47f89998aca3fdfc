"""The model repository of an engine: what `tritonserver --model-repository` takes.

    DIR/NAME/config.pbtxt, labels.txt, 1/model.py, 1/NAME.onnx, 1/NAME.json, 1/NAME.plan where there is one
    DIR/NAME_encoder/config.pbtxt, 1/model.onnx or 1/model.plan

The first takes points and gives names; the second is the bare engine, for those who project themselves: depth
maps in, features out. Each is made in a hidden folder of DIR and then gets its name. Triton's formats:
https://docs.nvidia.com/deeplearning/triton-inference-server (model configuration).
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from c2p_deploy import Manifest
from c2p_deploy.errors import EngineError, OptionError
from c2p_deploy.files import to_disk

MODEL = Path(__file__).with_name("model.py")
_VERSION = "1"
# How long a cloud waits for others to share its call.
_BATCHING = "dynamic_batching { max_queue_delay_microseconds: 2000 }"
_KINDS = {".onnx": ("onnxruntime", "onnxruntime_onnx"), ".plan": ("tensorrt", "tensorrt_plan")}


def check_repository(folder: Path, engine: Path) -> None:
    """Raises OptionError where no model of the engine's name can be put into the folder."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", engine.stem):
        raise OptionError(
            f"--triton makes a model called {engine.stem!r}, which Triton's addresses cannot hold",
            "name the engine in letters, digits, '.', '-' and '_'",
        )
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"--triton {folder}: is a file", "give a folder")


def write_repository(engine: Path, folder: Path) -> list[Path]:
    """Puts both models of an engine (.onnx, and .plan beside it) into a repository; returns their folders.

    Models of these names that are there already are replaced. Raises ManifestError for an engine that is not
    what its manifest says, EngineError when it cannot be written.
    """
    manifest = Manifest.for_engine(engine)
    engines = [engine]
    plan = engine.with_suffix(".plan")
    if plan.name in manifest.engines:
        Manifest.for_engine(plan)
        engines.append(plan)
    runs = engines[-1]
    name, bare = engine.stem, f"{engine.stem}_encoder"
    texts = {
        name: {
            "config.pbtxt": names_config(name, runs.name, manifest),
            "labels.txt": "".join(f"{label}\n" for label in manifest.labels.names),
        },
        bare: {"config.pbtxt": encoder_config(bare, runs.suffix, manifest)},
    }
    files = {
        name: {path: path.name for path in (MODEL, Manifest.path_for(engine), *engines)},
        bare: {runs: f"model{runs.suffix}"},
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_write_model(folder, name, texts[name], files[name]) for name in texts]
    except OSError as error:
        raise EngineError(
            f"cannot write the repository: {error.strerror}", "make room or choose another folder", folder
        ) from error


def _write_model(folder: Path, name: str, texts: dict[str, str], files: dict[Path, str]) -> Path:
    """One model, under its name when it is whole."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".c2p-", ignore_cleanup_errors=True) as made:
        work = Path(made, "new")
        (work / _VERSION).mkdir(parents=True)
        for file, text in texts.items():
            (work / file).write_text(text, encoding="utf-8")
        for source, target in files.items():
            shutil.copyfile(source, work / _VERSION / target)
        for path in (*work.glob("*"), *work.glob("*/*"), work):
            to_disk(path)
        final = folder / name
        if final.exists():  # Triton reads a folder when it is told to: it never sees half of one
            final.replace(Path(made, "old"))
        work.replace(final)
    to_disk(folder)
    return final


def names_config(name: str, engine: str, manifest: Manifest) -> str:
    """config.pbtxt of the model that takes points."""
    outputs = [_output(text, "TYPE_STRING", 1) for text in ("label", "guess", "reason")]
    outputs += [_output("confidence", "TYPE_FP32", 1)]
    outputs += [_output("scores", "TYPE_FP32", len(manifest.labels), "labels.txt")]
    parameters = {"engine": engine, "device": "auto", "up": "z", "unit": "", "always_answer": "false"}
    return "\n".join(
        [
            "# Points in, names out. The parameters are those of c2p_runtime.Classifier.",
            f'name: "{name}"',
            'backend: "python"',
            f"max_batch_size: {manifest.batch.max}",
            _BATCHING,
            'input [ { name: "points" data_type: TYPE_FP32 dims: [ -1, 3 ] allow_ragged_batch: true } ]',
            *outputs,
            *(
                f'parameters {{ key: "{key}" value: {{ string_value: "{text}" }} }}'
                for key, text in parameters.items()
            ),
            "instance_group [ { count: 1 kind: KIND_CPU } ]  # the Classifier itself looks for a GPU",
            "",
        ]
    )


def encoder_config(name: str, suffix: str, manifest: Manifest) -> str:
    """config.pbtxt of the bare engine; suffix: ".onnx" or ".plan"."""
    backend, platform = _KINDS[suffix]
    shape = ", ".join(map(str, manifest.maps_shape))
    return "\n".join(
        [
            f"# The bare engine: {len(manifest.views)} depth maps of a cloud in, its feature out.",
            f'name: "{name}"',
            f'backend: "{backend}"',
            f'platform: "{platform}"',
            f'default_model_filename: "model{suffix}"',
            f"max_batch_size: {manifest.batch.max}",
            _BATCHING,
            f'input [ {{ name: "{manifest.input_name}" data_type: TYPE_FP32 dims: [ {shape} ] }} ]',
            _output(manifest.output_name, "TYPE_FP32", manifest.labels.dim),
            "",
        ]
    )


def _output(name: str, kind: str, size: int, labels: str | None = None) -> str:
    more = "" if labels is None else f' label_filename: "{labels}"'
    return f'output [ {{ name: "{name}" data_type: {kind} dims: [ {size} ]{more} }} ]'
