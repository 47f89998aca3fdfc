"""A training that may end at any moment, and goes on as if it never had.

What changes from step to step are the fields of a dataclass derived from `Run`. They are kept in a
file of their own (`RunFile`), and everything that a step draws at random follows from the seed and
the number of the step. So a resumed run is the run that was never interrupted, on a CPU bit for bit:

    file.resume(run)
    run_steps(run, schedule, make_step, "training", file)

Ctrl-C and SIGTERM let the step end, and lose nothing; a kill loses `SAVE_EVERY` seconds at most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from c2p_deploy import progress
from c2p_deploy.errors import C2PError, CheckpointError, reason_of
from c2p_deploy.files import atomic_path
from c2p_train.learn.distributed import any_rank, rank
from c2p_train.learn.schedule import Schedule
from c2p_train.learn.stop_requests import stop_requests
from c2p_train.model.torch_file import load_torch_file

SAVE_EVERY = 60.0  # seconds: the state of a large encoder takes some to write
_ANEW = "delete it to start again"


@dataclass
class Run:
    """What changes from step to step; trainings derive theirs and add fields.

    Fields may be modules, optimisers, tensors, and plain values.
    """

    optimizer: torch.optim.Optimizer
    step: int = field(default=0, kw_only=True)  # steps made so far

    @property
    def weights(self) -> list[Tensor]:
        """All that is trained."""
        return [weight for group in self.optimizer.param_groups for weight in group["params"]]


@dataclass(frozen=True)
class RunFile:
    """Where a run is kept. settings: plain values by name, all that its result depends on."""

    path: Path
    settings: Mapping[str, Any]

    def store(self, run: Run) -> None:
        """Writes the whole state, under a temporary name first."""
        values: dict[str, Any] = {"settings": dict(self.settings)}
        for name, part in _parts(run).items():
            if isinstance(part, (nn.Module, torch.optim.Optimizer)):
                values[name] = part.state_dict()
            else:
                values[name] = part.detach() if isinstance(part, Tensor) else part
        with atomic_path(self.path) as temporary:
            torch.save(values, temporary)

    def restore(self, run: Run) -> None:
        """Puts a run back to where `store` left it. Raises CheckpointError for another run's file."""
        try:
            values = load_torch_file(self.path)
        except CheckpointError as error:
            raise CheckpointError(error.problem, _ANEW, self.path) from error
        known = values.get("settings")
        if known != self.settings:
            known = known if isinstance(known, dict) else {}
            other = ", ".join(name for name, value in self.settings.items() if known.get(name) != value)
            raise CheckpointError(
                f"a run with other settings ({other or 'of another release'})",
                "go on with those or choose another --out",
                self.path,
            )
        try:
            for name, part in _parts(run).items():
                if isinstance(part, (nn.Module, torch.optim.Optimizer)):
                    part.load_state_dict(values[name])
                elif isinstance(part, Tensor):
                    with torch.no_grad():
                        part.copy_(values[name])
                else:
                    setattr(run, name, values[name])
        except (KeyError, RuntimeError, ValueError, TypeError) as error:
            raise CheckpointError(f"damaged ({reason_of(error)})", _ANEW, self.path) from error

    def resume(self, run: Run) -> None:
        """Goes on with the run in the file, if there is one. Raises what `restore` raises."""
        if self.path.exists():
            self.restore(run)
            progress.say(f"going on with {self.path} at step {run.step}")


def run_steps(
    run: Run,
    schedule: Schedule,
    make_step: Callable[[float], float | None],
    what: str,
    file: RunFile | None,
    between: Callable[[], None] | None = None,
) -> None:
    """Makes the steps that are left, and keeps the state now and then and at the end.

    make_step: makes one, at the learning rate it is given, and counts it in `run.step`; returns the
    loss, if it is to be shown. between: done after every step, once its state may have been kept.
    Several processes stop together; the first one writes. Raises KeyboardInterrupt when the run was
    asked to stop, and C2PError instead of keeping weights that are not finite.
    """
    kept = monotonic()
    with progress.task(what, schedule.steps, run.step) as task, stop_requests() as stop:
        while run.step < schedule.steps:
            loss = make_step(schedule.rate(run.step))
            task.update(done=run.step, what=None if loss is None else f"{what}, loss {loss:.3f}")
            stopped = any_rank(stop.is_set(), run.weights[0].device)
            if stopped or run.step == schedule.steps or monotonic() - kept > SAVE_EVERY:
                check_finite(run)
                if file is not None and rank() == 0:
                    file.store(run)
                kept = monotonic()
            if stopped:
                raise KeyboardInterrupt
            if between is not None:
                between()


def begin_step(run: Run, rate: float, seed: int) -> None:
    """Sets the learning rate, and seeds what the step draws of torch: dropout, on every process its own."""
    for group in run.optimizer.param_groups:
        group["lr"] = rate
    words = np.random.SeedSequence((seed, run.step, rank())).generate_state(1, np.uint64)
    torch.manual_seed(int(words[0]))


def check_finite(run: Run) -> None:
    """Raises C2PError when a weight is NaN or infinite."""
    if not torch.stack([weight.isfinite().all() for weight in run.weights]).all():
        raise C2PError(f"training diverged before step {run.step}", "use a lower learning rate")


def _parts(run: Run) -> dict[str, Any]:
    """The fields of a run by name."""
    return {part.name: getattr(run, part.name) for part in fields(run)}
