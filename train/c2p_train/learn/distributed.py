"""Training by several processes (`torchrun`) that gives what one process would give.

Every rank encodes its share of the batch; the features of all ranks are gathered, so that a
contrastive loss sees the whole batch and is the same number everywhere. Gradients: each rank
differentiates that one loss with respect to its own share only, times the number of ranks;
`average_gradients` then leaves the gradient of the loss over the whole batch on every rank.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from c2p_deploy import progress

_PATIENCE = timedelta(hours=2)  # of the other ranks, while the first one validates


@contextmanager
def process_group(device: torch.device) -> Iterator[torch.device]:
    """Joins the processes that torchrun started, and leaves them at the end; only the first is heard.

    Yields the device of this process: `cuda` becomes the GPU of its local rank. Without
    torchrun nothing happens.
    """
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        yield device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_PATIENCE)
    try:
        with nullcontext() if rank() == 0 else progress.listening(progress.UNHEARD):
            yield device
    finally:
        dist.destroy_process_group()


def rank() -> int:
    """Which of the processes this is; 0 is the one that writes and is heard."""
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


class _Gather(torch.autograd.Function):
    """Rows of all ranks; backwards, the own rows' gradient times the number of ranks."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        gathered = [torch.empty_like(rows) for _ in range(world_size())]
        dist.all_gather(gathered, rows.contiguous())
        return torch.cat(gathered)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return world_size() * gradients[0].chunk(world_size())[rank()]


class _Sum(torch.autograd.Function):
    """The sum over ranks; so is its gradient."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        dist.all_reduce(total)
        return total


def gather(rows: Tensor) -> Tensor:
    """Rows [B / W, D] of every rank, as many of each, in the order of ranks: [B, D]; differentiable.

    For losses that every rank computes alike from the gathered rows.
    """
    if world_size() == 1:
        return rows
    gathered: Tensor = _Gather.apply(rows)
    return gathered


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Replaces every gradient by its mean over ranks, in one exchange."""
    if world_size() == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    dist.all_reduce(flat)
    flat /= world_size()
    for gradient, mean in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


def any_rank(condition: bool, device: torch.device) -> bool:
    """Whether the condition holds anywhere; every rank gets the same answer."""
    if world_size() == 1:
        return condition
    flag = torch.tensor(float(condition), device=device)
    dist.all_reduce(flag)
    return bool(flag > 0)


class GlobalBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation with the statistics of all ranks' shares, on any device.

    torch's own SyncBatchNorm does not run on a CPU, where the tests prove all this.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        assert self.running_mean is not None and self.running_var is not None and self.momentum is not None
        values = x.float()
        count = world_size() * values.numel() / values.shape[1]
        mean = _Sum.apply(values.sum(dim=(0, 2, 3))) / count
        centred = values - mean[:, None, None]
        variance = _Sum.apply(centred.square().sum(dim=(0, 2, 3))) / count
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked += 1
        scale = self.weight * torch.rsqrt(variance + self.eps)
        normalised: Tensor = centred * scale[:, None, None] + self.bias[:, None, None]
        return normalised.to(x.dtype)


def share_batch_norms(model: nn.Module) -> None:
    """Puts GlobalBatchNorm2d in the place of every BatchNorm2d, with the same weights."""
    if world_size() == 1:
        return
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.BatchNorm2d):
                shared = GlobalBatchNorm2d(child.num_features, child.eps, child.momentum)
                shared.weight, shared.bias = child.weight, child.bias
                shared.running_mean, shared.running_var = child.running_mean, child.running_var
                shared.num_batches_tracked = child.num_batches_tracked
                setattr(parent, name, shared.train(child.training))
