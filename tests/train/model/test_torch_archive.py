"""Archives of PyTorch, read without PyTorch: the same values, nothing run, nothing huge allocated."""

import io
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from c2p_deploy.errors import CheckpointError
from c2p_train.model.clip_encoder import import_open_clip, read_clip_file
from c2p_train.model.import_official import import_official, open_checkpoint
from c2p_train.model.torch_file import load_torch_file
from c2p_train.model.torchscript_file import is_torchscript, read_torchscript
from overwrite import overwrite

pytestmark = pytest.mark.filterwarnings(  # of writing, for the tests
    "ignore:.*torch.jit.*:FutureWarning", "ignore::torch.jit.TracerWarning"
)


class Tower(nn.Module):
    """Convolution, norm and transformer, a shared weight, an optional one that is not there, and numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 2, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.blocks = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 4))
        self.register_buffer("input_resolution", torch.tensor(7))
        self.weight16 = nn.Parameter(torch.rand(3, 5).half())
        self.tied = self.blocks[0].weight
        self.turned = nn.Parameter(torch.rand(3, 5).t())
        self.register_buffer("empty", torch.zeros(0, 4))
        self.mask = torch.full((2, 2), 5.0)  # neither parameter nor buffer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(self.conv(x)).mean(dim=(2, 3))
        return self.blocks(y) + self.mask.sum()


def archive_of(model: nn.Module, path: Path, how: str, example: torch.Tensor) -> dict[str, torch.Tensor]:
    """Writes a TorchScript archive; returns what TorchScript itself reads in it."""
    model = model.eval()
    made = torch.jit.script(model) if how == "script" else torch.jit.trace(model, example)
    torch.jit.save(made, str(path))
    return dict(torch.jit.load(path).state_dict())


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return list(a) == list(b) and all(
        torch.equal(a[key], b[key]) and a[key].dtype == b[key].dtype and a[key].stride() == b[key].stride()
        for key in a
    )


@pytest.mark.parametrize("how", ["script", "trace"])
def test_torchscript_is_read_as_torchscript_reads_it(tmp_path: Path, how: str) -> None:
    expected = archive_of(Tower(), tmp_path / "tower.pt", how, torch.rand(2, 3, 8, 8))
    assert is_torchscript(tmp_path / "tower.pt")
    found = read_torchscript(tmp_path / "tower.pt")
    assert same(found, expected)
    assert "mask" not in found and found["weight16"].dtype == torch.float16
    assert found["tied"].data_ptr() == found["blocks.0.weight"].data_ptr()


def test_a_clip_of_open_clip_is_read_as_torchscript_reads_it(tmp_path: Path) -> None:
    vision = {"layers": 2, "width": 64, "patch_size": 16, "image_size": 32}
    text = {"context_length": 8, "vocab_size": 50, "width": 64, "heads": 1, "layers": 1}
    clip = import_open_clip().CLIP(32, vision, text, quick_gelu=True).half().float()
    expected = archive_of(clip.visual, tmp_path / "clip.pt", "trace", torch.rand(1, 3, 32, 32))
    assert same(read_clip_file(tmp_path / "clip.pt"), expected) and len(expected) > 20


def test_files_of_torch_save_are_read_as_torch_reads_them(tmp_path: Path) -> None:
    model = Tower()
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.rand(2, 3, 8, 8)).sum().backward()
    optimizer.step()
    values = {
        "state": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "plain": {"text": "häuser", "big": 1 << 70, "list": [1, -2.5, None, True, (), (1, (2,))]},
        "kinds": [torch.ones(2).to(kind) for kind in (torch.bfloat16, torch.bool, torch.int8, torch.float64)],
        "view": torch.arange(12.0).reshape(3, 4)[1:, ::2],
        "random": torch.get_rng_state(),
        "parameter": nn.Parameter(torch.rand(2)),
    }
    torch.save(values, tmp_path / "all.pt")
    expected = torch.load(tmp_path / "all.pt", weights_only=True)
    assert plain(load_torch_file(tmp_path / "all.pt")) == plain(expected)
    torch.save({}, tmp_path / "empty.pt")
    assert load_torch_file(tmp_path / "empty.pt") == {}


def plain(value: Any) -> Any:
    """To be compared by ==."""
    if isinstance(value, torch.Tensor):
        return str(value.dtype), tuple(value.shape), value.stride(), value.detach().double().tolist()
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(plain, value))
    return value


class Harm:
    """Pickled, it makes a folder of this name when it is unpickled without care."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.name,)


def rewritten(path: Path, change: Callable[[str, bytes], bytes], method: int = zipfile.ZIP_STORED) -> Path:
    """The archive with other contents of its records, or compressed ones."""
    with zipfile.ZipFile(path) as archive:
        records = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in records:
            archive.writestr(name, change(name, data))
    return path


def pickled(path: Path, data: bytes) -> Path:
    """The archive with another pickle."""
    return rewritten(path, lambda name, old: data if name.endswith("/data.pkl") else old)


READERS = [
    pytest.param("save", load_torch_file, id="torch.save"),
    pytest.param("script", read_clip_file, id="TorchScript"),
    pytest.param("script", import_official, id="import"),
    pytest.param("script", open_checkpoint, id="export"),
]


def small(path: Path, kind: str) -> Path:
    if kind == "script":
        archive_of(nn.Linear(2, 3), path, "script", torch.rand(1, 2))
    else:
        torch.save(nn.Linear(2, 3).state_dict(), path)
    return path


@pytest.mark.parametrize(("kind", "read"), READERS)
def test_nothing_in_a_file_is_run(tmp_path: Path, kind: str, read: Callable[[Path], Any]) -> None:
    harm = str(tmp_path / "harm")
    path = pickled(small(tmp_path / "hostile.pt", kind), pickle.dumps(Harm(harm), protocol=2))
    with pytest.raises(CheckpointError, match=r"hostile\.pt: .*asks for posix\.mkdir, which no weights need"):
        read(path)
    assert not Path(harm).exists()


class Eager(nn.Module):
    """Its archive has a program that TorchScript runs when it is loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.zeros(2)
        self.training = False

    @torch.jit.export
    def __getstate__(self) -> tuple[torch.Tensor, bool]:
        return self.weight, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[torch.Tensor, bool]) -> None:
        print("the program ran")
        self.weight = state[0]
        self.training = state[1]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def test_the_program_of_an_archive_is_not_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    torch.jit.save(torch.jit.script(Eager()), str(tmp_path / "eager.pt"))
    torch.jit.load(tmp_path / "eager.pt")
    assert "the program ran" in capfd.readouterr().out
    with pytest.raises(CheckpointError, match="module without named attributes"):
        read_torchscript(tmp_path / "eager.pt")
    assert not capfd.readouterr().out


@pytest.mark.parametrize(("kind", "read"), READERS[:3])
def test_compressed_records_are_refused(tmp_path: Path, kind: str, read: Callable[[Path], Any]) -> None:
    path = small(tmp_path / "bomb.pt", kind)
    grown = bytes(64 << 20)
    rewritten(path, lambda name, old: grown if name.endswith("/data/0") else old, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1 << 20
    with pytest.raises(CheckpointError, match="compressed records"):
        read(path)


@pytest.mark.parametrize("kind", ["save", "script"])
def test_a_record_of_another_length_is_refused(tmp_path: Path, kind: str) -> None:
    path = small(tmp_path / "short.pt", kind)
    rewritten(path, lambda name, old: old[:4] if "/data/" in name else old)
    with pytest.raises(CheckpointError, match="of another length than it says"):
        read_clip_file(path)


def test_files_of_the_old_format_are_refused_with_a_remedy(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(2)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(CheckpointError, match=r"old\.pt: .*PyTorch before 1\.6; .*torch\.save"):
        load_torch_file(tmp_path / "old.pt")


class Written:
    """A pickle of one tensor, as torch.save has it, with anything in the place of what it says."""

    def __init__(self, numel: Any = 4, offset: Any = 0, shape: Any = (4,), stride: Any = (1,)) -> None:
        self.storage = ("storage", torch.FloatStorage, "0", "cpu", numel)
        self.arguments = (offset, shape, stride, False, OrderedDict())


class _Marker:
    def __init__(self, pid: Any) -> None:
        self.pid = pid


def tensor_file(path: Path, written: Written) -> Path:
    """A file of torch.save with one tensor so described, whose record holds four floats."""

    class Tensor:
        def __reduce__(self) -> tuple[Any, ...]:
            return torch._utils._rebuild_tensor_v2, (_Marker(written.storage), *written.arguments)

    class Pickler(pickle.Pickler):
        def persistent_id(self, value: Any) -> Any:
            return value.pid if isinstance(value, _Marker) else None

    out = io.BytesIO()
    Pickler(out, protocol=2).dump({"a": Tensor()})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", out.getvalue())
        archive.writestr("x/data/0", struct.pack("<4f", 1, 2, 3, 4))
    return path


def test_the_tensor_written_by_hand_is_read(tmp_path: Path) -> None:
    found = load_torch_file(tensor_file(tmp_path / "a.pt", Written(offset=1, shape=(2,), stride=(2,))))
    assert found["a"].tolist() == [2.0, 4.0]


@pytest.mark.parametrize(
    "written",
    [
        Written(numel=5),
        Written(numel=1 << 40),
        Written(numel=-1),
        Written(numel="4"),
        Written(offset=1),
        Written(offset=-1),
        Written(offset=1 << 62),
        Written(stride=(2,)),
        Written(stride=(-1,)),
        Written(stride=(1, 1)),
        Written(shape=(-4,)),
        Written(shape=(2.0,)),
        Written(shape=4),
        Written(shape=None),
        Written(shape=(1 << 40,), stride=(0,)),  # 4 TiB that all lie in one float
        Written(shape=(8,), stride=(0,)),
        Written(shape=(1,) * 20, stride=(1,) * 20),
        Written(shape=(1 << 60, 1 << 60), stride=(0, 0)),
    ],
    ids=lambda written: f"{written.storage[-1]} {written.arguments[:3]}",
)
def test_tensors_outside_their_record_are_refused(tmp_path: Path, written: Written) -> None:
    with pytest.raises(
        CheckpointError, match=r"a\.pt: cannot be loaded as a checkpoint: it (describes|holds|has)"
    ):
        load_torch_file(tensor_file(tmp_path / "a.pt", written))


def nested(depth: int) -> bytes:
    return b"\x80\x02}X\x01\x00\x00\x00a" + b"]" * depth + b"a" * (depth - 1) + b"s."


def doubled(times: int) -> bytes:
    """A list of a list twice, of a list twice ...: 2 ** times of them, in a few bytes."""
    steps = [b"\x80\x02}X\x01\x00\x00\x00a](]q\x00"]
    steps += [b"](h%ch%ceq%c" % (k, k, k + 1) for k in range(times)]
    return b"".join(steps) + b"es."


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "damaged"),
        (b"\x80\x02", "damaged"),
        (b"\x80\x02}r\xff\xff\xff\x7f.", "unlike any checkpoint's"),  # room for two thousand million
        (b"\x80\x04\x96\x00\x00\x00\x00\x10\x00\x00\x00.", "damaged|BYTEARRAY8"),
        (b"\x80\x02]" + b"0]" * 600_000 + b".", "POP"),
        (b"\x80\x02" + b"}" * 1_100_000 + b".", "unlike any checkpoint's"),
        (b"\x80\x02}X\x01\x00\x00\x00ac__torch__\nC\n)\x81s.", "Module"),
        (nested(5000), "nested too deeply|damaged"),
        (b"(lp0\n.", "LIST"),
    ],
    ids=["empty", "cut", "memo", "bytes", "pop", "many", "module", "nested", "text"],
)
def test_pickles_of_no_checkpoint_are_refused(tmp_path: Path, data: bytes, complaint: str) -> None:
    path = pickled(small(tmp_path / "odd.pt", "save"), data)
    with pytest.raises(CheckpointError, match=rf"odd\.pt: cannot be loaded as a checkpoint.*({complaint})"):
        values = load_torch_file(path)
        if complaint == "Module":  # no harm in the file as such
            raise CheckpointError(f"cannot be loaded as a checkpoint: {type(values['a']).__name__}", "", path)


def test_what_is_named_often_is_read_once(tmp_path: Path) -> None:
    path = pickled(small(tmp_path / "odd.pt", "save"), doubled(90))
    assert isinstance(load_torch_file(path)["a"], list)


@pytest.mark.parametrize("kind", ["save", "script"])
def test_damage_anywhere_is_a_refusal_or_other_weights(tmp_path: Path, kind: str) -> None:
    whole = small(tmp_path / "w.pt", kind).read_bytes()
    read = read_clip_file
    for at in range(0, len(whole), max(1, len(whole) // 400)):
        for flip in (0x01, 0xFF):
            overwrite(tmp_path / "w.pt", whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :])
            try:
                read(tmp_path / "w.pt")
            except CheckpointError as error:
                assert error.path == str(tmp_path / "w.pt")
    for length in range(0, len(whole), max(1, len(whole) // 50)):
        overwrite(tmp_path / "w.pt", whole[:length])
        with pytest.raises(CheckpointError):
            read(tmp_path / "w.pt")
