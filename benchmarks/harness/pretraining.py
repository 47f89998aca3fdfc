"""What pre-training costs per pair: rendering, storing, reading, drawing, and steps of both models.

Part of scale.py. A pair is one mesh: its pictures from all views and its clouds; a step sees one
of the views. The meshes are rendered by the code of `c2p-train render`; to have enough to read
they are stored again and again under other keys, by the code that stores them.
"""

from __future__ import annotations

import itertools
import json
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from c2p_deploy import DepthSpec
from c2p_recipes.mini import MiniConfig
from c2p_train.learn.pair_batches import Batch, PairBatches
from c2p_train.learn.pretrain import PretrainConfig, PretrainRun, batch_loss, new_run, train_step
from c2p_train.model.encoders import Encoder
from c2p_train.pairs.mesh_files import MeshFile, find_meshes
from c2p_train.pairs.pair_dataset import PairDataset
from c2p_train.pairs.render import render_mesh
from c2p_train.pairs.shards import RenderSettings, Sample, Skipped, open_folder, plan_fingerprint
from harness.frame import summary, timed

_SIZES = (112, 224)  # pixels of the pictures: the small model's and the paper's
_STORED = 1024  # pairs in the folders that are read
_SHARD = RenderSettings().shard_size
_DRAWN = 128  # pairs drawn one by one
_BATCHES, _REPEATS = 4, 5  # drawn by all threads
_RATE = 1e-5  # of steps whose result is thrown away


@dataclass(frozen=True)
class Training:
    """What one kind of pre-training needs."""

    encoder: Encoder  # looked up to, and where the depth encoder starts
    config: PretrainConfig
    picture_size: int


def measure_pretraining(
    meshes: Path,
    rendered: int,
    steps: int,
    vit: Encoder,
    small: Encoder,
    recipe: MiniConfig,
    folder: Path,
) -> dict[str, Any]:
    """Everything that docs/scale.md multiplies. rendered: meshes, of those there; steps: of each training."""
    files = find_meshes(meshes)
    chosen = [files[i] for i in np.unique(np.linspace(0, len(files) - 1, rendered).astype(int))]
    samples, rendering = render(chosen)
    stored = {size: store(folder / f"pairs-{size}", samples[size], size) for size in _SIZES}
    data = {size: PairDataset(folder / f"pairs-{size}") for size in _SIZES}
    trainings = {
        "small model, AdamW, bfloat16": Training(
            small, PretrainConfig(point_radius=recipe.spec.point_radius), recipe.spec.image_size
        ),
        "ViT-B/32, AdamW, bfloat16": Training(vit, PretrainConfig(batch_size=16), 224),
        "ViT-B/32, LAMB, float32 (the paper's)": Training(
            vit, PretrainConfig(batch_size=16, optimizer="lamb", bfloat16=False), 224
        ),
    }
    return {
        "rendering": {str(size): found for size, found in rendering.items()},
        "storing": {str(size): found for size, found in stored.items()},
        "drawing": {str(size): drawing(pairs) for size, pairs in data.items()},
        "training": {
            name: training(kind, data[kind.picture_size], steps) for name, kind in trainings.items()
        },
    }


def render(files: Sequence[MeshFile]) -> tuple[dict[int, list[Sample]], dict[int, dict[str, Any]]]:
    """The samples of all meshes in every size, and the processor time each took."""
    samples: dict[int, list[Sample]] = {size: [] for size in _SIZES}
    seconds: dict[int, list[float]] = {size: [] for size in _SIZES}
    faces = []
    for number, file in enumerate([files[0], *files]):
        for size in _SIZES:
            before = process_time()
            outcome = render_mesh(file, RenderSettings(DepthSpec(image_size=size)))
            took = process_time() - before
            if number == 0 or isinstance(outcome, Skipped):  # the first loads libraries
                continue
            samples[size].append(outcome)
            seconds[size].append(took)
        if number > 0 and not isinstance(outcome, Skipped):
            faces.append(json.loads(dict(outcome.files)["json"])["faces"])
    return samples, {
        size: {
            "meshes": len(seconds[size]),
            "faces": summary(faces),
            "cpu_s_mean": round(float(np.mean(seconds[size])), 5),  # sums follow the mean
        }
        for size in _SIZES
    }


def store(root: Path, samples: Sequence[Sample], size: int) -> dict[str, Any]:
    """Writes a folder of pairs, and says what it occupies and how fast it is opened."""
    settings = RenderSettings(DepthSpec(image_size=size))
    copies = [
        replace(sample, key=f"{sample.key}-{number}")
        for number, sample in enumerate(itertools.islice(itertools.cycle(samples), _STORED))
    ]
    classes = {json.loads(dict(sample.files)["json"])["class"] for sample in samples}
    with open_folder(root, plan_fingerprint([], settings)) as folder:
        records = [
            folder.write_shard(number, copies[start : start + _SHARD])
            for number, start in enumerate(range(0, _STORED, _SHARD))
        ]
        folder.write_dataset(settings, classes, records)
    total = sum(record.bytes for record in records)
    tracemalloc.start()
    kept = PairDataset(root)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    _, opened_s = timed(lambda: PairDataset(root))
    return {
        "pairs": len(kept),
        "bytes_per_pair": round(total / _STORED),
        "opened_us_per_pair": round(1e6 * opened_s / _STORED, 1),
        "index_bytes_per_pair": round(held / _STORED),
        "index_peak_bytes_per_pair": round(peak / _STORED),
    }


def drawing(pairs: PairDataset) -> dict[str, Any]:
    """Processor time per pair drawn, and pairs per second by all threads; files are in the disk cache."""
    size = pairs.image_size
    batches = PairBatches([pairs], DepthSpec(image_size=size), 64)
    image, depth = np.empty((size, size, 3), np.uint8), np.empty((2, size, size), np.float32)
    batches.draw(0, 0, image, depth)  # compiles
    rng = np.random.default_rng(0)
    cpu_ms = summary(
        processor_ms(lambda: batches.draw(1, int(rng.integers(64)), image, depth)) for _ in range(_DRAWN)
    )

    def rate(number: int) -> float:
        steps = range(number * _BATCHES, (number + 1) * _BATCHES)
        drawn, seconds = timed(lambda: sum(len(batch.image) for batch in batches.over(steps)))
        return float(drawn / seconds)

    return {
        "cpu_ms": {"whole pair": cpu_ms},
        "pairs_per_s": summary(rate(number) for number in range(_REPEATS)),
    }


def processor_ms(function: Callable[[], Any]) -> float:
    """Milliseconds of all processors that a call takes."""
    before = process_time()
    function()
    return 1e3 * (process_time() - before)


def training(kind: Training, pairs: PairDataset, steps: int) -> dict[str, Any]:
    """Steps as `c2p-train pretrain` makes them, drawing included; operations and memory counted."""
    config, device = kind.config, torch.device("cpu")
    spec = DepthSpec(kind.picture_size, config.point_radius)
    batches = PairBatches([pairs], spec, config.batch_size)
    run = new_run(kind.encoder, config, device)
    with closing(batches.over(range(steps + 2))) as stream:
        first = next(stream)
        train_step(run, kind.encoder, stream, config, _RATE)  # allocates
        seconds = []
        for _ in range(steps):
            started = perf_counter()
            train_step(run, kind.encoder, stream, config, _RATE)
            seconds.append(perf_counter() - started)
    return {
        "batch_size": config.batch_size,
        "image_size": kind.picture_size,
        "pairs_per_s": summary(config.batch_size / second for second in seconds),
        **counted(run, kind, first),
    }


def counted(run: PretrainRun, kind: Training, batch: Batch) -> dict[str, Any]:
    """Operations per pair (a multiply-add is two), and bytes per pair kept for the way back."""
    image, depth = batch.image.permute(0, 3, 1, 2) / 255, batch.depth

    def operations(pairs: int) -> int:
        # Always in bfloat16: in float32 the image encoder's attention is one operation that is not counted.
        with FlopCounterMode(display=False) as counter:
            lost = batch_loss(run, kind.encoder, image[:pairs], depth[:pairs], bfloat16=True)
            lost.total.backward()  # type: ignore[no-untyped-call]
        return int(counter.get_total_flops())

    def kept(pairs: int) -> int:
        with saved_bytes() as saved:
            batch_loss(run, kind.encoder, image[:pairs], depth[:pairs], bfloat16=kind.config.bfloat16)
        return sum(saved.values())

    # What does not grow with the batch (weights as bfloat16) falls out of the difference.
    return {
        "gflop_per_pair": round((operations(4) - operations(2)) / 2e9, 4),
        "kept_bytes_per_pair": round((kept(4) - kept(2)) / 2),
    }


@contextmanager
def saved_bytes() -> Iterator[dict[int, int]]:
    """Bytes of every memory block that torch keeps for the way back, by address."""
    blocks: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        blocks[storage.data_ptr()] = storage.nbytes()
        held.append(tensor)  # so that no address comes twice
        return tensor

    held: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        yield blocks
