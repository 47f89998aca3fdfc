"""Image-depth contrastive pre-training: a depth encoder learns to agree with CLIP's image encoder.

CLIP2Point (arXiv 2210.01055, section 3.3). Of every pair - an object's points and its pictures
from all sides - one side is drawn. Two depth maps of it, from slightly different distances,
must agree with each other and their mean with the frozen image encoder's features of the
picture (`c2p_train.learn.losses`).

Every random choice follows from the seed, the step and the index in the batch. So a resumed run
is the run that was never interrupted (`c2p_train.learn.run`; a GPU's kernels may round anew), and
several processes (`c2p_train.learn.distributed`) train what one would, up to rounding, which bfloat16
makes visible, and to dropout in encoders that have it, which every process draws for itself.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from c2p_deploy import DepthSpec, LabelSet, ViewSet, progress
from c2p_deploy.errors import C2PError, OptionError
from c2p_train.datasets.labelled_clouds import LabelledClouds
from c2p_train.evaluate.features import view_features
from c2p_train.evaluate.scoring import head_features, top1
from c2p_train.learn.distributed import average_gradients, gather, rank, share_batch_norms
from c2p_train.learn.losses import PretrainLoss, pretrain_loss
from c2p_train.learn.optimizers import Lamb, new_adamw
from c2p_train.learn.pair_batches import Batch, PairBatches
from c2p_train.learn.run import Run, RunFile, begin_step, run_steps
from c2p_train.learn.run_report import RunReport
from c2p_train.learn.schedule import Schedule, cosine, restarting_cosine
from c2p_train.model.checkpoint import Checkpoint, save_checkpoint
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.encoders import Encoder, build_encoder, encode_views, weights_digest
from c2p_train.model.heads import ZeroShot
from c2p_train.pairs.pair_dataset import PairDataset

Validate = Callable[[CLIP2Point], dict[str, float]]

_HISTORY = 200  # rows of the history of losses
_ADAMW_FLOOR = 0.01  # share of the peak in which AdamW's cosine ends
_LAMB_FLOOR = 1e-5  # learning rate at the end of each of LAMB's cosines, which take two epochs
_WEIGHT_DECAY = 0.05  # of AdamW
_SMALLEST_W = 0.05  # the loss has a pole at w = 0, which no step may cross
_LOGIT_SCALE = 100.0  # CLIP's own: the encoder is made to give what CLIP's image encoder gives


@dataclass(frozen=True)
class PretrainConfig:
    """All settings of a run; stored in the checkpoint."""

    epochs: int = 30  # how often every pair is seen
    steps: int | None = None  # instead of epochs: updates of the weights
    batch_size: int = 64  # pairs that are contrasted with one another, over all processes
    accumulate: int = 1  # batches whose gradients make one step; pairs of different batches never meet
    optimizer: str = "adamw"  # warm-up, then one cosine; or "lamb", the paper's, with its restarts
    learning_rate: float | None = None  # the highest; None: see `schedule_of`
    warmup: float = 0.05  # share of the steps in which AdamW's rate rises
    image_size: int | None = None  # of the depth maps, pixels; None: that of the pictures
    point_radius: float = 0.02  # of a point's disc in the depth maps, the frame being 2 wide
    bfloat16: bool = True  # autocast of the encoders: faster on GPUs and on processors that have it
    validate_every: int = 500  # steps
    seed: int = 0


@dataclass
class PretrainRun(Run):
    """What changes from step to step."""

    encoder: Encoder
    w: nn.Parameter  # balances the two losses
    recent: list[list[float]] = field(default_factory=list)  # losses (total, image, depth) since the last row
    history: list[dict[str, float]] = field(default_factory=list)  # means of up to `_HISTORY` spans of steps


def pretrain(
    pairs: Sequence[PairDataset],
    image_encoder: Encoder,
    config: PretrainConfig,
    out: Path,
    *,
    depth_encoder: Encoder | None = None,
    labels: LabelSet | None = None,
    validate: Validate | None = None,
    device: torch.device | None = None,
) -> Checkpoint:
    """Trains, or goes on with the unfinished run in `out`; writes `out`/model.pt and returns it.

    depth_encoder: where to start from, the image encoder's weights if None (as the paper does);
    labels: passed on to the checkpoint; validate: figures by name, of the model in evaluation
    mode, asked for every `validate_every` steps and at the end, by the first process only.
    Ctrl-C and SIGTERM end the run after the step it is in, with its state stored; then
    KeyboardInterrupt is raised. Raises C2PError for settings that do not fit the data or the
    encoders, for an unfinished run with other settings, and when the loss is not finite.
    """
    device = device or torch.device("cpu")
    batches = PairBatches(pairs, depth_spec(pairs, config), config.batch_size, config.accumulate, config.seed)
    check_encoders(image_encoder, depth_encoder or image_encoder, batches)
    schedule = schedule_of(config, batches.steps_per_epoch, from_image_encoder=depth_encoder is None)
    image_encoder = image_encoder.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    run = new_run(depth_encoder or image_encoder, config, device)
    file = RunFile(out / "run.pt", settings_of(config, pairs, run.encoder, image_encoder))
    out.mkdir(parents=True, exist_ok=True)
    file.resume(run)
    share_batch_norms(run.encoder)
    model = CLIP2Point(run.encoder, image_encoder, ZeroShot())
    board = _Board(out / "tensorboard", run.step)
    span = math.ceil(schedule.steps / _HISTORY)  # steps per row of the history

    def figures() -> dict[str, float]:
        """What `validate` says of the model as it is; nothing on all processes but the first."""
        if validate is None or rank() > 0:
            return {}
        found = validate(model.eval())
        board.write(found, run.step)
        progress.say(f"step {run.step}: {', '.join(f'{name} {value:.4g}' for name, value in found.items())}")
        return found

    def now_and_then() -> None:
        if run.step % config.validate_every == 0 and run.step < schedule.steps:
            figures()

    stream = batches.over(range(run.step, schedule.steps))
    with closing(board), RunReport() as report, closing(stream):

        def make_step(rate: float) -> float:
            loss = train_step(run, image_encoder, stream, config, rate)
            report.steps += 1
            if run.step % span == 0 or run.step == schedule.steps:
                board.write(close_span(run, rate), run.step)
            return loss.total.item()

        run_steps(run, schedule, make_step, "pre-training", file, now_and_then)
        validation = figures()
    about = {"data_digest": file.settings["data"], "pairs": len(batches), "validation": validation}
    checkpoint = result(run, image_encoder, batches, labels, {"config": asdict(config), **about})
    if rank() == 0:
        save_checkpoint(checkpoint, out / "model.pt")
    return checkpoint


def depth_spec(pairs: Sequence[PairDataset], config: PretrainConfig) -> DepthSpec:
    """How the depth maps of a run are drawn. Raises C2PError without any pairs."""
    if not pairs:
        raise C2PError("no pairs to train on", "make some with c2p-train render")
    return DepthSpec(config.image_size or pairs[0].image_size, config.point_radius, pairs[0].num_points)


def check_encoders(image_encoder: Encoder, depth_encoder: Encoder, batches: PairBatches) -> None:
    """Raises C2PError when pictures, depth maps and encoders do not fit together."""
    again = "render them in that size (c2p-train render --image-size)"
    for encoder, size, what, advice in (
        (image_encoder, batches.picture_size, "pictures", again),
        (depth_encoder, batches.spec.image_size, "depth maps", "give them that size (--image-size)"),
    ):
        if encoder.image_size not in (None, size):
            raise C2PError(f"{what} of {size} px, but their encoder takes {encoder.image_size} px", advice)
    if image_encoder.embed_dim != depth_encoder.embed_dim:
        raise C2PError(
            f"the depth encoder gives features of {depth_encoder.embed_dim}, the image encoder of "
            f"{image_encoder.embed_dim}",
            "take two that agree",
        )


def schedule_of(config: PretrainConfig, steps_per_epoch: int, *, from_image_encoder: bool) -> Schedule:
    """AdamW warms up and follows a cosine to 1 %; LAMB's cosine restarts every two epochs.

    Learning rates by default: with LAMB the paper's; with AdamW a high one for an encoder that
    starts anew, and a low one where CLIP's weights are to be kept in mind.
    """
    steps = config.epochs * steps_per_epoch if config.steps is None else config.steps
    if config.optimizer == "lamb":
        return restarting_cosine(
            config.learning_rate or 0.006, steps, period=2 * steps_per_epoch, floor=_LAMB_FLOOR
        )
    peak = config.learning_rate or (5e-5 if from_image_encoder else 1e-3)
    return cosine(peak, steps, warmup=round(config.warmup * steps), floor=_ADAMW_FLOOR)


def new_run(start: Encoder, config: PretrainConfig, device: torch.device) -> PretrainRun:
    """A run at step 0, from a copy of the encoder `start`. Raises OptionError for an unknown optimiser."""
    encoder = copy.deepcopy(start).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    w = nn.Parameter(torch.ones((), device=device))
    parameters = [*encoder.requires_grad_(True).parameters(), w]
    if config.optimizer not in ("adamw", "lamb"):
        raise OptionError(f"no optimiser {config.optimizer!r}", "choose adamw or lamb")
    optimizer = Lamb(parameters) if config.optimizer == "lamb" else new_adamw(parameters, _WEIGHT_DECAY)
    return PretrainRun(optimizer, encoder, w)


def train_step(
    run: PretrainRun, image_encoder: Encoder, batches: Iterator[Batch], config: PretrainConfig, rate: float
) -> PretrainLoss:
    """One update of the weights by the next `accumulate` batches; returns their mean losses.

    Raises C2PError, before anything is changed, when the loss is not finite.
    """
    device = run.w.device
    begin_step(run, rate, config.seed)
    run.optimizer.zero_grad(set_to_none=True)
    run.encoder.train()
    losses = []
    for _ in range(config.accumulate):
        batch = next(batches)
        image = batch.image.to(device, non_blocking=True).permute(0, 3, 1, 2) / 255
        depth = batch.depth.to(device, non_blocking=True)
        loss = batch_loss(run, image_encoder, image, depth, bfloat16=config.bfloat16)
        (loss.total / config.accumulate).backward()  # type: ignore[no-untyped-call]
        losses.append(torch.stack(loss).detach())
    mean = torch.stack(losses).mean(dim=0)
    if not mean.isfinite().all():
        raise C2PError(f"the loss is {mean[0]:.3g} at step {run.step}", "use a lower learning rate")
    average_gradients([*run.encoder.parameters(), run.w])
    run.optimizer.step()
    with torch.no_grad():
        run.w.clamp_(min=_SMALLEST_W)
    run.recent.append(mean.tolist())
    run.step += 1
    return PretrainLoss(*mean)


def batch_loss(
    run: PretrainRun, image_encoder: Encoder, image: Tensor, depth: Tensor, *, bfloat16: bool
) -> PretrainLoss:
    """Losses of pictures [b, 3, S, S] in [0, 1] and depth maps [b, 2, S', S'], over all processes."""
    with torch.autocast(image.device.type, torch.bfloat16, enabled=bfloat16):
        with torch.no_grad():
            wanted = image_encoder(image).float()  # [b, D]
        features = encode_views(run.encoder, depth)  # [b, 2, D]
    seen = gather(torch.cat([features, wanted[:, None]], dim=1))  # [B, 3, D]
    return pretrain_loss(seen[:, 0], seen[:, 1], seen[:, 2], run.w)


def settings_of(
    config: PretrainConfig, pairs: Sequence[PairDataset], depth_encoder: nn.Module, image_encoder: nn.Module
) -> dict[str, Any]:
    """Everything the trained weights depend on."""
    ours = {k: v for k, v in asdict(config).items() if k != "validate_every"}
    return {
        **ours,
        "data": [dataset.digest for dataset in pairs],
        "start of the depth encoder": weights_digest(depth_encoder),
        "image encoder": weights_digest(image_encoder),
    }


def result(
    run: PretrainRun,
    image_encoder: Encoder,
    batches: PairBatches,
    labels: LabelSet | None,
    about: dict[str, Any],
) -> Checkpoint:
    """The trained model with the head zeroshot, on the CPU.

    It keeps the image encoder, which adapters need, if that can look at the model's depth maps.
    """
    encoder = build_encoder(run.encoder.config)
    encoder.load_state_dict(run.encoder.state_dict())
    image_encoder = image_encoder.cpu()
    keeps = image_encoder.image_size in (None, batches.spec.image_size)
    model = CLIP2Point(encoder, image_encoder if keeps else None, ZeroShot()).eval()
    training = {**about, "steps": run.step, "loss_weight": run.w.item(), "history": run.history}
    return Checkpoint(model, batches.views, batches.spec, labels, _LOGIT_SCALE, training)


def close_span(run: PretrainRun, rate: float) -> dict[str, float]:
    """Adds a row to the history: the mean losses since the last one, and the rate of the last step."""
    mean = np.mean(run.recent, axis=0).tolist()
    row = dict(zip(("loss", "image_loss", "depth_loss"), mean, strict=True))
    row |= {"w": run.w.item(), "learning_rate": rate, "step": run.step}
    run.history.append(row)
    run.recent.clear()
    return row


def zero_shot_accuracy(
    model: CLIP2Point,
    clouds: LabelledClouds,
    labels: LabelSet,
    views: ViewSet,
    spec: DepthSpec,
    device: torch.device,
) -> float:
    """The share of clouds that get the name of their class, among `labels`: those of `clouds.classes`."""
    raw = view_features(model.depth_encoder, clouds.points, views, spec, device=device)
    return top1(head_features(model.head, [raw]), labels.text_features, clouds.label)


class _Board:
    """TensorBoard's log of a run, where TensorBoard is installed."""

    def __init__(self, folder: Path, step: int) -> None:
        self.writer = None
        if rank() == 0:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:
                return
            self.writer = SummaryWriter(folder, purge_step=step)

    def write(self, values: dict[str, float], step: int) -> None:
        if self.writer is not None:
            for name, value in values.items():
                self.writer.add_scalar(name, value, step)

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
