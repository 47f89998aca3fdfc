"""The engines that come with the package, by name: what there is, what it was trained on, how good it is.

`models/bundled.json` names them. `default` is always among the names: the one that answers when no engine is
named.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from os import PathLike
from pathlib import Path

DEFAULT = "default"
_MODELS = Path(__file__).parent / "models"


@dataclass(frozen=True, eq=False)
class BundledEngine:
    """One engine of the package."""

    name: str
    path: Path  # of its .onnx; the manifest lies beside it
    trained_on: str
    use: str  # what the licences of its training data allow
    figures: Mapping[str, str]  # data set, of which training saw nothing -> top-1


@cache
def bundled_engines() -> Mapping[str, BundledEngine]:
    """All engines of the package by name, the one that answers by default first.

    Where no engine is called `default`, the entry of that name is the one that stands in for it.
    """
    listed = json.loads((_MODELS / "bundled.json").read_text(encoding="utf-8"))
    engines = {
        name: BundledEngine(
            name, _MODELS / f"{name}.onnx", about["trained_on"], about["use"], about["figures"]
        )
        for name, about in listed["engines"].items()
    }
    return {DEFAULT: engines[listed["default"]], **engines}


def engine_path(engine: str | PathLike[str] | None) -> Path:
    """The file of an engine: of a bundled one by its name, of the default one for None, or what was given."""
    named = bundled_engines().get(DEFAULT if engine is None else str(engine))
    return Path(engine) if named is None else named.path  # type: ignore[arg-type]  # None is named


def listing() -> str:
    """What `c2p-run --list-engines` prints."""
    from c2p_deploy import Manifest

    blocks = []
    default = bundled_engines()[DEFAULT]
    for engine in dict.fromkeys(bundled_engines().values()):
        manifest = Manifest.for_engine(engine.path)
        size = engine.path.stat().st_size / 1e6
        answers = " (answers when no engine is named)" if engine is default else ""
        lines = [f"{engine.name}{answers}", f"  labels      {len(manifest.labels)}, {size:.1f} MB"]
        lines += [f"  trained on  {engine.trained_on}", f"  use         {engine.use}"]
        lines += [f"  top-1       {figure}  {data}" for data, figure in engine.figures.items()]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)
