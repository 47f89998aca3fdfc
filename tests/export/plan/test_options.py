"""Which plans are wanted, and which this machine can build."""

from __future__ import annotations

from typing import Any

import pytest

from c2p_deploy.errors import C2PError
from c2p_export.plan.options import KNOWN_TARGETS, parse_targets, rtx_targets, why_cannot_build, why_no_fp8
from c2p_runtime.backends.gpu import Gpu

ORIN = Gpu("Orin", "8.7", 8 << 30)
L4 = Gpu("NVIDIA L4", "8.9", 24 << 30)


@pytest.mark.parametrize("text", ["sm86,sm89", "86,89", "8.6, 8.9", "SM_86,sm_89,sm86"])
def test_targets_in_any_spelling(text: str) -> None:
    assert parse_targets(text) == ("8.6", "8.9")


def test_every_known_target_can_be_named() -> None:
    assert parse_targets(",".join("sm" + name.replace(".", "") for name in KNOWN_TARGETS)) == (
        *KNOWN_TARGETS,
    )


@pytest.mark.parametrize("text", ["sm88", "orin", "", "sm86,", "sm86;sm89", "8..6", "sm1200"])
def test_a_wrong_target_names_the_known_ones(text: str) -> None:
    with pytest.raises(C2PError, match=r"is not a GPU .*sm87 \(Jetson Orin\).*sm120"):
        parse_targets(text)


def test_rtx_targets_are_those_of_the_installed_one(trt: Any) -> None:
    assert set(rtx_targets()) >= {"7.5", "8.6", "8.9", "12.0"}
    assert not set(rtx_targets()) & {"8.7", "9.0", "11.0"}


@pytest.mark.parametrize(
    ("flavour", "targets", "gpus", "words"),
    [
        ("tensorrt-rtx", (), (), ["no NVIDIA GPU", "--target"]),
        ("tensorrt-rtx", ("8.6", "8.7"), (), ["not for SM87 (Jetson Orin)", "SM86", "the Jetson", "--onnx"]),
        ("tensorrt-rtx", (), (ORIN,), ["not for SM87 (Jetson Orin)", "TensorRT does"]),
        ("tensorrt-rtx", ("9.0",), (), ["not for SM90 (H100, H200)", "the machine with that GPU"]),
        ("tensorrt", (), (), ["no NVIDIA GPU", "c2p-export --onnx NAME.onnx"]),
        ("tensorrt", ("8.7",), (), ["here none", "SM87 (Jetson Orin)", "c2p-export --onnx NAME.onnx"]),
        ("tensorrt", ("8.7",), (L4,), ["here NVIDIA L4, SM89", "not for SM87"]),
        ("tensorrt", ("8.9", "8.6"), (L4,), ["here NVIDIA L4, SM89", "SM89 (RTX 40xx"]),
    ],
)
def test_why_a_plan_cannot_be_built_here(
    trt: Any, flavour: str, targets: tuple[str, ...], gpus: tuple[Gpu, ...], words: list[str]
) -> None:
    refusal = why_cannot_build(flavour, targets, gpus)
    assert refusal is not None
    assert [word for word in words if word not in str(refusal)] == []


def test_what_can_be_built_here(trt: Any) -> None:
    assert why_cannot_build("tensorrt-rtx", ("7.5", "12.1"), ()) is None
    assert why_cannot_build("tensorrt-rtx", (), (L4,)) is None


def test_who_knows_float8() -> None:
    assert why_no_fp8(()) is None
    assert why_no_fp8(("8.9", "9.0", "10.0", "11.0", "12.0")) is None
    assert "SM87 is not" in str(why_no_fp8(("8.9", "8.7")))
