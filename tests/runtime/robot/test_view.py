"""`c2p-run --view` and `--save-mcap`: Foxglove is given what was answered, in files and on the wire."""

from __future__ import annotations

import base64
import json
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bus import tabletop
from c2p_deploy.errors import C2PError
from c2p_runtime import Classifier
from c2p_runtime.answers import Source
from c2p_runtime.cli import main
from c2p_runtime.robot import view as view_module
from c2p_runtime.robot.view import View
from c2p_runtime.scene.classifier import Scene, SceneClassifier
from c2p_runtime.scene.console import answer_of
from c2p_runtime.scene.cutting.boxes import upright_box
from c2p_runtime.scene.ply import colours_of, parts_of
from c2p_runtime.scene.segmentation import Box
from c2p_runtime.scene.upright import turn_between, turned
from engines import write_engine

pytest.importorskip("foxglove")
pytest.importorskip("mcap_protobuf")

from mcap.reader import make_reader
from mcap.records import Schema
from mcap_protobuf.decoder import DecoderFactory

SCHEMAS = {
    "/c2p/points": "foxglove.PointCloud",
    "/c2p/things": "foxglove.SceneUpdate",
    "/c2p/depth": "foxglove.RawImage",
    "/c2p/latency": "c2p.Latency",
}
LINE = 2  # pixels between depth maps
Messages = dict[str, list[tuple[int, Any]]]  # by topic: stamps, and what was decoded


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    return write_engine(tmp_path)


@pytest.fixture
def clf(engine: Path) -> Iterator[Classifier]:
    with Classifier(engine, device="cpu") as made:
        yield made


def c2p_run(engine: Path, *arguments: object) -> Result:
    return CliRunner().invoke(main, ["--device", "cpu", "--engine", *map(str, (engine, *arguments))])


def decoded(schema: Schema, encoding: str, data: bytes) -> Any:
    if encoding == "json":
        return json.loads(data)
    decode = DecoderFactory().decoder_for(encoding, schema)
    assert decode is not None
    return decode(data)


def messages_of(path: Path) -> Messages:
    """What an MCAP file holds, as the library of MCAP reads it."""
    found: Messages = {topic: [] for topic in SCHEMAS}
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        for schema, channel, message in reader.iter_messages():
            assert schema is not None and SCHEMAS[channel.topic] == schema.name
            found[channel.topic].append(
                (message.log_time, decoded(schema, channel.message_encoding, message.data))
            )
        summary = reader.get_summary()
    assert summary is not None and {channel.topic for channel in summary.channels.values()} == set(SCHEMAS)
    return found


def rows_of(cloud: Any) -> np.ndarray:
    """The points of a message, by the fields that it declares."""
    kinds = {1: "u1", 7: "<f4", 8: "<f8"}
    row = np.dtype(
        {
            "names": [field.name for field in cloud.fields],
            "formats": [kinds[field.type] for field in cloud.fields],
            "offsets": [field.offset for field in cloud.fields],
            "itemsize": cloud.point_stride,
        }
    )
    return np.frombuffer(cloud.data, row)


def places_of(cloud: Any) -> np.ndarray:
    rows = rows_of(cloud)
    return np.stack([rows[axis] for axis in "xyz"], axis=1)


def time_of(message: Any) -> int:
    return message.timestamp.seconds * 10**9 + message.timestamp.nanos


def vector(message: Any) -> np.ndarray:
    return np.array([message.x, message.y, message.z])


def assert_is_box(cube: Any, box: Box) -> None:
    """The cube has the corners of the box, turned by its quaternion."""
    q, centre = cube.pose.orientation, vector(cube.pose.position)
    signs = np.array([[i, j, k] for i in (-0.5, 0.5) for j in (-0.5, 0.5) for k in (-0.5, 0.5)])
    local = signs * vector(cube.size)
    axis = np.array([q.x, q.y, q.z])
    turned_by_q = local + 2 * np.cross(axis, np.cross(axis, local) + q.w * local)
    ours = {tuple(corner) for corner in np.round(turned_by_q + centre, 5) + 0.0}
    assert ours == {tuple(corner) for corner in np.round(box.corners(), 5) + 0.0}


def map_at(image: Any, row: int, column: int, size: int) -> np.ndarray:
    """One of the depth maps that an image shows."""
    assert image.encoding == "mono8" and image.step == image.width
    sheet = np.frombuffer(image.data, np.uint8).reshape(image.height, image.width)
    top, left = row * (size + LINE), column * (size + LINE)
    return sheet[top : top + size, left : left + size]


def grays_of(maps: np.ndarray) -> np.ndarray:
    return np.rint(maps * 255).astype(np.uint8)


def assert_shows_cloud(found: Messages, which: int, clf: Classifier, points: np.ndarray) -> None:
    """Message `which` of every topic is about these points, taken for one thing."""
    cloud, things, image, latency = (found[topic][which][1] for topic in SCHEMAS)
    seen = points[np.isfinite(points).all(axis=1)]
    assert places_of(cloud).dtype == points.dtype
    np.testing.assert_array_equal(places_of(cloud), seen)
    (entity,) = things.entities
    prediction = clf(points)
    assert entity.texts[0].text == f"1 {answer_of(prediction)}"
    told = {pair.key: pair.value for pair in entity.metadata}
    assert told["guess"] == prediction.guess and told["label"] == (prediction.label or "")
    assert_is_box(entity.cubes[0], upright_box(seen.astype(np.float64), np.array([0.0, 0, 1])))
    maps = clf.depth_maps(points)
    for view, gray in enumerate(grays_of(maps)):  # six: two rows of three
        np.testing.assert_array_equal(map_at(image, *divmod(view, 3), maps.shape[-1]), gray)
    assert latency.keys() == prediction.timing_ms.keys()
    assert {time_of(cloud), time_of(entity), time_of(image)} == {found["/c2p/points"][which][0]}


def assert_shows_scene(found: Messages, which: int, clf: SceneClassifier, points: np.ndarray) -> Scene:
    """Message `which` of every topic is about these points, a scene."""
    cloud, things, image, latency = (found[topic][which][1] for topic in SCHEMAS)
    scene = clf(points)
    np.testing.assert_array_equal(places_of(cloud), points)
    rows = rows_of(cloud)
    colours = np.stack([rows["red"], rows["green"], rows["blue"]], axis=1)
    np.testing.assert_array_equal(colours, colours_of(parts_of(len(points), scene)))
    assert [deletion.type for deletion in things.deletions] == [1]  # those of the cloud before
    assert len(things.entities) == len(scene.objects)
    turn = turn_between(scene.up, scene.up_axis, "z")
    for number, (entity, thing) in enumerate(zip(things.entities, scene.objects, strict=True), 1):
        assert entity.texts[0].text == f"{number} {answer_of(thing)}" and entity.id == str(number)
        assert_is_box(entity.cubes[0], thing.box)
        maps = clf.classifier.depth_maps(turned(points[thing.indices], turn))
        for view, gray in enumerate(grays_of(maps)):
            np.testing.assert_array_equal(map_at(image, number - 1, view, maps.shape[-1]), gray)
    assert latency.keys() == scene.timing_ms.keys()
    return scene


@pytest.fixture
def clouds(tmp_path: Path, chair: np.ndarray) -> tuple[Path, list[np.ndarray]]:
    """A folder of three: of float32, in doubles far from the origin, and with holes."""
    holed = chair.astype(np.float32)
    holed[::7] = np.nan
    made = [chair.astype(np.float32), chair + np.array([4e5, 5e6, 120]), holed]
    folder = tmp_path / "clouds"
    folder.mkdir()
    for number, cloud in enumerate(made):
        np.save(folder / f"{number}.npy", cloud)
    return folder, made


def test_a_folder_of_clouds(
    clouds: tuple[Path, list[np.ndarray]], engine: Path, clf: Classifier, tmp_path: Path
) -> None:
    folder, made = clouds
    result = c2p_run(engine, folder, "--save-mcap", tmp_path / "seen.mcap", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert len(result.stdout.splitlines()) == 3
    found = messages_of(tmp_path / "seen.mcap")
    assert [len(found[topic]) for topic in SCHEMAS] == [3] * 4
    for which, points in enumerate(made):
        assert_shows_cloud(found, which, clf, points)
    for line, (_, things) in zip(result.stdout.splitlines(), found["/c2p/things"], strict=True):
        told = {pair.key: pair.value for pair in things.entities[0].metadata}
        assert float(told["confidence"]) == json.loads(line)["confidence"]
    assert all(cloud.frame_id == "cloud" for _, cloud in found["/c2p/points"])


def test_scenes_also_without_things(engine: Path, clf: Classifier, tmp_path: Path) -> None:
    np.save(tmp_path / "table.npy", tabletop(12_000))
    np.save(tmp_path / "bare.npy", tabletop(6000, things=1)[:3000])
    paths = tmp_path / "table.npy", tmp_path / "bare.npy"
    result = c2p_run(engine, "--scene", *paths, "--save-mcap", tmp_path / "seen.mcap")
    assert (result.exit_code, result.stderr) == (0, "")
    found = messages_of(tmp_path / "seen.mcap")
    with SceneClassifier(clf) as scene_clf:
        scenes = [
            assert_shows_scene(found, which, scene_clf, np.load(path)) for which, path in enumerate(paths)
        ]
    assert [len(scene.objects) for scene in scenes] == [3, 0]
    empty = found["/c2p/depth"][1][1]
    assert set(map_at(empty, 0, 0, 16).ravel().tolist()) == {255}


@pytest.mark.parametrize("scene", [False, True])
@pytest.mark.parametrize("rate", ["max", "real"])
def test_a_recording_keeps_its_times_and_frames(
    scene: bool, rate: str, engine: Path, clf: Classifier, tmp_path: Path
) -> None:
    recordings = pytest.importorskip("recordings")
    from c2p_deploy.io.recording import open_recording

    bag = recordings.write_bag(tmp_path / "drive.bag", recordings.drive(5, topics=("/front", "/rear")))
    arguments = ("--topic", "/front", "--every", 2, "--rate", rate, *(["--scene"] if scene else []))
    result = c2p_run(engine, bag, *arguments, "--json", "--save-mcap", tmp_path / "seen.mcap")
    assert result.exit_code == 0, result.stderr
    found = messages_of(tmp_path / "seen.mcap")
    stamps = [json.loads(line)["stamp_ns"] for line in result.stdout.splitlines()]  # dropped ones left out
    frames = {frame.stamp: frame for frame in open_recording(bag, "/front")}
    assert len(stamps) == 3 or rate == "real"
    for topic in SCHEMAS:
        assert [stamp for stamp, _ in found[topic]] == stamps
    for stamp, cloud in found["/c2p/points"]:
        assert time_of(cloud) == stamp and cloud.frame_id == frames[stamp].frame_id == "os1_lidar"
        points = frames[stamp].points
        np.testing.assert_array_equal(places_of(cloud), points[np.isfinite(points).all(axis=1)])
    if not scene:
        assert_shows_cloud(found, -1, clf, frames[stamps[-1]].points)


def test_a_cloud_that_is_refused_is_not_shown(engine: Path, tmp_path: Path, chair: np.ndarray) -> None:
    np.save(tmp_path / "chair.npy", chair)
    np.save(tmp_path / "same.npy", np.ones((9, 3)))
    result = c2p_run(
        engine, tmp_path / "same.npy", tmp_path / "chair.npy", "--save-mcap", tmp_path / "a.mcap"
    )
    assert result.exit_code == 1 and "same.npy: all 9 points coincide" in result.stderr
    assert [len(found) for found in messages_of(tmp_path / "a.mcap").values()] == [1] * 4


def test_stages_are_declared(clf: Classifier) -> None:
    """So that Foxglove offers them for plots."""
    from c2p_runtime.robot.foxglove_messages import LATENCY

    declared = set(LATENCY["properties"])  # type: ignore[call-overload]
    with SceneClassifier(clf) as scene_clf:
        scene = scene_clf(tabletop(6000))
    assert declared == {*clf(tabletop(500)).timing_ms, *scene.timing_ms}


def test_a_broken_clock_does_not_break_anything() -> None:
    from c2p_runtime.robot.foxglove_messages import cloud_message, in_range

    for stamp, told in ((-5, 0), (10**30, (2**32 - 1) * 10**9), (7, 7)):
        assert in_range(stamp) == told
        cloud_message(np.zeros((1, 3)), None, in_range(stamp), "")


def test_nothing_is_written_where_nothing_was_answered(engine: Path, tmp_path: Path) -> None:
    target = tmp_path / "seen.mcap"
    target.write_bytes(b"of yesterday")
    np.save(tmp_path / "same.npy", np.ones((9, 3)))
    result = c2p_run(engine, tmp_path / "same.npy", "--save-mcap", target)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[1:] == [f"error: {target}: is not written: no cloud was answered"]
    assert target.read_bytes() == b"of yesterday" and not list(tmp_path.glob(".*"))


def test_a_full_disk_leaves_nothing_and_one_line(engine: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "noise.npy", np.random.default_rng(0).normal(size=(300_000, 3)))
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)); "
        "from c2p_runtime.__main__ import main; main()"
    )
    arguments = ["noise.npy", "noise.npy", "--engine", str(engine), "--save-mcap", "seen.mcap"]
    done = subprocess.run(
        [sys.executable, "-c", code, "--device", "cpu", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    problem = "error: cannot write seen.mcap: File too large; check the folder and its free space\n"
    assert (done.returncode, done.stderr) == (1, problem)
    assert not list(tmp_path.glob("*.mcap")) and not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("option", [["--view"], ["--save-mcap", "a.mcap"]])
def test_it_is_for_clouds(option: list[str]) -> None:
    result = CliRunner().invoke(main, ["--list-labels", *option])
    assert result.exit_code == 2 and "show clouds, and none is given" in result.stderr


@pytest.mark.parametrize("option", [["--view"], ["--save-mcap", "a.mcap"]])
def test_without_foxglove(
    option: list[str], engine: Path, tmp_path: Path, chair: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("chair.npy", chair)
    monkeypatch.setitem(sys.modules, "foxglove", None)
    result = c2p_run(engine, "chair.npy", *option)
    assert result.exit_code == 1 and not result.stdout and not Path("a.mcap").exists()
    assert result.stderr.startswith("error: to look needs foxglove-sdk; pip install")
    assert "[view]" in result.stderr and result.stderr.count("\n") == 1


def test_who_does_not_look_does_not_wait(engine: Path, tmp_path: Path, chair: np.ndarray) -> None:
    """Neither foxglove nor our own module for it is imported."""
    np.save(tmp_path / "chair.npy", chair)
    code = (
        "import sys\nfrom c2p_runtime.cli import main\n"
        "try: main(sys.argv[1:], standalone_mode=False)\nexcept SystemExit: pass\n"
        "print([name for name in sys.modules if 'foxglove' in name or 'robot' in name])"
    )
    for arguments in (["--help"], ["--device", "cpu", "--engine", str(engine), str(tmp_path / "chair.npy")]):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120
        )
        assert done.stdout.splitlines()[-1] == "[]", done.stderr


class Client:
    """Foxglove's side of its protocol, by the library `websockets`."""

    def __init__(self, opened: Any) -> None:
        self._socket = opened
        self.channels: dict[int, Any] = {}
        while len(self.channels) < len(SCHEMAS):
            told = json.loads(self._socket.recv(timeout=60))
            if told["op"] == "advertise":
                self.channels |= {channel["id"]: channel for channel in told["channels"]}

    def subscribe(self, *topics: str) -> None:
        wanted = [number for number, channel in self.channels.items() if channel["topic"] in topics]
        subscriptions = [{"id": number, "channelId": number} for number in wanted]
        self._socket.send(json.dumps({"op": "subscribe", "subscriptions": subscriptions}))

    def messages(self, count: int) -> Messages:
        found: Messages = {topic: [] for topic in SCHEMAS}
        for _ in range(count):
            data = self._socket.recv(timeout=60)
            assert isinstance(data, bytes)
            kind, number, stamp = struct.unpack("<BIQ", data[:13])
            assert kind == 1
            channel = self.channels[number]
            schema = channel["schema"]
            whole = base64.b64decode(schema) if channel["encoding"] == "protobuf" else schema.encode()
            known = Schema(number, whole, channel["schemaEncoding"], channel["schemaName"])
            found[channel["topic"]].append((stamp, decoded(known, channel["encoding"], data[13:])))
        return found


@contextmanager
def client(address: str) -> Iterator[Client]:
    """One that knows what there is."""
    library = pytest.importorskip("websockets.sync.client")
    with library.connect(address, subprotocols=["foxglove.sdk.v1"], max_size=None) as opened:
        yield Client(opened)


def test_a_process_serves_until_ctrl_c(
    engine: Path, clf: Classifier, tmp_path: Path, chair: np.ndarray, ctrl_c: None
) -> None:
    points = chair.astype(np.float32)
    np.save(tmp_path / "chair.npy", points)
    arguments = ["chair.npy", "--engine", str(engine), "--device", "cpu", "--view", "--save-mcap", "a.mcap"]
    with subprocess.Popen(
        [sys.executable, "-m", "c2p_runtime", *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            told = process.stderr.readline()
            address = told.split()[-1]
            assert told == f"to be seen in Foxglove at {address}\n" and "//127.0.0.1:" in address
            assert "all is done" in process.stderr.readline()
            with client(address) as foxglove:
                advertised = {
                    channel["topic"]: channel["schemaName"] for channel in foxglove.channels.values()
                }
                assert advertised == SCHEMAS
                foxglove.subscribe(*SCHEMAS)
                found = foxglove.messages(4)  # of a cloud that was answered before anybody looked
            assert_shows_cloud(found, 0, clf, points)
            written = messages_of(tmp_path / "a.mcap")
            assert {topic: len(of_topic) for topic, of_topic in written.items()} == dict.fromkeys(SCHEMAS, 1)
            for topic, ((stamp, message),) in found.items():
                assert (stamp, str(message)) == (written[topic][0][0], str(written[topic][0][1]))
            process.send_signal(signal.SIGINT)
            output, rest = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, rest) == (0, "")
    assert output.startswith("chair.npy: ")


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view_module, "_wait_for_ctrl_c", lambda: None)


def address_told(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.splitlines()[0].split()[-1]


@pytest.mark.usefixtures("no_waiting")
def test_who_looks_gets_cloud_after_cloud_and_only_what_was_asked_for(
    clf: Classifier, chair: np.ndarray, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    view, drawn = View(clf), []
    maps = Classifier.depth_maps
    monkeypatch.setattr(
        Classifier, "depth_maps", lambda self, points: drawn.append(len(points)) or maps(self, points)
    )
    source = Source(Path("a.npy"))
    with view.served(), client(address_told(capsys)) as foxglove:
        view.cloud(source, chair, clf(chair))
        foxglove.subscribe("/c2p/points")
        assert len(places_of(foxglove.messages(1)["/c2p/points"][0][1])) == len(chair)
        for count in (500, 400):
            view.cloud(source, chair[:count], clf(chair[:count]))
            assert len(places_of(foxglove.messages(1)["/c2p/points"][0][1])) == count
        assert drawn == []
        foxglove.subscribe("/c2p/depth")
        assert foxglove.messages(1)["/c2p/depth"] and drawn == [400]


@pytest.mark.usefixtures("no_waiting")
def test_a_port_that_is_taken(clf: Classifier, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # else what has just ended has it
        try:
            taken.bind(("127.0.0.1", view_module.PORT))
            taken.listen()
        except OSError:
            pass  # it is taken by another program
        with View(clf).served():
            address = address_told(capsys)
            assert not address.endswith(f":{view_module.PORT}")
            with client(address) as foxglove:
                assert len(foxglove.channels) == len(SCHEMAS)


def test_a_host_that_is_none(clf: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view_module, "HOST", "192.0.2.1")  # of documentation
    with pytest.raises(C2PError, match=r"Foxglove cannot be served on 192\.0\.2\.1 \("), View(clf).served():
        pass
