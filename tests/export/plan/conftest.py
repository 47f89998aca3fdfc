"""What the tests of plans share."""

from __future__ import annotations

from pathlib import Path

import pytest

from c2p_export.plan import build
from engines import write_engine


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny .onnx in an otherwise empty folder, on a machine without a GPU."""
    monkeypatch.setattr(build, "find_gpus", lambda: ())
    path = write_engine(tmp_path)
    path.with_suffix(".json").unlink()
    return path
