"""What an export tells people."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from c2p_deploy import Manifest
from c2p_export.parity import Parity
from c2p_export.report import size_of, tell_parity
from engines import write_engine

GOOD = Parity(9, 1.0, 1.0, 0.0, 0.0, 1.0)


def test_the_table_has_the_engines_that_ran_and_their_limit(tmp_path: Path, heard: Any) -> None:
    manifest = Manifest.for_engine(write_engine(tmp_path))
    tell_parity(replace(manifest, parity={"onnxruntime": asdict(GOOD), "old": {"cos": 1}}))
    title, headings, good, limit = heard.lines
    assert title == "parity of fp32 with the checkpoint"
    assert headings.split() == ["engine", "clouds", "cosine", "mean", "score", "diff", "same", "top-1", "NaN"]
    assert good.split() == ["onnxruntime", "9", "1.000000", "1.000000", "0", "100.0", "%", "0"]
    assert limit.split() == ["limit", "0.9999", "100", "%", "0"]
    assert len({len(line) for line in (headings, good, limit)}) == 1  # columns stand below one another


def test_sizes_are_for_people(tmp_path: Path) -> None:
    for size, told in ((1, "1 kB"), (21_900, "22 kB"), (999_000, "999 kB"), (351_000_000, "351.0 MB")):
        path = tmp_path / "file"
        with path.open("wb") as file:
            file.truncate(size)
        assert size_of(path) == told
