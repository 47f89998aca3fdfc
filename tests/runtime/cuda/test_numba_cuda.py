"""The one import of numba's CUDA: what it says when something is missing, where compiled code goes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from c2p_deploy.errors import MissingDependencyError
from c2p_runtime.backends.choose import require_cuda
from c2p_runtime.backends.gpu import find_gpus


def test_without_numba_cuda_the_error_names_the_extras() -> None:
    """Numba alone has a `cuda` module, without a `core`."""
    script = (
        "import sys\n"
        "sys.modules['numba.cuda.core'] = None\n"
        "from c2p_deploy.errors import MissingDependencyError\n"
        "try:\n"
        "    import c2p_runtime.cuda.launch\n"
        "except MissingDependencyError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "the GPU needs numba-cuda" in done.stdout
    assert "c2p-deploy[cuda12]" in done.stdout and "c2p-deploy[cuda13]" in done.stdout


@pytest.mark.skipif(bool(find_gpus()), reason="this machine has a GPU")
def test_without_a_gpu() -> None:
    pytest.importorskip("numba_cuda", reason="needs numba-cuda; pip install 'c2p-deploy[test]'")
    from c2p_deploy import DepthSpec, ViewSet
    from c2p_runtime.cuda.launch import DepthPipeline, project_depth_cuda

    views, spec = ViewSet.named("clip2point-6"), DepthSpec()
    for attempt in (
        require_cuda,
        lambda: DepthPipeline(1, 10, views, spec),
        lambda: project_depth_cuda([[0, 0, 0]], views, spec),
    ):
        with pytest.raises(MissingDependencyError, match=r"no NVIDIA driver.*c2p-deploy\[cuda"):
            attempt()


@pytest.mark.parametrize(("variable", "folder"), [("XDG_CACHE_HOME", "c2p-deploy"), ("NUMBA_CACHE_DIR", ".")])
def test_compiled_kernels_go_where_the_user_keeps_caches(tmp_path, variable, folder) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("numba_cuda", reason="needs numba-cuda; pip install 'c2p-deploy[test]'")
    script = (
        "from c2p_runtime.cuda.kernels_projection import splat\n"
        "from c2p_runtime.cuda.kernels_sampling import farthest_for\n"
        "from numba.cuda.core import config\n"
        "print(splat._cache.cache_path, farthest_for(4)._cache.cache_path, sep='\\n')\n"
        "print(repr(config.CACHE_DIR))\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    environment[variable] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    *paths, left = done.stdout.splitlines()
    home = (tmp_path / folder).resolve()
    assert len(paths) == 2
    assert all(os.path.commonpath([path, home]) == str(home) for path in paths)
    assert left == repr(environment.get("NUMBA_CACHE_DIR", ""))  # as other packages expect it
