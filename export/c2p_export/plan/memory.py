"""Whether building a plan fits the free memory."""

from __future__ import annotations

import re
from pathlib import Path

from c2p_deploy.errors import EngineError
from c2p_export.plan.options import PlanOptions

MEMINFO, SWAPS = Path("/proc/meminfo"), Path("/proc/swaps")


def memory_needed(onnx: Path, options: PlanOptions) -> int:
    """Bytes of memory that building a plan takes at most, estimated from the size of the graph."""
    # Peak resident memory beyond that before parsing, TensorRT-RTX 1.7.1, transformer blocks of
    # width 768, MiB: 173 for a graph of 23, 388 for 90, 484 for 126 (fp32), 667 for 171; two or
    # three targets and a batch of 1 or 32 change it by less than 2 %. A line of 96 + 3.3 times
    # the graph; rounded up here.
    needed = (128 << 20) + 4 * onnx.stat().st_size
    if options.flavour == "tensorrt":
        # Not measured on hardware yet: CUDA context and kernel libraries, the weights twice more
        # on the GPU (on a Jetson the same memory), and the activations of a ViT-B/32 with two
        # towers and ten views, with which kernels are timed.
        needed += (768 << 20) + 2 * onnx.stat().st_size + options.batch.max * (16 << 20)
        needed += options.workspace or 0
    return needed


def check_memory(onnx: Path, options: PlanOptions) -> None:
    """Raises EngineError when building would not fit the free memory: an 8 GB board would hang.

    On a Jetson the GPU uses the same memory. Nothing is checked where Linux does not tell.
    """
    free = _free_memory()
    needed = memory_needed(onnx, options)
    if free is None or needed <= free:
        return
    smaller = " or a smaller --workspace or --max-batch" if options.flavour == "tensorrt" else ""
    raise EngineError(
        f"building a plan needs about {needed / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are free",
        f"close other programs (on a Jetson the desktop too), add swap on a disk{smaller}",
        onnx,
    )


def _free_memory() -> int | None:
    """Bytes a new program can use: available memory, and free swap on disks.

    Not swap in memory (zram, the default on a Jetson): weights do not compress.
    """
    try:
        available = re.search(r"^MemAvailable:\s+(\d+) kB$", MEMINFO.read_text(), re.MULTILINE)
        swaps = [line.split() for line in SWAPS.read_text().splitlines()[1:]] if SWAPS.exists() else []
    except OSError:
        return None
    if available is None:
        return None
    on_disk = sum(int(swap[2]) - int(swap[3]) for swap in swaps if not swap[0].startswith("/dev/zram"))
    return (int(available[1]) + on_disk) << 10
