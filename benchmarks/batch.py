"""The runtime over batch 1 to 32, and several objects per scene: one call for all, or one for each.

    python benchmarks/batch.py
    python benchmarks/batch.py --engine model.onnx

Without --engine: the bundled model, and two paths of ViT-B/32 in float32 (random weights: cost does
not depend on them), which at seconds per call goes through fewer sizes. On a GPU not run on hardware
yet.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from c2p_deploy import progress
from c2p_deploy.errors import C2PError
from c2p_deploy.files import sha256_of
from c2p_deploy.projection.spec import FloatArray
from c2p_runtime import Classifier
from c2p_runtime.backends import Device
from c2p_runtime.bench.measure import Call, Subject, made_up_batches, made_up_cloud, timed_call
from c2p_runtime.options import backend_option, device_option
from c2p_runtime.prediction import Prediction
from harness.engines_here import VIT_TWICE, export_precisions, run_module, write_vit_twice
from harness.frame import (
    Results,
    benchmark,
    by_stage,
    count_option,
    file_option,
    in_rotation,
    seed_option,
    summary,
    timed,
)

_POINTS = 1024
_OBJECT_POINTS = (200, 20_000)  # of an object in a scene, fewest and most
_BUDGET_S, _LEAST = 15.0, 3  # time for the calls of one kind, and how many there are at least
_SAME = 0.99  # cosine that both ways' features must have at least; bfloat16 may sum in another order


@dataclass(frozen=True)
class Plan:
    """What an engine goes through. engine: None is the bundled model."""

    engine: Path | None = None
    batches: tuple[int, ...] = (1, 2, 4, 8, 16, 32)  # clouds per call
    objects: tuple[int, ...] = (1, 2, 5, 10, 20)  # per scene


def over_batches(subject: Subject, sizes: Sequence[int], repeats: int, seed: int) -> dict[int, list[Call]]:
    """Calls with every batch size, the sizes in turn; a first one of each, not among them, warms up."""
    pools = {size: made_up_batches(_POINTS, size, seed) for size in sizes}
    rounds = {}
    for size, pool in pools.items():
        _, seconds = timed(partial(subject.batch, pool[0]))
        rounds[size] = affordable(seconds, repeats)
    calls: dict[int, list[Call]] = {size: [] for size in sizes}
    for number in range(max(rounds.values())):
        for size in in_rotation(sizes, number):
            if number < rounds[size]:
                pool = pools[size]
                calls[size].append(timed_call(subject, pool[number % len(pool)]))
    return calls


def over_scenes(
    subject: Subject, numbers: Sequence[int], repeats: int, seed: int
) -> dict[int, dict[str, Any]]:
    """Milliseconds per frame of one call for all objects and of one call for each, frames in turn.

    A first frame of each, not among them, warms up and must be answered alike: else C2PError.
    """
    ways: dict[str, Callable[[Sequence[FloatArray]], list[Prediction]]] = {
        "one_call": subject.batch,
        "call_per_object": lambda objects: [subject.batch([points])[0] for points in objects],
    }
    scenes: dict[int, dict[str, Any]] = {}
    for objects in numbers:
        first = scene(objects, np.random.default_rng([seed, objects]))
        together = ways["one_call"](first)
        alone, seconds = timed(partial(ways["call_per_object"], first))
        cosine = min(cosine_of(a.features, b.features) for a, b in zip(together, alone, strict=True))
        if not cosine > _SAME:
            raise C2PError(f"{objects} objects: in a batch other answers, cosine {cosine:.4f}")
        ms: dict[str, list[float]] = {way: [] for way in ways}
        points: list[int] = []
        for number in range(affordable(seconds, repeats)):
            frame = scene(objects, np.random.default_rng([seed, objects, number]))
            points += map(len, frame)
            for way in in_rotation(ways, number):
                _, seconds = timed(partial(ways[way], frame))
                ms[way].append(1e3 * seconds)
        scenes[objects] = {"points": points, "cosine_min": cosine, "ms": ms}
    return scenes


def affordable(seconds: float, repeats: int) -> int:
    """How many calls of so many seconds there is time for: at least three, but never more than `repeats`."""
    return min(repeats, max(_LEAST, int(_BUDGET_S / seconds)))


def scene(objects: int, rng: np.random.Generator) -> list[FloatArray]:
    """What the segmentation of a depth camera's frame gives: clusters float32 [N, 3], metres, z up.

    Each is the near half of some furniture somewhere in the room; sizes spread evenly over their
    logarithm.
    """
    clusters = []
    for _ in range(objects):
        points = round(math.exp(rng.uniform(*np.log(_OBJECT_POINTS))))
        place = rng.uniform((1.0, -1.5, 0.0), (4.0, 1.5, 1.0))
        whole = made_up_cloud(2 * points, rng) * rng.uniform(0.3, 1.0)
        near = np.argsort(whole @ place)[:points]  # the camera stands at the origin
        clusters.append((whole[near] + place).astype(np.float32))
    return clusters


def cosine_of(a: FloatArray, b: FloatArray) -> float:
    """Cosine between two features [D]."""
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def peak_memory_mb(engine: Path, device: str, backend: str, batch: int) -> float | None:
    """The most memory that a process holds which runs this batch and nothing else, in MB.

    In a process of its own, because such a peak never falls again. None where the system does not tell.
    """
    words = ["--engine", os.fspath(engine), "--device", device, "--backend", backend, "--json"]
    words += ["--points", str(_POINTS), "--batch", str(batch), "--runs", "1", "--burn-in", "1"]
    done = run_module("c2p_runtime.bench.cli", *words)
    peak = json.loads(done.stdout)["memory"]["peak_process_bytes"]
    return None if peak is None else round(peak / 1e6, 1)


def measure(plan: Plan, device: Device, backend: str, repeats: int, seed: int) -> dict[str, Any]:
    """All figures of an engine. Raises C2PError."""
    with Classifier(plan.engine, device=device, backend=backend) as classifier:
        classifier.warmup()
        manifest = classifier.manifest
        largest = manifest.batch.max
        about = {
            "encoders": list(manifest.encoders),
            "head": manifest.head,
            "precision": manifest.precision,
            "device": classifier.device,
            "backend": classifier.backend,
            "batch_max": largest,
        }
        calls = over_batches(classifier, plan.batches, repeats, seed)
        scenes = over_scenes(classifier, plan.objects, repeats, seed)
        file = classifier.engine
    # A larger batch than the engine takes is several calls of it, and needs no more memory than those.
    memory = {size: peak_memory_mb(file, device, backend, size) for size in plan.batches if size <= largest}
    return {
        **about,
        "batch": {
            str(size): {
                **batch_figures(size, calls[size], math.ceil(size / largest)),
                "peak_memory_mb": memory.get(size),
            }
            for size in plan.batches
        },
        "scene": {str(objects): scene_figures(found) for objects, found in scenes.items()},
    }


def batch_figures(size: int, calls: Sequence[Call], engine_calls: int) -> dict[str, Any]:
    """What the calls with one batch size come to."""
    per_call = summary(call.total_ms for call in calls)
    return {
        "engine_calls": engine_calls,
        "ms_per_call": per_call,
        "ms_per_cloud": summary(call.total_ms / size for call in calls),
        "stages_ms_per_cloud": by_stage(
            [{stage: ms / size for stage, ms in call.stages_ms.items()} for call in calls]
        ),
        "clouds_per_second": round(1e3 * size / per_call["median"], 2),
    }


def scene_figures(found: dict[str, Any]) -> dict[str, Any]:
    """What the frames with one number of objects come to; a ratio below 1 speaks for one call."""
    ms = {way: summary(values) for way, values in found["ms"].items()}
    pairs = zip(found["ms"]["one_call"], found["ms"]["call_per_object"], strict=True)
    return {
        "points": summary(found["points"]),
        "cosine_min": round(found["cosine_min"], 7),
        "ms_per_frame": ms,
        "ratio": summary(together / alone for together, alone in pairs),
        "frames_per_second": {way: round(1e3 / stats["median"], 2) for way, stats in ms.items()},
    }


@benchmark(
    "batch",
    file_option("--engine", "Measure this one alone.  [default: the bundled model, and ViT-B/32 made here]"),
    device_option,
    backend_option,
    count_option("--repeats", 20, "Calls of each kind, at most."),
    seed_option,
    bundled="default",
)
def main(engine: Path | None, device: Device, backend: str, repeats: int, seed: int) -> Results:
    """Time batches, and scenes with several objects."""
    results: dict[str, Any] = {}
    about: dict[str, str] = {}
    with ExitStack() as stack:
        if engine is not None:
            plans = {engine.name: Plan(engine)}
            about["engine_sha256"] = sha256_of(engine)
        else:
            made = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            with progress.task("exporting ViT-B/32"):
                write_vit_twice(made / "model.pt")
                exported = export_precisions(made / "model.pt", made, ["fp32"], max_batch=8)["fp32"]
            vit_b_32 = Plan(exported, batches=(1, 2, 4, 8), objects=(1, 2, 5))
            plans = {"bundled model": Plan(), VIT_TWICE: vit_b_32}
        for name, plan in plans.items():
            with progress.task(name):
                results[name] = measure(plan, device, backend, repeats, seed)
    settings = {"points": _POINTS, "object_points": _OBJECT_POINTS, "seed": seed}
    return {"environment": about, **settings, "engines": results}


if __name__ == "__main__":
    main()
