"""What a board could do at most, from its data sheet, and which board this is.

The roofline: an engine takes at least as long as its arithmetic at the highest rate, and at
least as long as reading its weights once at the highest bandwidth. The longer of the two is the
floor. Peaks are dense, of the whole board at its highest clocks: a power mode below that one
cannot reach 100 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from c2p_deploy.manifest import EngineCost
from c2p_runtime.backends.gpu import Gpu

_GIB = 1 << 30


@dataclass(frozen=True)
class Board:
    """A board's peaks by its data sheet."""

    title: str
    tera_per_s: Mapping[str, float]  # by precision: 10^12 operations a second, a multiply-add is two
    gb_per_s: float  # 10^9 bytes of memory


@dataclass(frozen=True)
class Roofline:
    """The shortest time a call can take, by either limit."""

    compute_ms: float
    memory_ms: float

    @property
    def floor_ms(self) -> float:
        return max(self.compute_ms, self.memory_ms)

    @property
    def bound(self) -> str:
        """Which of the two it is: "compute" or "memory"."""
        return "compute" if self.compute_ms >= self.memory_ms else "memory"


# fp8, where there is any, runs at the rate of int8. fp32 has no one peak: TensorRT may take TF32 for it.
BOARDS = {
    "orin-nano": Board("Orin Nano 8 GB", {"fp16": 10.2, "int8": 20}, 68),
    "orin-nano-super": Board("Orin Nano 8 GB Super", {"fp16": 16.7, "int8": 33}, 102),
    "orin-nx-16": Board("Orin NX 16 GB", {"fp16": 15.0, "int8": 30}, 102),
    "agx-orin-64": Board("AGX Orin 64 GB", {"fp16": 42.6, "int8": 85}, 205),
    "thor-t5000": Board("Thor T5000", {"fp16": 258, "int8": 517, "fp8": 517}, 273),
    # Cards of the GeForce kind reach this where float16 is summed up in float16, and half of it otherwise.
    "rtx-3060": Board("GeForce RTX 3060 12 GB", {"fp16": 51.2, "int8": 102}, 360),
    "rtx-3090": Board("GeForce RTX 3090", {"fp16": 142, "int8": 284}, 936),
    "rtx-a6000": Board("RTX A6000", {"fp16": 155, "int8": 310}, 768),
    "rtx-4070": Board("GeForce RTX 4070", {"fp16": 117, "int8": 233, "fp8": 233}, 504),
    "rtx-4090": Board("GeForce RTX 4090", {"fp16": 330, "int8": 661, "fp8": 661}, 1008),
    "rtx-5080": Board("GeForce RTX 5080", {"fp16": 225, "int8": 450, "fp8": 450}, 960),
    "rtx-5090": Board("GeForce RTX 5090", {"fp16": 419, "int8": 838, "fp8": 838}, 1792),
    "h100-pcie": Board("H100 PCIe", {"fp16": 756, "int8": 1513, "fp8": 1513}, 2000),
    "h100-sxm": Board("H100 SXM", {"fp16": 989, "int8": 1979, "fp8": 1979}, 3350),
    "h200": Board("H200", {"fp16": 989, "int8": 1979, "fp8": 1979}, 4800),
}

# What the driver calls a card, where that says all: neither an NVL, a slice of one (MIG), nor a laptop's.
_NAMES = {
    "NVIDIA GeForce RTX 3060": "rtx-3060",
    "NVIDIA GeForce RTX 3090": "rtx-3090",
    "NVIDIA RTX A6000": "rtx-a6000",
    "NVIDIA GeForce RTX 4070": "rtx-4070",
    "NVIDIA GeForce RTX 4090": "rtx-4090",
    "NVIDIA GeForce RTX 5080": "rtx-5080",
    "NVIDIA GeForce RTX 5090": "rtx-5090",
    "NVIDIA H100 PCIe": "h100-pcie",
    "NVIDIA H100 80GB HBM3": "h100-sxm",
    "NVIDIA H200": "h200",
}


def detect_board(gpu: Gpu, machine: str | None, power_mode: str | None) -> str | None:
    """The key of `BOARDS` for a GPU; None when it is none of them, or cannot be told.

    machine: as the device tree calls it, None where there is none; power_mode: nvpmodel's, or
    None. Jetsons of one family differ in memory, and all call their GPU the same.
    """
    if gpu.name in _NAMES:
        return _NAMES[gpu.name]
    memory = gpu.memory / _GIB  # a little less than on the box: the system keeps some
    if gpu.compute_capability == "8.7":
        if memory > 48:
            return "agx-orin-64"
        if 12 < memory < 17:
            return "orin-nx-16"
        if 6 < memory < 8.5 and "Orin Nano" in (machine or ""):
            # Super is the same board in the modes that JetPack 6.2 brought.
            return "orin-nano-super" if power_mode in ("25W", "MAXN_SUPER") else "orin-nano"
    if gpu.compute_capability == "11.0" and memory > 100:
        return "thor-t5000"
    return None


def roofline(cost: EngineCost, clouds: int, precision: str, board: Board) -> Roofline | None:
    """The floor of one call; None when the board has no known peak for the precision.

    Arithmetic is per cloud, the weights are read once for all of them.
    """
    peak = board.tera_per_s.get(precision)
    if peak is None:
        return None
    return Roofline(
        compute_ms=1e3 * cost.flops_per_cloud * clouds / (peak * 1e12),
        memory_ms=1e3 * cost.weight_bytes / (board.gb_per_s * 1e9),
    )
