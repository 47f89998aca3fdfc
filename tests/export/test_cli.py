"""`c2p-export` as a user meets it: files that work, and nothing left of what was broken off."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from c2p_deploy import LabelSet, Manifest
from c2p_deploy.files import sha256_of
from c2p_export.graph import engine as engine_module
from c2p_export.parity import LIMITS
from c2p_export.plan.build import build_plan
from c2p_export.plan.options import PlanOptions
from c2p_runtime import Classifier
from c2p_train.model.import_official import open_checkpoint
from export_command import c2p_export, fail, files, succeed

FEWSHOT, PRETRAINED, CLIP = "fewshot_best_tiny.pth", "pretrain_best_val_tiny.pth", "clip_tiny.pt"
RNG = np.random.default_rng(0)
pytestmark = pytest.mark.usefixtures("no_gpu")


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def engine_and_checkpoint(engine: Path, checkpoint: Path) -> tuple[np.ndarray, np.ndarray]:
    """The feature of one cloud by either."""
    cloud = RNG.normal(size=(64, 3))
    with Classifier(engine) as classifier, torch.inference_mode():
        depth = torch.from_numpy(classifier.depth_maps(cloud))[None]
        return classifier(cloud).features, open_checkpoint(checkpoint).model(depth).numpy()[0]


# What is written


def test_an_engine_that_runs_and_a_manifest(exported: tuple[Path, str], small: Path) -> None:
    engine, said = exported
    manifest = Manifest.for_engine(engine)
    assert (manifest.precision, manifest.batch.max, manifest.target) == ("fp16", 8, None)
    assert manifest.checkpoint_sha256 == sha256_of(small)
    assert list(manifest.engines) == ["small.onnx"]
    assert cosine(*engine_and_checkpoint(engine, small)) >= 0.999
    for told in (f"wrote {engine} (", f"wrote {engine.with_suffix('.json')} (", f"c2p-run --engine {engine}"):
        assert told in said


def test_the_figures_are_on_the_screen_and_in_the_manifest(exported: tuple[Path, str]) -> None:
    engine, said = exported
    figures = Manifest.for_engine(engine).parity["onnxruntime"]
    (row,) = [line.split() for line in said.splitlines() if line.split()[:1] == ["onnxruntime"]]
    assert row[1:] == [
        str(figures["clouds"]),
        f"{figures['cosine_min']:.6f}",
        f"{figures['cosine_mean']:.6f}",
        f"{figures['score_max_abs']:.2g}",
        f"{100 * figures['top1_agreement']:.1f}",
        "%",
        str(figures["nan_count"]),
    ]
    assert figures["clouds"] == 32 and figures["cosine_min"] >= 0.999
    assert next(line.split()[:2] for line in said.splitlines() if " limit " in line) == ["limit", "0.999"]


def test_c2p_run_takes_the_engine(exported: tuple[Path, str], clouds: Path) -> None:
    command = [sys.executable, "-m", "c2p_runtime.cli", "--json", "--engine", exported[0], clouds / "0.npy"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(run.stdout)["label"] in ("a", "b", "c")


@pytest.mark.parametrize(
    ("out", "name"),
    [("new", "new"), ("new.onnx", "new"), ("new.json", "new"), ("new.plan", "new"), ("a.v2", "a.v2")],
)
def test_out_with_and_without_a_suffix(
    small: Path, traced: None, clouds: Path, tmp_path: Path, out: str, name: str
) -> None:
    succeed("--ckpt", small, "--out", tmp_path / out, "--verify", clouds, "--max-batch", 3)
    assert files(tmp_path) == [f"{name}.json", f"{name}.onnx"]
    manifest = Manifest.for_engine(tmp_path / f"{name}.onnx")
    assert manifest.parity["onnxruntime"]["clouds"] == 5 and manifest.batch.max == 3


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_other_precisions(small: Path, clouds: Path, tmp_path: Path, precision: str) -> None:
    calib = ["--calib", clouds] if precision == "int8" else []
    succeed("--ckpt", small, "--out", tmp_path / "other", f"--{precision}", *calib, "--verify", clouds)
    assert files(tmp_path) == ["other.json", "other.onnx"]
    engine = tmp_path / "other.onnx"
    assert Manifest.for_engine(engine).precision == precision
    got, expected = engine_and_checkpoint(engine, small)
    assert cosine(got, expected) >= LIMITS[precision].cosine_min
    if precision == "fp32":
        np.testing.assert_allclose(got, expected, atol=1e-5)
    operations = {node.op_type for node in onnx.load(engine).graph.node}
    assert ("QuantizeLinear" in operations) == (precision == "int8")


@pytest.fixture(scope="module")
def goldens(golden_folder: Path) -> dict[str, np.ndarray]:
    with np.load(golden_folder / "models" / "tiny.npz") as arrays:
        return dict(arrays)


def test_the_authors_file_with_a_label_set(
    golden_folder: Path, goldens: dict[str, np.ndarray], tmp_path: Path
) -> None:
    names = [str(prompt).removeprefix("image of a ") for prompt in goldens["prompts"]]
    LabelSet(tuple(names), goldens["text_norm"], "image of a {}").save(tmp_path / "labels.json")
    checkpoint, verify = golden_folder / "checkpoints" / FEWSHOT, golden_folder / "ply"
    succeed(
        *("--ckpt", checkpoint, "--labels", tmp_path / "labels.json"),
        *("--verify", verify, "--out", tmp_path / "few"),
    )
    assert files(tmp_path) == ["few.json", "few.onnx", "labels.json"]
    # In float32 and float16: on some CPUs OpenVINO would compute it in bfloat16.
    with Classifier(tmp_path / "few.onnx", device="cpu", backend="onnxruntime") as classifier:
        for row, name in enumerate(goldens["clouds"]):
            if name in ("chair", "sphere", "box"):
                points = np.load(golden_folder / "render" / f"{name}.npz")["points_raw"]
                prediction = classifier(points)
                assert prediction.label == names[goldens["dpa_logits"][row].argmax()]
                assert cosine(prediction.features, goldens["dpa_feat_norm"][row]) >= 0.999


@pytest.fixture(scope="module")
def worded(golden_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An engine of the authors' pre-trained model with its text tower, and what the command said."""
    folder = tmp_path_factory.mktemp("worded")
    golden = golden_folder
    said = succeed(
        *("--ckpt", golden / "checkpoints" / PRETRAINED, "--text-encoder", golden / "checkpoints" / CLIP),
        *("--labels", "airplane, night stand", "--verify", golden / "ply", "--out", folder / "words"),
    )
    return folder / "words.onnx", said


def test_labels_of_any_words_with_the_text_encoder(
    worded: tuple[Path, str], goldens: dict[str, np.ndarray]
) -> None:
    engine, said = worded
    names = ["words.json", "words.onnx", "words.text.onnx", "words.tokenizer.json"]
    assert files(engine.parent) == names
    assert all(f"wrote {engine.parent / name} (" in said for name in names)
    labels = Manifest.for_engine(engine).labels
    assert (labels.names, labels.template) == (("airplane", "night stand"), "image of a {}")
    prompts = list(goldens["prompts"])
    rows = [prompts.index(f"image of a {name}") for name in labels.names]
    np.testing.assert_allclose(labels.text_features, goldens["text_norm"][rows], atol=1e-3)


def test_words_that_the_engine_never_saw(worded: tuple[Path, str], goldens: dict[str, np.ndarray]) -> None:
    with Classifier(worded[0], labels=["teapot", "flower pot"]) as classifier:
        assert classifier(RNG.normal(size=(50, 3))).label in ("teapot", "flower pot")
        feature = classifier.labels.text_features[1]
    expected = goldens["text_norm"][list(goldens["prompts"]).index("image of a flower pot")]
    assert feature @ expected >= 0.999


def test_inspect_knows_the_text_encoder_too(worded: tuple[Path, str], tmp_path: Path) -> None:
    for path in worded[0].parent.iterdir():
        shutil.copy(path, tmp_path)
    said = c2p_export("inspect", tmp_path / "words.onnx").stdout
    assert "words.text.onnx: 6.6 MB, runs here" in said and "words.tokenizer.json: 1.7 MB, read here" in said
    (tmp_path / "words.tokenizer.json").write_text("{}")
    assert "SHA-256 differs for words.tokenizer.json" in fail("inspect", tmp_path / "words.onnx")


# Plans


@pytest.fixture
def planned(small: Path, traced: None, clouds: Path, tmp_path: Path, trt: Any) -> tuple[Path, str]:
    said = succeed(
        *("--ckpt", small, "--out", tmp_path / "rtx", "--target", "sm86,sm89", "--verify", clouds),
        *("--max-batch", 4),
    )
    return tmp_path / "rtx.plan", said


def test_a_plan_is_built_without_a_gpu(planned: tuple[Path, str], trt: Any, tmp_path: Path) -> None:
    plan, said = planned
    assert files(plan.parent) == ["rtx.json", "rtx.onnx", "rtx.plan"]
    manifest = Manifest.for_engine(plan)
    assert manifest.engines["rtx.plan"] == sha256_of(plan)
    assert manifest.engines["rtx.onnx"] == sha256_of(plan.with_suffix(".onnx"))
    target = manifest.target
    assert target is not None and target.gpu is None
    assert (target.flavour, target.version) == ("tensorrt-rtx", trt.__version__)
    assert target.compute_capabilities == ("8.6", "8.9")
    options = PlanOptions("tensorrt-rtx", ("8.6", "8.9"), manifest.batch)
    build_plan(plan.with_suffix(".onnx"), tmp_path / "direct.plan", options)
    direct = (tmp_path / "direct.plan").read_bytes()
    assert plan.read_bytes()[:64] == direct[:64] and abs(plan.stat().st_size - len(direct)) < 1024
    assert list(manifest.parity) == ["onnxruntime"]  # a plan that was not run has no figures
    assert "the plan was not run here: it was built for SM86, SM89, and this machine has no NVIDIA" in said
    assert f"wrote {plan} (" in said


def test_inspect_says_why_a_plan_cannot_run_here(planned: tuple[Path, str]) -> None:
    result = c2p_export("inspect", planned[0])
    assert result.exit_code == 0
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("rtx.plan: ")]
    assert "cannot run here: it was built for SM86, SM89, and this machine has no NVIDIA GPU" in line


def test_an_export_without_a_plan_takes_the_old_plan_away(
    planned: tuple[Path, str], small: Path, clouds: Path
) -> None:
    folder = planned[0].parent
    succeed("--ckpt", small, "--out", folder / "rtx", "--backend", "onnx", "--verify", clouds)
    assert files(folder) == ["rtx.json", "rtx.onnx"]


def test_a_jetson_builds_its_own_plan(small: Path, traced: None, clouds: Path, tmp_path: Path) -> None:
    line = fail("--ckpt", small, "--out", tmp_path / "orin", "--target", "sm87", "--verify", clouds)
    assert files(tmp_path) == []  # it was told before anything was exported
    assert line.startswith(f"error: {small}: ") and "SM87 (Jetson Orin)" in line
    assert "leave out --target to export orin.onnx, then copy orin.onnx and orin.json to the Jetson" in line
    assert line.endswith(" and run there: c2p-export --onnx orin.onnx")

    said = succeed("--ckpt", small, "--out", tmp_path / "orin", "--fp16", "--verify", clouds)
    assert files(tmp_path) == ["orin.json", "orin.onnx"]
    why, here, there = said.splitlines()[-3:]
    assert why == "no plan was built: this machine has no NVIDIA GPU to build a plan for"
    assert here == f"to run it here: c2p-run --engine {tmp_path / 'orin.onnx'} CLOUD"
    assert there.startswith("for a plan: ") and "copy orin.onnx and orin.json to the machine" in there
    assert there.endswith(" and run there: c2p-export --onnx orin.onnx")
    line = fail("--onnx", tmp_path / "orin.onnx", "--target", "sm87")
    assert line.startswith(f"error: {tmp_path / 'orin.onnx'}: ")
    assert line.endswith(" c2p-export --onnx orin.onnx")


WITHOUT_TORCH = """
import sys
for name in ("torch", "torchvision", "onnx", "onnx_ir", "onnxscript", "ml_dtypes", "open_clip", "c2p_train"):
    sys.modules[name] = None
from c2p_export.cli import main
main(sys.argv[1:])
"""


def on_the_robot(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command where only the base install and TensorRT are."""
    command = [sys.executable, "-c", WITHOUT_TORCH, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_the_plan_of_an_onnx_file_needs_no_torch(copied: Path, clouds: Path, trt: Any) -> None:
    before = Manifest.for_engine(copied)
    run = on_the_robot("--onnx", copied, "--target", "sm86", "--verify", clouds)
    assert run.returncode == 0, run.stderr
    assert files(copied.parent) == ["small.json", "small.onnx", "small.plan"]
    plan = copied.with_suffix(".plan")
    manifest = Manifest.for_engine(plan)
    assert manifest.engines == {**before.engines, "small.plan": sha256_of(plan)}
    assert manifest.target is not None and manifest.target.compute_capabilities == ("8.6",)
    assert replace(manifest, engines=before.engines, target=None).to_dict() == before.to_dict()
    written = [line for line in run.stderr.splitlines() if line.startswith("wrote ")]
    assert [line.split()[1] for line in written] == [str(plan), str(plan.with_suffix(".json"))]
    assert on_the_robot("inspect", plan).returncode == 0


def test_a_checkpoint_without_torch_names_the_extra(small: Path, tmp_path: Path) -> None:
    run = on_the_robot("--ckpt", small, "--out", tmp_path / "new")
    assert run.returncode == 1
    assert run.stderr.startswith("error: exporting a checkpoint needs ")
    assert "pip install " in run.stderr and "[export]'. A plan" in run.stderr and run.stderr.count("\n") == 1


# Ctrl-C, help and time


@pytest.mark.parametrize("step", ["read the checkpoint", "ran the checkpoint"])
@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_leaves_nothing(small: Path, tmp_path: Path, step: str) -> None:
    command = [sys.executable, "-m", "c2p_export.cli", "--ckpt", small, "--out", tmp_path / "new"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(step):  # what follows takes a second or more
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
    # Python ends by the signal itself, which a shell calls 130 too, when Ctrl-C passed through an exec.
    assert process.returncode in (130, -signal.SIGINT)
    assert rest == "interrupted; nothing was written\n"
    assert files(tmp_path) == []


def test_ctrl_c_that_torch_takes_for_an_error(
    small: Path, clouds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As torch.onnx does where it is interrupted while it imports torch._dynamo."""

    def interrupted(*_: object) -> None:
        try:
            try:
                raise KeyboardInterrupt
            finally:
                torch.no_such_part  # noqa: B018
        except AttributeError as error:
            raise RuntimeError("Failed to export the model with torch.export") from error

    monkeypatch.setattr(engine_module, "write_engine", interrupted)
    result = c2p_export("--ckpt", small, "--out", tmp_path / "new", "--verify", clouds)
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1] == "interrupted; nothing was written"
    assert files(tmp_path) == []


HEAVY = ("torch", "onnx", "onnxruntime", "numba", "tensorrt", "tensorrt_rtx", "open_clip", "tokenizers")


@pytest.mark.parametrize(
    ("command", "example"),
    [(["--help"], "c2p-export --ckpt model.pt"), (["inspect", "--help"], "c2p-export inspect model.plan")],
)
def test_help_teaches_and_loads_nothing_heavy(command: list[str], example: str) -> None:
    code = (
        "import sys; from c2p_export.cli import main; main(sys.argv[1:], standalone_mode=False)\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    run = [sys.executable, "-c", code, *command]
    out = subprocess.run(run, capture_output=True, text=True, check=True, timeout=20).stdout
    assert out.splitlines()[-1] == "[]"
    assert example in out.partition("Example")[2]
