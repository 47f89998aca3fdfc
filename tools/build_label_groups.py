"""Writes the groups of labels that the runtime knows, `c2p_deploy/labels/groups.json`, from the recipes'
table.

    python tools/build_label_groups.py
"""

from __future__ import annotations

import json
from pathlib import Path

from c2p_deploy.files import write_atomic
from c2p_recipes.vocabulary.table import groups

TARGET = Path(__file__).parents[1] / "c2p_deploy" / "labels" / "groups.json"

if __name__ == "__main__":
    write_atomic(TARGET, (json.dumps(groups(), indent=1) + "\n").encode())
