"""Arrays out of NumPy's files: what is read, and what is refused before it takes memory."""

from __future__ import annotations

import io
import os
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from c2p_deploy.errors import LabelError
from c2p_train import numpy_files
from c2p_train.model.text_encoder import label_set_from_file
from c2p_train.numpy_files import array_of, load_array, load_arrays


def npy(header: str, body: bytes = b"") -> bytes:
    """An `.npy` of this header, true or not."""
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + body


def promising(shape: str, dtype: str = "<f4") -> bytes:
    return npy(f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n", b"\0" * 64)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0).reshape(3, 4),
        np.asfortranarray(np.arange(12, dtype=">i2").reshape(3, 4)),
        np.array(["chair", "bed"]),
        np.zeros((0, 512), np.float32),
        np.array("key"),
    ],
    ids=["plain", "Fortran's order", "words", "empty", "no axes"],
)
def test_what_numpy_writes_is_read(array: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", array)
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "some.npz", one=array, other=array)
        found = [load_array(tmp_path / "one.npy"), *load_arrays(tmp_path / "some.npz").values()]
        assert len(found) == 3
        for each in found:
            np.testing.assert_array_equal(each, array)
            assert each.dtype == array.dtype and each.shape == array.shape and each.flags.writeable


HOSTILE = {
    "terabytes": promising("(1099511627776, 512)"),
    "more than is there": promising("(17,)"),
    "beyond int64": promising(f"({10**40},)"),
    "negative": promising("(-1, 4)"),
    "wide words": promising("(1,)", "<U536870911"),
    "objects": promising("(1,)", "|O"),
    "no header": npy("[" * 3000 + "]" * 3000),
    "code": npy("__import__('os').system('true')"),
    "version 9": b"\x93NUMPY\x09\x00" + b"\0" * 20,
    "nothing": b"",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_headers_are_not_believed(what: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "some.npz", "w") as packed:
        packed.writestr("names.npy", HOSTILE[what])
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"^it(s| )"):
        array_of(HOSTILE[what])
    with pytest.raises(
        LabelError, match=r"some\.npz: not text features \(it.*; an \.npz needs names"
    ) as caught:
        label_set_from_file([], tmp_path / "some.npz")
    assert len(str(caught.value)) < 1000 + len(str(tmp_path))
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_packed_files_that_grow_without_end_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numpy_files, "_FREE", 1 << 16)
    stream = io.BytesIO()
    np.save(stream, np.zeros(1 << 20, np.uint8))
    for method, complaint in (
        (zipfile.ZIP_DEFLATED, "20 times as many"),
        (zipfile.ZIP_LZMA, "NumPy does not"),
    ):
        with zipfile.ZipFile(tmp_path / "bomb.npz", "w", method) as packed:
            packed.writestr("a.npy", stream.getvalue())
            packed.writestr("b.npy", os.urandom(100_000) if method == zipfile.ZIP_LZMA else b"")
        with pytest.raises(ValueError, match=complaint):
            load_arrays(tmp_path / "bomb.npz")


def test_damaged_archives_and_pipes_are_refused_at_once(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "good.npz", names=["a"] * 50, text_features=np.ones((50, 8)))
    whole = (tmp_path / "good.npz").read_bytes()
    for begin in range(0, len(whole), 7):
        (tmp_path / "bad.npz").write_bytes(whole[:begin] + b"\xff\0\xff" + whole[begin + 3 :])
        try:
            label_set_from_file([], tmp_path / "bad.npz")
        except LabelError as error:
            assert error.path == str(tmp_path / "bad.npz")
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(LabelError, match="a pipe"):
        label_set_from_file([], tmp_path / "pipe.npz")
