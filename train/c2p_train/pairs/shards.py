"""The files of a rendering: tar shards that WebDataset tooling reads, and `dataset.json` about them.

    OUT/shard-00000.tar   per sample KEY.json, KEY.points.npy (float32 [K, P, 3]), KEY.00.png, KEY.01.png ...
    OUT/dataset.json      format and settings, classes, shards with their hashes, meshes that were skipped
    OUT/.render/          plan.json (what is rendered) and one record per finished shard, for resuming

A sample is a mesh; KEY is CLASS/ID without dots. Bytes depend on meshes and settings alone: no times,
no owners, no machine's paths. A shard takes its name when it is whole, and its record is written after
it, so that whatever has a record is complete and whatever has none is rendered again.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from c2p_deploy import DepthSpec, ViewSet
from c2p_deploy.errors import OptionError, PairsError
from c2p_deploy.files import atomic_path, sha256_of, write_atomic
from c2p_deploy.json_file import parse_json, read_small
from c2p_deploy.projection.spec import UpAxis, check_up
from c2p_train.pairs.mesh_files import MeshFile

FORMAT, VERSION = "c2p-pairs", 1


@dataclass(frozen=True)
class RenderSettings:
    """How meshes become pairs; stored in dataset.json."""

    # Picture size and points per cloud; its radius only serves the contact sheet.
    spec: DepthSpec = field(default_factory=DepthSpec)
    view_set: str = "clip2point-10"
    samplings: int = 1  # K: clouds per mesh, each drawn anew from its surface
    up: UpAxis = "y"  # of the meshes; what is stored has y up
    shard_size: int = 256  # meshes per shard
    seed: int = 0  # of points and of the order of the meshes

    def __post_init__(self) -> None:
        ViewSet.named(self.view_set)
        check_up(self.up)
        if not 1 <= self.samplings <= 1000:
            raise OptionError(f"samplings must be in 1 ... 1000, got {self.samplings}")
        if self.shard_size < 1 or self.seed < 0:
            raise OptionError(f"no such shard size or seed: {self.shard_size}, {self.seed}")


@dataclass(frozen=True)
class Sample:
    """The files of one mesh: suffix and bytes, in the order in which they are stored."""

    key: str
    files: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True)
class Skipped:
    """A mesh that gave no pair. reason: what is wrong with it, without its path."""

    key: str
    reason: str


@dataclass(frozen=True)
class ShardRecord:
    """A finished shard. name: of the tar in the folder; None if all its meshes were skipped."""

    name: str | None
    count: int
    bytes: int
    sha256: str
    skipped: tuple[Skipped, ...]


class ShardFolder:
    """OUT, opened for writing by one process. Use `open_folder`."""

    def __init__(self, out: Path, plan: str) -> None:
        self.out, self.plan = out, plan
        self._records = out / ".render"

    def record(self, number: int) -> ShardRecord | None:
        """The record of a shard that is complete and undamaged; None: it has to be rendered."""
        try:
            values = parse_json(read_small(self._record_path(number)))
            values["skipped"] = tuple(Skipped(**entry) for entry in values["skipped"])
            record = ShardRecord(**values)
        except (OSError, ValueError, TypeError, KeyError):
            return None
        if record.name is not None:
            shard = self.out / record.name
            if not shard.is_file() or sha256_of(shard) != record.sha256:
                return None
        return record

    def write_shard(self, number: int, outcomes: Iterable[Sample | Skipped]) -> ShardRecord:
        """Writes a shard as its samples come, then its record."""
        name = f"shard-{number:05}.tar"
        count, skipped = 0, []
        with atomic_path(self.out / name) as temporary:
            with tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as tar:
                for outcome in outcomes:
                    if isinstance(outcome, Skipped):
                        skipped.append(outcome)
                        continue
                    count += 1
                    for suffix, data in outcome.files:
                        entry = tarfile.TarInfo(f"{outcome.key}.{suffix}")  # no time, no owner
                        entry.size = len(data)
                        tar.addfile(entry, io.BytesIO(data))
            size, sha256 = temporary.stat().st_size, sha256_of(temporary)
        if count == 0:
            (self.out / name).unlink()
            record = ShardRecord(None, 0, 0, "", tuple(skipped))
        else:
            record = ShardRecord(name, count, size, sha256, tuple(skipped))
        write_atomic(self._record_path(number), canonical_json(asdict(record)))
        return record

    def write_dataset(
        self, settings: RenderSettings, classes: Iterable[str], records: list[ShardRecord]
    ) -> None:
        """Writes dataset.json: the folder is complete."""
        views = ViewSet.named(settings.view_set)
        description = {
            "format": FORMAT,
            "version": VERSION,
            "view_set": views.to_dict(),
            "image_size": settings.spec.image_size,
            "spec": asdict(settings.spec),
            "up": "y",
            "source_up": settings.up,
            "seed": settings.seed,
            "samplings": settings.samplings,
            "shard_size": settings.shard_size,
            "classes": sorted(classes),
            "count": sum(record.count for record in records),
            "shards": [
                {"name": r.name, "count": r.count, "bytes": r.bytes, "sha256": r.sha256}
                for r in records
                if r.name is not None
            ],
            "skipped": [asdict(entry) for record in records for entry in record.skipped],
            "plan": self.plan,
        }
        write_atomic(self.out / "dataset.json", canonical_json(description))

    def _record_path(self, number: int) -> Path:
        return self._records / f"shard-{number:05}.json"


def plan_fingerprint(files: list[MeshFile], settings: RenderSettings) -> str:
    """SHA-256 over settings and over key, class, size and time of change of every mesh, in this order."""
    digest = hashlib.sha256(canonical_json([FORMAT, VERSION, asdict(settings)]))
    for file in files:
        try:
            status = file.path.stat()
            state = [status.st_size, status.st_mtime_ns]
        except OSError:  # rendering will list it as missing
            state = [-1, -1]
        digest.update(canonical_json([file.key, file.class_name, *state]))
    return digest.hexdigest()


@dataclass(frozen=True)
class Share:
    """One of `of` equal parts of a rendering, the `number`th from 1: every `of`th shard."""

    number: int = 1
    of: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise OptionError(f"there is no part {self.number} of {self.of}", "parts are 1 of N ... N of N")

    def has(self, shard: int) -> bool:
        """Whether that shard is among its own."""
        return shard % self.of == self.number - 1


WHOLE = Share()


@contextmanager
def open_folder(out: Path, plan: str, share: Share = WHOLE) -> Iterator[ShardFolder]:
    """Makes or reopens the folder for one plan, and keeps other processes out of it, or of that share.

    Raises PairsError when it holds something else: a rendering of another plan, files that no
    rendering made, or another process that is at work in it.
    """
    out.mkdir(parents=True, exist_ok=True)
    plan_file, lock_file = out / ".render" / "plan.json", out / ".render" / "lock"
    if not plan_file.parent.is_dir() and any(out.iterdir()):
        raise PairsError("holds other files", "choose an empty or new folder", out)
    plan_file.parent.mkdir(exist_ok=True)
    locks = [(lock_file, fcntl.LOCK_EX)]
    if share != WHOLE:  # shares have the folder together, but none with who renders the whole
        own = lock_file.with_name(f"lock-{share.number}-of-{share.of}")
        locks = [(lock_file, fcntl.LOCK_SH), (own, fcntl.LOCK_EX)]
    with ExitStack() as held:
        for path, kind in locks:
            try:
                fcntl.flock(held.enter_context(path.open("wb")), kind | fcntl.LOCK_NB)
            except OSError as error:
                raise PairsError("another process renders into it", "wait for it or stop it", out) from error
        wanted = canonical_json({"format": FORMAT, "version": VERSION, "plan": plan})
        if plan_file.exists() and plan_file.read_bytes() != wanted:
            raise PairsError(
                "holds pairs of other meshes or other settings",
                "choose another folder, or repeat the old command to go on with it",
                out,
            )
        if not plan_file.exists():
            write_atomic(plan_file, wanted)
        if share == WHOLE:  # what a killed process left; beside others, it may be theirs
            for left_over in [*out.glob(".*.tmp"), *plan_file.parent.glob(".*.tmp")]:
                left_over.unlink(missing_ok=True)
        yield ShardFolder(out, plan)


def canonical_json(values: Any) -> bytes:
    """The one way in which values are written, so that equal values are equal bytes."""
    return (json.dumps(values, ensure_ascii=False, indent=1) + "\n").encode()
