"""docs/robot.md: its snippets run and print what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from paths import REPOSITORY


def test_the_page_says_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recordings = pytest.importorskip("recordings")
    recordings.write_mcap(tmp_path / "drive.mcap", recordings.drive(5))
    monkeypatch.chdir(tmp_path)
    page = (REPOSITORY / "docs" / "robot.md").read_text(encoding="utf-8")
    printed: list[str] = []
    names = {"print": lambda *values: printed.append(" ".join(map(str, values)))}
    for block in re.findall(r"^```python\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE):
        exec(compile(block, "robot.md", "exec"), names)
    promised = re.findall(r"^print\(.*\) +# (.*)$", page, flags=re.MULTILINE)
    assert printed == promised and len(promised) == 9
