"""A node of ROS 1 and its master, in processes of their own, on loopback."""

from __future__ import annotations

import importlib.machinery
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ros1_exchange
from engines import write_engine
from paths import REPOSITORY

pytest.importorskip("rosbags")

FINDER = importlib.machinery.PathFinder()  # also says no where a library is built for another Python
if not shutil.which("rosmaster") or not all(
    FINDER.find_spec(module, [ros1_exchange.DEBIAN]) for module in ("rospy", "netifaces")
):
    needs = "needs the system's Python, and apt install python3-rospy python3-rosmaster python3-netifaces"
    pytest.skip(needs, allow_module_level=True)


@pytest.fixture
def master(tmp_path: Path) -> Iterator[str]:
    """The address of a master of ROS."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    # Not through this Python: the master is Debian's, and so are its packages.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env |= {"ROS_HOME": str(tmp_path), "ROS_LOG_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    process = subprocess.Popen(
        ["/usr/bin/python3", shutil.which("rosmaster"), "--core", "-p", str(port)],
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield f"http://localhost:{port}"
    process.kill()
    process.wait()


def other_side(master: str, engine: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"ROS_MASTER_URI": master, "ROS_HOSTNAME": "localhost", "ROS_LOG_DIR": str(tmp_path)}
    command = [sys.executable, ros1_exchange.__file__, str(engine)]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=600)


def test_clouds_there_and_detections_back(master: str, tmp_path: Path) -> None:
    done = other_side(master, write_engine(tmp_path), tmp_path)
    print(done.stdout)
    assert done.returncode == 0, done.stderr


def test_no_master_is_told(tmp_path: Path) -> None:
    done = other_side("http://localhost:1", tmp_path / "any.onnx", tmp_path)
    assert "no ROS master at http://localhost:1 (Connection refused); start roscore" in done.stderr


def test_the_example_starts_as_roslaunch_starts_it(master: str, tmp_path: Path) -> None:
    """With the arguments that roslaunch adds, by the script of examples/ros1."""
    script = REPOSITORY / "examples" / "ros1" / "scripts" / "node"
    through = (
        f"import runpy, sys; sys.path.append({ros1_exchange.DEBIAN!r}); sys.argv = sys.argv[1:]; "
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    given = [
        "--topic",
        "/front/points",
        "--scene",
        "--device",
        "cpu",
        "--engine",
        str(write_engine(tmp_path)),
    ]
    added = ["__name:=c2p", f"__log:={tmp_path / 'c2p.log'}"]
    env = os.environ | {"ROS_MASTER_URI": master, "ROS_HOSTNAME": "localhost", "ROS_LOG_DIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-u", "-c", through, str(script), *given, *added],
        env=env,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.readline() == "c2p: names what is in the clouds of /front/points\n"
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()
