"""What the documentation says of a measurement is what was measured: benchmarks/report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from c2p_train.evaluate.plots import new_figure
from paths import REPOSITORY
from report import comparisons, documents, words
from report.__main__ import main
from report.blocks import Block

_BEGIN, _END = "<!-- results: {}, written by benchmarks/report -->", "<!-- end of results -->"
_MOST_BYTES = 60_000  # of a plot


def test_every_table_and_plot_of_the_repository_agrees_with_the_results() -> None:
    found = documents.disagreements()
    assert not found, "\n".join(found)


def test_plots_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in (REPOSITORY / "docs" / "plots").glob("*.png")}
    assert sizes and {name: size for name, size in sizes.items() if size > _MOST_BYTES} == {}


class Small:
    """A repository with one benchmark, one block and one plot."""

    def __init__(self, root: Path) -> None:
        self.root, self.readme, self.page = root, root / "README.md", root / "docs" / "page.md"
        self.results = root / "benchmarks" / "results"
        self.plot = root / "docs" / "plots" / "line.png"
        self.results.mkdir(parents=True)
        self.page.parent.mkdir()
        self.measure("speed", 2.0)
        self.readme.write_text(f"Before\n\n{block('sentence')}\n\nafter, no newline")
        self.page.write_text(f"{block('line')}\n")

    def measure(self, name: str, ms: float, cpu: str = "Abacus") -> None:
        environment = {"cpu": cpu, "cores": 2, "command": f"python benchmarks/{name}.py --fast"}
        (self.results / f"{name}.json").write_text(json.dumps({"environment": environment, "ms": ms}))

    def files(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.root.rglob("*") if path.is_file()}


def block(name: str, *lines: str) -> str:
    return "\n".join((_BEGIN.format(name), *lines, _END))


def _line(results: dict[str, Any]) -> Any:
    figure = new_figure(2, 1)
    figure.add_subplot().plot([0, results["ms"]])
    return figure


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Small:
    blocks = {
        "sentence": Block(lambda results: f"It takes {results['ms']} ms.", ("speed",)),
        "line": Block(lambda results: f"| {results['ms']} |\n| --- |", ("speed",), _line, "A line"),
    }
    monkeypatch.setattr(documents, "ROOT", tmp_path)
    monkeypatch.setattr(documents, "RESULTS", tmp_path / "benchmarks" / "results")
    monkeypatch.setattr(documents, "BLOCKS", blocks)
    return Small(tmp_path)


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_blocks_are_written_with_where_they_come_from(small: Small) -> None:
    assert run() == (0, "")
    assert small.readme.read_text() == (
        "Before\n\n<!-- results: sentence, written by benchmarks/report -->\n\n"
        "It takes 2.0 ms. Measured on Abacus, 2 cores: [speed.json](benchmarks/results/speed.json), made by "
        "`python benchmarks/speed.py --fast`.\n\n<!-- end of results -->\n\nafter, no newline"
    )
    assert "![A line](../docs/plots/line.png)\n\n| 2.0 |\n| --- |\n\nMeasured on" in small.page.read_text()
    written = small.files()
    assert run() == (0, "")
    assert run("--check") == (0, "")
    assert small.files() == written


def test_the_check_names_what_is_old_and_changes_nothing(small: Small) -> None:
    run()
    small.readme.write_text(small.readme.read_text().replace("2.0 ms", "1.9 ms"))
    before = small.files()
    code, said = run("--check")
    assert code == 1 and "README.md:3: block 'sentence' does not agree" in said and "page.md" not in said
    assert small.files() == before

    run()
    small.measure("speed", 3.0)
    code, said = run("--check")
    assert code == 1 and "README.md:3: block 'sentence'" in said and "docs/plots/line.png: not drawn" in said
    assert run() == (0, "") and "3.0 ms" in small.readme.read_text()


def test_a_plot_carries_what_it_was_drawn_from(small: Small) -> None:
    run()
    with Image.open(small.plot) as picture:
        assert picture.info["Results"] == documents.digests(["speed"])
    for damaged in (b"no picture", b""):
        small.plot.write_bytes(damaged)
        assert "docs/plots/line.png: not drawn" in run("--check")[1]
    small.plot.unlink()
    assert "docs/plots/line.png: not drawn" in run("--check")[1]


def test_what_is_made_for_nothing_is_named(small: Small) -> None:
    run()
    small.page.write_text("")
    (small.plot.parent / "old.png").write_bytes(b"")
    small.measure("old", 1.0)
    code, said = run()
    assert code == 1
    assert "block 'line' stands in no document" in said
    assert "docs/plots/old.png: drawn by nothing" in said
    assert "benchmarks/results/old.json: shown by no block" in said


def test_different_machines_are_told_apart(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    small.measure("other", 1.0)
    both = Block(lambda one, two: f"{one['ms']} and {two['ms']} ms.", ("speed", "other"))
    monkeypatch.setitem(documents.BLOCKS, "sentence", both)
    text = documents.block_text(small.root, "sentence")
    assert text.startswith("2.0 and 1.0 ms. Measured on Abacus, 2 cores: [speed.json]")
    assert text.count("Abacus") == 1 and "compared" not in text

    small.measure("other", 1.0, cpu="Slide rule")
    text = documents.block_text(small.root, "sentence")
    assert "not to be compared" in text
    assert "on Abacus, 2 cores: [speed.json]" in text and "on Slide rule, 2 cores: [other.json]" in text


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (None, "speed.json: not there; run the benchmark"),
        ("{", "speed.json: not what a benchmark writes (JSONDecodeError"),
        ("[]", "speed.json: not what a benchmark writes (TypeError"),
        ('{"ms": 1}', "speed.json: not what a benchmark writes (KeyError: 'environment')"),
        (
            '{"environment": {"cpu": "x", "cores": 1, "command": "python it.py"}}',
            "(KeyError: 'ms'); measure again: `python it.py`",
        ),
    ],
)
def test_results_that_cannot_be_shown(small: Small, written: str | None, said: str) -> None:
    run()
    before = small.readme.read_text()
    (small.results / "speed.json").unlink()
    if written is not None:
        (small.results / "speed.json").write_text(written)
    code, output = run()
    assert code == 1
    for place in ("README.md:3: ", "docs/page.md:1: ", "docs/plots/line.png: "):
        assert any(line.startswith(place) and said in line for line in output.splitlines()), place
    assert small.readme.read_text() == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (_BEGIN.format("sentence") + "\ntext", "README.md:1: block 'sentence' does not end"),
        (
            f"\n{_BEGIN.format('sentence')}\n\n{block('line')}\n{_END}",
            "README.md:4: block 'line' begins inside block 'sentence' of line 2",
        ),
        (f"text\n{_END}", "README.md:2: ends a block that does not begin"),
        (f"{block('sentence')}\n{_END}", "README.md:3: ends a block that does not begin"),
        (f"  {block('sentence')}", "README.md:1: no such marker"),
        (f"<!-- results: sentence -->\n{_END}", "README.md:1: no such marker; write '<!-- results: NAME, "),
    ],
)
def test_markers_that_do_not_belong_together(small: Small, text: str, said: str) -> None:
    small.readme.write_text(text)
    before = small.files()
    for arguments in ([], ["--check"]):
        code, output = run(*arguments)
        assert code == 1 and said in output
    assert small.files() == before


def test_a_block_of_an_unknown_name_is_left_and_named(small: Small) -> None:
    small.readme.write_text(f"{block('sentense', 'by hand')}\n\n{block('sentence')}")
    code, said = run()
    assert code == 1 and "README.md:1: no block is called 'sentense'; there are sentence, line" in said
    text = small.readme.read_text()
    assert block("sentense", "by hand") in text and "2.0 ms" in text


def test_rewriting_leaves_everything_else() -> None:
    text = f"a \n\x0c `{_END}`\n{{}}\n{{}}\n\n- `{_BEGIN.format('z')}`\n\tb"
    old = text.format(block("x", "old"), block("y"))
    new, _ = documents.rewritten(old, "f.md", lambda name: f"{name}1\n{name}2")
    assert new == text.format(block("x", "", "x1", "x2", ""), block("y", "", "y1", "y2", ""))


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (0.2969, 3, "0.297"), (26.217, 3, "26.2"), (1116.4, 3, "1,116"), (9.996, 3, "10.0"), (0, 3, "0"),
        (999.6, 3, "1,000"), (0.0996, 1, "0.1"), (8.7523, 2, "8.8"), (0.1298, 2, "0.13"), (5, 1, "5"),
    ],
)  # fmt: skip
def test_figures_have_so_many_digits(value: float, digits: int, shown: str) -> None:
    assert words.number(value, digits) == shown


def test_quartiles_are_rounded_where_the_median_is() -> None:
    median = words.median
    assert median({"median": 4.6329, "q1": 3.5912, "q3": 13.0131}) == "4.63 (3.59–13.01)"
    assert median({"median": 1116.4053, "q1": 994.6677, "q3": 1125.2}) == "1,116 (995–1,125)"


def test_a_ratio_stands_beside_its_way() -> None:
    def stats(value: float) -> dict[str, float]:
        return {"median": value, "q1": value, "q3": value}

    stages = ("prepare", "project", "encode", "head", "total")
    ours, theirs = ({stage: stats(value) for stage in stages} for value in (2, 4))
    results = {
        "model": "M", "points": 1024, "threads": 2, "device": "cpu",
        "ms": {"ours": ours, "theirs": theirs},
        "ratio": {"theirs": {"total": stats(0.5)}}, "left_out": {"others": "not here"},
        "big_cloud_ms": {"points": 100_000, "prepare": stats(3), "project": stats(1)},
        "floors": {"total": {"median": 2.0, "limit": 1.0, "holds": False}},
    }  # fmt: skip
    text = comparisons.pipeline(results)
    two, four = "2.00 (2.00–2.00)", "4.00 (4.00–4.00)"
    assert f"| ours | {' | '.join([two] * 5)} | |" in text
    assert f"| theirs | {' | '.join([four] * 5)} | 0.50 (0.50–0.50) |" in text
    assert "| total | 2.00 | 1 | **no** |" in text and "Left out: others (not here)." in text
