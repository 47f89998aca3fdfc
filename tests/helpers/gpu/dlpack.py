"""Memory of the device as torch and CuPy hand it over: by DLPack, on a stream that only they know."""

from __future__ import annotations

import ctypes
from typing import Any


class _Tensor(ctypes.Structure):
    """DLManagedTensor of dlpack.h."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
    )


class DLPackPoints:
    """Points [N, 3] at an address of a device. streams: what consumers asked it to make wait."""

    def __init__(self, address: int, shape: tuple[int, ...], bits: int = 32, device: int = 0) -> None:
        self.streams: list[int | None] = []
        self._device = device
        self._shape = (ctypes.c_int64 * len(shape))(*shape)
        self._tensor = _Tensor(address, 2, device, len(shape), 2, bits, 1, self._shape, None, 0, None, None)

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, self._device  # kDLCUDA

    def __dlpack__(self, *, stream: int | None = None, **_: Any) -> Any:
        self.streams.append(stream)
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        return new(ctypes.addressof(self._tensor), b"dltensor", None)
