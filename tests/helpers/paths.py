"""Where the tests find what they need."""

from __future__ import annotations

from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
GOLDEN = REPOSITORY / "tests" / "data" / "golden"
SHARED = REPOSITORY.parent / "shared"
