"""The recipes `default` and `research`: a depth encoder that knows real things, trained on scans of them.

Both train the same encoder in the same way, straight against CLIP's text features. `default` sees openly
licensed objects and shapes made by rule; ModelNet10 and the Princeton meshes, which are for research use,
measure it and no more. `research` learns from these, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from c2p_deploy import LabelSet, progress
from c2p_deploy.errors import C2PError
from c2p_recipes.data import VAL_FRACTION, Source, class_files, sources_of, validation_files
from c2p_recipes.packs.open_objects import open_objects
from c2p_recipes.packs.scanned import scanned_objects
from c2p_recipes.publish import figures_table, publish
from c2p_recipes.shapes.catalogue import SHAPES
from c2p_recipes.training.align import AlignConfig
from c2p_recipes.training.depth_encoder import train_encoder
from c2p_recipes.training.scan_batches import ScanBatchConfig, ScanBatches
from c2p_recipes.training_set import (
    SHAPES_PER_LABEL,
    Part,
    kept_files,
    kept_shapes,
    put_together,
    scanned_once,
    validation_clouds,
)
from c2p_recipes.validation.judge import Results, cloud_scores, judge_real
from c2p_recipes.validation.rejection import fit_groups, validation_groups
from c2p_recipes.vocabulary.size_limits import known_limits
from c2p_recipes.vocabulary.table import label_set
from c2p_train.evaluate.calibrate import checkpoint_encoder
from c2p_train.model.checkpoint import load_checkpoint
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.conv_encoder import ConvEncoder
from c2p_train.model.detic_features import read_detic_features

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
        return sources_of(self.modelnet10, self.meshes, self.posed_meshes)


def training_config(seed: int, steps: int | None, further: bool = False) -> AlignConfig:
    """How both are trained; further: from an encoder that has been through this before."""
    config = AlignConfig(steps=8000, warmup=400, ema=0.999, validate_every=2000, seed=seed)
    if further:
        config = replace(config, learning_rate=config.learning_rate / 2)
    return config if steps is None else replace(config, steps=steps, warmup=min(config.warmup, steps))


def encoder_of(path: Path) -> ConvEncoder:
    """The depth encoder of a model that one of these recipes made, to train it further. Raises C2PError."""
    encoder = load_checkpoint(path).model.depth_encoder
    if not isinstance(encoder, ConvEncoder):
        raise C2PError("has another kind of encoder", "give a model.pt that c2p-recipe wrote", path)
    return encoder


def make_real_model(
    data: RealData,
    out: Path,
    engine: Path,
    card: Path | None,
    training: AlignConfig,
    drawing: ScanBatchConfig,
    device: torch.device,
    shapes_per_label: int = SHAPES_PER_LABEL,
    start: ConvEncoder | None = None,
) -> None:
    """Reads, splits, trains, measures on clouds it never saw, fits the rejection, exports, fills the card.

    out: work folder; with it in place an interrupted run goes on. start: an encoder to train further, or None
    for a new one. Raises C2PError.
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

    def judged(model: CLIP2Point) -> Results:
        every = np.arange(len(clouds.first))
        scores = cloud_scores(model, clouds, every, labels, drawing.spec, batches.views)
        return judge_real(scores, clouds, labels)

    checkpoint, results = train_encoder(batches, labels, training, out / "run.pt", judged, device, start)
    encode = checkpoint_encoder(checkpoint, out / "features", device)
    groups = validation_groups(clouds, data.objects, labels, drawing.spec, training.seed)
    rejection = fit_groups(groups, labels, checkpoint.logit_scale, encode, out, training.seed)
    checkpoint = replace(checkpoint, rejection=rejection, size_limits=known_limits(labels.names))
    publish(checkpoint, figures_table(results), clouds, out, engine, card)


def data_parts(data: RealData, out: Path, seed: int, shapes_per_label: int) -> tuple[list[Part], list[Part]]:
    """What is learned from, and what is measured on."""
    found = open_objects(data.objects, data.furniture, out, seed)
    objects, points, split = found.objects, found.points, found.split

    def chosen(rows: npt.NDArray[np.int64]) -> tuple[str, ...]:
        return tuple(objects[row].label for row in rows)

    rows = split.of("training")
    enough = labels_with_enough(chosen(rows))
    rows = np.array([row for row in rows if objects[row].label in enough], dtype=np.int64)
    trained = [Part("open packs", 1.0, points[rows], chosen(rows))]
    trained.append(kept_shapes(out / "shapes.npz", seed, shapes_per_label))
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
                (trained if learned else apart).append(kept_files(cache, source, mine, seed))
    return trained, [part for part in apart if len(part.names)]


def labels_with_enough(names: Sequence[str]) -> frozenset[str]:
    """The labels that can be learned: of `LEAST_OBJECTS` named objects, or made by rule."""
    counts = Counter(names)
    return frozenset(name for name, count in counts.items() if count >= LEAST_OBJECTS or name in SHAPES)


def _labels(data: RealData, trained: list[Part]) -> LabelSet:
    """The labels of everything that is learned from."""
    names = tuple(sorted({name for part in trained for name in part.names}))
    return label_set(names, read_detic_features(data.text))
