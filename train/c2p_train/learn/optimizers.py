"""How encoders are trained: AdamW, or LAMB, with which CLIP2Point was pre-trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

_LARGEST_NORM = 10.0  # of a weight tensor, as far as the trust ratio is concerned


def new_adamw(parameters: Iterable[nn.Parameter], weight_decay: float) -> torch.optim.AdamW:
    """AdamW that decays matrices and kernels only, not biases, norms and single numbers."""
    parameters = list(parameters)
    decayed, plain = ([p for p in parameters if (p.ndim > 1) is wanted] for wanted in (True, False))
    return torch.optim.AdamW(
        [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
    )


class Lamb(torch.optim.Optimizer):
    """LAMB (You et al. 2020, arXiv 1904.00962): Adam's step, by which every tensor moves `lr` of its norm.

    As in the authors' set-up (torch_optimizer 0.3.0) moments are not bias-corrected and the norm of
    the weights counts as at most 10. Parameters that have no gradient stay as they are.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 0.006,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 1e-4,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update; the loss is what `closure`, if there is one, returns."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["mean"], state["square"] = torch.zeros_like(weight), torch.zeros_like(weight)
                mean, square = state["mean"], state["square"]
                mean.lerp_(weight.grad, 1 - beta1)
                square.lerp_(weight.grad.square(), 1 - beta2)
                update = mean / (square.sqrt() + group["eps"]) + group["weight_decay"] * weight
                # Tensors, not floats, so that nothing waits for the GPU.
                size, length = weight.norm().clamp(max=_LARGEST_NORM), update.norm()
                trust = torch.where((size > 0) & (length > 0), size / length.clamp(min=1e-30), 1.0)
                weight.sub_(group["lr"] * trust * update)
        return loss
