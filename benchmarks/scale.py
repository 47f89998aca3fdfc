"""How cost grows: with points, views, picture size, labels, and pre-training data.

    python benchmarks/scale.py --meshes DIR

One factor at a time, everything else as it is by default. What the encoders compute is measured on
random weights, because cost does not depend on them. Batches and objects per frame are those of
batch.py. docs/scale.md says what follows from the figures.
"""

from __future__ import annotations

import tempfile
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from itertools import cycle
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from common import RESULTS, environment, in_rotation, spread, summary, timed, write_results
from rich import box
from rich.console import Console
from rich.table import Table
from scale_pretraining import measure_pretraining

from c2p_deploy import DepthSpec, LabelSet, Manifest, ViewSet
from c2p_deploy.projection.spec import FloatArray
from c2p_export.checkpoint import Source
from c2p_export.export import make_engines
from c2p_export.request import ExportOptions
from c2p_export.verify_clouds import depth_maps, made_up_clouds
from c2p_recipes.mini import MiniConfig
from c2p_runtime import Classifier
from c2p_runtime.bench.measure import made_up_batches, timed_call, wait_until_quiet
from c2p_runtime.classifier import DEFAULT_ENGINE
from c2p_runtime.text_encoder import TextEncoder
from c2p_train.model.checkpoint import Checkpoint
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.clip_encoder import ClipConfig, ClipEncoder, import_open_clip
from c2p_train.model.conv_encoder import ConvEncoder
from c2p_train.model.encoders import Encoder
from c2p_train.model.heads import ZeroShot

_POINTS = (100, 1_000, 3_000, 8_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
_CLOUD = 1024  # points, where they are not what is looked at
_VIEWS = (1, 2, 4, 6, 10)
_IMAGE_SIZES = (112, 168, 224)
_LABELS = (10, 100, 1_000, 10_000, 100_000)
_WORDS = (1, 8)  # that no engine knows, made by the text encoder in one call
_VIT = "ViT-B-32-quickgelu"
_SMALL = MiniConfig()  # the bundled model's architecture, image size and point radius

Way = Callable[[], Mapping[str, float]]  # one run: milliseconds by stage


def in_turn(ways: Mapping[str, Way], repeats: int) -> dict[str, dict[str, dict[str, float]]]:
    """Summaries of milliseconds, by way and stage; each way begins a round as often as the others.

    Before each turn the process is still; then comes a run that does not count, as in `take_turns`.
    """
    ms: dict[str, dict[str, list[float]]] = {name: {} for name in ways}
    for number in range(repeats):
        for name in in_rotation(ways, number):
            wait_until_quiet()
            ways[name]()
            for stage, value in ways[name]().items():
                ms[name].setdefault(stage, []).append(value)
    return {name: {stage: summary(values) for stage, values in ms[name].items()} for name in ms}


def one_call(classifier: Classifier, batches: Iterator[Sequence[FloatArray]]) -> dict[str, float]:
    """The stages of one call, and "total": what the caller waited."""
    call = timed_call(classifier, next(batches))
    return {**call.stages_ms, "total": call.total_ms}


def caller(classifier: Classifier, points: int = _CLOUD) -> Way:
    """Calls of the classifier on clouds of so many points, once warmed up."""
    classifier.warmup()
    return partial(one_call, classifier, cycle(made_up_batches(points, 1, seed=0)))


def measure_points(repeats: int) -> dict[str, Any]:
    """The bundled model on clouds of 100 to 1,000,000 points, of which it keeps at most 1,024."""
    with Classifier(device="cpu") as classifier:
        ways = {str(points): caller(classifier, points) for points in _POINTS}
        return {
            "backend": classifier.backend,
            "kept": classifier.manifest.spec.num_points,
            "ms": in_turn(ways, repeats),
        }


def view_set(count: int) -> ViewSet:
    """The paper's set of so many views, or the first of its ten."""
    ten = ViewSet.named("clip2point-10")
    if count in (6, 10):
        return ViewSet.named(f"clip2point-{count}")
    return ViewSet(f"the first {count} of {ten.name}", ten.rotations[:count], ten.distances[:count])


def vit_encoder() -> ClipEncoder:
    """The paper's tower with random weights."""
    settings = import_open_clip().get_model_config(_VIT)
    torch.manual_seed(0)
    return ClipEncoder(ClipConfig(_VIT, settings["embed_dim"], settings["vision_cfg"], True)).eval()


def small_encoder() -> ConvEncoder:
    """The bundled model's tower with random weights."""
    torch.manual_seed(0)
    return ConvEncoder(_SMALL.encoder).eval()


def random_labels(count: int, dim: int) -> tuple[tuple[str, ...], FloatArray]:
    """Names and features [count, dim] in all directions."""
    features = np.random.default_rng(0).standard_normal((count, dim), dtype=np.float32)
    return tuple(f"label {number}" for number in range(count)), features


def export(encoder: Encoder, views: ViewSet, spec: DepthSpec, engine: Path, clip: Any = None) -> Classifier:
    """A float32 engine of one path (head zeroshot), written and opened; clip: as in `Source`."""
    model = CLIP2Point(encoder, None, ZeroShot()).eval()
    checkpoint = Checkpoint(model, views, spec, LabelSet(*random_labels(40, encoder.embed_dim)), 100.0, {})
    maps = depth_maps(made_up_clouds(2), views, spec)
    make_engines(Source(checkpoint, "0" * 64, clip), engine, maps, ExportOptions("fp32", 1))
    return Classifier(engine, device="cpu")


def measure_engines(
    cases: Mapping[str, tuple[Encoder, ViewSet, DepthSpec]], repeats: int, folder: Path
) -> dict[str, Any]:
    """Engines exported one by one and run in turn: milliseconds by stage, and counted arithmetic."""
    classifiers = {
        name: export(encoder, views, spec, folder / f"{number}.onnx")
        for number, (name, (encoder, views, spec)) in enumerate(cases.items())
    }
    found = {
        "backend": next(iter(classifiers.values())).backend,
        "gflop": {
            name: round(classifier.manifest.cost.flops_per_cloud / 1e9, 3)
            for name, classifier in classifiers.items()
            if classifier.manifest.cost is not None
        },
        "ms": in_turn({name: caller(classifier) for name, classifier in classifiers.items()}, repeats),
    }
    for classifier in classifiers.values():
        classifier.close()
        classifier.engine.unlink()
    return found


def measure_views(repeats: int, folder: Path) -> dict[str, Any]:
    """Both architectures, once exported with every number of views."""
    found = {}
    for name, encoder, spec in (
        ("bundled model's architecture", small_encoder(), _SMALL.spec),
        ("ViT-B/32", vit_encoder(), DepthSpec()),
    ):
        cases = {str(count): (encoder, view_set(count), spec) for count in _VIEWS}
        found[name] = {"image_size": spec.image_size, **measure_engines(cases, repeats, folder)}
    return found


def measure_image_sizes(repeats: int, folder: Path) -> dict[str, Any]:
    """The bundled model's architecture on larger depth maps; discs grow with the picture."""
    encoder, views = small_encoder(), ViewSet.named(_SMALL.view_set)
    cases = {str(size): (encoder, views, replace(_SMALL.spec, image_size=size)) for size in _IMAGE_SIZES}
    return {"views": len(views), **measure_engines(cases, repeats, folder)}


def measure_labels(repeats: int) -> dict[str, Any]:
    """The bundled model with ever more labels: what scoring takes, and what the labels occupy."""
    classifiers, sets = {}, {}
    dim = Manifest.for_engine(DEFAULT_ENGINE).labels.dim
    for count in _LABELS:
        names, features = random_labels(count, dim)
        tracemalloc.start()
        labels, made_s = timed(partial(LabelSet, names, features))
        classifiers[str(count)] = Classifier(labels=labels, device="cpu")
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        sets[str(count)] = {"made_s": round(made_s, 4), "held_bytes": held}
    found = in_turn({name: caller(classifier) for name, classifier in classifiers.items()}, repeats)
    return {"dim": dim, "sets": sets, "ms": found}


def measure_words(repeats: int, folder: Path) -> dict[str, Any]:
    """CLIP's text tower beside an engine: milliseconds to make a label set of new words."""
    open_clip = import_open_clip()
    settings = open_clip.get_model_config(_VIT)
    torch.manual_seed(0)
    clip = open_clip.CLIP(
        settings["embed_dim"], settings["vision_cfg"], settings["text_cfg"], quick_gelu=True
    ).eval()
    classifier = export(
        small_encoder(),
        view_set(1),
        _SMALL.spec,
        folder / "words.onnx",
        clip=(clip, open_clip.get_tokenizer(_VIT)),
    )
    encoder, loading_s = timed(lambda: TextEncoder(classifier.engine, classifier.manifest))

    def encode(count: int) -> dict[str, float]:
        _, seconds = timed(lambda: encoder.label_set([f"thing {number}" for number in range(count)]))
        return {"total": 1e3 * seconds}

    ways = {str(count): partial(encode, count) for count in _WORDS}
    return {"tower": _VIT, "loading_s": round(loading_s, 3), "ms": in_turn(ways, repeats)}


def tables_of(results: Mapping[str, Any]) -> Iterator[Table]:
    """What was timed, one table per factor."""
    views = [(f"views, {name}", found["ms"]) for name, found in results["views"].items()]
    timed_factors = [
        ("points", results["points"]["ms"]),
        *views,
        ("image size", results["image_size"]["ms"]),
        ("labels", results["labels"]["ms"]),
        ("new words", results["words"]["ms"]),
        ("pairs in the loss", results["pretraining"]["loss"]["ms"]),
    ]
    for factor, ms in timed_factors:
        stages = list(next(iter(ms.values())))
        table = Table(factor, *stages, title="ms, medians", box=box.SIMPLE_HEAD)
        for name, by_stage in ms.items():
            table.add_row(f"{int(name):,}", *(f"{by_stage[stage]['median']:.2f}" for stage in stages))
        yield table
    table = Table("pre-training", "pairs/s, median (quartiles)", box=box.SIMPLE_HEAD)
    for size, found in results["pretraining"]["drawing"].items():
        table.add_row(f"drawing, {size} px", spread(found["pairs_per_s"], 0))
    for name, found in results["pretraining"]["training"].items():
        table.add_row(f"steps, {name}", spread(found["pairs_per_s"]))
    yield table


@click.command()
@click.option(
    "--meshes",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Meshes to render, CLASS/FILE, y up.",
)
@click.option("--repeats", type=click.IntRange(min=1), default=11, show_default=True, help="Of every call.")
@click.option(
    "--rendered", type=click.IntRange(min=1), default=64, show_default=True, help="Meshes, of those in DIR."
)
@click.option("--steps", type=click.IntRange(min=1), default=5, show_default=True, help="Of each training.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=RESULTS / "scale.json",
    help="Where the figures go.  [default: benchmarks/results/scale.json]",
)
def main(meshes: Path, repeats: int, rendered: int, steps: int, out: Path) -> None:
    """Measure how cost grows, one factor at a time."""
    console = Console()
    about = {**environment(), **{name: version(name) for name in ("torch", "open_clip_torch", "embreex")}}
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name, console.status("") as status:
        folder = Path(name)
        factors: dict[str, Callable[[], dict[str, Any]]] = {
            "points": lambda: measure_points(repeats),
            "views": lambda: measure_views(repeats, folder),
            "image_size": lambda: measure_image_sizes(repeats, folder),
            "labels": lambda: measure_labels(repeats),
            "words": lambda: measure_words(repeats, folder),
            "pretraining": lambda: measure_pretraining(
                meshes,
                rendered,
                steps,
                vit_encoder(),
                small_encoder(),
                _SMALL,
                folder,
                partial(in_turn, repeats=repeats),
            ),
        }
        for factor, measure in factors.items():
            status.update(factor)
            results[factor], seconds = timed(measure)
            console.print(f"{factor}: {seconds:.0f} s", highlight=False)
    for table in tables_of(results):
        console.print(table)
    write_results(out, about, results)
    console.print(f"wrote {out.name}")


if __name__ == "__main__":
    main()
