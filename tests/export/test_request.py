"""What is asked of `c2p-export`: options that contradict one another, names of files, choice of a plan."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from c2p_deploy import Manifest
from c2p_deploy.errors import EngineError, MissingDependencyError, OptionError
from c2p_deploy.files import sha256_of
from c2p_export import request as request_module
from c2p_export.request import ExportOptions, Options, check, choose_plan, engine_path, resolve
from c2p_runtime.backends.gpu import Gpu
from engines import write_engine

CKPT = Options(
    ckpt=Path("runs/model.pt"),
    onnx=None,
    out=None,
    precision=None,
    calib=None,
    preparation=None,
    labels=None,
    text_encoder=None,
    backend="auto",
    target=None,
    max_batch=None,
    workspace=None,
    timing_cache=None,
    verify=None,
    keep_failed=False,
)
ONNX = replace(CKPT, ckpt=None, onnx=Path("model.onnx"))
FILE = Path("file")
ENGINE = Path("runs/model.onnx")
FP16 = ExportOptions()
ORIN, RTX3060 = Gpu("Orin", "8.7", 8 << 30), Gpu("RTX 3060", "8.6", 12 << 30)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (replace(ONNX, out=FILE), "--out cannot go with --onnx"),
        (replace(ONNX, precision="fp16"), "--fp16 cannot go with --onnx"),
        (replace(ONNX, precision="int8", calib=FILE), "--int8 cannot go with --onnx"),
        (replace(ONNX, calib=FILE), "--calib cannot go with --onnx"),
        (replace(ONNX, preparation="paper"), "--preparation cannot go with --onnx"),
        (replace(ONNX, labels="a, b"), "--labels cannot go with --onnx"),
        (replace(ONNX, text_encoder="clip.pt"), "--text-encoder cannot go with --onnx"),
        (replace(ONNX, backend="onnx"), "--onnx builds a plan, --backend onnx builds none"),
        (replace(ONNX, onnx=Path("model.plan")), "model.plan: a plan is built from the .onnx"),
        (replace(CKPT, precision="int8"), "--int8 needs --calib DIR"),
        (replace(CKPT, precision="fp8"), "--fp8 needs --calib DIR"),
        (replace(CKPT, calib=FILE), "--calib goes with --int8 or --fp8"),
        (replace(CKPT, calib=FILE, precision="fp16"), "--calib goes with --int8 or --fp8"),
        (replace(CKPT, backend="onnx", target="sm86"), "--target is about plans, --backend onnx builds none"),
        (replace(CKPT, backend="onnx", workspace=64), "--workspace is about plans"),
        (replace(CKPT, backend="onnx", timing_cache=FILE), "--timing-cache is about plans"),
        (replace(CKPT, backend="tensorrt-rtx", timing_cache=FILE), "TensorRT-RTX keeps no timings"),
        (replace(CKPT, precision="fp8", calib=FILE, target="sm89,sm86"), "fp8 needs .*which SM86 is not"),
        (replace(CKPT, precision="fp8", calib=FILE, target="sm87"), "fp8 needs .*which SM87 is not"),
        (replace(CKPT, target="orin"), "'orin' is not a GPU"),
        (replace(CKPT, out=Path()), "--out needs a name"),
    ],
)
def test_options_that_contradict_one_another(options: Options, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        check(options)


@pytest.mark.parametrize(
    "options",
    [
        CKPT,
        ONNX,
        replace(ONNX, target="sm86", max_batch=4, workspace=64, verify=FILE, keep_failed=True),
        replace(CKPT, precision="int8", calib=FILE, labels="a", text_encoder="clip.pt", out=FILE),
        replace(CKPT, precision="fp8", calib=FILE, target="sm89,sm110"),
        replace(CKPT, backend="tensorrt", timing_cache=FILE, target="sm87"),
        replace(CKPT, backend="onnx", max_batch=1, precision="fp32"),
    ],
)
def test_options_that_go_together(options: Options) -> None:
    check(options)


@pytest.mark.parametrize(
    ("ckpt", "out", "engine"),
    [
        ("runs/model.pt", None, "runs/model.onnx"),
        ("best.v2.pth", None, "best.v2.onnx"),
        ("model", None, "model.onnx"),
        ("runs/model.pt", "new", "new.onnx"),
        ("runs/model.pt", "robot/new.plan", "robot/new.onnx"),
        ("runs/model.pt", "robot/v1.2", "robot/v1.2.onnx"),
        ("runs/model.pt", "v1.2.json", "v1.2.onnx"),
    ],
)
def test_where_the_engine_goes(ckpt: str, out: str | None, engine: str) -> None:
    assert engine_path(Path(ckpt), None if out is None else Path(out)) == Path(engine)


@pytest.fixture
def on_an_orin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_module, "find_gpus", lambda: (ORIN,))


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call it with the flavours that shall be installed; what they can build is not asked of them."""

    def these(*flavours: str) -> None:
        versions = dict.fromkeys(flavours, "10.3.0")
        monkeypatch.setattr(request_module, "installed_version", versions.get)

        def import_tensorrt(flavour: str) -> None:
            if flavour not in flavours:
                raise MissingDependencyError(f"{flavour} is not installed")

        def rtx_targets() -> tuple[str, ...]:
            import_tensorrt("tensorrt-rtx")
            return ("8.6", "8.9")

        monkeypatch.setattr(request_module, "import_tensorrt", import_tensorrt)
        monkeypatch.setattr("c2p_export.plan.options.import_tensorrt", import_tensorrt)
        monkeypatch.setattr("c2p_export.plan.options.rtx_targets", rtx_targets)

    return these


@pytest.mark.parametrize(
    ("flavours", "target", "gpus", "chosen"),
    [
        (("tensorrt", "tensorrt-rtx"), None, (ORIN,), "tensorrt"),
        (("tensorrt", "tensorrt-rtx"), "sm87", (ORIN,), "tensorrt"),
        (("tensorrt", "tensorrt-rtx"), "sm86,sm89", (ORIN,), "tensorrt-rtx"),
        (("tensorrt", "tensorrt-rtx"), "sm86", (), "tensorrt-rtx"),
        (("tensorrt-rtx",), None, (RTX3060,), "tensorrt-rtx"),
        (("tensorrt",), "sm86", (RTX3060,), "tensorrt"),
    ],
)
def test_auto_takes_the_one_that_can(
    installed: Any, flavours: tuple[str, ...], target: str | None, gpus: tuple[Gpu, ...], chosen: str
) -> None:
    installed(*flavours)
    plan, reason = choose_plan(replace(CKPT, target=target), FP16, ENGINE, gpus)
    assert reason is None and plan is not None
    assert plan.flavour == chosen
    assert (plan.batch.max, plan.workspace) == (8, None)
    assert (plan.timing_cache is None) == (chosen == "tensorrt-rtx")


@pytest.mark.parametrize(
    ("flavours", "target", "gpus", "words"),
    [
        ((), None, (), ["no NVIDIA GPU", "c2p-export --onnx model.onnx"]),
        ((), None, (ORIN,), ["tensorrt is not installed"]),
        (("tensorrt-rtx",), None, (), ["no NVIDIA GPU", "--target", "c2p-export --onnx model.onnx"]),
        (("tensorrt-rtx",), "sm87", (), ["SM87 (Jetson Orin)", "c2p-export --onnx model.onnx"]),
        (("tensorrt-rtx",), "sm86,sm110", (), ["SM110 (Jetson Thor)", "c2p-export --onnx model.onnx"]),
        (("tensorrt",), "sm110", (ORIN,), ["here Orin, SM87", "SM110", "c2p-export --onnx model.onnx"]),
    ],
)
def test_why_there_will_be_no_plan(
    installed: Any, flavours: tuple[str, ...], target: str | None, gpus: tuple[Gpu, ...], words: list[str]
) -> None:
    installed(*flavours)
    plan, reason = choose_plan(replace(CKPT, target=target), FP16, ENGINE, gpus)
    assert plan is None and reason is not None
    assert [word for word in words if word not in str(reason)] == []


def test_no_plan_of_an_fp8_engine_for_a_gpu_without_float8(installed: Any) -> None:
    installed("tensorrt")
    assert choose_plan(CKPT, FP16, ENGINE, (ORIN,))[0] is not None
    plan, reason = choose_plan(CKPT, ExportOptions("fp8"), ENGINE, (ORIN,))
    assert plan is None and "SM87 is not" in str(reason)


def test_options_reach_the_plan(
    installed: Any, on_an_orin: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed("tensorrt")
    monkeypatch.chdir(tmp_path)
    ckpt = replace(CKPT, ckpt=Path("model.pt"))
    options = replace(ckpt, backend="tensorrt", workspace=64, max_batch=3, timing_cache=FILE)
    request = resolve(options)
    plan = request.options.plan
    assert plan is not None and request.why_no_plan is None
    assert (plan.workspace, plan.batch.max, plan.timing_cache) == (64 << 20, 3, FILE)
    made = resolve(ckpt).options
    assert (made.precision, made.max_batch, made.keep_failed) == ("fp16", 8, False)
    assert made.preparation == "robust"
    assert resolve(replace(ckpt, preparation="paper")).options.preparation == "paper"
    assert made.plan is not None and made.plan.batch.max == 8


def test_what_an_onnx_file_is_stands_in_its_manifest(
    installed: Any, on_an_orin: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its bytes are hashed once, however large it is."""
    installed("tensorrt")
    engine = write_engine(tmp_path, preparation="paper")
    hashed = []
    monkeypatch.setattr(
        "c2p_deploy.manifest.manifest.sha256_of", lambda path: hashed.append(path) or sha256_of(path)
    )
    request = resolve(replace(ONNX, onnx=engine))
    assert hashed == [engine]
    assert isinstance(request.source, Manifest) and request.engine == engine
    assert (request.options.precision, request.options.max_batch) == ("fp32", 4)
    assert request.options.preparation == "paper"
    assert request.options.plan is not None and request.options.plan.batch.max == 4
    installed()
    with pytest.raises(EngineError, match=r"tiny\.onnx: tensorrt is not installed"):
        resolve(replace(ONNX, onnx=engine))


def test_a_text_encoder_is_a_file_or_a_model_with_its_weights(
    installed: Any, on_an_orin: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed()
    monkeypatch.chdir(tmp_path)
    Path("clip.pt").touch()
    for given, read in (("clip.pt", (None, "clip.pt")), ("ViT-B-32:openai", ("ViT-B-32", "openai"))):
        options = replace(CKPT, ckpt=Path("model.pt"), text_encoder=given)
        assert resolve(options).text_encoder == read


def test_timings_that_would_not_be_kept(installed: Any) -> None:
    """Which TensorRT builds is known late where it was not named."""
    installed("tensorrt-rtx")
    options = replace(CKPT, target="sm86", timing_cache=FILE)
    check(options)
    with pytest.raises(OptionError, match="keeps no timings"):
        choose_plan(options, FP16, ENGINE, ())


def test_no_plan_is_wanted_and_none_is_missed(installed: Any) -> None:
    installed()
    assert choose_plan(replace(CKPT, backend="onnx"), FP16, ENGINE, (ORIN,)) == (None, None)


def test_a_backend_that_is_named_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(MissingDependencyError, match=r"pip install .*\[tensorrt\]'"):
        choose_plan(replace(CKPT, backend="tensorrt", target="sm87"), FP16, ENGINE, ())
