"""The machine code that a GPU gets, made by libNVVM and nvJitLink as in production, for boards not here."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from kernel_signatures import BUDGET, kernels_and_signatures

BOARDS = {(8, 7): "Orin", (8, 9): "Ada", (9, 0): "H100", (11, 0): "Thor", (12, 0): "RTX 50"}
# Every kernel for Orin, which has least; for the others those that have to round as the reference does.
ROUNDS = ("splat", "farthest 4096", "farthest 8192")
CASES = [(name, board) for board in BOARDS for name in BUDGET if board == (8, 7) or name in ROUNDS[:2]]
_REGISTERS, _FRAME = 0x2F, 0x11  # EIATTR_REGCOUNT and EIATTR_FRAME_SIZE of .nv.info: symbol, number
_BRA, _BAR, _FFMA = 0x947, 0xB1D, 0x223  # lowest twelve bits of an instruction of 16 bytes


class Cubin(NamedTuple):
    """Of one kernel. registers and frame (bytes of local memory: spills, among others) of a thread."""

    registers: int
    frame: int
    instructions: list[tuple[int, int]]

    def count(self, opcode: int) -> int:
        return sum(low & 0xFFF == opcode for low, _ in self.instructions)

    def loop_around(self, place: int) -> int:
        """Instructions of the shortest loop that the instruction at this place belongs to."""
        lengths = []
        for at, (low, high) in enumerate(self.instructions):
            if low & 0xFFF == _BRA:
                offset = (high & 0x3FFFF) << 30 | low >> 34  # in units of four bytes, from the next one
                offset -= (offset >> 47) << 48
                target = at + 1 + offset // 4
                if target <= place <= at:
                    lengths.append(at + 1 - target)
        return min(lengths)


@pytest.fixture(scope="module")
def cubin_of() -> Iterator[Callable[[str, tuple[int, int]], Cubin]]:
    pytest.importorskip("numba_cuda", reason="needs numba-cuda; pip install 'c2p-deploy[test]'")
    pytest.importorskip("cuda.bindings.nvjitlink")
    from numba.cuda import codegen, dispatcher
    from numba.cuda.cudadrv import nvvm

    if not nvvm.is_available():
        pytest.skip("needs libNVVM; pip install 'c2p-deploy[test]'")
    kernels = kernels_and_signatures()

    def make(name: str, capability: tuple[int, int]) -> Cubin:
        # numba asks the present GPU what to compile for.
        device = SimpleNamespace(compute_capability=capability)
        patch.setattr(dispatcher, "get_current_device", lambda: device)
        patch.setattr(codegen.CUDACodeLibrary, "_ensure_cc", lambda self, cc: cc or capability)
        kernel, signature = kernels[name]
        compiled = dispatcher._Kernel(kernel.py_func, signature, **kernel.targetoptions)
        return read(bytes(compiled._codelibrary.get_cubin(cc=capability).code))

    with pytest.MonkeyPatch.context() as patch:
        yield make


def read(cubin: bytes) -> Cubin:
    numbers = {_REGISTERS: 0, _FRAME: 0}
    instructions: list[tuple[int, int]] = []
    for name, data in sections(cubin):
        if name.startswith(".nv.info"):
            at = 0
            while at + 4 <= len(data):
                form, attribute, value = struct.unpack_from("<BBH", data, at)
                if form == 4 and attribute in numbers:
                    numbers[attribute] = max(numbers[attribute], *struct.unpack_from("<I", data, at + 8))
                at += 4 + (value if form == 4 else 0)
        elif name.startswith(".text."):
            words = struct.unpack(f"<{len(data) // 8}Q", data)
            instructions += zip(words[::2], words[1::2], strict=True)
    return Cubin(numbers[_REGISTERS], numbers[_FRAME], instructions)


def sections(cubin: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and contents of an ELF file's sections."""
    (table,) = struct.unpack_from("<Q", cubin, 0x28)
    size, count, names = struct.unpack_from("<HHH", cubin, 0x3A)
    headers = [struct.unpack_from("<IIQQQQ", cubin, table + i * size) for i in range(count)]
    for name, kind, _, _, offset, length in headers:
        start = headers[names][4] + name
        text = cubin[start : cubin.index(b"\0", start)].decode()
        yield text, cubin[offset : offset + length] if kind != 8 else b""  # 8: takes no place in the file


@pytest.mark.parametrize(("name", "board"), CASES, ids=str)
def test_no_kernel_spills_or_fuses_and_all_keep_within_their_registers(
    name: str, board: tuple[int, int], cubin_of: Callable[[str, tuple[int, int]], Cubin]
) -> None:
    cubin = cubin_of(name, board)
    assert 0 < cubin.registers <= BUDGET[name]
    assert cubin.frame <= (8 if board == (12, 0) else 0)  # where the compiler keeps one pair of values there
    if name in ROUNDS:
        assert cubin.count(_FFMA) == 0
    if name == "score":
        assert cubin.count(_FFMA) > 8  # which shows that they are seen where they are


def test_a_round_of_sampling_takes_a_third_of_the_instructions_it_took(
    cubin_of: Callable[[str, tuple[int, int]], Cubin],
) -> None:
    cubin = cubin_of("farthest 4096", (8, 7))
    (barrier,) = (i for i, (low, _) in enumerate(cubin.instructions) if low & 0xFFF == _BAR)
    warps = 256 // 32
    assert 1000 < warps * cubin.loop_around(barrier) <= 7168 / 3
