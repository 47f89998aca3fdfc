"""Kernel timings are kept by release and GPU, and never cost a build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from c2p_export.plan.timing_cache import default_timing_cache, kept_timings
from c2p_runtime.backends.gpu import Gpu
from c2p_runtime.backends.tensorrt_install import logger_of


def test_timings_are_kept_by_release_and_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    path = default_timing_cache("tensorrt", "10.3.0.26", Gpu("NVIDIA RTX™ A2000 12GB/x", "8.6", 1))
    assert path == Path("/cache/c2p-deploy/timing/tensorrt-10.3.0.26-nvidia-rtx-a2000-12gb-x-sm86.cache")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_timings_that_tensorrt_refuses_are_noted_and_replaced(tmp_path: Path, trt: Any, heard: Any) -> None:
    # TensorRT-RTX has the interface still, and reads and writes caches without using them.
    logger = logger_of("tensorrt-rtx")
    config = trt.Builder(logger).create_builder_config()
    path = tmp_path / "new" / "timings [1].cache"
    with kept_timings(config, path, logger):
        assert heard.lines == []
    assert path.stat().st_size > 0 and list(path.parent.iterdir()) == [path]
    path.write_bytes(b"garbage" * 30)
    with kept_timings(config, path, logger):
        assert "timings [1].cache: these timings are not" in heard.lines[-1]
    assert b"garbage" not in path.read_bytes()
    with kept_timings(config, path / "below a file", logger):
        pass
    assert "cannot keep the kernel timings" in heard.lines[-1]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_timings_of_a_build_that_failed_are_not_kept(tmp_path: Path, trt: Any) -> None:
    logger = logger_of("tensorrt-rtx")
    config = trt.Builder(logger).create_builder_config()
    with pytest.raises(ValueError), kept_timings(config, tmp_path / "timings.cache", logger):
        raise ValueError
    assert list(tmp_path.iterdir()) == []
