"""Few-shot and full training of the dual-path heads on cached features of frozen encoders.

The paper's section 3.3: both encoders stay as they are, only the adapters learn, from K clouds
per class or from all. So the encoders run once per cloud (`c2p_train.evaluate.features`), and a step of
training is a few matrix products.

The loss is the cross-entropy of `logit_scale * features @ text_features.T`. The authors train
on the plain cosines, a scale of 1. For the accuracy any scale up to 20 is as good: CLIP's text
features lie so close together that the softmax stays far from certain, and AdamW does not see
the size of a gradient. Measured with the encoders of the recipe `mini` on validation clouds of
ModelNet10 (8 shots, three draws), a scale of 1 and a constant rate gave 85.3 ± 1.5 %, a scale of
20 and a falling rate 86.3 ± 0.8 %: no more than chance. But the scale is also the one that scores
are made with, and at 1 the best of ten labels gets about 15 % however right it is. Hence 20, and
`PAPER` for the authors' loss.

The authors measure on the test split after every epoch and report the best. Here nothing is
chosen on the test split: the head that counts is that of the last step, towards which the
learning rate falls to zero.

Every random choice of a step follows from (seed, step): a resumed run is the run that was
never interrupted (`c2p_train.learn.run`).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from c2p_deploy.errors import C2PError, OptionError
from c2p_deploy.projection.spec import FloatArray
from c2p_train.evaluate.features import ViewFeatures, array_digest
from c2p_train.evaluate.scoring import head_features, top1
from c2p_train.learn.run import Run, RunFile, begin_step, run_steps
from c2p_train.learn.schedule import Schedule, constant, cosine
from c2p_train.model.heads import DROPOUT, Head, build_head

_SMALLEST_BATCH = 3  # halves of it are still two clouds, without which BatchNorm has no variance


@dataclass(frozen=True)
class FewShotConfig:
    """All settings of one training; stored in its run file and in the checkpoint."""

    head: str = "gdpa"  # or "dpa"
    epochs: int = 100
    batch_size: int = 32  # clouds
    learning_rate: float = 1e-3  # AdamW
    weight_decay: float = 1e-4
    dropout: float = DROPOUT
    logit_scale: float = 20.0  # factor on the cosines, in the loss and later in the scores
    decay: bool = True  # of the learning rate, along a cosine to zero; else it is constant
    seed: int = 0

    def __post_init__(self) -> None:
        if self.head not in ("dpa", "gdpa"):
            raise OptionError(f"no head {self.head!r} that could be trained", "choose dpa or gdpa")
        if self.batch_size < _SMALLEST_BATCH:
            raise OptionError(
                f"batches of {self.batch_size} clouds are too small", f"use {_SMALLEST_BATCH} or more"
            )
        if self.epochs < 1:
            raise OptionError("training needs at least one epoch")


PAPER = FewShotConfig(logit_scale=1.0, decay=False)  # as far as it is known how the authors train


@dataclass
class HeadRun(Run):
    """What changes from step to step."""

    head: Head


def train_head(
    depth_features: FloatArray,
    image_features: FloatArray | None,
    label: npt.NDArray[np.int64],
    text_features: FloatArray,
    config: FewShotConfig,
    *,
    run_file: Path | None = None,
    device: torch.device | str = "cpu",
) -> Head:
    """A head trained on N clouds, in evaluation mode, on the CPU.

    depth_features, image_features: float32 [N, V, D], raw; label: int64 [N], rows of
    text_features: float32 [C, D], unit length. run_file: where the state is kept; if it holds
    an unfinished run of the same settings and data, that goes on. Raises C2PError for features of
    one encoder only, of another width than the text features, or of a single cloud; for a run file
    of another run; and when training diverges. Raises KeyboardInterrupt when it is asked to stop.
    """
    if image_features is None:
        raise C2PError(
            f"the head {config.head} learns from two encoders, and there are no image features",
            "take a model that has an image encoder",
        )
    if depth_features.shape != image_features.shape or depth_features.shape[2] != text_features.shape[1]:
        raise C2PError(
            f"features {depth_features.shape} and {image_features.shape} and text features "
            f"{text_features.shape} do not fit",
            "take encoders and labels of one CLIP",
        )
    if len(label) < 2:
        raise C2PError("training needs at least two clouds")
    run = _new_run(config, depth_features.shape[1], depth_features.shape[2], torch.device(device))
    data = (depth_features, image_features, label, text_features)
    file = None
    if run_file is not None:
        file = RunFile(run_file, {**asdict(config), "data": array_digest(*data)})
        file.resume(run)
    # Moved once: to a GPU a copy, on the CPU the arrays themselves.
    depth, image, target, text = (torch.from_numpy(np.require(a, requirements="W")).to(device) for a in data)

    def make_step(rate: float) -> None:  # no loss: to look at it would be to wait for the GPU
        begin_step(run, rate, config.seed)
        rows = torch.from_numpy(batch_rows(run.step, len(label), config)).to(device)
        train_step(run.head, run.optimizer, depth[rows], image[rows], target[rows], text, config.logit_scale)
        run.step += 1

    run.head.train()
    run_steps(run, schedule_of(config, len(label)), make_step, f"training {config.head}", file)
    return run.head.cpu().eval()


def new_optimizer(head: nn.Module, config: FewShotConfig) -> torch.optim.Optimizer:
    """AdamW for all weights of a head."""
    # Fused: millions of weights learn from few clouds, so the update is much of a step.
    return torch.optim.AdamW(
        head.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
    )


def train_step(
    head: nn.Module,
    optimizer: torch.optim.Optimizer,
    depth: Tensor,
    image: Tensor,
    label: Tensor,
    text: Tensor,
    logit_scale: float,
) -> Tensor:
    """One update from features [B, V, D] of both paths, label [B] and text features [C, D]: the loss."""
    logits = logit_scale * head(depth, image) @ text.T  # [B, C]
    loss = F.cross_entropy(logits, label)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.detach()


def steps_of(config: FewShotConfig, clouds: int) -> int:
    """How many steps the training takes on so many clouds."""
    return config.epochs * math.ceil(clouds / config.batch_size)


def batch_rows(step: int, clouds: int, config: FewShotConfig) -> npt.NDArray[np.int64]:
    """The clouds of a step: every epoch a new order, cut into batches of (almost) the same size.

    Almost, so that no cloud is left over alone: BatchNorm could not learn from it.
    """
    batches = math.ceil(clouds / config.batch_size)
    order = np.random.default_rng((config.seed, step // batches)).permutation(clouds)
    return np.array_split(order, batches)[step % batches]


def schedule_of(config: FewShotConfig, clouds: int) -> Schedule:
    """Constant, or half a cosine from the full rate to (one step short of) zero."""
    return (cosine if config.decay else constant)(config.learning_rate, steps_of(config, clouds))


def accuracy(
    head: Head, features: ViewFeatures, text_features: FloatArray, device: torch.device | str = "cpu"
) -> float:
    """Part of the clouds, in [0, 1], whose label is that of the nearest text feature."""
    per_view = [path for path in (features.depth, features.image) if path is not None]
    return top1(head_features(head, per_view, device), text_features, features.label)


def _new_run(config: FewShotConfig, num_views: int, dim: int, device: torch.device) -> HeadRun:
    """A run at step 0; its weights follow from the seed."""
    torch.manual_seed(config.seed)
    head = build_head(config.head, num_views, dim).to(device)
    for module in head.modules():
        if isinstance(module, nn.Dropout):
            module.p = config.dropout
    return HeadRun(new_optimizer(head, config), head)
