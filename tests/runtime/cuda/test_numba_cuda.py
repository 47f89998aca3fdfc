"""The one import of numba's CUDA: what it says when something is missing, where compiled code goes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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
    assert "[cuda12]" in done.stdout and "cuda13" in done.stdout


@pytest.mark.skipif(bool(find_gpus()), reason="this machine has a GPU")
def test_without_a_gpu() -> None:
    pytest.importorskip("numba_cuda", reason="needs numba-cuda; pip install -e '.[test]'")
    from c2p_deploy import DepthSpec, ViewSet
    from c2p_runtime.cuda.device import Device
    from c2p_runtime.cuda.launch import project_depth_cuda

    views, spec = ViewSet.named("clip2point-6"), DepthSpec()
    for attempt in (require_cuda, Device, lambda: project_depth_cuda([[0, 0, 0]], views, spec)):
        with pytest.raises(MissingDependencyError, match=r"no NVIDIA driver.*\[cuda12\]"):
            attempt()


@pytest.mark.parametrize(("variable", "folder"), [("XDG_CACHE_HOME", "c2p-deploy"), ("NUMBA_CACHE_DIR", ".")])
def test_compiled_kernels_go_where_the_user_keeps_caches(tmp_path, variable, folder) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("numba_cuda", reason="needs numba-cuda; pip install -e '.[test]'")
    script = (
        "from c2p_runtime.cuda.kernels_projection import splat\n"
        "from c2p_runtime.cuda.kernels_sampling import farthest_for\n"
        "from numba.cuda.core import config\n"
        "print(splat._cache.cache_path, farthest_for(4)[0]._cache.cache_path, sep='\\n')\n"
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


FOLDER = (
    "from c2p_runtime.cuda import numba_cuda\n"
    "from c2p_runtime.cuda.kernels_projection import splat\n"
    "print(numba_cuda.cache_folder())\n"
    "print(splat._cache.cache_path)\n"
)


def told_folder(home: Path, code: str = FOLDER) -> list[str]:
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    environment["XDG_CACHE_HOME"] = str(home)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return done.stdout.splitlines()


def test_the_cache_is_private(tmp_path: Path) -> None:
    pytest.importorskip("numba_cuda", reason="needs numba-cuda; pip install -e '.[test]'")
    folder, path = map(Path, told_folder(tmp_path))
    assert folder.parent == tmp_path / "c2p-deploy" and path.is_relative_to(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    for mode in (0o720, 0o702, 0o777):
        folder.chmod(mode)
        assert told_folder(tmp_path) == ["None", "None"]
    folder.chmod(0o755)  # others may read
    assert told_folder(tmp_path)[0] == str(folder)
    folder.parent.chmod(0o777)  # whoever may write there puts another folder in its place
    assert told_folder(tmp_path) == ["None", "None"]
    folder.parent.chmod(0o1777)  # as /tmp
    assert told_folder(tmp_path)[0] == str(folder)
    elsewhere = tmp_path / "elsewhere"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    assert told_folder(tmp_path) == ["None", "None"]
    if os.geteuid() == 0:
        folder.unlink()
        elsewhere.rename(folder)
        os.chown(folder, 12345, -1)
        assert told_folder(tmp_path) == ["None", "None"]


def test_other_code_has_another_cache(tmp_path: Path) -> None:
    """A kernel's own file is all that numba would look at."""
    pytest.importorskip("numba_cuda", reason="needs numba-cuda; pip install -e '.[test]'")
    from c2p_runtime.cuda import block, numba_cuda

    code = Path(block.__file__).read_bytes()
    before = numba_cuda._fingerprint()
    read = Path.read_bytes
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            Path, "read_bytes", lambda path: code + b"#" if path.name == "block.py" else read(path)
        )
        changed = numba_cuda._fingerprint()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(numba_cuda, "version", lambda name: "99.0")
        released = numba_cuda._fingerprint()
    assert len({before, changed, released}) == 3 and numba_cuda._fingerprint() == before


class FakeTarget:
    """As much of numba's target as the lookup of a kernel uses, where there is no GPU."""

    def refresh(self) -> None:
        pass

    def codegen(self) -> FakeTarget:
        return self

    def magic_tuple(self) -> tuple[str]:
        return ("sm_87",)


@pytest.mark.parametrize("which", ["index", "data"])
@pytest.mark.parametrize("damage", [b"", b"cut", b"random"])
def test_a_damaged_cache_is_emptied_and_nothing_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str, damage: bytes
) -> None:
    pytest.importorskip("numba_cuda", reason="needs numba-cuda; pip install -e '.[test]'")
    from c2p_runtime.cuda import numba_cuda

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(numba_cuda.config, "CACHE_DIR", "")
    numba_cuda.cache_folder.cache_clear()
    try:

        @numba_cuda.kernel(32)
        def some(x) -> None:  # type: ignore[no-untyped-def]
            x[0] = 1

        kept, signature = some._cache, ("int32[:]",)
        files = kept._cache_file
        files.save(kept._index_key(signature, FakeTarget()), {"cubin": 100 * b"x"})
        (data,) = Path(kept.cache_path).glob("*.nbc")
        file = Path(files._index_path) if which == "index" else data
        whole = file.read_bytes()
        file.write_bytes({b"": b"", b"cut": whole[: len(whole) // 2], b"random": os.urandom(200)}[damage])
        folder = numba_cuda.cache_folder()
        assert folder is not None and any(folder.iterdir())
        assert kept.load_overload(signature, FakeTarget()) is None
        assert not any(folder.iterdir())
        kept.save_overload(signature, object())  # what was compiled instead is not kept in this process
        assert kept.load_overload(signature, FakeTarget()) is None
    finally:
        numba_cuda.cache_folder.cache_clear()
        numba_cuda._purge.cache_clear()
