"""What the threads of a block find out together: the largest of their values, and the sum.

Device functions, for the kernels beside this file. All threads of a block have to call them, a
block has 1 to 32 whole warps, and what they give is in every thread and the same at every run:
values are combined by shuffles, in an order that is always the same.

numba keeps compiled kernels by the time and size of the kernel's own file: whoever changes what
is here changes those files, too, or old code is found in the caches of users.
"""

from __future__ import annotations

from c2p_runtime.cuda.numba_cuda import cuda

LANES = 32  # threads of a warp
WARPS = 32  # of the largest block; the length of the shared arrays `slots`
ALL_LANES = 0xFFFFFFFF  # the mask of a whole warp


@cuda.jit(device=True)
def block_max(value, slots):  # type: ignore[no-untyped-def]
    """The largest value of a block. slots: shared [WARPS] of the value's type, see `_share`."""
    _share(warp_max(value), slots)
    # Lanes that no warp belongs to take the last warp's value once more.
    return warp_max(slots[min(cuda.threadIdx.x % LANES, cuda.blockDim.x // LANES - 1)])


@cuda.jit(device=True)
def block_sum(value, slots):  # type: ignore[no-untyped-def]
    """The sum over a block. slots: shared [WARPS] of the value's type, see `_share`."""
    _share(warp_sum(value), slots)
    of_warp = slots.dtype.type(0)
    if cuda.threadIdx.x % LANES < cuda.blockDim.x // LANES:
        of_warp = slots[cuda.threadIdx.x % LANES]
    return warp_sum(of_warp)


@cuda.jit(device=True)
def _share(value, slots):  # type: ignore[no-untyped-def]
    """Puts the value of each warp, the same in all its threads, into its slot, and waits for the others.

    The slots may be written again once all threads have met at another barrier.
    """
    if cuda.threadIdx.x % LANES == 0:
        slots[cuda.threadIdx.x // LANES] = value
    cuda.syncthreads()


@cuda.jit(device=True)
def warp_max(value):  # type: ignore[no-untyped-def]
    """The largest value of a warp."""
    for step in range(5):
        value = max(value, cuda.shfl_xor_sync(ALL_LANES, value, 16 >> step))
    return value


@cuda.jit(device=True)
def warp_sum(value):  # type: ignore[no-untyped-def]
    """The sum over a warp."""
    for step in range(5):
        value += cuda.shfl_xor_sync(ALL_LANES, value, 16 >> step)
    return value
