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
from itertools import cycle
from pathlib import Path
from typing import Any

import torch

from c2p_deploy import DepthSpec, LabelSet, Manifest, ViewSet, progress
from c2p_deploy.projection.spec import FloatArray
from c2p_export.checkpoint import Source
from c2p_export.export import make_engines
from c2p_export.request import ExportOptions
from c2p_export.verify_clouds import depth_maps, made_up_clouds
from c2p_recipes.mini import MiniConfig
from c2p_runtime import Classifier
from c2p_runtime.bench.measure import made_up_batches, timed_call
from c2p_runtime.classifier import DEFAULT_ENGINE
from c2p_runtime.text.encoder import TextEncoder
from c2p_train.model.checkpoint import Checkpoint
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.clip_encoder import import_open_clip
from c2p_train.model.conv_encoder import ConvEncoder
from c2p_train.model.encoders import Encoder
from c2p_train.model.heads import ZeroShot
from harness.engines_here import VIT, random_labels, random_vit
from harness.frame import Results, Way, benchmark, count_option, folder_option, in_turn, summaries, timed
from harness.pretraining import measure_pretraining

_POINTS = (100, 1_000, 3_000, 8_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
_CLOUD = 1024  # points, where they are not what is looked at
_VIEWS = (1, 2, 4, 6, 10)
_IMAGE_SIZES = (112, 168, 224)
_LABELS = (10, 100, 1_000, 10_000, 100_000)
_WORDS = (1, 8)  # that no engine knows, made by the text encoder in one call
_SMALL = MiniConfig()  # the bundled model's architecture, image size and point radius


def one_call(classifier: Classifier, batches: Iterator[Sequence[FloatArray]]) -> dict[str, float]:
    """The stages of one call, and "total": what the caller waited."""
    call = timed_call(classifier, next(batches))
    return {**call.stages_ms, "total": call.total_ms}


def caller(classifier: Classifier, points: int = _CLOUD) -> Way:
    """Calls of the classifier on clouds of so many points, once warmed up."""
    classifier.warmup()
    return partial(one_call, classifier, cycle(made_up_batches(points, 1, seed=0)))


def times_of(classifiers: Mapping[str, Classifier], repeats: int) -> dict[str, Any]:
    """Milliseconds by stage of calls of each classifier, in turn."""
    ways = {name: caller(classifier) for name, classifier in classifiers.items()}
    return summaries(in_turn(ways, range(repeats)))


def measure_points(repeats: int) -> dict[str, Any]:
    """The bundled model on clouds of 100 to 1,000,000 points, of which it keeps at most 1,024."""
    with Classifier(device="cpu") as classifier:
        ways = {str(points): caller(classifier, points) for points in _POINTS}
        return {
            "backend": classifier.backend,
            "kept": classifier.manifest.spec.num_points,
            "ms": summaries(in_turn(ways, range(repeats))),
        }


def view_set(count: int) -> ViewSet:
    """The paper's set of so many views, or the first of its ten."""
    ten = ViewSet.named("clip2point-10")
    if count in (6, 10):
        return ViewSet.named(f"clip2point-{count}")
    return ViewSet(f"the first {count} of {ten.name}", ten.rotations[:count], ten.distances[:count])


def small_encoder() -> ConvEncoder:
    """The bundled model's tower with random weights."""
    torch.manual_seed(0)
    return ConvEncoder(_SMALL.encoder).eval()


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
        "ms": times_of(classifiers, repeats),
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
        ("ViT-B/32", random_vit(), DepthSpec()),
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
    return {"dim": dim, "sets": sets, "ms": times_of(classifiers, repeats)}


def measure_words(repeats: int, folder: Path) -> dict[str, Any]:
    """CLIP's text tower beside an engine: milliseconds to make a label set of new words."""
    open_clip = import_open_clip()
    settings = open_clip.get_model_config(VIT)
    torch.manual_seed(0)
    clip = open_clip.CLIP(
        settings["embed_dim"], settings["vision_cfg"], settings["text_cfg"], quick_gelu=True
    ).eval()
    classifier = export(
        small_encoder(),
        view_set(1),
        _SMALL.spec,
        folder / "words.onnx",
        clip=(clip, open_clip.get_tokenizer(VIT)),
    )
    encoder, loading_s = timed(lambda: TextEncoder(classifier.engine, classifier.manifest))

    def encode(count: int) -> dict[str, float]:
        _, seconds = timed(lambda: encoder.label_set([f"thing {number}" for number in range(count)]))
        return {"total": 1e3 * seconds}

    ways = {str(count): partial(encode, count) for count in _WORDS}
    return {"tower": VIT, "loading_s": round(loading_s, 3), "ms": summaries(in_turn(ways, range(repeats)))}


@benchmark(
    "scale",
    folder_option("--meshes", "Meshes to render, CLASS/FILE, y up."),
    count_option("--repeats", 11, "Of every call."),
    count_option("--rendered", 64, "Meshes, of those in DIR."),
    count_option("--steps", 5, "Of each training."),
    packages=("torch", "open_clip_torch", "embreex"),
    bundled="default",
)
def main(meshes: Path, repeats: int, rendered: int, steps: int) -> Results:
    """Measure how cost grows, one factor at a time."""
    results: Results = {}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        encoders = random_vit(), small_encoder()
        factors: dict[str, Callable[[], dict[str, Any]]] = {
            "points": lambda: measure_points(repeats),
            "views": lambda: measure_views(repeats, folder),
            "image_size": lambda: measure_image_sizes(repeats, folder),
            "labels": lambda: measure_labels(repeats),
            "words": lambda: measure_words(repeats, folder),
            "pretraining": lambda: measure_pretraining(meshes, rendered, steps, *encoders, _SMALL, folder),
        }
        for factor, measure in factors.items():
            with progress.timed(factor):
                results[factor] = measure()
    return results


if __name__ == "__main__":
    main()
