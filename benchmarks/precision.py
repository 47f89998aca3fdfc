"""Accuracy beside speed: float32, float16 and int8 engines on the CPU, by each backend that is there.

    python benchmarks/precision.py --modelnet10 DIR --meshes DIR --posed DIR --ckpt FILE ...

Trained checkpoints answer for the clouds that the recipes held out; int8 measures its ranges on
clouds that training saw.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from c2p_deploy import LabelSet, Manifest, progress, project_depth
from c2p_deploy.errors import C2PError
from c2p_deploy.files import sha256_of
from c2p_deploy.projection.spec import FloatArray
from c2p_export.parity import refusal_of
from c2p_export.verify_clouds import GENERATED
from c2p_recipes.data import (
    FOLDER_LABELS,
    SEED,
    VAL_FRACTION,
    RecipeData,
    Source,
    class_files,
    sources_of,
    validation_files,
)
from c2p_runtime import Classifier
from c2p_runtime.bench.measure import made_up_batches, take_turns
from c2p_train.datasets.benchmark_sets import MODELNET10_LABELS
from c2p_train.datasets.cloud_files import read_prepared
from c2p_train.model.checkpoint import PRETRAINED, Checkpoint, load_checkpoint
from harness.engines_here import (
    CPU_BACKENDS,
    export_precisions,
    feature_agreement,
    features_of,
    labelled,
    open_backend,
)
from harness.frame import Results, benchmark, count_option, file_option, folder_option, leave_out, summary

_POINTS = 1024  # of the clouds that are timed
_CALIBRATION = 60  # clouds, the same number of each data set
_WARM_UP = 2
_NORMAL_95 = 1.959964  # quantile of the normal distribution for 95 %, two-sided

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class HeldOut:
    """N clouds of one data set that no recipe trained on, and the labels they are judged over."""

    name: str
    depth: FloatArray  # [N, V, S, S]
    truth: IntArray  # [N], rows of `labels`
    labels: LabelSet


def held_out_set(source: Source, checkpoint: Checkpoint) -> HeldOut | str:
    """The held-out clouds whose label the checkpoint is offered with, or why there is no judging by them.

    Judged as the recipes and the model card do: ModelNet10 over its own ten labels, the others over all.
    """
    assert checkpoint.labels is not None
    offered = RecipeData.offered(checkpoint.labels)
    names = MODELNET10_LABELS if source.name == "ModelNet10" else offered.names
    known = tuple(name for name in names if name in offered.names)
    files = validation_files(source, VAL_FRACTION, SEED)
    judged = [path for path in files if FOLDER_LABELS[path.parent.name] in known]
    if len(judged) < len(files) / 2:
        return f"the checkpoint has a label for only {len(judged)} of {len(files)} clouds"
    truth = np.array([known.index(FOLDER_LABELS[path.parent.name]) for path in judged])
    return HeldOut(source.name, maps_of(judged, source, checkpoint), truth, offered.subset(known))


def calibration_maps(sources: list[Source], checkpoint: Checkpoint) -> FloatArray:
    """Maps [N, V, S, S] of clouds that training saw, spread over the classes of each source."""
    parts = []
    for source in sources:
        held_out = set(validation_files(source, VAL_FRACTION, SEED))
        files = [path for path in class_files(source) if path not in held_out]
        chosen = np.linspace(0, len(files) - 1, _CALIBRATION // len(sources)).round().astype(int)
        parts.append(maps_of([files[i] for i in np.unique(chosen)], source, checkpoint))
    return np.concatenate(parts)


def maps_of(files: list[Path], source: Source, checkpoint: Checkpoint) -> FloatArray:
    """Depth maps [N, V, S, S] of files, prepared as for the recipes."""
    views, spec = checkpoint.views, checkpoint.spec
    return np.stack(
        [project_depth(read_prepared(path, spec, source.up, SEED), views, spec, "y") for path in files]
    )


def answers_of(features: FloatArray, judged: HeldOut) -> IntArray:
    """The nearest label of each cloud, [N], as rows of `judged.labels`."""
    return np.asarray((features @ judged.labels.text_features.T).argmax(axis=1))


def accuracy_of(answers: IntArray, float32: IntArray, truth: IntArray) -> dict[str, Any]:
    """Top-1 with its 95 % interval, and what rounding changed: all [N], `float32` the answers without it."""
    right, was_right = answers == truth, float32 == truth
    low, high = wilson(int(right.sum()), len(truth))
    return {
        "right": int(right.sum()),
        "clouds": len(truth),
        "top1": round(float(right.mean()), 4),
        "interval95": [round(low, 4), round(high, 4)],
        "differ_from_float32": int((answers != float32).sum()),
        "of_these_lost": int((was_right & ~right).sum()),
        "of_these_gained": int((right & ~was_right).sum()),
    }


def wilson(right: int, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion, of which `right` of `count` were found."""
    share, z2 = right / count, _NORMAL_95**2 / count
    middle = share + z2 / 2
    half = _NORMAL_95 * np.sqrt(share * (1 - share) / count + z2 / (4 * count))
    return float((middle - half) / (1 + z2)), float((middle + half) / (1 + z2))


def measure_engines(
    engines: dict[str, Path], sets: list[HeldOut], repeats: int
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """One entry for each precision and backend, and why others are not there.

    The first entry, float32 by ONNX Runtime, is what the others are compared with.
    """
    rows: list[dict[str, Any]] = []
    left_out: dict[str, str] = {}
    depth = np.concatenate([judged.depth for judged in sets])
    ends = np.cumsum([len(judged.truth) for judged in sets])[:-1]
    reference: FloatArray | None = None
    for precision, engine in engines.items():
        manifest = Manifest.for_engine(engine)
        for name in CPU_BACKENDS:
            backend = open_backend(engine, name)
            if isinstance(backend, str):
                leave_out(left_out, f"{precision}, {name}", backend)
                continue
            features = features_of(backend, depth)
            reference = features if reference is None else reference
            parts = (np.split(values, ends) for values in (features, reference))
            rows.append(
                {
                    "precision": precision,
                    "backend": name,
                    "run_by": backend.name,  # with the type it computes in, where that is not the file's
                    "megabytes": round(engine.stat().st_size / 1e6, 2),
                    "parity_gate": getattr(refusal_of(manifest), "problem", "passed"),
                    "agreement_with_float32": feature_agreement(reference, features),
                    "accuracy": {
                        judged.name: accuracy_of(
                            answers_of(mine, judged), answers_of(exact, judged), judged.truth
                        )
                        for judged, mine, exact in zip(sets, *parts, strict=True)
                    },
                }
            )
            del backend  # its memory is wanted for the next
    timed = time_engines([(engines[row["precision"]], row["backend"]) for row in rows], repeats)
    return [{**row, **times} for row, times in zip(rows, timed, strict=True)], left_out


def time_engines(ways: list[tuple[Path, str]], repeats: int) -> list[dict[str, Any]]:
    """Milliseconds of one cloud through `Classifier`, for each engine and backend, call by call in turn."""
    batches = made_up_batches(_POINTS, 1, seed=0)
    with ExitStack() as stack:
        subjects = [
            stack.enter_context(Classifier(engine, device="cpu", backend=name)) for engine, name in ways
        ]
        for subject in subjects:
            for _ in range(_WARM_UP):
                subject.batch(batches[0])
        rounds = list(take_turns(subjects, batches, repeats))
    return [
        {
            "ms": summary(call.total_ms for call in calls),
            "encode_ms": summary(call.stages_ms["encode"] for call in calls),
        }
        for calls in zip(*rounds, strict=True)
    ]


def trained(path: Path, sources: list[Source], repeats: int) -> dict[str, Any]:
    """Everything about one trained checkpoint. Raises C2PError."""
    checkpoint = load_checkpoint(path)
    labelled(checkpoint, path)
    found = {source.name: held_out_set(source, checkpoint) for source in sources}
    sets = [judged for judged in found.values() if isinstance(judged, HeldOut)]
    if not sets:
        raise C2PError("its labels are not those of the data given", "give a checkpoint of the recipes", path)
    calibration = calibration_maps([s for s in sources if isinstance(found[s.name], HeldOut)], checkpoint)
    with tempfile.TemporaryDirectory() as made:
        engines = export_precisions(path, Path(made), calibration=calibration, verified=GENERATED)
        rows, left_out = measure_engines(engines, sets, repeats)
    return {
        "checkpoint": "/".join(path.parts[-2:]),
        **about(checkpoint, path),
        "calibration_clouds": len(calibration),
        "sets": {judged.name: {"clouds": len(judged.truth), "labels": len(judged.labels)} for judged in sets},
        "sets_left_out": {name: why for name, why in found.items() if isinstance(why, str)},
        "left_out": left_out,
        "engines": rows,
    }


def about(checkpoint: Checkpoint, path: Path) -> dict[str, Any]:
    """What model it is."""
    return {
        "sha256": sha256_of(path),
        "head": checkpoint.head,
        "encoders": [encoder.config.name for encoder in checkpoint.model.used_encoders],
        "views": len(checkpoint.views),
        "image_size": checkpoint.spec.image_size,
    }


@benchmark(
    "precision",
    file_option(
        "--ckpt",
        "A model.pt of a recipe run with its own seed, so that its held-out clouds are these. May be "
        "repeated.  [default: the pre-trained pair of the package]",
        multiple=True,
        default=[PRETRAINED],
    ),
    folder_option("--modelnet10", "As given to the recipe."),
    folder_option("--meshes", "As given to the recipe."),
    folder_option("--posed", "As --posed-meshes of the recipe.  [default: left out]", required=False),
    count_option("--repeats", 30, "Timed calls.", least=4),
    packages=("torch", "onnx"),
)
def main(
    ckpt: tuple[Path, ...],
    modelnet10: Path,
    meshes: Path,
    posed: Path | None,
    repeats: int,
) -> Results:
    """Measure accuracy and speed of engines of three precisions."""
    sources = sources_of(modelnet10, meshes, posed)
    judged = []
    for path in ckpt:
        with progress.task(f"{path.name}: exporting, judging and timing"):
            judged.append(trained(path, sources, repeats))
    return {"points": _POINTS, "trained": judged}


if __name__ == "__main__":
    main()
