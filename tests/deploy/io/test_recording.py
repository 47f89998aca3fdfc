"""Recordings: what was written comes back exactly, of damaged ones what is whole, and one line."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import zstandard

from c2p_deploy.errors import C2PError, CloudFileError, MissingDependencyError, OptionError
from c2p_deploy.io.recording import Frame, Recording, open_recording, source
from cloud2 import OUSTER, VELODYNE, random_points, xyz_of
from recordings import KINDS, START, Sent, bare, drive, write_bag, write_mcap, write_rosbag2

PLAIN = ("none.bag", "bare.mcap", "ros1 none.mcap", "ros2 plain.mcap")


def assert_frames(frames: Sequence[Frame], sent: Sequence[Sent], topic: str = "/lidar") -> None:
    clouds = [each for each in sent if each.topic == topic]
    assert len(frames) == len(clouds)
    for number, (frame, each) in enumerate(zip(frames, clouds, strict=True)):
        assert isinstance(each.content, np.ndarray)
        assert frame.points.dtype == np.float32
        np.testing.assert_array_equal(frame.points, xyz_of(each.content))
        assert (frame.stamp, frame.received) == (each.stamp or each.received, each.received)
        assert (frame.number, frame.frame_id) == (number, "os1_lidar")


def refusal(path: Path, topic: str | None = None) -> str:
    with pytest.raises(CloudFileError) as raised:
        list(open_recording(path, topic))
    line = str(raised.value)
    assert line.isprintable() and line.startswith(f"{path}: ") and "; " in line
    assert "cannot be read (" not in line, line
    return line.removeprefix(f"{path}: ")


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_written_comes_back(tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    sent = drive()
    recording = open_recording(KINDS[kind](tmp_path, sent))
    assert dict(recording.topics) == {"/lidar": 5} and recording.topic == "/lidar" and recording.length == 5
    assert_frames(list(recording), sent)
    assert_frames(list(recording), sent)  # as often as one likes
    assert [frame.number for frame in recording.frames(every=2)] == [0, 2, 4]
    assert not caplog.records and recording.skipped == 0


@pytest.mark.parametrize("kind", KINDS)
def test_one_of_several_topics(tmp_path: Path, kind: str) -> None:
    sent = drive(3, topics=("/front/points", "/rear/points"))
    path = KINDS[kind](tmp_path, sent)
    for topic in ("/rear/points", "rear/points"):
        recording = open_recording(path, topic)
        assert (recording.topic, recording.length) == ("/rear/points", 3)
        assert_frames(list(recording), sent, "/rear/points")
    line = refusal(path)
    assert line == "several topics carry clouds; choose one of /front/points (3), /rear/points (3)"
    assert "choose one of /front/points (3)" in refusal(path, "/side/points")
    assert refusal(path, "/chatter").startswith("topic /chatter carries std_msgs/String, no PointCloud2")


@pytest.mark.parametrize("kind", KINDS)
def test_none_at_all(tmp_path: Path, kind: str) -> None:
    line = refusal(KINDS[kind](tmp_path, drive(3, topics=())))
    assert line.startswith("carries no PointCloud2, but /chatter (std_msgs/String); record a topic")


def test_stamps_of_zero_and_empty_clouds(tmp_path: Path) -> None:
    sent = [
        Sent("/lidar", random_points(OUSTER, (0,)), START),
        Sent("/lidar", random_points(VELODYNE, (3,)), START),
    ]
    assert_frames(list(open_recording(write_bag(tmp_path / "a.bag", sent))), sent)


def test_a_recording_in_several_files(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As rosbag2 splits them, ten after nine, with metadata.yaml or without."""
    sent = drive(12)
    folder = tmp_path / "drive"
    folder.mkdir()
    for number in range(12):
        part = sent[2 * number : 2 * number + 2]
        shutil.move(bare(write_rosbag2(tmp_path / f"{number}", part)), folder / f"drive_{number}.db3")
    assert_frames(list(open_recording(folder)), sent)
    assert not caplog.records
    shutil.copy(folder / "drive_3.db3", folder / "drive_03.db3")
    assert refusal(folder) == "is a directory with 13 recordings; give one of them"
    (folder / "drive_03.db3").unlink()
    write_mcap(folder / "other.mcap", sent)
    assert refusal(folder) == "is a directory with 13 recordings; give one of them"


def test_of_several_files_those_that_can_be_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A recorder that was killed leaves its last file cut off, or empty."""
    sent = drive(12)
    folder = tmp_path / "drive"
    folder.mkdir()
    for number in range(3):
        write_mcap(folder / f"drive_{number}.mcap", sent[8 * number : 8 * number + 8], "ros2", packing="NONE")
    first = folder / "drive_0.mcap"
    first.write_bytes(first.read_bytes()[:10_000])
    recording = open_recording(folder)
    frames = list(recording)
    assert [frame.stamp for frame in frames] == [each.stamp for each in [*sent[0:4:2], *sent[8::2]]]
    assert recording.length == len(frames) == 10
    assert len(caplog.records) == 1 and "10 clouds of it are whole" in caplog.text
    (folder / "drive_2.mcap").write_bytes(b"")
    assert len(list(open_recording(folder))) == 6
    for path in folder.iterdir():
        path.write_bytes(b"")
    assert refusal(folder).startswith("drive_0.mcap is empty (0 bytes)")


# How much of the frames must be left when so much of the file is; packed chunks are lost as a whole.
@pytest.mark.parametrize("kind", [k for k in KINDS if "folder" not in k and not k.startswith("packed")])
def test_of_a_recording_that_was_cut_off_what_it_holds(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    sent = drive(20)
    path = KINDS[kind](tmp_path, sent)
    content = path.read_bytes()
    before = 0
    for part in (0.6, 0.75, 0.9, 0.97):
        path.write_bytes(content[: int(part * len(content))])
        caplog.clear()
        recording = open_recording(path)
        frames = list(recording)
        assert_frames(frames, sent[: 2 * len(frames)])
        assert recording.length == len(frames)
        assert before <= len(frames) <= 20
        assert len(frames) >= (part - 0.25) * 20
        assert len(caplog.records) == 1 and f"; {len(frames)} clouds of it are whole" in caplog.text
        before = len(frames)
    for size in (0, 1, 8, 20, 100):
        path.write_bytes(content[:size])
        refusal(path)


def test_a_bag_that_was_never_closed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As a recorder leaves it that was killed: index_pos is 0."""
    sent = drive(8)
    path = write_bag(tmp_path / "a.bag.active", sent)
    content = path.read_bytes()
    at = content.index(b"index_pos=") + 10
    path.write_bytes(content[:at] + bytes(8) + content[at + 8 :])
    assert_frames(list(open_recording(path)), sent)
    assert len(caplog.records) == 1 and "has no index" in caplog.text


def test_messages_of_a_killed_recorder_beside_the_database(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = bare(write_rosbag2(tmp_path / "a", drive(3)))
    Path(f"{path}-wal").write_bytes(b"something")
    assert len(list(open_recording(path))) == 3
    assert len(caplog.records) == 1 and f"{path.name}-wal" in caplog.text


@pytest.mark.parametrize("kind", PLAIN)
def test_a_message_that_is_none_is_left_out(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    sent = drive(4)
    path = KINDS[kind](tmp_path, sent)
    content = path.read_bytes()
    reflectivity = content.index(b"reflectivity", content.index(b"reflectivity") + 1)  # of the second cloud
    at = content.rindex(b"x", 0, reflectivity)  # the name of its first field
    content = content[:at] + b"q" + content[at + 1 :]
    path.write_bytes(content)
    recording = open_recording(path)
    frames = list(recording)
    assert [frame.number for frame in frames] == [0, 2, 3] and recording.skipped == 1
    assert len(caplog.records) == 1 and "cloud 1 is left out: fields has no x" in caplog.text


def test_if_nothing_is_left_the_first_reason_is_given(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    flat = np.dtype([("x", "<f4"), ("y", "<f4"), ("rgb", "<f4")])
    sent = [Sent("/flat", random_points_of(flat), START + i) for i in range(3)]
    line = refusal(write_bag(tmp_path / "a.bag", sent))
    assert line.startswith("fields has no z, but x y rgb; choose a topic")


def random_points_of(dtype: np.dtype) -> np.ndarray:  # type: ignore[type-arg]
    return np.zeros(5, dtype)


@pytest.mark.parametrize("every", [0, -1, 1.5, True, "2"])
def test_steps_that_make_no_sense(tmp_path: Path, every: object) -> None:
    recording = open_recording(write_bag(tmp_path / "a.bag", drive(1)))
    with pytest.raises(OptionError, match="every must be"):
        recording.frames(every)  # type: ignore[arg-type]


def test_what_is_no_recording(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a.bag").write_bytes(b"#ROSBAG V1.2\n" + bytes(100))
    (tmp_path / "b.bag").write_bytes(b"ply\nformat ascii 1.0\n")
    (tmp_path / "c.db3").touch()
    with sqlite3.connect(tmp_path / "d.db3") as database:
        database.execute("CREATE TABLE other (id)")
    database.close()
    for name, complaint in {
        "gone.bag": "no such file",
        "empty": "is a directory without a recording",
        "pipe": "is not a regular file",
        "a.bag": "is a ROS bag of format V1.2; bring it to 2.0",
        "b.bag": "is no recording; give a ROS 1 .bag",
        "c.db3": "is empty (0 bytes)",
        "d.db3": "is an SQLite file without rosbag2's table 'topics'",
    }.items():
        assert complaint in refusal(tmp_path / name), name


def test_files_outside_the_folder_are_not_opened(tmp_path: Path) -> None:
    """Whatever metadata.yaml says, which is not read."""
    write_rosbag2(tmp_path / "outside", drive(3))
    folder = write_rosbag2(tmp_path / "a", drive(1))
    for path in ("../outside/outside.db3", str(tmp_path / "outside" / "outside.db3")):
        text = f"rosbag2_bagfile_information:\n  relative_file_paths: [{path}]\n"
        (folder / "metadata.yaml").write_text(text)
        assert open_recording(folder).length == 1
    bare(folder).unlink()
    assert refusal(folder).startswith("is a directory without a recording")


def test_definitions_in_a_file_are_not_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_mcap(tmp_path / "a.mcap", drive(2), packing="NONE")
    content = path.read_bytes()
    evil = b'open("executed","w")#'
    begin = (
        content.index(b"# 1. A message") if b"# 1. A message" in content else content.index(b"Header header")
    )
    path.write_bytes(content[:begin] + evil + content[begin + len(evil) :])
    assert len(list(open_recording(path))) == 2
    assert not (tmp_path / "executed").exists()


HOSTILE_TABLES = {
    "view": "CREATE VIEW messages AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r)"
    " SELECT n AS topic_id, n AS timestamp, zeroblob(1000000) AS data FROM r",
    "computed": "CREATE TABLE messages (topic_id, timestamp, data AS (zeroblob(900000000)))",
    "virtual": "CREATE VIRTUAL TABLE messages USING fts5(topic_id, timestamp, data)",
}


@pytest.mark.parametrize("kind", HOSTILE_TABLES)
def test_databases_that_compute_what_they_hold(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.db3"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE topics (id INTEGER PRIMARY KEY, name, type, serialization_format)")
        database.execute("INSERT INTO topics VALUES (1, '/lidar', 'sensor_msgs/msg/PointCloud2', 'cdr')")
        try:
            database.execute(HOSTILE_TABLES[kind])
        except sqlite3.OperationalError:
            pytest.skip("SQLite here cannot make one")
        if kind == "computed":
            database.execute("INSERT INTO messages (topic_id, timestamp) VALUES (1, 1)")
    database.close()
    assert "without rosbag2's table 'messages'" in refusal(path)


def test_what_unpacks_out_of_all_proportion_is_refused(tmp_path: Path) -> None:
    """One chunk of zeros, very many of them, and a packed file."""
    one = write_mcap(tmp_path / "a.mcap", [Sent("/lidar", np.zeros(4_000_000, OUSTER), START)])
    assert refusal(one).startswith("claims to unpack to more than 64 times its size")
    many = [Sent("/lidar", np.zeros(100_000, OUSTER), START + i) for i in range(60)]
    for kind in ("ros1 lz4.mcap", "lz4.bag"):
        (tmp_path / kind).mkdir()
        path = KINDS[kind](tmp_path / kind, many)
        assert path.stat().st_size < 2_000_000  # of 288 MB
        assert len(list(open_recording(path))) < 60
    packed = tmp_path / "b.mcap.zstd"
    packed.write_bytes(zstandard.compress(b"\x89MCAP0\r\n" + bytes(200_000_000)))
    before = set(Path(tempfile.gettempdir()).iterdir())
    assert "claims that" in refusal(packed)
    assert not [path for path in set(Path(tempfile.gettempdir()).iterdir()) - before if "c2p-" in path.name]


@pytest.mark.parametrize("kind", ["none.bag", "bare.mcap"])
def test_messages_of_very_many_fields_cost_nothing(tmp_path: Path, kind: str) -> None:
    """rosbags would make a million objects of them."""
    wide = np.dtype([(name, "<f4") for name in "xyz"] + [(f"f{i}", "u1") for i in range(1100)])
    path = KINDS[kind](tmp_path, [Sent("/lidar", np.ones(3, wide), START)])
    assert refusal(path).startswith("holds a message of more fields than any cloud has")


def test_what_it_unpacked_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    recording = open_recording(KINDS["packed mcap"](tmp_path, drive(2)))
    assert len(list(recording)) == 2 and len(list((tmp_path / "t").iterdir())) == 1
    del recording
    assert not list((tmp_path / "t").iterdir())


def test_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = {kind: KINDS[kind](folder, drive(1)) for kind in ("lz4.bag", "bare.mcap", "bare.db3")
             if not (folder := tmp_path / kind).mkdir()}  # fmt: skip
    from c2p_deploy.io.recording import messages

    messages._decoder.cache_clear()
    for name in ("rosbags", "rosbags.typesys", "lz4.frame", "mcap.records", "mcap.data_stream"):
        monkeypatch.setitem(sys.modules, name, None)
    for path in paths.values():
        with pytest.raises(MissingDependencyError, match=r"\[ros\]"):
            list(open_recording(path))


def open_files() -> set[Path]:
    return set(Path("/proc/self/fd").iterdir())


def test_a_loop_that_is_left_early_leaves_no_file_open(tmp_path: Path) -> None:
    for kind in ("none.bag", "bare.mcap", "bare.db3"):
        (tmp_path / kind).mkdir()
        path = KINDS[kind](tmp_path / kind, drive(4))
        before = open_files()
        for _ in open_recording(path):
            break
        assert open_files() <= before


def test_names_with_signs_of_an_address(tmp_path: Path) -> None:
    path = tmp_path / "50%20 of?mode=rwc&x#y.db3"
    shutil.move(bare(write_rosbag2(tmp_path / "a", drive(2))), path)
    assert len(list(open_recording(path))) == 2


def test_real_recordings(shared: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = shared / "data" / "recordings"
    if not folder.is_dir():
        pytest.skip("needs the real recordings")
    found: dict[str, list[Frame]] = {}
    refused = {}
    for path in sorted(folder.iterdir()):
        try:
            found[path.name] = list(open_recording(path))
        except C2PError as error:
            refused[path.name] = str(error)
    assert (
        refused.keys() == {"depth_error_test.bag"}
        and "carries no PointCloud2" in refused["depth_error_test.bag"]
    )
    assert {name: [len(f.points) for f in frames] for name, frames in found.items()} == {
        "rosbag-bz2.bag": [271575],
        "test.mcap": [131072, 131072],
        "watercan.bag": [13966],
    }
    first = found["test.mcap"][0].points
    assert not (first == 0).all(axis=1).any() and 40_000 < np.isfinite(first).all(axis=1).sum() < 60_000
    assert found["test.mcap"][0].frame_id == "os1_lidar"
    assert found["test.mcap"][1].stamp - found["test.mcap"][0].stamp == pytest.approx(1e8, rel=0.05)
    assert not caplog.records


def test_real_bags_equal_what_rosbags_reads(shared: Path) -> None:
    from rosbags.highlevel import AnyReader

    from c2p_deploy import read_cloud2

    for path in sorted((shared / "data" / "recordings").glob("*.bag")):
        with AnyReader([path]) as reader:
            wanted = [c for c in reader.connections if c.msgtype == "sensor_msgs/msg/PointCloud2"]
            expected = [
                (time, read_cloud2(reader.deserialize(raw, connection.msgtype)))
                for connection, time, raw in (reader.messages(wanted) if wanted else ())
            ]
        frames = list(open_recording(path)) if wanted else []
        assert [frame.received for frame in frames] == [time for time, _ in expected]
        for frame, (_, points) in zip(frames, expected, strict=True):
            np.testing.assert_array_equal(frame.points, points)


def test_limits_of_unpacking() -> None:
    import bz2

    assert source.unpack("bz2", bz2.compress(b"abc" * 100), 300) == b"abc" * 100
    assert source.unpack("bz2", bz2.compress(b"abc" * 100), 10) == b"abcabcabca"
    for kind in ("bz2", "lz4", "zstd", "rar"):
        with pytest.raises(CloudFileError):
            source.unpack(kind, b"nothing that is packed", 100)
        with pytest.raises(CloudFileError, match="claims that"):
            source.unpack(kind, b"x" * 100, (160 << 20) + 801)
        assert source.unpack(kind, b"", 0) == b""


def test_recordings_say_what_they_are(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        recording = open_recording(write_bag(tmp_path / "a.bag", drive(2)))
    assert isinstance(recording, Recording)
    assert repr(recording) == f"Recording({str(tmp_path / 'a.bag')!r}, '/lidar', 2 frames)"
