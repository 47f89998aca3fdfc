"""Training an encoder so that its features match CLIP's text features.

For every object a few images are drawn (depth maps of a cloud, or pictures of a mesh) and
encoded; the features, and their mean, are compared with the text features of all labels, and
the right label must win (cross-entropy over cosine similarities times a learned scale).
Nothing is classified by a layer of the network itself, so labels stay exchangeable afterwards.

Every random choice of a step follows from (seed, step): a resumed run is the run that was
never interrupted.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from rich.console import Console
from torch import Tensor, nn

from c2p_deploy import LabelSet
from c2p_deploy.errors import CheckpointError
from c2p_deploy.files import atomic_path
from c2p_train.learn.run_report import RunReport, progress_on
from c2p_train.model.conv_encoder import ConvConfig, ConvEncoder
from c2p_train.model.torch_file import load_torch_file

_SAVE_EVERY = 50  # steps: the most that an interruption can lose, less than a minute


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
    bfloat16: bool = True  # autocast: twice as fast where the processor has it
    seed: int = 0


class Batches(Protocol):
    """Where training images come from."""

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Images float32 [B, v, C, S, S] in [0, 1] and label indices int64 [B] of a step."""

    def settings(self) -> Mapping[str, Any]:
        """Plain values that a run must not change on its way."""


@dataclass
class RunState:
    """What changes from step to step."""

    encoder: ConvEncoder
    average: ConvEncoder  # exponential moving average of the encoder
    log_scale: nn.Parameter  # log of the factor on cosine similarities
    optimizer: torch.optim.Optimizer
    step: int = 0
    loss: float = math.nan  # running mean, for the eye


def new_run(config: AlignConfig, device: torch.device, start: ConvEncoder | None = None) -> RunState:
    """A run at step 0; its weights are a copy of those of `start`, or follow from the seed."""
    torch.manual_seed(config.seed)
    encoder = ConvEncoder(config.encoder)
    if start is not None:
        encoder.load_state_dict(start.state_dict())
    encoder = encoder.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07), device=device))
    decayed = [p for p in encoder.parameters() if p.ndim > 1]
    plain = [p for p in encoder.parameters() if p.ndim <= 1] + [log_scale]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=config.learning_rate,
    )
    return RunState(encoder, copy.deepcopy(encoder).requires_grad_(False), log_scale, optimizer)


def align(
    batches: Batches,
    labels: LabelSet,
    config: AlignConfig,
    run_file: Path,
    console: Console,
    validate: Callable[[ConvEncoder], Mapping[str, float]],
    device: torch.device,
    start: ConvEncoder | None = None,
) -> tuple[ConvEncoder, float, Mapping[str, float]]:
    """Trains, or goes on when `run_file` holds an unfinished run: encoder, logit scale, last accuracies.

    labels: what the label indices of the batches mean; validate: accuracies in [0, 1] of an
    encoder, by name, printed now and then and at the end; start: an encoder of the same description to train
    further, or None for a new one.
    """
    run = new_run(config, device, start)
    settings = {"training": asdict(config), "batches": dict(batches.settings())}
    if run_file.exists():
        restore(run, run_file, settings)
        console.print(f"resuming {run_file} at step {run.step}")
    text = torch.from_numpy(labels.text_features.copy()).to(device)

    def measured() -> Mapping[str, float]:
        found = validate(run.average)
        figures = ", ".join(f"{name} {100 * value:.1f} %" for name, value in found.items())
        console.print(f"step {run.step}: loss {run.loss:.3f}; validation top-1: {figures}")
        return found

    with RunReport() as report, progress_on(console) as progress:
        task = progress.add_task("training", total=config.steps, completed=run.step)
        while run.step < config.steps:
            train_step(run, batches.batch(run.step), text, config)
            report.steps += 1
            progress.update(task, completed=run.step, description=f"training, loss {run.loss:.3f}")
            if run.step % _SAVE_EVERY == 0 or run.step == config.steps:
                store(run, run_file, settings)
            if run.step % config.validate_every == 0 and run.step < config.steps:
                measured()
        accuracy = measured()
    return run.average.cpu().eval(), float(run.log_scale.detach().exp()), accuracy


def train_step(run: RunState, batch: tuple[Tensor, Tensor], text: Tensor, config: AlignConfig) -> None:
    """One update of the weights and of their average. batch: images [B, v, C, S, S], label index [B]."""
    images, target = (tensor.to(text.device) for tensor in batch)
    b, v, c, s, _ = images.shape
    torch.manual_seed(config.seed * 1_000_003 + run.step)  # dropout
    for group in run.optimizer.param_groups:
        group["lr"] = learning_rate(run.step, config)
    run.encoder.train()
    with torch.autocast(text.device.type, torch.bfloat16, enabled=config.bfloat16):
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


def learning_rate(step: int, config: AlignConfig) -> float:
    """Linear warm-up, then a cosine from the full rate to 1 % of it."""
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


def store(run: RunState, path: Path, settings: Mapping[str, Any]) -> None:
    """Writes the whole state of a run, under a temporary name first."""
    values = {
        "settings": dict(settings),
        "encoder": run.encoder.state_dict(),
        "average": run.average.state_dict(),
        "log_scale": run.log_scale.detach(),
        "optimizer": run.optimizer.state_dict(),
        "step": run.step,
        "loss": run.loss,
    }
    with atomic_path(path) as temporary:
        torch.save(values, temporary)


def restore(run: RunState, path: Path, settings: Mapping[str, Any]) -> None:
    """Puts a run back to where `store` left it. Raises CheckpointError if it had other settings."""
    values = load_torch_file(path)
    if values.get("settings") != dict(settings):
        raise CheckpointError(
            f"{path}: an unfinished run with other settings; finish it with those or choose another --out"
        )
    run.encoder.load_state_dict(values["encoder"])
    run.average.load_state_dict(values["average"])
    with torch.no_grad():
        run.log_scale.copy_(values["log_scale"])
    run.optimizer.load_state_dict(values["optimizer"])
    run.step, run.loss = values["step"], values["loss"]
