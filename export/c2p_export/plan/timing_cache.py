"""The kernel timings that TensorRT keeps from build to build."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from c2p_deploy import progress
from c2p_deploy.errors import C2PError, reason_of
from c2p_deploy.files import user_cache, write_atomic
from c2p_runtime.backends.gpu import Gpu, sm_name


def default_timing_cache(flavour: str, version: str, gpu: Gpu) -> Path:
    """Where the kernel timings of one GPU and one release of TensorRT are kept from build to build."""
    card = re.sub(r"[^a-z0-9]+", "-", gpu.name.lower()).strip("-")
    name = f"{flavour}-{version}-{card}-{sm_name(gpu.compute_capability).lower()}.cache"
    return user_cache() / "timing" / name


@contextmanager
def kept_timings(config: Any, path: Path, logger: Any) -> Iterator[None]:
    """Lets the build inside reuse the kernel timings in `path`, and keeps there what it has timed.

    Timings that TensorRT refuses are measured again, and what cannot be kept costs the next build time,
    not this one. logger: as `logger_of` gives it.
    """
    _use(config, path, logger)
    yield
    cache = config.get_timing_cache()
    if cache is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, bytes(cache.serialize()))
    except (OSError, C2PError) as error:
        progress.say(f"{path}: cannot keep the kernel timings: {reason_of(error)}")


def _use(config: Any, path: Path, logger: Any) -> None:
    try:
        kept = path.read_bytes() if path.is_file() else b""
    except OSError:
        kept = b""
    logger.forget()
    cache = config.create_timing_cache(kept)
    # A damaged cache comes back empty, with a line in the log; one of another GPU is refused.
    taken = cache is not None and config.set_timing_cache(cache, ignore_mismatch=False)
    if taken and not (kept and logger.told()):
        return
    progress.say(f"{path}: these timings are not of this TensorRT and GPU; measuring again")
    config.set_timing_cache(config.create_timing_cache(b""), ignore_mismatch=False)
