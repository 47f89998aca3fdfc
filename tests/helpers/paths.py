"""Where the tests find what they need."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
GOLDEN = REPOSITORY / "tests" / "data" / "golden"
# Real clouds and the authors' full goldens; C2P_SHARED=/nonexistent imitates a clone without them.
SHARED = Path(os.environ.get("C2P_SHARED") or REPOSITORY.parent / "shared")
