"""A run that may end at any moment: what is kept, what is refused, and how it is stopped."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from torch import nn

from c2p_deploy.errors import C2PError, CheckpointError
from c2p_train.learn import run as run_module
from c2p_train.learn.run import Run, RunFile, begin_step, run_steps
from c2p_train.learn.schedule import constant, cosine, restarting_cosine
from heard import heard_lines

SETTINGS = {"seed": 3, "data": "ab12"}
SCHEDULE = cosine(0.1, 8, warmup=2, floor=0.01)


@dataclass
class Small(Run):
    """One of everything that a run may be made of."""

    layer: nn.Linear
    scale: nn.Parameter
    losses: list[float] = field(default_factory=list)


def new_run() -> Small:
    torch.manual_seed(0)
    layer, scale = nn.Linear(4, 2), nn.Parameter(torch.ones(()))
    return Small(torch.optim.AdamW([*layer.parameters(), scale]), layer, scale)


def go_on(
    run: Small, file: RunFile | None, *, signal_at: int = -1, number: int = signal.SIGINT, rate: float = 1.0
) -> None:
    """Fits random numbers to zero; the step `signal_at` is asked to stop while it goes on."""

    def make_step(learning_rate: float) -> float:
        begin_step(run, rate * learning_rate, seed=3)
        run.optimizer.zero_grad()
        loss = (run.scale * run.layer(torch.randn(5, 4))).square().mean()
        loss.backward()
        if run.step == signal_at:
            os.kill(os.getpid(), number)
        run.optimizer.step()
        run.losses.append(loss.item())
        run.step += 1
        return loss.item()

    run_steps(run, SCHEDULE, make_step, "fitting", file)


def assert_same(one: Small, other: Small) -> None:
    assert torch.equal(one.layer.weight, other.layer.weight) and torch.equal(one.scale, other.scale)
    assert one.losses == other.losses and one.step == other.step


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_ends_its_step_and_goes_on_bit_for_bit(number: int, tmp_path: Path) -> None:
    straight, file = new_run(), RunFile(tmp_path / "run.pt", SETTINGS)
    go_on(straight, None)
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt):
        go_on(new_run(), file, signal_at=4, number=number)
    assert signal.getsignal(number) is before
    resumed = new_run()
    with heard_lines() as lines:
        file.resume(resumed)
    assert resumed.step == 5 and lines == [f"going on with {file.path} at step 5"]
    go_on(resumed, file)
    assert_same(resumed, straight)
    again = new_run()
    file.resume(again)
    assert_same(again, straight)


def test_state_is_kept_as_often_as_it_is_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = []
    monkeypatch.setattr(RunFile, "store", lambda file, run: kept.append(run.step))
    go_on(new_run(), RunFile(tmp_path / "run.pt", SETTINGS))
    assert kept == [8]
    kept.clear()
    monkeypatch.setattr(run_module, "SAVE_EVERY", 0.0)
    go_on(new_run(), RunFile(tmp_path / "run.pt", SETTINGS))
    assert kept == list(range(1, 9))


def test_weights_that_are_not_finite_are_refused_and_never_kept(tmp_path: Path) -> None:
    with pytest.raises(C2PError, match="training diverged before step 8; use a lower learning rate"):
        go_on(new_run(), RunFile(tmp_path / "run.pt", SETTINGS), rate=1e38)
    assert not (tmp_path / "run.pt").exists()


@pytest.mark.parametrize(
    ("other", "named"),
    [({"seed": 4}, "seed"), ({"seed": 4, "data": "cd34"}, "seed, data"), ({"views": 6}, "views")],
)
def test_a_run_of_other_settings_is_refused_by_their_names(
    other: dict[str, object], named: str, tmp_path: Path
) -> None:
    RunFile(tmp_path / "run.pt", SETTINGS).store(new_run())
    with pytest.raises(CheckpointError, match=rf"run\.pt: a run with other settings \({named}\)") as caught:
        RunFile(tmp_path / "run.pt", {**SETTINGS, **other}).restore(new_run())
    assert caught.value.remedy == "go on with those or choose another --out"


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    file = RunFile(tmp_path / "run.pt", SETTINGS)
    file.store(new_run())
    whole = file.path.read_bytes()
    file.path.write_bytes(whole[:-500])
    with pytest.raises(CheckpointError, match=r"run\.pt: .*delete it to start again"):
        file.restore(new_run())
    values = {"settings": SETTINGS, "step": 3}
    torch.save(values, file.path)
    with pytest.raises(CheckpointError, match=r"run\.pt: damaged .*; delete it to start again"):
        file.restore(new_run())


def test_schedules_rise_fall_and_begin_anew() -> None:
    rates = [SCHEDULE.rate(step) for step in range(9)]
    assert rates[:2] == [0.05, 0.1] and rates[2] == 0.1 and rates[8] == pytest.approx(0.001)
    assert rates[2:] == sorted(rates[2:], reverse=True)
    again = restarting_cosine(1.0, 8, period=4, floor=0.2)
    assert [again.rate(step) for step in (0, 2, 4, 6)] == pytest.approx([1.0, 0.6, 1.0, 0.6])
    assert [constant(0.3, 2).rate(step) for step in range(2)] == [0.3, 0.3]
