"""benchmarks/harness/frame.py: whose turn it is, and what a benchmark leaves behind."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from c2p_deploy.errors import C2PError
from harness import frame
from report.blocks import Block


def test_every_way_begins_as_often_as_the_others() -> None:
    clock, order = count(), []

    def way(name: str) -> Any:
        def run() -> dict[str, float]:
            order.append(name)
            return {"total": float(next(clock))}

        return run

    found = frame.summaries(frame.in_turn({name: way(name) for name in "abc"}, range(3)))
    assert "".join(order[::2]) == "abcbcacab"  # each turn runs twice
    assert order[::2] == order[1::2]
    assert found["a"]["total"]["n"] == 3  # the first run of a turn does not count
    assert found["a"]["total"]["min"] == 1


def test_a_benchmark_writes_where_it_ran_and_prints_what_the_documentation_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = Block(lambda results: f"It takes {results['ms']} ms.", ("speed",))
    other = Block(lambda results: "Nothing of it.", ("other",))
    monkeypatch.setattr(frame, "BLOCKS", {"sentence": shown, "other": other})

    @frame.benchmark("speed", frame.count_option("--repeats", 3, "How often."), bundled="default")
    def main(repeats: int) -> frame.Results:
        """Measure nothing."""
        return {"environment": {"gpu": "Abacus"}, "ms": repeats}

    out = tmp_path / "new" / "speed.json"
    done = CliRunner().invoke(main, ["--repeats", "2", "--out", str(out)])
    assert done.exit_code == 0 and "It takes 2 ms." in done.output and "Nothing" not in done.output
    results = json.loads(out.read_text())
    assert list(results) == ["environment", "ms"] and results["ms"] == 2
    assert results["environment"]["gpu"] == "Abacus"
    assert {"cpu", "cores", "load_before", "numpy", "command", "engine_sha256"} <= results[
        "environment"
    ].keys()
    assert "Measure nothing." in CliRunner().invoke(main, ["--help"]).output


def test_a_benchmark_that_is_refused_writes_nothing(tmp_path: Path) -> None:
    @frame.benchmark("speed")
    def main() -> frame.Results:
        raise C2PError("cannot be had", "go without", "it.onnx")

    done = CliRunner().invoke(main, ["--out", str(tmp_path / "speed.json")])
    assert done.exit_code == 1 and "error: it.onnx: cannot be had; go without" in done.output
    assert not list(tmp_path.iterdir())
