"""Training an image encoder on rendered pictures: how a small one gets to know CLIP's space.

Pictures are changed as photographs of a thing vary: mirrored, nearer or farther, off centre,
a little tilted, lighter or darker. The white of the background stays white.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from c2p_deploy import DepthSpec, LabelSet
from c2p_recipes.training.align import AlignConfig, align, chances
from c2p_train.evaluate.scoring import top1
from c2p_train.model.checkpoint import Checkpoint
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.conv_encoder import ConvEncoder
from c2p_train.model.heads import ZeroShot
from c2p_train.pairs.pair_dataset import PairDataset


@dataclass(frozen=True)
class PictureBatchConfig:
    """What a batch holds, and how strongly its pictures are changed."""

    views_per_object: int = 3  # drawn of the rendered views at each step
    batch_size: int = 48  # objects
    zoom: float = 0.25  # largest |log| of the size
    shift: float = 0.1  # of the half width
    tilt: float = 10.0  # degrees, standard deviation, in the picture plane
    shade: float = 0.5  # largest |log| of the factor on darkness
    seed: int = 0


class PictureBatches:
    """Pictures of all objects of some data sets; every class comes up by the square root of its size."""

    def __init__(
        self, pairs: Sequence[PairDataset], label_of: Mapping[str, int], config: PictureBatchConfig
    ) -> None:
        """label_of: label index of each class folder of the data sets."""
        self.config = config
        self.objects = [(data, row) for data in pairs for row in range(len(data))]
        self.label = np.array([label_of[data.classes[data.label(row)]] for data, row in self.objects])
        self.probability = chances(self.label)
        self._digests = [data.digest for data in pairs]

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Pictures float32 [B, v, 3, S, S] in [0, 1] and label indices int64 [B] of a step."""
        config = self.config
        rng = np.random.default_rng((config.seed, step))
        chosen = rng.choice(len(self.objects), config.batch_size, p=self.probability)
        pictures = []
        for index in chosen:
            data, row = self.objects[index]
            drawn = rng.choice(len(data.views), config.views_per_object, replace=False)
            pictures += [data.image(row, int(view)) for view in drawn]
        changed = change(np.stack(pictures), rng, config)
        return (
            changed.reshape(config.batch_size, config.views_per_object, *changed.shape[1:]),
            torch.from_numpy(self.label[chosen]),
        )

    def settings(self) -> Mapping[str, Any]:
        """Plain values that a run must not change on its way; the data by its digests."""
        return {**asdict(self.config), "data": self._digests}


def change(pictures: npt.NDArray[np.uint8], rng: np.random.Generator, config: PictureBatchConfig) -> Tensor:
    """Randomly changed pictures float32 [N, 3, S, S] in [0, 1], of pictures uint8 [N, S, S, 3]."""
    n = len(pictures)
    angle = np.deg2rad(rng.normal(0, config.tilt, n))
    scale = np.exp(rng.uniform(-config.zoom, config.zoom, n))
    mirror = rng.choice((-1.0, 1.0), n)
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    shift = rng.uniform(-config.shift, config.shift, (2, n))
    # Rows of the matrix that says where each pixel of the result comes from.
    matrix = np.array([[c * mirror, -s, shift[0]], [s * mirror, c, shift[1]]]).transpose(2, 0, 1)
    # Inverted, so that what comes from outside the frame (zero) is white like the background.
    dark = 1 - torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    grid = F.affine_grid(torch.from_numpy(matrix).float(), list(dark.shape), align_corners=False)
    dark = F.grid_sample(dark, grid, align_corners=False)
    factor = np.exp(rng.uniform(-config.shade, config.shade, n)).astype(np.float32)
    return 1 - (dark * torch.from_numpy(factor).view(n, 1, 1, 1)).clamp(max=1)


def train_on_pictures(
    pairs: PairDataset,
    validation_pairs: PairDataset,
    labels: LabelSet,
    training: AlignConfig,
    spec: DepthSpec,
    run_file: Path,
    device: torch.device,
) -> Checkpoint:
    """The stand-in for CLIP's image encoder, as a checkpoint whose both paths are this encoder.

    spec: of the depth maps that the checkpoint will be given.
    """
    label_of = {name: labels.names.index(name) for name in pairs.classes}
    batches = PictureBatches([pairs], label_of, PictureBatchConfig(seed=training.seed))

    def validate(encoder: ConvEncoder) -> dict[str, float]:
        return {"validation pictures": picture_accuracy(encoder, validation_pairs, labels, device)}

    encoder, scale, figures = align(batches, labels, training, run_file, validate, device)
    model = CLIP2Point(encoder, copy.deepcopy(encoder), ZeroShot()).eval()
    about = {"config": asdict(training), "validation": figures}
    return Checkpoint(model, pairs.views, spec, labels, scale, about)


def picture_accuracy(
    encoder: ConvEncoder, pairs: PairDataset, labels: LabelSet, device: torch.device
) -> float:
    """Part of the objects whose ten pictures together are nearest to the right text feature."""
    encoder.to(device).eval()
    features = []
    with torch.inference_mode():
        for row in range(len(pairs)):
            pictures = np.stack([pairs.image(row, view) for view in range(len(pairs.views))])
            images = torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).float() / 255
            features.append(ZeroShot()(encoder(images)[None])[0].cpu().numpy())
    label = np.array([labels.names.index(pairs.classes[pairs.label(row)]) for row in range(len(pairs))])
    return top1(np.stack(features), labels.text_features, label)
