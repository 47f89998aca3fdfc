"""The paper's experiments: what it reports, and the same measured here with the authors' files.

Figures are overall accuracies in percent from the zero-shot table of CLIP2Point (Huang et al.,
ICCV 2023, arXiv 2210.01055). Those on ModelNet agree, as far as they are rounded there, with
the tables of later papers that quote them (66.6 and 49.4); for ScanObjectNN no second source
was found. The few-shot and fully-supervised tables could not be checked at all and are
therefore not repeated here; what is measured stands alone. PointCLIP's figures are those of the same
table; later papers report higher ones for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from c2p_deploy import LabelSet, ViewSet, progress
from c2p_deploy.errors import C2PError
from c2p_deploy.labels import PAPER_TEMPLATE
from c2p_train.datasets.benchmark_sets import MODELNET10_LABELS, MODELNET40, SCANOBJECTNN
from c2p_train.datasets.labelled_clouds import LabelledClouds, load_split
from c2p_train.datasets.shots import sample_shots
from c2p_train.evaluate.accuracy import evaluate
from c2p_train.evaluate.class_labels import labels_for
from c2p_train.evaluate.features import model_features
from c2p_train.learn.fewshot import PAPER, train_head
from c2p_train.model.checkpoint import Checkpoint
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.import_official import open_checkpoint
from c2p_train.model.text_encoder import label_set_from_clip

# Data set -> its classes as the authors write them in prompts: they left an underscore in one.
_PROMPTED = {
    "modelnet10": tuple(name.replace("night stand", "night_stand") for name in MODELNET10_LABELS),
    "modelnet40": MODELNET40,
    "scanobjectnn": SCANOBJECTNN,
}
_WHERE = {
    "modelnet10": "ModelNet10.zip of modelnet.cs.princeton.edu, as modelnet10/CLASS/test/*.off",
    "modelnet40": "ModelNet40_Ply (the authors' sampled test clouds, linked from the README of "
    "tyhuang0428/CLIP2Point), as modelnet40/LABEL_NAME.ply; or, with training clouds for the adapters, "
    "modelnet40_ply_hdf5_2048.zip of shapenet.cs.stanford.edu",
    "scanobjectnn": "h5_files.zip of hkust-vgd.github.io/scanobjectnn, as scanobjectnn/main_split/*.h5",
}
_WEIGHTS = {
    "pre-trained": "best_eval.pth, pre-trained, linked from the README of tyhuang0428/CLIP2Point",
    "few-shot": "best_test.pth, few-shot, linked from the README of tyhuang0428/CLIP2Point",
}


@dataclass(frozen=True)
class Experiment:
    """One figure of the paper. published, pointclip: percent, None where unknown (see above)."""

    setting: str
    weights: str  # a key of _WEIGHTS
    data: str  # a key of _PROMPTED
    view_set: str
    published: float | None
    pointclip: float | None  # what the same table reports for PointCLIP
    shots: int | Literal["full"] | None = None  # per class, where adapters are to be trained first


EXPERIMENTS = (
    Experiment("zero-shot", "pre-trained", "modelnet10", "clip2point-6", 66.63, 30.23),
    Experiment("zero-shot", "pre-trained", "modelnet40", "clip2point-6", 49.38, 20.18),
    Experiment("zero-shot", "pre-trained", "scanobjectnn", "clip2point-6", 35.46, 15.38),
    *(
        Experiment(f"few-shot, {k} shots", "pre-trained", "modelnet40", "clip2point-10", None, None, k)
        for k in (1, 2, 4, 8, 16)
    ),
    Experiment("few-shot, the authors' weights", "few-shot", "modelnet40", "clip2point-10", None, None),
    Experiment("fully supervised", "pre-trained", "modelnet40", "clip2point-10", None, None, "full"),
)


@dataclass(frozen=True)
class Outcome:
    """accuracy: percent over `clouds` clouds; or None, and then `missing` says what to get."""

    experiment: Experiment
    accuracy: float | None
    clouds: int
    missing: str


def reproduce(
    data_root: Path,
    weights: Path,
    labels: LabelSet | None,
    *,
    cache: Path,
    device: torch.device | str,
) -> Iterator[Outcome]:
    """Every experiment for which data and weights are there, prepared as the authors do.

    data_root: holds the data sets in folders whose names begin as the keys above; weights:
    folder of the authors' files (or checkpoints of ours), found out by their content; labels:
    text features of all classes; without them CLIP's text encoder makes them, from a CLIP file
    in `weights` or as open_clip fetches it.
    """
    kinds, clip = find_weights(weights)
    for experiment in EXPERIMENTS:
        checkpoint, data = kinds.get(experiment.weights), find_data(data_root, experiment.data)
        missing = [] if checkpoint else [f"{weights} lacks {_WEIGHTS[experiment.weights]}"]
        missing += [] if data else [f"{data_root} lacks {_WHERE[experiment.data]}"]
        if checkpoint is None or data is None:
            yield Outcome(experiment, None, 0, "; ".join(missing))
            continue
        try:
            clouds = load_split(data, "test", checkpoint.spec, preparation="paper", cache=cache)
            known = labels_for(checkpoint, clouds, labels or _prompted_labels(experiment.data, clip))
            if experiment.shots is not None:
                train = load_split(data, "train", checkpoint.spec, preparation="paper", cache=cache)
                checkpoint = with_trained_head(
                    checkpoint, train, known, experiment.shots, cache=cache, device=device
                )
            found = evaluate(
                checkpoint,
                clouds,
                known,
                views=ViewSet.named(experiment.view_set),
                cache=cache,
                device=device,
            )
        except C2PError as error:
            yield Outcome(experiment, None, 0, str(error))
        else:
            yield Outcome(experiment, 100 * found.metrics.accuracy, len(clouds), "")


def with_trained_head(
    checkpoint: Checkpoint,
    clouds: LabelledClouds,
    labels: LabelSet,
    shots: int | Literal["full"],
    *,
    cache: Path,
    device: torch.device | str,
) -> Checkpoint:
    """The checkpoint with adapters trained on so many clouds per class, in the authors' way.

    labels: those of `clouds.classes`, in their order. Raises C2PError for a checkpoint without
    an image encoder.
    """
    model, views, spec = checkpoint.model, checkpoint.views, checkpoint.spec
    features = model_features(model, clouds, views, spec, cache, device=device)
    chosen = features.take(sample_shots(features.label, None if shots == "full" else shots, PAPER.seed))
    head = train_head(
        chosen.depth,
        chosen.image,
        chosen.label,
        labels.text_features,
        PAPER,
        device=device,
    )
    return replace(checkpoint, model=CLIP2Point(model.depth_encoder, model.image_encoder, head).eval())


def find_data(root: Path, name: str) -> Path | None:
    """The folder of a data set: the one of that name, or else the first whose name begins so."""
    found = [
        p for p in sorted(root.iterdir()) if p.is_dir() and p.name.lower().replace("_", "").startswith(name)
    ]
    return min(found, key=lambda p: p.name.lower() != name, default=None)


def find_weights(folder: Path) -> tuple[dict[str, Checkpoint], Path | None]:
    """Checkpoints by what they are good for, and the file of CLIP itself, if it is there.

    What each file is found to be is told to `c2p_deploy.progress`.
    """
    kinds: dict[str, Checkpoint] = {}
    clip = None
    for path in sorted(p for p in folder.iterdir() if p.suffix in (".pt", ".pth")):
        try:
            checkpoint = open_checkpoint(path)
        except C2PError as error:
            progress.say(f"left out {error}")
            continue
        kind = "pre-trained" if checkpoint.head == "zeroshot" else "few-shot"
        if _is_plain_clip(checkpoint):
            clip, kind = path, "CLIP"
        elif kind not in kinds:
            kinds[kind] = replace(checkpoint, model=checkpoint.model.eval())
        else:
            kind = f"another {kind} checkpoint, not used"
        progress.say(f"{path.name}: {kind}")
    return kinds, clip


def _is_plain_clip(checkpoint: Checkpoint) -> bool:
    """Whether the depth encoder is the image encoder, untouched."""
    image = checkpoint.model.image_encoder
    if image is None:
        return False
    depth = checkpoint.model.depth_encoder.state_dict()
    return all(torch.equal(value, depth[name]) for name, value in image.state_dict().items())


def _prompted_labels(data: str, clip: Path | None) -> LabelSet:
    """Text features of a data set's classes with the authors' prompt. Raises C2PError."""
    if clip is None:
        return label_set_from_clip(_PROMPTED[data], (PAPER_TEMPLATE,))
    return label_set_from_clip(_PROMPTED[data], (PAPER_TEMPLATE,), None, str(clip))
