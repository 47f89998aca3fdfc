"""`c2p-export` as a user meets it: files that work, errors in one line, and nothing left of a failure."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from click.testing import CliRunner, Result

from c2p_deploy import LabelSet, Manifest
from c2p_deploy.files import sha256_of
from c2p_export import engines, export
from c2p_export import request as request_module
from c2p_export.cli import main
from c2p_export.parity import LIMITS, Limits
from c2p_export.plan import PlanOptions, build_plan
from c2p_runtime import Classifier
from c2p_train.model.checkpoint import save_checkpoint
from c2p_train.model.import_official import open_checkpoint
from small_models import checkpoint as small_checkpoint

FEWSHOT, PRETRAINED, CLIP = "fewshot_best_tiny.pth", "pretrain_best_val_tiny.pth", "clip_tiny.pt"
RNG = np.random.default_rng(0)


def c2p_export(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="c2p-export")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def succeed(*arguments: object) -> str:
    """What the command says on stderr."""
    result = c2p_export(*arguments)
    assert result.exit_code == 0, result.stderr
    return result.stderr


def fail(*arguments: object) -> str:
    """The one line that tells the error; the lines before it are those of steps that went well."""
    result = c2p_export(*arguments)
    assert result.exit_code == 1, result.stderr
    *steps, line = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert not any("rror" in step for step in steps)
    return line


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests tell of a machine without a GPU."""
    for module in ("c2p_export.request", "c2p_export.engines", "c2p_export.plan"):
        monkeypatch.setattr(f"{module}.find_gpus", lambda: ())


@pytest.fixture(scope="module")
def module_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("export")


@pytest.fixture(scope="module")
def small(module_folder: Path) -> Path:
    """A checkpoint of ours; labels a, b and c."""
    path = module_folder / "small.pt"
    save_checkpoint(small_checkpoint(), path)
    return path


@pytest.fixture(scope="module")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clouds")
    for number in range(5):
        np.save(folder / f"{number}.npy", RNG.normal(size=(100, 3)) * (1, 2, number + 1))
    return folder


@pytest.fixture(scope="module")
def exported(small: Path) -> tuple[Path, str]:
    """The .onnx of a plain `c2p-export --ckpt small.pt`, and what the command said."""
    said = succeed("--ckpt", small)
    assert files(small.parent) == ["small.json", "small.onnx", "small.pt"]
    return small.with_suffix(".onnx"), said


@pytest.fixture
def traced(exported: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph of the small checkpoint is taken from `exported`: tracing it again takes seconds."""

    def write(checkpoint: Any, path: Path, precision: str, calibration: Any) -> None:
        path.write_bytes(exported[0].read_bytes())

    monkeypatch.setattr(export, "write_engine", write)


@pytest.fixture
def wrong(exported: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph that is written is that of another model."""

    def write(checkpoint: Any, path: Path, precision: str, calibration: Any) -> None:
        graph = onnx.load(exported[0])
        bias = next(tensor for tensor in graph.graph.initializer if list(tensor.dims) == [16])
        values = onnx.numpy_helper.to_array(bias)
        bias.CopyFrom(onnx.numpy_helper.from_array((values + 0.5).astype(values.dtype), bias.name))
        path.write_bytes(graph.SerializeToString())

    monkeypatch.setattr(export, "write_engine", write)


@pytest.fixture
def copied(exported: tuple[Path, str], tmp_path: Path) -> Path:
    """The engine with its manifest, alone in a folder."""
    for suffix in (".onnx", ".json"):
        shutil.copy(exported[0].with_suffix(suffix), tmp_path)
    return tmp_path / "small.onnx"


@pytest.fixture
def rtx() -> Any:
    return pytest.importorskip("tensorrt_rtx", reason="needs TensorRT-RTX: pip install tensorrt-rtx")


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
    with Classifier(tmp_path / "few.onnx") as classifier:
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
def planned(small: Path, traced: None, clouds: Path, tmp_path: Path, rtx: Any) -> tuple[Path, str]:
    said = succeed(
        *("--ckpt", small, "--out", tmp_path / "rtx", "--target", "sm86,sm89", "--verify", clouds),
        *("--max-batch", 4),
    )
    return tmp_path / "rtx.plan", said


def test_a_plan_is_built_without_a_gpu(planned: tuple[Path, str], rtx: Any, tmp_path: Path) -> None:
    plan, said = planned
    assert files(plan.parent) == ["rtx.json", "rtx.onnx", "rtx.plan"]
    manifest = Manifest.for_engine(plan)
    assert manifest.engines["rtx.plan"] == sha256_of(plan)
    assert manifest.engines["rtx.onnx"] == sha256_of(plan.with_suffix(".onnx"))
    target = manifest.target
    assert target is not None and target.gpu is None
    assert (target.flavour, target.version) == ("tensorrt-rtx", rtx.__version__)
    assert target.compute_capabilities == ("8.6", "8.9")
    options = PlanOptions("tensorrt-rtx", ("8.6", "8.9"), manifest.batch)
    build_plan(plan.with_suffix(".onnx"), tmp_path / "direct.plan", options, None)
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
    said = succeed("--ckpt", small, "--out", tmp_path / "orin", "--target", "sm87", "--verify", clouds)
    assert files(tmp_path) == ["orin.json", "orin.onnx"]
    (line,) = [line for line in said.splitlines() if line.startswith("no plan was built: ")]
    assert "SM87 (Jetson Orin)" in line and "the Jetson" in line
    assert line.endswith(" c2p-export --onnx orin.onnx")
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


def test_the_plan_of_an_onnx_file_needs_no_torch(copied: Path, clouds: Path, rtx: Any) -> None:
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
    assert "pip install 'c2p-deploy[export]'" in run.stderr and run.stderr.count("\n") == 1


# Errors


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["give either --ckpt FILE or --onnx FILE"]),
        (["--ckpt", "small.pt", "--onnx", "small.onnx"], ["give either --ckpt FILE or --onnx FILE"]),
        (["small.pt"], ["'small.pt' stands without an option", "--ckpt", "--onnx"]),
        (["--ckpt", "small.pt", "inspect", "small.onnx"], ["inspect exports nothing"]),
        (["--ckpt", "gone.pt"], ["'gone.pt' does not exist"]),
        (["--ckpt", "small.pt", "--target", "sm88"], ["'sm88'", "known are sm75", "sm87 (Jetson Orin)"]),
        (["--ckpt", "small.pt", "--fp8", "--calib", ".", "--target", "sm86"], ["SM89", "SM86", "--fp16"]),
        (["--ckpt", "small.pt", "--int8"], ["--int8 needs --calib DIR"]),
        (["--ckpt", "small.pt", "--max-batch", "0"], ["--max-batch", "1<=x<=1024"]),
        (["--ckpt", "small.pt", "--out", ""], ["--out needs a name"]),
        (["--onnx", "small.pt"], ["small.pt", "the .onnx that c2p-export wrote"]),
    ],
)
def test_wrong_usage_exits_with_2(
    exported: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: list[str]
) -> None:
    monkeypatch.chdir(exported[0].parent)
    result = c2p_export(*arguments)
    assert result.exit_code == 2 and result.stderr.startswith("Usage: ")
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    assert [word for word in words if word not in last] == []
    assert files(exported[0].parent) == ["small.json", "small.onnx", "small.pt"]


def test_a_backend_that_is_not_installed(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    line = fail("--ckpt", small, "--out", tmp_path / "new", "--backend", "tensorrt")
    assert "TensorRT is not installed" in line and "pip install 'c2p-deploy[tensorrt]'" in line
    assert files(tmp_path) == []


def damaged(small: Path, how: str) -> Any:
    if how == "truncated":
        return small.read_bytes()[:20000]
    if how == "random bytes":
        return np.random.default_rng(0).bytes(5000)
    if how == "empty":
        return b""
    if how == "foreign dict":
        return {"a": torch.ones(3)}
    if how == "list":
        return [1, 2]
    values = torch.load(small, weights_only=True)
    if how == "missing weights":
        del values["encoders"]
    else:
        state = values["encoders"]["depth"]["state"]
        next(value for value in state.values() if value.ndim > 1).view(-1)[0] = float(how)
    return values


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("truncated", "cannot be loaded as a checkpoint"),
        ("random bytes", "cannot be loaded as a checkpoint"),
        ("empty", "cannot be loaded as a checkpoint"),
        ("foreign dict", "neither a checkpoint of CLIP2Point nor a CLIP model (its first keys: a)"),
        ("list", "holds a list, not a checkpoint"),
        ("missing weights", "damaged checkpoint"),
        ("nan", "depth_encoder.stem.0.weight holds values that are not finite"),
        ("inf", "depth_encoder.stem.0.weight holds values that are not finite"),
    ],
)
def test_a_bad_checkpoint(small: Path, tmp_path: Path, how: str, words: str) -> None:
    path = tmp_path / "bad.pt"
    made = damaged(small, how)
    if isinstance(made, bytes):
        path.write_bytes(made)
    else:
        torch.save(made, path)
    line = fail("--ckpt", path)
    assert line.startswith(f"error: {path}: ") and words in line
    assert files(tmp_path) == ["bad.pt"]


def test_nan_in_a_file_of_the_authors(stand_in: Path, tmp_path: Path) -> None:
    state = torch.load(stand_in / "checkpoints" / PRETRAINED, weights_only=True)
    state["module.point_model.proj"][0, 0] = torch.nan
    torch.save(state, tmp_path / "bad.pth")
    line = fail("--ckpt", tmp_path / "bad.pth")
    assert line.startswith(f"error: {tmp_path / 'bad.pth'}: ")
    assert "depth_encoder.visual.proj holds values that are not finite" in line
    assert files(tmp_path) == ["bad.pth"]


def test_the_authors_file_without_labels(stand_in: Path, tmp_path: Path) -> None:
    path = stand_in / "checkpoints" / PRETRAINED
    line = fail("--ckpt", path, "--out", tmp_path / "new")
    assert line.startswith(f"error: {path}: has no labels yet; ")
    assert "--labels LABELS.json" in line and "--text-encoder" in line
    line = fail("--ckpt", path, "--out", tmp_path / "new", "--labels", "chair, sofa")
    assert "knows no words; add --text-encoder" in line
    assert files(tmp_path) == []


def test_labels_of_the_checkpoint_by_name(small: Path, traced: None, clouds: Path, tmp_path: Path) -> None:
    succeed("--ckpt", small, "--out", tmp_path / "new", "--labels", "c, a", "--verify", clouds)
    labels, known = Manifest.for_engine(tmp_path / "new.onnx").labels, small_checkpoint().labels
    assert known is not None and labels.names == ("c", "a")
    np.testing.assert_allclose(labels.text_features, known.text_features[[2, 0]], atol=1e-3)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ("a, z", ["'z'", "known: a, b, c", "--text-encoder"]),
        (" , ", ["holds no name"]),
        ("gone.json", ["gone.json: cannot read label set"]),
        ("gone.txt", ["gone.txt: cannot read labels"]),
        ("wide.json", ["wide.json: text features of 7 do not fit a model of 16"]),
    ],
)
def test_labels_that_do_not_fit(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, labels: str, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    LabelSet(("x",), np.ones((1, 7))).save("wide.json")
    line = fail("--ckpt", small, "--out", "new", "--labels", labels)
    assert [word for word in words if word not in line] == []
    assert files(tmp_path) == ["wide.json"]


def test_a_label_set_is_not_overwritten_by_the_manifest(small: Path, tmp_path: Path) -> None:
    """`--ckpt chairs.pt --labels chairs.json` is what one types."""
    checkpoint, labels = tmp_path / "chairs.pt", tmp_path / "chairs.json"
    shutil.copy(small, checkpoint)
    LabelSet(("x",), np.ones((1, 16))).save(labels)
    before = labels.read_bytes()
    line = fail("--ckpt", checkpoint, "--labels", labels)
    assert line.startswith(f"error: {labels}: ") and "--out" in line
    assert labels.read_bytes() == before and files(tmp_path) == ["chairs.json", "chairs.pt"]


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("nonsense", "neither a file nor MODEL:TAG"),
        ("ViT-B-32:", "neither a file nor MODEL:TAG"),
        ("no-model:openai", "open_clip has no model 'no-model'"),
        ("small.pt", "small.pt: not OpenAI's own file"),
    ],
)
def test_text_encoders_that_are_none(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, words: str
) -> None:
    monkeypatch.chdir(small.parent)
    assert words in fail("--ckpt", small, "--out", tmp_path / "new", "--text-encoder", named)
    assert files(tmp_path) == []


def test_the_text_encoder_of_another_clip(stand_in: Path, small: Path, tmp_path: Path) -> None:
    clip = stand_in / "checkpoints" / CLIP
    line = fail("--ckpt", small, "--out", tmp_path / "new", "--text-encoder", clip)
    assert f"{clip}: gives features of 512, which do not fit a model of 16" in line
    line = fail(
        *("--ckpt", stand_in / "checkpoints" / PRETRAINED, "--out", tmp_path / "new"),
        *("--text-encoder", clip, "--labels", ","),
    )
    assert "--labels ',': holds no name" in line
    assert files(tmp_path) == []


def test_clouds_that_cannot_be_read(small: Path, clouds: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clouds"
    shutil.copytree(clouds, folder)
    (folder / "3.ply").write_bytes(b"ply\nnot one")
    line = fail("--ckpt", small, "--out", tmp_path / "new", "--verify", folder)
    assert line.startswith(f"error: {folder / '3.ply'}: ")
    empty = tmp_path / "empty"
    empty.mkdir()
    line = fail("--ckpt", small, "--out", tmp_path / "new", "--int8", "--calib", empty)
    assert line.startswith(f"error: {empty}: ")
    assert files(tmp_path) == ["clouds", "empty"]


def test_a_folder_that_does_not_exist_is_told_at_once(small: Path, tmp_path: Path) -> None:
    result = c2p_export("--ckpt", small, "--out", tmp_path / "gone" / "new")
    assert result.exit_code == 1
    assert result.stderr == (
        f"error: {tmp_path / 'gone'}: this folder does not exist; make it, or choose another with --out\n"
    )
    assert files(tmp_path) == []


def limited(size: int, work: Callable[[], str]) -> str:
    """What `work` returns where the kernel refuses to write more than `size` bytes to a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        return work()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_while_the_graph_is_written(small: Path, clouds: Path, tmp_path: Path) -> None:
    line = limited(8 << 10, lambda: fail("--ckpt", small, "--out", tmp_path / "new", "--verify", clouds))
    reason = os.strerror(errno.EFBIG)
    assert line == f"error: {tmp_path}: cannot write there: {reason}; make room or choose another folder"
    assert files(tmp_path) == []


def test_a_full_disk_while_the_plan_is_written(
    small: Path, traced: None, clouds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rtx: Any
) -> None:
    """And the former export stays; the folder is told as the user gave it."""
    monkeypatch.chdir(tmp_path)
    succeed("--ckpt", small, "--out", "new", "--verify", clouds)
    before = {name: sha256_of(tmp_path / name) for name in files(tmp_path)}
    arguments = ["--ckpt", small, "--out", "new", "--verify", clouds, "--target", "sm86"]
    line = limited(1 << 20, lambda: fail(*arguments))
    assert line.startswith("error: ./new.plan: cannot write ") and "make room there" in line
    assert {name: sha256_of(tmp_path / name) for name in files(tmp_path)} == before


def test_a_disk_that_fills_up_at_the_very_end(
    small: Path, traced: None, clouds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Manifest, "save", full)
    line = fail("--ckpt", small, "--out", tmp_path / "new", "--verify", clouds)
    assert line.startswith(f"error: {tmp_path}: cannot write there: No space left on device; make room")
    assert files(tmp_path) == []


def test_a_changed_onnx_file_is_not_built_from(copied: Path) -> None:
    copied.write_bytes(copied.read_bytes() + b"\0")
    line = fail("--onnx", copied, "--target", "sm86")
    assert line.startswith(f"error: {copied}: SHA-256 differs") and "copy engine and manifest" in line
    assert files(copied.parent) == ["small.json", "small.onnx"]


def test_an_onnx_file_without_its_manifest(copied: Path) -> None:
    copied.with_suffix(".json").unlink()
    line = fail("--onnx", copied, "--target", "sm86")
    assert line.startswith(f"error: {copied}: its manifest small.json is missing")


def test_an_engine_that_does_not_agree_is_not_written(
    small: Path, wrong: None, clouds: Path, tmp_path: Path
) -> None:
    line = fail("--ckpt", small, "--out", tmp_path / "new", "--verify", clouds)
    assert line.startswith(f"error: {tmp_path / 'new.onnx'}: onnxruntime: smallest cosine ")
    assert "at least 0.999 wanted" in line and line.endswith("nothing was written. Export with --fp32.")
    assert files(tmp_path) == []


def test_an_engine_that_does_not_agree_can_be_kept(
    small: Path, wrong: None, clouds: Path, tmp_path: Path
) -> None:
    line = fail("--ckpt", small, "--out", tmp_path / "new", "--verify", clouds, "--keep-failed")
    assert "written all the same (--keep-failed), do not rely on it" in line
    assert files(tmp_path) == ["new.json", "new.onnx"]
    manifest = Manifest.for_engine(tmp_path / "new.onnx")
    assert manifest.parity["onnxruntime"]["cosine_min"] < 0.999
    said = c2p_export("inspect", tmp_path / "new.onnx").stdout
    assert "FAILED: smallest cosine" in " ".join(said.split())
    # The robot refuses to build on it as well.
    line = fail("--onnx", tmp_path / "new.onnx", "--target", "sm86", "--verify", clouds)
    assert "onnxruntime: smallest cosine" in line and "nothing was written" in line
    assert files(tmp_path) == ["new.json", "new.onnx"]


def test_a_good_former_export_survives_a_failed_one(
    small: Path, wrong: None, copied: Path, clouds: Path
) -> None:
    before = {name: sha256_of(copied.parent / name) for name in files(copied.parent)}
    fail("--ckpt", small, "--out", copied, "--verify", clouds)
    assert {name: sha256_of(copied.parent / name) for name in files(copied.parent)} == before


def test_limits_are_those_of_the_precision(
    small: Path, traced: None, clouds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreachable = {**LIMITS, "fp16": Limits(cosine_min=1.1, top1_agreement=1.0)}
    monkeypatch.setattr("c2p_export.parity.LIMITS", unreachable)
    monkeypatch.setattr(engines, "LIMITS", unreachable)
    assert "at least 1.1 wanted" in fail("--ckpt", small, "--out", tmp_path / "new", "--verify", clouds)
    assert files(tmp_path) == []


def test_a_machine_with_a_gpu_that_knows_no_fp8(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan of an fp8 engine for an Orin is refused with advice, not by TensorRT after minutes."""
    from c2p_runtime.backends.gpu import Gpu

    path = copied.with_suffix(".json")
    replace(Manifest.load(path), precision="fp8").save(path)
    monkeypatch.setattr(request_module, "find_gpus", lambda: (Gpu("RTX 3060", "8.6", 12 << 30),))
    line = fail("--onnx", copied)
    assert line.startswith(f"error: {copied}: fp8 needs a GPU of SM89 or later") and "SM86 is not" in line


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

    monkeypatch.setattr(export, "write_engine", interrupted)
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
