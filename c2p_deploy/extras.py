"""How to install what an extra of this package brings, as a command that works where this one came from."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

_NAME = "c2p-deploy"


def install(*extras: str) -> str:
    """The command that adds extras of this package: "pip install -e '.[train]'".

    It names the place that the package was installed from, since a package index may never have heard of
    it: the checkout that it runs in, or the folder, the wheel or the repository that pip has noted (PEP 610).
    """
    wanted = f"[{','.join(extras)}]"
    checkout = Path(__file__).parents[1]
    if _is_checkout(checkout):
        return _command("-e", _short(checkout) + wanted)
    origin = _origin()
    url = origin.get("url", "")
    where = unquote(urlparse(url).path) if url.startswith("file:") else ""
    if where and ("archive_info" in origin or _is_checkout(Path(where))):
        return _command(_short(Path(where)) + wanted)
    if url and not where:
        scheme = origin.get("vcs_info", {}).get("vcs")
        return _command(f"{_NAME}{wanted} @ {f'{scheme}+' if scheme else ''}{url}")
    return _command(_NAME + wanted)


def _command(*words: str) -> str:
    return shlex.join(("pip", "install", *words))


def _is_checkout(folder: Path) -> bool:
    """Whether a folder holds the sources of this package."""
    try:
        return f'name = "{_NAME}"' in (folder / "pyproject.toml").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False


def _short(path: Path) -> str:
    return "." if Path(os.curdir).absolute() == path else str(path)


def _origin() -> dict[str, Any]:
    """What pip has noted of where the package came from; nothing where that was an index."""
    from importlib.metadata import PackageNotFoundError, distribution  # slow, and only for refusals

    try:
        found = json.loads(distribution(_NAME).read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
