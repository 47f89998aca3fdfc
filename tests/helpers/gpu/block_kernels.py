"""A kernel that shows what `c2p_runtime.cuda.block` gives. Imported by `device_runs` when it is asked for."""

from __future__ import annotations

from typing import Any

from c2p_runtime.cuda.block import WARPS, block_max, block_sum
from c2p_runtime.cuda.numba_cuda import cuda


def max_and_sum_for(kind: type) -> Any:
    """The kernel for values of this type: values [T] -> found [2, T], of one block of T threads."""

    @cuda.jit  # type: ignore[untyped-decorator]
    def max_and_sum(values, found):  # type: ignore[no-untyped-def]
        slots = cuda.shared.array((2, WARPS), kind)
        thread = cuda.threadIdx.x
        found[0, thread] = block_max(values[thread], slots[0])
        found[1, thread] = block_sum(values[thread], slots[1])

    return max_and_sum
