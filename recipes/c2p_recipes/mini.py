"""The recipe `mini`: the whole method of CLIP2Point, small, from meshes and clouds to an engine.

What the paper does with ShapeNet, CLIP and eight GPUs is done here with two thousand meshes and
a stand-in for CLIP's image encoder: a small convolutional network, trained on rendered pictures
so that its features match CLIP's *text* features of what they show. From there on everything is
the method itself: a depth encoder is pre-trained against this image encoder on image-depth pairs
(no labels), and Gated Dual-Path Adapters are trained on both, few-shot and with all clouds. At
last the depth encoder alone is trained further on the labelled clouds of all sources, end to end:
the engine, because one path takes half the time of two.

Every step keeps its result in the work folder and is skipped, or gone on with, when the command
is repeated. Every figure is measured on objects that no step has seen; up to the adapters no
cloud and no label of ModelNet10 takes part in training.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from c2p_deploy import DepthSpec, LabelSet, ViewSet, progress
from c2p_deploy.files import write_atomic
from c2p_recipes.clouds import Clouds, recipe_clouds
from c2p_recipes.data import FOLDER_LABELS, VAL_FRACTION, RecipeData, class_files, validation_files
from c2p_recipes.publish import figures_table, publish, steps_table
from c2p_recipes.training.align import AlignConfig
from c2p_recipes.training.cloud_batches import CloudBatchConfig, CloudBatches
from c2p_recipes.training.depth_encoder import train_encoder
from c2p_recipes.training.picture_encoder import train_on_pictures
from c2p_recipes.validation.judge import Results, top1, validation_results
from c2p_train.datasets.labelled_clouds import LabelledClouds
from c2p_train.evaluate.features import model_features
from c2p_train.learn.fewshot import FewShotConfig
from c2p_train.learn.pretrain import PretrainConfig, pretrain
from c2p_train.learn.run_report import RunReport
from c2p_train.learn.sweep import Learnt, ShotRun, few_shot_sweep
from c2p_train.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.conv_encoder import ConvConfig, ConvEncoder
from c2p_train.model.device import has_bfloat16
from c2p_train.model.heads import ZeroShot
from c2p_train.pairs.mesh_files import MeshFile
from c2p_train.pairs.pair_dataset import PairDataset
from c2p_train.pairs.render import render_pairs
from c2p_train.pairs.shards import RenderSettings


@dataclass(frozen=True)
class MiniConfig:
    """All settings of the recipe."""

    spec: DepthSpec = field(default_factory=lambda: DepthSpec(image_size=112, point_radius=0.03))
    view_set: str = "clip2point-10"
    encoder: ConvConfig = field(default_factory=lambda: ConvConfig(channels=3))
    image_steps: int = 2000  # of the image encoder, each of 48 objects x 3 pictures
    pretrain_epochs: int = 60  # over the pairs
    pretrain_rate: float = 1e-3  # high: this image encoder has never seen anything like a depth map
    shots: tuple[int, ...] = (1, 2, 4, 8, 16)
    repeats: int = 3  # draws of the shots
    head: str = "gdpa"
    adapter_epochs: int = 100  # few-shot and on all of ModelNet10
    tuning_steps: int = 1500  # of the depth encoder on all sources, each of 64 clouds x 3 views
    tuning_rate: float = 1e-3
    seed: int = 0


def make_mini_model(
    data: RecipeData,
    out: Path,
    engine: Path,
    card: Path | None,
    config: MiniConfig,
    device: torch.device,
    workers: int,
) -> None:
    """Runs the recipe, or goes on with it: `out`/model.pt, `engine` with manifest, `out`/steps.json.

    card: a model card whose figures are replaced. Raises C2PError.
    """
    out.mkdir(parents=True, exist_ok=True)
    views = ViewSet.named(config.view_set)

    progress.say("1. image-depth pairs")
    pairs, validation_pairs = render_meshes(data, out, config, workers)

    progress.say("2. an image encoder that stands in for CLIP's")
    mesh_labels = data.label_set(tuple(sorted({*pairs.classes, *validation_pairs.classes})))
    image_training = AlignConfig(encoder=config.encoder, steps=config.image_steps, seed=config.seed)
    image = train_on_pictures(
        pairs, validation_pairs, mesh_labels, image_training, config.spec, out / "image-run.pt", device
    )

    progress.say("3. image-depth pre-training")
    clouds = recipe_clouds(data, config.spec, out, config.seed)
    labels = data.label_set(clouds.labels)
    offered = data.offered(labels)
    before = CLIP2Point(image.model.depth_encoder, image.model.image_encoder, ZeroShot())

    def judged(model: CLIP2Point) -> Results:
        return validation_results(model, clouds, labels, offered, config.spec, views)

    def zero_shot(model: CLIP2Point) -> dict[str, float]:
        return top1(judged(model))

    settings = PretrainConfig(
        epochs=config.pretrain_epochs,
        learning_rate=config.pretrain_rate,
        point_radius=config.spec.point_radius,
        bfloat16=has_bfloat16(device),
        seed=config.seed,
    )
    pretrained = pretrain(
        [pairs],
        before.depth_encoder,
        settings,
        out / "pretrain",
        labels=labels,
        validate=zero_shot,
        device=device,
    )
    # What comes with the package, and what all that follows stands on.
    save_checkpoint(pretrained, out / "pretrained.pt", fp16=True)
    pretrained = load_checkpoint(out / "pretrained.pt")

    progress.say("4. adapters on ModelNet10: few-shot, then all clouds")
    steps = {
        "image encoder on depth maps": zero_shot(before),
        "after image-depth pre-training": zero_shot(pretrained.model),
    }
    few = few_shot(pretrained.model, clouds, labels, out, config, device)

    progress.say("5. the depth encoder on all labels, and the engine")
    assert isinstance(pretrained.model.depth_encoder, ConvEncoder)
    training = AlignConfig(
        encoder=config.encoder,
        steps=config.tuning_steps,
        warmup=100,
        learning_rate=config.tuning_rate,
        seed=config.seed,
    )
    drawing = CloudBatchConfig(spec=config.spec, view_set=config.view_set, seed=config.seed)
    checkpoint, results = train_encoder(
        CloudBatches(clouds, data.sources, drawing),
        labels,
        training,
        out / "tuning-run.pt",
        judged,
        device,
        start=pretrained.model.depth_encoder,
    )
    checkpoint = replace(checkpoint, labels=offered)
    report: dict[str, dict[str, Any]] = {
        "zero-shot": steps,
        "ModelNet10": few,
        "fine-tuned": top1(results),
    }
    write_atomic(out / "steps.json", json.dumps(report, indent=1).encode())
    for line in steps_table(report).splitlines():
        progress.say(line)
    table = steps_table(report) + "\n" + figures_table(results)
    publish(checkpoint, table, clouds, out, engine, card)


def render_meshes(
    data: RecipeData, out: Path, config: MiniConfig, workers: int
) -> tuple[PairDataset, PairDataset]:
    """Pairs of the meshes that are trained on, and of those for validation."""
    settings = RenderSettings(config.spec, config.view_set, samplings=4, up="y", seed=config.seed)
    training: list[MeshFile] = []
    validation: list[MeshFile] = []
    for source in data.sources[1:]:  # ModelNet10 comes as clouds, there is nothing to render
        never_trained_on = set(validation_files(source, VAL_FRACTION, config.seed))
        for path in class_files(source):
            key = f"{source.name.replace(' ', '_')}-{path.parent.name}/{path.stem}".replace(".", "_")
            file = MeshFile(path, FOLDER_LABELS[path.parent.name], key)
            (validation if path in never_trained_on else training).append(file)
    folders = out / "pairs", out / "pairs-validation"
    for folder, files in zip(folders, (training, validation), strict=True):
        with RunReport("mesh") as report:
            result = render_pairs(files, folder, settings, workers=workers)
            report.steps += result.rendered
    return PairDataset(folders[0]), PairDataset(folders[1])


def few_shot(
    model: CLIP2Point,
    clouds: Clouds,
    labels: LabelSet,
    out: Path,
    config: MiniConfig,
    device: torch.device,
) -> dict[str, list[float]]:
    """Top-1 on ModelNet10's validation clouds after 1, 2, ... shots (a figure per draw), and all clouds."""
    mine = clouds.source == clouds.sources.index("ModelNet10")
    subset = labels.subset([clouds.labels[i] for i in np.unique(clouds.label[mine])])
    spec, views = config.spec, ViewSet.named(config.view_set)
    settings = FewShotConfig(head=config.head, epochs=config.adapter_epochs)
    seeds = range(config.seed, config.seed + config.repeats)

    taught, judged = (
        labelled(clouds, np.flatnonzero(mine & side), "ModelNet10", subset)
        for side in (~clouds.validation, clouds.validation)
    )

    def save(made: Learnt, run: ShotRun, path: Path) -> None:
        whole = CLIP2Point(model.depth_encoder, model.image_encoder, made.head).eval()
        training = {**asdict(run), "config": asdict(settings), "data_digest": taught.digest}
        save_checkpoint(Checkpoint(whole, views, spec, subset, made.logit_scale, training), path)

    train, test = (
        model_features(model, side, views, spec, out / "features", device=device) for side in (taught, judged)
    )
    found: dict[str, list[float]] = {}
    few: tuple[list[int | None], range] = ([*config.shots], seeds)
    for shots, chosen in (few, ([None], seeds[:1])):
        sweep = few_shot_sweep(
            train, test, subset, shots, chosen, settings, out / "modelnet10", save, device=device
        )
        for run in sweep.runs:
            name = "all clouds" if run.shots is None else f"{run.shots} shot{'s' if run.shots > 1 else ''}"
            found.setdefault(name, []).append(run.accuracy)
    return found


def labelled(clouds: Clouds, rows: npt.NDArray[np.int64], name: str, labels: LabelSet) -> LabelledClouds:
    """The first sampling of these objects, their label an index into `labels`."""
    label = np.array([labels.names.index(clouds.labels[i]) for i in clouds.label[rows]])
    return LabelledClouds(name, clouds.points[clouds.first[rows]], label, labels.names)
