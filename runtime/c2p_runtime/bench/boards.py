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
    "h200": Board("H200", {"fp16": 989, "int8": 1979, "fp8": 1979}, 4800),
}


def detect_board(gpu: Gpu, machine: str | None, power_mode: str | None) -> str | None:
    """The key of `BOARDS` for a GPU; None when it is none of them, or cannot be told.

    machine: as the device tree calls it, None where there is none; power_mode: nvpmodel's, or
    None. Jetsons of one family differ in memory, and all call their GPU the same.
    Not run on hardware yet.
    """
    if gpu.name == "NVIDIA H200":  # neither the NVL, a slice of one (MIG), nor the GH200
        return "h200"
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
