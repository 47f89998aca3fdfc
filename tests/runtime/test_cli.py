"""`c2p-run` as its users meet it: in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from c2p_deploy import prepare_points, project_depth_reference
from engines import CPU_BACKEND, SPEC, VIEWS, write_engine

RNG = np.random.default_rng(0)


def c2p_run(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "c2p_runtime.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=cwd)


@pytest.fixture
def clouds(tmp_path: Path) -> Path:
    """A folder with three good clouds, one of them one level down, one bad one and a bystander."""
    folder = tmp_path / "clouds"
    (folder / "more").mkdir(parents=True)
    np.save(folder / "a.npy", RNG.normal(size=(100, 3)))
    np.savetxt(folder / "b.xyz", RNG.normal(size=(50, 3)))
    np.save(folder / "more" / "a.npy", RNG.normal(size=(10, 3)))
    np.save(folder / "same.npy", np.ones((10, 3)))
    (folder / "notes.md").write_text("not a cloud")
    return folder


def test_one_cloud_one_line(clouds: Path, chair: np.ndarray) -> None:
    np.save(clouds / "chair.npy", chair)
    result = c2p_run(clouds / "chair.npy")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{clouds / 'chair.npy'}: chair ")
    assert result.stdout.count("\n") == 1 and result.stdout.count("%") == 3


def test_garbage_is_collected_again_after_loading() -> None:
    program = (  # in a process of its own, because what is frozen stays so
        "import gc\n"
        "from c2p_runtime.cli import no_garbage\n"
        "try:\n"
        "    with no_garbage():\n"
        "        print(gc.isenabled())\n"
        "        raise ValueError\n"
        "except ValueError:\n"
        "    print(gc.isenabled())"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["False", "True"]


def test_a_piece_of_floor_is_told_beside_the_answer(clouds: Path, chair: np.ndarray) -> None:
    """On the error stream, so that answers stay what they are."""
    rng = np.random.default_rng(0)
    floor = rng.uniform(-2, 2, (400, 3)) * np.ptp(chair, axis=0).max()
    floor[:, 2] = chair[:, 2].min()
    np.save(clouds / "chair.npy", chair)
    np.save(clouds / "floor.npy", np.concatenate([chair, floor + chair.mean(axis=0) * (1, 1, 0)]))
    result = c2p_run("--device", "cpu", clouds / "chair.npy", clouds / "floor.npy")
    assert result.returncode == 0 and len(result.stdout.splitlines()) == 2
    assert result.stderr.startswith(f"{clouds / 'floor.npy'}: seems to stand on a piece of floor")
    assert len(result.stderr.splitlines()) == 1


def test_json_holds_everything_promised(clouds: Path, chair: np.ndarray) -> None:
    np.save(clouds / "chair.npy", chair)
    result = c2p_run("--json", "--device", "cpu", "--top-k", "5", clouds / "chair.npy", clouds / "b.xyz")
    assert result.returncode == 0
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [record["points"] for record in records] == [1024, 50]
    record = records[0]
    assert list(record) == [
        *("file", "label", "guess", "confidence", "reason", "score", "cosine", "top", "points", "strays"),
        *("timing_ms", "engine", "backend"),
    ]
    assert [record["strays"] for record in records] == [0, 0]
    assert record["file"] == str(clouds / "chair.npy")
    assert record["label"] == "chair" and record["backend"].startswith(CPU_BACKEND)
    assert len(record["top"]) == 5
    best = record["top"][0]
    assert best == {"label": "chair", "score": record["score"], "cosine": record["cosine"]}
    assert 1 > best["cosine"] > record["top"][1]["cosine"] > -1
    timing = record["timing_ms"]
    assert list(timing) == ["read", "prepare", "project", "encode", "score", "total"]
    assert timing["total"] == pytest.approx(sum(timing.values()) - timing["total"], abs=0.01)


def test_a_cloud_comes_through_a_pipe(chair: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "chair.npy", chair)
    command = [sys.executable, "-m", "c2p_runtime", "--json", "-"]
    said = subprocess.run(
        command, input=(tmp_path / "chair.npy").read_bytes(), capture_output=True, timeout=120
    )
    record = json.loads(said.stdout)
    assert (said.returncode, record["file"], record["label"]) == (0, "-", "chair"), said.stderr
    said = subprocess.run(command, input=b"", capture_output=True, timeout=120)
    assert (said.returncode, said.stdout) == (1, b"")
    assert said.stderr == b"error: standard input: is empty (0 bytes); write a cloud to it\n"


def test_a_directory_is_searched_and_a_bad_cloud_stops_nobody(clouds: Path) -> None:
    result = c2p_run("--json", clouds)
    assert result.returncode == 1
    files = [json.loads(line)["file"] for line in result.stdout.splitlines()]
    assert files == [str(clouds / name) for name in ("a.npy", "b.xyz", "more/a.npy")]
    assert result.stderr == (
        f"error: {clouds / 'same.npy'}: all 10 points coincide; a cloud needs some extent to be classified\n"
    )


def test_globs_are_expanded_by_us_too(clouds: Path) -> None:
    result = c2p_run("--json", "*/**/a.npy", cwd=clouds.parent)
    files = [json.loads(line)["file"] for line in result.stdout.splitlines()]
    assert files == ["clouds/a.npy", "clouds/more/a.npy"]


def test_names_with_odd_signs(clouds: Path) -> None:
    odd = clouds / "stuhl [1] é.npy"
    np.save(odd, RNG.normal(size=(10, 3)))
    result = c2p_run("--json", odd)
    assert json.loads(result.stdout)["file"] == str(odd)


def test_a_name_that_is_no_text_stops_nobody(tmp_path: Path) -> None:
    for name in (b"a\xff.npy", b"b.npy"):
        with (tmp_path / os.fsdecode(name)).open("wb") as file:
            np.save(file, RNG.normal(size=(10, 3)))
    for arguments in ([], ["--json"]):
        result = c2p_run(*arguments, tmp_path)
        assert (result.returncode, result.stderr) == (0, "")
        shown = "a\\udcff.npy" if arguments else "a?.npy"
        assert shown in result.stdout and result.stdout.count("\n") == 2


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["gone.ply"], "gone.ply: "),
        (["*.laz"], "*.laz: matches no file"),
        ([300 * "x" + ".ply"], "xxx.ply: "),
        ([300 * "*" + ".ply"], "*.ply: matches no file"),
        (["empty"], "empty: no clouds in this directory"),
        (["notes.md"], "notes.md: "),
        (["--engine", "gone.onnx", "a.npy"], "gone.onnx: no such engine"),
        (["--engine", "tiny.plan", "a.npy"], "tiny.plan: no such engine file, but tiny.onnx lies there"),
        (["--engine", "model.pt", "a.npy"], "export it first: c2p-export --ckpt model.pt"),
        (["--labels", "chair, zofa", "a.npy"], "'zofa' (near: sofa); choose a near word"),
        (["--labels", "gone.json", "a.npy"], "gone.json: cannot read label set"),
        (
            ["--save-views", "gone/v.png", "a.npy"],
            "a.npy: cannot write gone/v.png: No such file",
        ),
        (["--save-depth", "gone/d.npz", "a.npy"], "a.npy: cannot write gone/d.npz: No such file"),
    ],
)
def test_errors_are_one_line_that_says_what_and_where(
    clouds: Path, arguments: list[str], complaint: str
) -> None:
    (clouds / "empty").mkdir()
    (clouds / "tiny.onnx").touch()
    result = c2p_run(*arguments, cwd=clouds)
    assert result.returncode == 1
    assert result.stderr.startswith("error: ") and complaint in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["--up", "w", "a"], ["--top-k", "0", "a"], ["--nonsense", "a"]])
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    result = c2p_run(*arguments)
    assert result.returncode == 2 and "Usage: " in result.stderr


def test_help_teaches_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; from c2p_runtime.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "print([m for m in ('numba', 'onnxruntime', 'torch', 'trimesh', 'PIL') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "[]"
    for part in ("--labels", "Examples:", "c2p-run --top-k 5", "the exit code is 1"):
        assert part in " ".join(out.split())


@pytest.mark.parametrize("up", ["z", "y", "-y"])
def test_saved_depth_is_what_the_engine_saw(tmp_path: Path, up: str) -> None:
    cloud = RNG.normal(size=(40, 3))
    np.save(tmp_path / "a.npy", cloud)
    engine = write_engine(tmp_path)
    result = c2p_run("--engine", engine, "--up", up, "--save-depth", tmp_path / "d.npz", tmp_path / "a.npy")
    assert result.returncode == 0, result.stderr
    with np.load(tmp_path / "d.npz") as saved:
        assert saved["depth"].dtype == np.float32
        expected = project_depth_reference(prepare_points(cloud, SPEC), VIEWS, SPEC, up)  # type: ignore[arg-type]
        np.testing.assert_array_equal(saved["depth"], expected)


def test_several_clouds_get_a_file_each(clouds: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    result = c2p_run("--save-views", out / "v.png", "--save-depth", out / "d.npz", clouds)
    assert result.returncode == 1  # for the bad one
    names = [f"{kind}-{cloud}" for kind in ("d", "v") for cloud in ("a", "a-2", "b")]
    assert sorted(p.stem for p in out.iterdir()) == names
    assert (out / "v-a.png").read_bytes().startswith(b"\x89PNG")


def test_labels_restrict_the_answer(clouds: Path) -> None:
    result = c2p_run("--json", "--top-k", "9", "--labels", "Night_Stand,toilet", clouds / "a.npy")
    top = json.loads(result.stdout)["top"]
    assert {entry["label"] for entry in top} == {"Night_Stand", "toilet"}
    assert sum(entry["score"] for entry in top) == pytest.approx(1, abs=1e-5)


def test_seed_decides_the_sampling(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", RNG.normal(size=(5000, 3)))
    for seed, name in ((1, "a"), (1, "b"), (2, "c")):
        c2p_run("--seed", str(seed), "--save-depth", tmp_path / f"{name}.npz", tmp_path / "a.npy")
    a, b, c = (np.load(tmp_path / f"{name}.npz")["depth"] for name in "abc")
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)
