"""Training a depth encoder so that its features match CLIP's text features.

For every cloud a few views are drawn and encoded; the features, and their mean, are
compared with the text features of all labels, and the right label must win (cross-entropy
over cosine similarities times a learned scale). Nothing is classified by a layer of the
network itself, so labels stay exchangeable afterwards.

Every random choice of a step follows from (seed, step): a resumed run is the run that was
never interrupted.
"""

from __future__ import annotations

import copy
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from c2p_deploy import DepthSpec, LabelSet, ViewSet
from c2p_deploy.files import atomic_path
from c2p_runtime import project_depth
from c2p_train.augment import Augmentation, augment
from c2p_train.checkpoint import Checkpoint, CheckpointError, load_torch_file
from c2p_train.dataset import Clouds, Source
from c2p_train.encoder import DepthEncoder, EncoderConfig, view_features
from c2p_train.evaluate import Results, held_out_results, top1

_SAVE_EVERY = 50  # steps: the most that an interruption can lose, less than a minute


@dataclass(frozen=True)
class AlignConfig:
    """All settings of a run; stored in the checkpoint."""

    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    augmentation: Augmentation = field(default_factory=Augmentation)
    spec: DepthSpec = field(default_factory=lambda: DepthSpec(image_size=112, point_radius=0.03))
    view_set: str = "clip2point-10"
    views_per_cloud: int = 3  # drawn of the set at each step; all of them in evaluation
    batch_size: int = 64  # clouds
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


@dataclass
class RunState:
    """What changes from step to step."""

    encoder: DepthEncoder
    average: DepthEncoder  # exponential moving average of the encoder
    log_scale: nn.Parameter  # log of the factor on cosine similarities
    optimizer: torch.optim.Optimizer
    step: int = 0
    loss: float = math.nan  # running mean, for the eye


def new_run(config: AlignConfig) -> RunState:
    """A run at step 0; its weights follow from the seed."""
    torch.manual_seed(config.seed)
    encoder = DepthEncoder(config.encoder).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
    decayed = [p for p in encoder.parameters() if p.ndim > 1]
    plain = [p for p in encoder.parameters() if p.ndim <= 1] + [log_scale]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=config.learning_rate,
    )
    return RunState(encoder, copy.deepcopy(encoder).requires_grad_(False), log_scale, optimizer)


def align(
    clouds: Clouds,
    sources: list[Source],
    labels: LabelSet,
    offered: LabelSet,
    config: AlignConfig,
    run_file: Path,
    console: Console,
) -> Checkpoint:
    """Trains (or goes on training, when `run_file` holds an unfinished run) and returns the result.

    labels: those of `clouds`, with text features; offered: the ones the checkpoint is given.
    """
    run = new_run(config)
    if run_file.exists():
        restore(run, run_file, config)
        console.print(f"resuming {run_file} at step {run.step}")
    sampler = Sampler(clouds, sources, config)
    text = torch.from_numpy(labels.text_features.copy())

    def validate() -> Results:
        results = held_out_results(run.average, clouds, labels, offered, config.spec, sampler.views)
        figures = ", ".join(f"{name} {100 * value:.1f} %" for name, value in top1(results).items())
        console.print(f"step {run.step}: loss {run.loss:.3f}; validation top-1: {figures}")
        return results

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("training", total=config.steps, completed=run.step)
        while run.step < config.steps:
            train_step(run, sampler.batch(run.step), text, config)
            progress.update(task, completed=run.step, description=f"training, loss {run.loss:.3f}")
            if run.step % _SAVE_EVERY == 0 or run.step == config.steps:
                store(run, run_file, config)
            if run.step % config.validate_every == 0 and run.step < config.steps:
                validate()
    results = validate()
    return Checkpoint(
        encoder=run.average.eval(),
        views=sampler.views,
        spec=config.spec,
        labels=offered,
        logit_scale=float(run.log_scale.detach().exp()),
        training={"config": asdict(config), "validation": top1(results), "results": results},
    )


def train_step(run: RunState, batch: tuple[Tensor, Tensor], text: Tensor, config: AlignConfig) -> None:
    """One update of the weights and of their average. batch: depth [B, v, S, S], label index [B]."""
    depth, target = batch
    torch.manual_seed(config.seed * 1_000_003 + run.step)  # dropout
    for group in run.optimizer.param_groups:
        group["lr"] = learning_rate(run.step, config)
    run.encoder.train()
    with torch.autocast("cpu", torch.bfloat16, enabled=config.bfloat16):
        views = view_features(run.encoder, depth)  # [B, v, D]
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


class Sampler:
    """Draws the training batch of a given step."""

    def __init__(self, clouds: Clouds, sources: list[Source], config: AlignConfig) -> None:
        self.clouds, self.sources, self.config = clouds, sources, config
        self.views = ViewSet.named(config.view_set)
        self.training = np.flatnonzero(~clouds.held_out)
        self.probability = self._probabilities()

    def _probabilities(self) -> npt.NDArray[np.float64]:
        """Of each training cloud: rare classes come up more often than their share, by a square root."""
        clouds = self.clouds
        group = clouds.source[self.training] * len(clouds.labels) + clouds.label[self.training]
        size = np.bincount(group)[group]
        weight = np.array([source.weight for source in self.sources])[clouds.source[self.training]]
        share = weight / np.sqrt(size)
        return np.asarray(share / share.sum())

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Depth maps float32 [B, v, S, S] and label indices int64 [B] of a step."""
        config, clouds = self.config, self.clouds
        rng = np.random.default_rng((config.seed, step))
        chosen = rng.choice(self.training, config.batch_size, p=self.probability)
        size = config.spec.image_size
        depth = np.empty((len(chosen), config.views_per_cloud, size, size), dtype=np.float32)
        for row, index in enumerate(chosen):
            source = self.sources[clouds.source[index]]
            points = clouds.points[clouds.first[index] + rng.integers(clouds.count[index])]
            changed = augment(
                points, rng, config.augmentation, any_pose=source.any_pose, may_tip=source.samplings > 1
            )
            drawn = rng.choice(len(self.views), config.views_per_cloud, replace=False)
            views = ViewSet(self.views.name, self.views.rotations[drawn], self.views.distances[drawn])
            project_depth(changed, views, config.spec, "y", out=depth[row])
        return torch.from_numpy(depth), torch.from_numpy(clouds.label[chosen])


def store(run: RunState, path: Path, config: AlignConfig) -> None:
    """Writes the whole state of a run, under a temporary name first."""
    values = {
        "config": asdict(config),
        "encoder": run.encoder.state_dict(),
        "average": run.average.state_dict(),
        "log_scale": run.log_scale.detach(),
        "optimizer": run.optimizer.state_dict(),
        "step": run.step,
        "loss": run.loss,
    }
    with atomic_path(path) as temporary:
        torch.save(values, temporary)


def restore(run: RunState, path: Path, config: AlignConfig) -> None:
    """Puts a run back to where `store` left it. Raises CheckpointError if it had other settings."""
    values = load_torch_file(path)
    if values.get("config") != asdict(config):
        raise CheckpointError(
            f"{path}: an unfinished run with other settings; finish it with those or choose another --out"
        )
    run.encoder.load_state_dict(values["encoder"])
    run.average.load_state_dict(values["average"])
    with torch.no_grad():
        run.log_scale.copy_(values["log_scale"])
    run.optimizer.load_state_dict(values["optimizer"])
    run.step, run.loss = values["step"], values["loss"]
