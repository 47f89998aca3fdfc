"""The recipes `default` and `research`: a depth encoder that knows real things, trained on scans of them.

Both train the same encoder in the same way, straight against CLIP's text features. `default` sees openly
licensed objects and shapes made by rule; ModelNet10 and the Princeton meshes, which are for research use,
measure it and no more. `research` learns from these, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from c2p_deploy import LabelSet, progress
from c2p_deploy.files import sha256_of, write_atomic
from c2p_deploy.projection.spec import FloatArray
from c2p_recipes.align import AlignConfig, align
from c2p_recipes.data import FOLDER_LABELS, VAL_FRACTION, Source, class_files, validation_files
from c2p_recipes.judge import Results, cloud_scores, judge_real, top1
from c2p_recipes.packs.objects import dense_clouds, named_objects
from c2p_recipes.packs.scanned import scanned_objects
from c2p_recipes.packs.split import Split, report, split_objects
from c2p_recipes.publish import figures_table, publish
from c2p_recipes.rejection import fit_groups, validation_groups
from c2p_recipes.scan_training import ScanBatchConfig, ScanBatches
from c2p_recipes.shapes.catalogue import RULES_VERSION, SHAPES
from c2p_recipes.size_limits import known_limits
from c2p_recipes.training_set import (
    SHAPES_PER_LABEL,
    Part,
    made_shapes,
    of_files,
    put_together,
    scanned_once,
    stored_part,
    validation_clouds,
)
from c2p_recipes.vocabulary.table import label_set
from c2p_train.datasets.cloud_files import PREPARED_AS, cached_arrays, fingerprint
from c2p_train.evaluate.calibrate import checkpoint_encoder
from c2p_train.model.checkpoint import Checkpoint
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.conv_encoder import ConvEncoder
from c2p_train.model.detic_features import read_detic_features
from c2p_train.model.heads import ZeroShot

# Labels that only collections for research have; the others are of the table.
RESEARCH_LABELS = {"musical instrument": "musical instrument", "tool": "hammer", "sign": "traffic sign"}
LEAST_OBJECTS = 2  # to learn a label from


@dataclass(frozen=True)
class RealData:
    """Where everything is. Folders that are None take no part.

    objects: objects.tsv and objects.npz; furniture: the Debian package; text: CLIP's text features (Detic);
    modelnet10, meshes, posed_meshes: CLASS/FILE, for research use; research: whether they are learned from,
    too, or measured on only. scenes: labelled RGB-D scenes (mOSD), measured on only.
    """

    objects: Path
    furniture: Path
    text: Path
    modelnet10: Path | None = None
    meshes: Path | None = None
    posed_meshes: Path | None = None
    scenes: Path | None = None
    research: bool = False

    @property
    def sources(self) -> list[Source]:
        """Data sets laid out CLASS/FILE that were given."""
        folders = (
            (self.modelnet10, Source("ModelNet10", Path(), "z", samplings=1)),
            (self.meshes, Source("meshes", Path(), "y", samplings=1)),
            (self.posed_meshes, Source("posed meshes", Path(), "y", samplings=1, any_pose=True, weight=0.5)),
        )
        return [replace(source, root=root) for root, source in folders if root is not None]


def training_config(seed: int, steps: int | None) -> AlignConfig:
    """How both are trained."""
    config = AlignConfig(steps=8000, warmup=400, ema=0.999, validate_every=2000, seed=seed)
    return config if steps is None else replace(config, steps=steps, warmup=min(config.warmup, steps))


def make_real_model(
    data: RealData,
    out: Path,
    engine: Path,
    card: Path | None,
    training: AlignConfig,
    drawing: ScanBatchConfig,
    device: torch.device,
    shapes_per_label: int = SHAPES_PER_LABEL,
) -> None:
    """Reads, splits, trains, measures on clouds it never saw, fits the rejection, exports, fills the card.

    out: work folder; with it in place an interrupted run goes on. Raises C2PError.
    """
    out.mkdir(parents=True, exist_ok=True)
    trained, apart = data_parts(data, out, training.seed, shapes_per_label)
    labels = _labels(data, trained)
    batches = ScanBatches(put_together(trained, labels.names), drawing)
    clouds = validation_clouds(
        apart, sorted({name for part in apart for name in part.names}), drawing.spec, training.seed
    )
    objects = f"{len(batches.clouds.points)} objects of {len(labels)} labels"
    progress.say(f"{objects} to learn from, {len(clouds.first)} clouds apart")
    results: Results = {}

    def validate(encoder: ConvEncoder) -> dict[str, float]:
        nonlocal results
        model = CLIP2Point(encoder, None, ZeroShot())
        every = np.arange(len(clouds.first))
        scores = cloud_scores(model, clouds, every, labels, drawing.spec, batches.views)
        results = judge_real(scores, clouds, labels)
        return top1(results)

    encoder, scale, accuracy = align(batches, labels, training, out / "run.pt", validate, device)
    about = {"config": {"training": asdict(training), "batches": asdict(drawing)}, "validation": accuracy}
    model = CLIP2Point(encoder, None, ZeroShot()).eval()
    checkpoint = Checkpoint(model, batches.views, drawing.spec, labels, scale, about)
    encode = checkpoint_encoder(checkpoint, out / "features", device)
    groups = validation_groups(clouds, data.objects, labels, drawing.spec, training.seed)
    rejection = fit_groups(groups, labels, scale, encode, out, training.seed)
    checkpoint = replace(checkpoint, rejection=rejection, size_limits=known_limits(labels.names))
    publish(checkpoint, figures_table(results), clouds, out, engine, card)


def make_split(data: RealData, out: Path, seed: int) -> tuple[Split, str]:
    """The split of the named objects and its report, which is written to `out`/split.md, too."""
    out.mkdir(parents=True, exist_ok=True)
    objects = named_objects(data.objects)
    stored = _dense(data, out, seed)
    split = split_objects(objects, stored["points"], stored["features"], seed)
    text = report(objects, split)
    write_atomic(out / "split.md", text.encode())
    return split, text


def _dense(data: RealData, out: Path, seed: int) -> dict[str, npt.NDArray[Any]]:
    """Dense clouds of the named objects, and features that tell twins, kept in `out`/objects.npz."""
    objects = named_objects(data.objects)
    key = repr((seed, sha256_of(data.objects / "objects.npz"), sha256_of(data.furniture), objects))

    def make() -> dict[str, npt.NDArray[Any]]:
        points = dense_clouds(objects, data.objects, data.furniture, seed)
        return {"points": points, "features": _features(points)}

    return cached_arrays(out / "objects.npz", key, make)


def _features(points: npt.NDArray[np.float16]) -> FloatArray:
    """Unit features [N, D] of clouds by the bundled research model."""
    from c2p_runtime import Classifier

    rows = []
    with (
        Classifier("research", up="y", device="cpu") as model,
        progress.task("encoding objects", len(points)) as task,
    ):
        for start in range(0, len(points), 16):
            chunk = points[start : start + 16].astype(np.float32)
            rows += [prediction.features for prediction in model.batch(list(chunk))]
            task.advance(len(chunk))
    features = np.stack(rows)
    return np.asarray(features / np.linalg.norm(features, axis=1, keepdims=True), dtype=np.float32)


def data_parts(data: RealData, out: Path, seed: int, shapes_per_label: int) -> tuple[list[Part], list[Part]]:
    """What is learned from, and what is measured on."""
    objects = named_objects(data.objects)
    points = _dense(data, out, seed)["points"]
    split, _ = make_split(data, out, seed)

    def chosen(rows: npt.NDArray[np.int64]) -> tuple[str, ...]:
        return tuple(objects[row].label for row in rows)

    rows = split.of("training")
    enough = labels_with_enough(chosen(rows))
    rows = np.array([row for row in rows if objects[row].label in enough], dtype=np.int64)
    trained = [Part("open packs", 1.0, points[rows], chosen(rows))]
    key = repr((seed, shapes_per_label, RULES_VERSION))
    trained.append(stored_part(out / "shapes.npz", key, lambda: made_shapes(seed, shapes_per_label)))
    same, other = split.of("same packs"), split.of("other packs")
    scans = scanned_once([objects[row] for row in other], points[other], data.furniture, seed)
    apart = [
        Part("same packs", 1.0, points[same], chosen(same)),
        Part("other packs", 1.0, points[other], chosen(other)),
        Part("other packs, one side", 1.0, scans, chosen(other)),
    ]
    if data.scenes is not None:
        apart.append(scanned_objects(data.scenes))
    for source in data.sources:
        files = class_files(source)
        kept = set(validation_files(source, VAL_FRACTION, seed))
        for learned in (True, False):
            if data.research or not learned:
                mine = [path for path in files if (path not in kept) == learned]
                cache = out / f"{source.name} {'learned' if learned else 'apart'}.npz"
                key = fingerprint((source.up, seed, PREPARED_AS), mine)
                part = stored_part(cache, key, partial(of_files, source, mine, FOLDER_LABELS, seed))
                (trained if learned else apart).append(part)
    return trained, [part for part in apart if len(part.names)]


def labels_with_enough(names: Sequence[str]) -> frozenset[str]:
    """The labels that can be learned: of `LEAST_OBJECTS` named objects, or made by rule."""
    counts = Counter(names)
    return frozenset(name for name, count in counts.items() if count >= LEAST_OBJECTS or name in SHAPES)


def _labels(data: RealData, trained: list[Part]) -> LabelSet:
    """The labels of everything that is learned from."""
    names = tuple(sorted({name for part in trained for name in part.names}))
    return label_set(names, read_detic_features(data.text), RESEARCH_LABELS)
