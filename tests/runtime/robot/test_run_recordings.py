"""`c2p-run` on recordings: which paths are some, what is printed of each cloud, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from click.testing import CliRunner, Result

from c2p_deploy import progress
from c2p_deploy.errors import CloudFileError
from c2p_deploy.io import recognise
from c2p_deploy.io.recognise import is_recording
from c2p_deploy.io.recording import folder as rosbag2_folder
from c2p_deploy.io.recording import mcap_file, open_recording, ros1_bag, source, sqlite_file
from c2p_runtime import Classifier
from c2p_runtime.cli import main
from c2p_runtime.robot import console, replay
from engines import write_engine

recordings = pytest.importorskip("recordings")


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    return write_engine(tmp_path)


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """Five clouds of one topic, 0.1 s apart."""
    path: Path = recordings.write_bag(tmp_path / "drive.bag", recordings.drive(5))
    return path


def c2p_run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["--device", "cpu", *map(str, arguments)])


def records(result: Result) -> list[dict]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("kind", recordings.KINDS)
def test_recordings_are_told_from_clouds(kind: str, tmp_path: Path) -> None:
    assert is_recording(recordings.KINDS[kind](tmp_path, recordings.drive(2)))


def test_what_is_no_recording(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((3, 3)))
    (tmp_path / "empty.bag").write_bytes(b"")
    (tmp_path / "text.mcap").write_text("not what it says")
    assert [
        is_recording(tmp_path / name) for name in (".", "a.npy", "empty.bag", "text.mcap", "gone.bag")
    ] == [*(False, False, True, False, False)]
    folder = tmp_path / "both"
    recordings.write_rosbag2(folder, recordings.drive(1))
    assert is_recording(folder)
    np.save(folder / "a.npy", np.zeros((3, 3)))
    assert not is_recording(folder)  # a folder of clouds, as it was before
    assert not is_recording(Path("a" * 5000))


def test_they_are_told_by_what_their_readers_look_for() -> None:
    readers = (ros1_bag.MAGIC, mcap_file.MAGIC, sqlite_file.MAGIC)
    assert all(magic.startswith(head) for magic, head in zip(readers, recognise.HEADS, strict=True))
    assert recognise.ZSTD == source.ZSTD and recognise.SUFFIXES == rosbag2_folder.SUFFIXES


def test_each_cloud_gets_the_answer_that_it_gets_alone(bag: Path, engine: Path) -> None:
    result = c2p_run("--engine", engine, "--json", bag)
    assert (result.exit_code, result.stderr) == (0, "")
    with Classifier(engine, device="cpu") as clf:
        for record, frame in zip(records(result), open_recording(bag), strict=True):
            assert list(record)[:4] == ["file", "frame", "stamp_ns", "frame_id"]
            assert record["file"] == str(bag)
            assert (record["frame"], record["stamp_ns"]) == (frame.number, frame.stamp)
            assert record["frame_id"] == "os1_lidar"
            prediction = clf(frame.points)
            assert record["guess"] == prediction.guess
            assert record["score"] == pytest.approx(prediction.score, abs=1e-6)


@pytest.mark.parametrize("kind", ["mcap folder", "bare.db3", "ros1.mcap"])
def test_every_other_cloud_in_a_line_each(kind: str, tmp_path: Path, engine: Path) -> None:
    path = recordings.KINDS[kind](tmp_path, recordings.drive(5))
    result = c2p_run("--engine", engine, "--every", 2, path)
    assert result.exit_code == 0, result.stderr
    assert [line.split(": ")[0] for line in result.stdout.splitlines()] == [f"{path}@{n}" for n in (0, 2, 4)]


def test_scenes_of_a_recording(bag: Path, engine: Path, tmp_path: Path) -> None:
    result = c2p_run("--engine", engine, "--scene", "--save-scene", tmp_path / "s.png", "--json", bag)
    assert result.exit_code == 0, result.stderr
    found = records(result)
    assert [record["frame"] for record in found] == [0, 1, 2, 3, 4]
    assert all("objects" in record and record["points"] == 80 for record in found)
    assert {path.name for path in tmp_path.glob("s-*.png")} == {f"s-drive-{n}.png" for n in range(5)}


def test_of_several_topics_one_has_to_be_chosen(tmp_path: Path, engine: Path) -> None:
    path = recordings.write_bag(tmp_path / "a.bag", recordings.drive(3, topics=("/front", "/rear")))
    result = c2p_run("--engine", engine, path)
    assert result.exit_code == 1 and not result.stdout
    assert "several topics carry clouds; choose one of /front (3), /rear (3)" in result.stderr
    result = c2p_run("--engine", engine, "--topic", "/rear", path)
    assert result.exit_code == 0 and len(result.stdout.splitlines()) == 3


def test_none_at_all_is_explained(tmp_path: Path, engine: Path) -> None:
    texts = [sent for sent in recordings.drive(3) if isinstance(sent.content, str)]
    path = recordings.write_bag(tmp_path / "a.bag", texts)
    result = c2p_run("--engine", engine, path)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {path}: carries no PointCloud2, but /chatter (std_msgs/String)")


def test_one_that_was_cut_off_gives_what_it_holds_and_one_line(
    tmp_path: Path, engine: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = recordings.write_bag(tmp_path / "a.bag", recordings.drive(8, points=200), chunk=1 << 14)
    cut = tmp_path / "cut.bag"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    result = c2p_run("--engine", engine, cut)
    assert result.exit_code == 0
    assert 1 < len(result.stdout.splitlines()) < 8
    (said,) = (record.getMessage() for record in caplog.records if record.name == "c2p_deploy")
    assert said.startswith(f"{cut}: ") and "clouds of it are whole" in said


def test_a_cloud_that_cannot_be_answered_stops_nobody(
    tmp_path: Path, engine: Path, chair: np.ndarray
) -> None:
    sent = recordings.drive(3)
    same = np.ones((1, 9), sent[2].content.dtype)
    sent[2] = sent[2]._replace(content=same)
    path = recordings.write_bag(tmp_path / "a.bag", sent)
    np.save(tmp_path / "chair.npy", chair)
    for rate in ("max", "real"):
        result = c2p_run("--engine", engine, "--rate", rate, path, tmp_path / "chair.npy")
        assert result.exit_code == 1
        assert f"error: {path}@1: all 9 points coincide" in result.stderr
        assert [line.split(": ")[0] for line in result.stdout.splitlines()] == [
            *(f"{path}@0", f"{path}@2", str(tmp_path / "chair.npy"))
        ]


def test_at_its_own_pace_what_is_overtaken_is_dropped(bag: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker of 0.25 s on clouds every 0.1 s: the first, the newest after it, and the last."""
    said: list[str] = []
    monkeypatch.setattr(progress, "say", said.append)
    monkeypatch.setattr(console.console, "answer", said.append)
    clock, begun, waiting = [0.0], Event(), Event()
    monkeypatch.setattr(replay, "monotonic", lambda: clock[0])

    def sleep(seconds: float) -> None:
        assert begun.wait(60)
        clock[0] += seconds
        if clock[0] > 0.35:  # the last but one has come
            waiting.set()

    monkeypatch.setattr(replay, "sleep", sleep)

    def answers(source: object, points: np.ndarray, read_ms: float) -> list[str]:
        begun.set()
        assert waiting.wait(60)
        return [str(source)]

    assert console.answer_recording(bag, answers, None, 1, "real")
    assert said[0] == f"{bag}@0" and said[-2] == f"{bag}@4"
    answered = len(said) - 1  # the third or fourth may be begun before the last comes
    assert answered <= 4
    assert said[-1].startswith(f"{bag}: {answered} of 5 clouds answered, {5 - answered} dropped; age ")


def test_what_goes_wrong_while_a_recording_is_played_is_told(
    bag: Path, engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise CloudFileError("is broken", "mend it", bag)

    monkeypatch.setattr(console, "replay", broken)
    result = c2p_run("--engine", engine, "--rate", "real", bag)
    assert result.exit_code == 1 and result.stderr.endswith(f"error: {bag}: is broken; mend it\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--topic", "/a"), "--topic is for recordings, and none is given."),
        (("--every", "2"), "--every is for recordings, and none is given."),
        (("--rate", "max"), "--rate is for recordings, and none is given."),
        (("--every", "0"), "0 is not in the range x>=1"),
    ],
)
def test_options_of_recordings_for_clouds(
    arguments: tuple[str, str], said: str, tmp_path: Path, chair: np.ndarray
) -> None:
    np.save(tmp_path / "chair.npy", chair)
    result = c2p_run(*arguments, tmp_path / "chair.npy")
    assert result.exit_code == 2 and said in result.stderr


def test_options_of_clouds_for_recordings(bag: Path, engine: Path, tmp_path: Path, chair: np.ndarray) -> None:
    result = c2p_run("--columns", 4, bag)
    assert result.exit_code == 2 and "--columns is for files of clouds" in result.stderr
    chair.astype("<f4").tofile(tmp_path / "chair.bin")
    result = c2p_run("--engine", engine, "--columns", 3, bag, tmp_path / "chair.bin")
    assert result.exit_code == 0 and len(result.stdout.splitlines()) == 6


def test_real_recordings(shared: Path, engine: Path) -> None:
    folder = shared / "data" / "recordings"
    if not folder.is_dir():
        pytest.skip(f"needs the recordings in {folder}")
    for name in ("rosbag-bz2.bag", "test.mcap", "watercan.bag"):
        result = c2p_run("--engine", engine, "--json", folder / name)
        found = records(result)
        assert result.exit_code == 0 and found, result.stderr
        assert [record["stamp_ns"] for record in found] == [f.stamp for f in open_recording(folder / name)]
