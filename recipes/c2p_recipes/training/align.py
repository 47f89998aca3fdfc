"""Training an encoder so that its features match CLIP's text features.

For every object a few images are drawn (depth maps of a cloud, or pictures of a mesh) and
encoded; the features, and their mean, are compared with the text features of all labels, and
the right label must win (cross-entropy over cosine similarities times a learned scale).
Nothing is classified by a layer of the network itself, so labels stay exchangeable afterwards.

Every random choice of a step follows from (seed, step): a resumed run is the run that was
never interrupted (`c2p_train.learn.run`).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from c2p_deploy import LabelSet, progress
from c2p_train.evaluate.features import array_digest
from c2p_train.learn.optimizers import new_adamw
from c2p_train.learn.run import Run, RunFile, begin_step, run_steps
from c2p_train.learn.run_report import RunReport
from c2p_train.learn.schedule import Schedule, cosine
from c2p_train.model.conv_encoder import ConvConfig, ConvEncoder
from c2p_train.model.device import has_bfloat16
from c2p_train.model.encoders import weights_digest


@dataclass(frozen=True)
class AlignConfig:
    """Settings of the training itself; what a batch holds is the batches' own business."""

    encoder: ConvConfig = field(default_factory=ConvConfig)
    steps: int = 4000
    warmup: int = 250  # steps
    learning_rate: float = 2e-3  # AdamW, cosine decay to 1 %
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    view_loss: float = 0.5  # weight of the loss of single views beside that of their mean
    ema: float = 0.998  # of the weights that are evaluated and kept
    validate_every: int = 500  # steps
    bfloat16: bool = True  # autocast, where the processor has it: twice as fast there
    seed: int = 0


class Batches(Protocol):
    """Where training images come from."""

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Images float32 [B, v, C, S, S] in [0, 1] and label indices int64 [B] of a step."""

    def settings(self) -> Mapping[str, Any]:
        """Plain values that a run must not change on its way."""


@dataclass
class AlignRun(Run):
    """What changes from step to step."""

    encoder: ConvEncoder
    average: ConvEncoder  # exponential moving average of the encoder
    log_scale: nn.Parameter  # log of the factor on cosine similarities
    loss: float = math.nan  # running mean, for the eye


def new_run(config: AlignConfig, device: torch.device, start: ConvEncoder | None = None) -> AlignRun:
    """A run at step 0; its weights are a copy of those of `start`, or follow from the seed."""
    torch.manual_seed(config.seed)
    encoder = ConvEncoder(config.encoder)
    if start is not None:
        encoder.load_state_dict(start.state_dict())
    encoder = encoder.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07), device=device))
    optimizer = new_adamw([*encoder.parameters(), log_scale], config.weight_decay)
    return AlignRun(optimizer, encoder, copy.deepcopy(encoder).requires_grad_(False), log_scale)


def align(
    batches: Batches,
    labels: LabelSet,
    config: AlignConfig,
    run_file: Path,
    validate: Callable[[ConvEncoder], Mapping[str, float]],
    device: torch.device,
    start: ConvEncoder | None = None,
) -> tuple[ConvEncoder, float, Mapping[str, float]]:
    """Trains, or goes on when `run_file` holds an unfinished run: encoder, logit scale, last accuracies.

    labels: what the label indices of the batches mean; validate: accuracies in [0, 1] of an
    encoder, by name, asked for now and then and at the end; start: an encoder of the same description to
    train further, or None for a new one. Raises KeyboardInterrupt when it is asked to stop, and
    CheckpointError when `run_file` holds another run.
    """
    run = new_run(config, device, start)
    file = RunFile(run_file, settings_of(batches, labels, config, run.encoder))
    file.resume(run)
    text = torch.from_numpy(labels.text_features.copy()).to(device)

    def measured() -> Mapping[str, float]:
        found = validate(run.average)
        figures = ", ".join(f"{name} {100 * value:.1f} %" for name, value in found.items())
        progress.say(f"step {run.step}: loss {run.loss:.3f}; validation top-1: {figures}")
        return found

    def now_and_then() -> None:
        if run.step % config.validate_every == 0 and run.step < config.steps:
            measured()

    with RunReport() as report, ThreadPoolExecutor(1, thread_name_prefix="c2p-batch") as ahead:
        drawn: dict[int, Future[tuple[Tensor, Tensor]]] = {}  # the next batch, while this one is learned from

        def batch() -> tuple[Tensor, Tensor]:
            for step in range(run.step, min(run.step + 2, config.steps)):
                if step not in drawn:
                    drawn[step] = ahead.submit(batches.batch, step)
            return drawn.pop(run.step).result()

        def make_step(rate: float) -> float:
            train_step(run, batch(), text, config, rate)
            report.steps += 1
            return run.loss

        run_steps(run, schedule_of(config), make_step, "training", file, now_and_then)
        accuracy = measured()
    return run.average.cpu().eval(), float(run.log_scale.detach().exp()), accuracy


def settings_of(
    batches: Batches, labels: LabelSet, config: AlignConfig, encoder: ConvEncoder
) -> dict[str, Any]:
    """Everything the trained weights depend on; encoder: where they start."""
    return {
        "training": asdict(config),
        "batches": dict(batches.settings()),
        "text features": array_digest(labels.text_features),
        "start of the encoder": weights_digest(encoder),
    }


def schedule_of(config: AlignConfig) -> Schedule:
    """Warms up, then follows a cosine to 1 % of the full rate."""
    return cosine(config.learning_rate, config.steps, warmup=config.warmup, floor=0.01)


def train_step(
    run: AlignRun, batch: tuple[Tensor, Tensor], text: Tensor, config: AlignConfig, rate: float
) -> None:
    """One update of the weights and of their average. batch: images [B, v, C, S, S], label index [B]."""
    images, target = (tensor.to(text.device) for tensor in batch)
    b, v, c, s, _ = images.shape
    begin_step(run, rate, config.seed)
    run.encoder.train()
    narrow = config.bfloat16 and has_bfloat16(text.device)
    with torch.autocast(text.device.type, torch.bfloat16, enabled=narrow):
        features = run.encoder(images.reshape(b * v, c, s, s))
    views = F.normalize(features.float(), dim=-1).reshape(b, v, -1)  # [B, v, D]
    scale = run.log_scale.exp()
    cloud_logits = scale * views.mean(dim=1) @ text.T  # [B, C]
    view_logits = scale * views @ text.T  # [B, v, C]
    loss = F.cross_entropy(cloud_logits, target, label_smoothing=config.label_smoothing)
    loss = loss + config.view_loss * F.cross_entropy(
        view_logits.flatten(0, 1),
        target.repeat_interleave(views.shape[1]),
        label_smoothing=config.label_smoothing,
    )
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(run.encoder.parameters(), 5.0)
    run.optimizer.step()
    with torch.no_grad():
        run.log_scale.clamp_(max=math.log(100.0))
        # Early on the average follows faster, else it would remember the random start.
        keep = min(config.ema, (run.step + 1) / (run.step + 10))
        for kept, new in zip(
            run.average.state_dict().values(), run.encoder.state_dict().values(), strict=True
        ):
            if kept.is_floating_point():
                kept.lerp_(new, 1 - keep)
            else:
                kept.copy_(new)
    run.loss = loss.item() if math.isnan(run.loss) else 0.98 * run.loss + 0.02 * loss.item()
    run.step += 1


def chances(group: npt.NDArray[np.int64], weight: npt.ArrayLike = 1.0) -> npt.NDArray[np.float64]:
    """Of each object to be drawn [N]: rare groups come up more often than their share, by a square root.

    group: int [N]; weight: of each object, or of all.
    """
    share = np.asarray(weight) / np.sqrt(np.bincount(group)[group])
    return np.asarray(share / share.sum())
