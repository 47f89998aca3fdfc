"""What TensorRT does while it builds is told as two tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from c2p_deploy.manifest import BatchProfile
from c2p_export.plan import monitor
from c2p_export.plan.build import build_plan
from c2p_export.plan.monitor import Phases, told_phases
from c2p_export.plan.options import PlanOptions

RTX = PlanOptions("tensorrt-rtx", ("8.6", "8.9"), BatchProfile(1, 2, 4))


def test_the_outermost_phase_and_the_current_one_are_told(
    engine: Path, trt: Any, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, steps = [], []

    class Watched(Phases):
        def start(self, name: str, count: int) -> None:
            super().start(name, count)
            started.append((name, count))

        def step(self, name: str, step: int) -> None:
            super().step(name, step)
            steps.append([task.what for task in heard.tasks])

    monkeypatch.setattr(monitor, "Phases", Watched)
    build_plan(engine, engine.with_suffix(".plan"), RTX)
    outermost, within = started[0][0], {name for name, _ in started[1:]}
    assert len(steps) > 10
    assert {told[0] for told in steps} == {outermost}
    assert {told[1] for told in steps} == within
    assert [task.closed for task in heard.tasks] == [True, True]


def test_nested_phases_that_end_in_any_order(heard: Any) -> None:
    def state() -> list[tuple[str, int, int | None]]:
        return [(task.what, task.done, task.total) for task in heard.tasks]

    with told_phases() as phases:
        phases.start("build", 3)
        phases.step("build", 0)
        assert state()[0] == ("build", 1, 3)
        phases.start("cost", 5)
        phases.start("time", 2)
        phases.step("time", 1)
        assert state() == [("build", 1, 3), ("time", 2, 2)]
        phases.finish("cost")  # before what began within it
        phases.finish("time")
        phases.step("build", 1)
        assert state()[0] == ("build", 2, 3)
        phases.finish("build")
        phases.step("build", 2)  # late words do no harm
        phases.finish("never begun")
    before = state()
    phases.start("later", 1)  # as a build goes on after a second Ctrl-C
    assert state() == before
