"""Whether weights can be fetched at all, asked before anything slow is imported.

open_clip and the Hugging Face hub try again for more than a minute where there is no network, and importing
them alone takes seconds.
"""

from __future__ import annotations

import os
import threading
from importlib.util import find_spec
from pathlib import Path

from c2p_deploy.errors import C2PError

_PATIENCE = 2.0  # seconds
_SMALLEST_WEIGHTS = 10 << 20  # bytes of a file in the caches that may be some CLIP's weights


def require_weights(model: str | None, pretrained: str) -> None:
    """Raises C2PError within seconds where weights are to be fetched and the network is not there.

    model: of open_clip, None where a file says it; pretrained: a file, or a tag of open_clip. Where this
    machine keeps weights that were fetched earlier, and where open_clip has no such model or is missing,
    nothing is said: what comes next knows better.
    """
    if find_spec("open_clip") is None:
        return
    if not Path(pretrained).exists() and not fetched_before() and _is_model(model):
        require_reachable(pretrained, hub())


def require_reachable(pretrained: str, url: str) -> None:
    """Raises C2PError within seconds where no server answers that could have the weights."""
    if not reachable(url):
        raise C2PError(
            f"the weights {pretrained!r} are not on this machine and {url} cannot be reached",
            f"give a file, or fetch them where there is a network and copy {_hub_cache()} here; names of the "
            "word bank need no weights (c2p-run --labels)",
        )


def hub() -> str:
    """Where open_clip fetches from."""
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


def reachable(url: str) -> bool:
    """Whether a server answers, whatever it says; proxies of the environment are used."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return False
    import urllib.error  # slow to import, and most commands never ask
    import urllib.request

    answered = threading.Event()

    def ask() -> None:
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=_PATIENCE).close()
        except urllib.error.HTTPError:
            pass  # it answers
        except (OSError, ValueError):
            return
        answered.set()

    # In a thread of its own: looking up a name has no time limit.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_PATIENCE)
    return answered.is_set()


def fetched_before() -> bool:
    """Whether the caches of the hub and of open_clip hold any file as large as weights."""
    return any(
        file.is_file() and file.stat().st_size >= _SMALLEST_WEIGHTS
        for pattern in ((_hub_cache(), "models--*/blobs/*"), (Path("~/.cache/clip").expanduser(), "*"))
        for file in pattern[0].glob(pattern[1])
    )


def _is_model(name: str | None) -> bool:
    """Whether open_clip, which is not imported for it, may have a model of this name."""
    package = find_spec("open_clip")
    if name is None or package is None or not package.submodule_search_locations:
        return True
    return (Path(package.submodule_search_locations[0]) / "model_configs" / f"{name}.json").is_file()


def _hub_cache() -> Path:
    """The hub's folder of models, as its variables of the environment place it."""
    home = os.environ.get("HF_HOME") or f"{os.environ.get('XDG_CACHE_HOME') or '~/.cache'}/huggingface"
    return Path(os.environ.get("HF_HUB_CACHE") or f"{home}/hub").expanduser()
