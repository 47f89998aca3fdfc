"""Floors of boards, and which board this is."""

from __future__ import annotations

import pytest

from c2p_deploy.manifest import EngineCost
from c2p_runtime.backends.gpu import Gpu
from c2p_runtime.bench.boards import BOARDS, detect_board, roofline

GIB = 1 << 30
# 176.4 GFLOP and 351 MB: ViT-B/32 dual path of ten views, whose floors were worked out on paper.
DUAL_PATH = EngineCost(176_400_000_000, 351_000_000)


@pytest.mark.parametrize(
    ("board", "floor_ms", "bound"),
    [
        ("orin-nano-super", 10.6, "compute"),
        ("orin-nx-16", 11.8, "compute"),
        ("agx-orin-64", 4.1, "compute"),
        ("thor-t5000", 1.29, "memory"),
        ("h200", 0.178, "compute"),
        ("h100-sxm", 0.178, "compute"),
        ("rtx-4090", 0.534, "compute"),
    ],
)
def test_floors_worked_out_by_hand(board: str, floor_ms: float, bound: str) -> None:
    floor = roofline(DUAL_PATH, 1, "fp16", BOARDS[board])
    assert floor is not None and floor.bound == bound
    assert floor.floor_ms == pytest.approx(floor_ms, rel=0.01)


def test_a_batch_reads_its_weights_once() -> None:
    one, eight = (roofline(DUAL_PATH, clouds, "int8", BOARDS["thor-t5000"]) for clouds in (1, 8))
    assert one is not None and eight is not None
    assert eight.memory_ms == one.memory_ms == pytest.approx(351e6 / 273e9 * 1e3)
    assert eight.compute_ms == pytest.approx(8 * 176.4e9 / 517e12 * 1e3)
    assert (one.bound, eight.bound) == ("memory", "compute")


def test_no_peak_no_floor() -> None:
    assert roofline(DUAL_PATH, 1, "fp32", BOARDS["h200"]) is None
    assert roofline(DUAL_PATH, 1, "fp8", BOARDS["agx-orin-64"]) is None


@pytest.mark.parametrize(
    ("name", "sm", "gib", "machine", "mode", "board"),
    [
        ("NVIDIA H200", "9.0", 140, None, None, "h200"),
        ("NVIDIA H200 NVL", "9.0", 140, None, None, None),
        ("NVIDIA H200 MIG 1g.18gb", "9.0", 16, None, None, None),
        ("NVIDIA GH200 480GB", "9.0", 95, None, None, None),
        ("NVIDIA H100 80GB HBM3", "9.0", 79, None, None, "h100-sxm"),
        ("NVIDIA H100 PCIe", "9.0", 79, None, None, "h100-pcie"),
        ("NVIDIA H100 NVL", "9.0", 94, None, None, None),
        ("Orin", "8.7", 61.4, "NVIDIA Jetson AGX Orin Developer Kit", "MAXN", "agx-orin-64"),
        ("Orin", "8.7", 29.9, "NVIDIA Jetson AGX Orin", "MAXN", None),  # the 32 GB one has fewer cores
        ("Orin", "8.7", 15.3, "NVIDIA Jetson Orin NX Engineering Reference", "25W", "orin-nx-16"),
        ("Orin", "8.7", 7.4, "NVIDIA Jetson Orin NX 8GB", "25W", None),
        ("Orin", "8.7", 7.4, "NVIDIA Jetson Orin Nano Developer Kit", "15W", "orin-nano"),
        ("Orin", "8.7", 7.4, "NVIDIA Jetson Orin Nano Developer Kit Super", "MAXN_SUPER", "orin-nano-super"),
        ("Orin", "8.7", 3.4, "NVIDIA Jetson Orin Nano Developer Kit", "10W", None),
        ("NVIDIA Thor", "11.0", 122, "NVIDIA Jetson AGX Thor Developer Kit", "MAXN", "thor-t5000"),
        ("NVIDIA Thor", "11.0", 61, "NVIDIA Jetson T4000", None, None),
        ("NVIDIA GeForce RTX 4090", "8.9", 24, None, None, "rtx-4090"),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "8.9", 16, None, None, None),
    ],
)
def test_boards_are_told_by_gpu_memory_and_model(
    name: str, sm: str, gib: float, machine: str | None, mode: str | None, board: str | None
) -> None:
    assert detect_board(Gpu(name, sm, int(gib * GIB)), machine, mode) == board
