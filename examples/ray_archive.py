"""Names the clouds of an archive with Ray Data: folders, tar files and Parquet, on a machine or a cluster.

python examples/ray_archive.py scans/ shards/*.tar clouds.parquet --out answers --workers 2

Writes OUT/answers.jsonl: for every cloud a line with the fields of `c2p-run --json`, or its file and error.
The same command goes on where it was interrupted. Parquet has the columns `name` and `points`: a list
x y z x y z ..., or float32 as bytes. With RAY_ADDRESS=auto the cluster of this machine does the work, if all
its machines see the inputs under these paths.
"""

import argparse
import fcntl
import io
import json
import os
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path, PurePath

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # else Ray tells its makers of every cluster
import numpy as np
import pyarrow.parquet
import ray
import ray.data

BLOCK = 16  # clouds that go to a process at once


class Namer:
    """A classifier in a process of its own, which names the clouds of batches."""

    def __init__(self, engine: str | None, up: str, count: int) -> None:
        self.held = hold_cores(count)
        from c2p_runtime import Classifier  # only now: it takes as many threads as it finds cores

        self.classifier = Classifier(engine, up=up)

    def __call__(self, batch: dict) -> dict:
        rows = zip(*(batch[column] for column in ("name", "suffix", "data", "error")), strict=True)
        return {"line": np.array([json.dumps(self.answer(*row)) for row in rows], dtype=object)}

    def answer(self, name: str, suffix: str, data: bytes, error: str) -> dict:
        if error:
            return {"file": name, "error": error}
        from c2p_deploy import read_cloud
        from c2p_deploy.errors import C2PError
        from c2p_runtime.answers import Source, describe, refusal_of

        source = Source(Path(name))
        try:
            start = time.perf_counter()
            with tempfile.NamedTemporaryFile(
                suffix=suffix
            ) as file:  # empty for a cloud that is a file already
                file.write(data)
                file.flush()
                points = read_cloud(file.name if data else name)
            read_ms = 1000 * (time.perf_counter() - start)
            return describe(source, len(points), self.classifier(points), read_ms, self.classifier, top_k=3)
        except Exception as error:  # one bad cloud must not end the work on an archive
            refusal = refusal_of(error, source.path)
            return {"file": name, "error": str(C2PError(refusal.problem, refusal.remedy, name))}


def hold_cores(count: int) -> list:
    """Keeps this process to `count` cores that no other process has held so; returns what holds them."""
    held, chosen = [], []
    for core in sorted(os.sched_getaffinity(0)):
        file = Path(tempfile.gettempdir(), f"c2p-core-{os.getuid()}-{core}").open("w")  # noqa: SIM115
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # let go when the process ends, however it ends
        except BlockingIOError:
            continue
        held.append(file)
        chosen.append(core)
        if len(chosen) == count:
            os.sched_setaffinity(0, chosen)
            break
    return held


def units(inputs: list[Path], done: frozenset[str]) -> list[dict]:
    """What is opened at once: a tar file, a table, or a few paths of clouds that are not `done`."""
    from c2p_deploy.io.find import find_clouds

    holders = [str(path) for path in inputs if path.suffix in (".tar", ".parquet")]
    others = [path for path in inputs if path.suffix not in (".tar", ".parquet")]
    found = dict.fromkeys(str(cloud) for path in others for cloud in find_clouds(str(path)))
    files = [name for name in found if name not in done]
    groups = [files[i : i + BLOCK] for i in range(0, len(files), BLOCK)]
    return [{"paths": group} for group in [*groups, *([holder] for holder in holders)]]


def clouds(batch: dict, done: frozenset[str]) -> Iterator[dict]:
    """The clouds of a unit that are not `done`, one by one; without `data` where `name` is a file."""
    for path in batch["paths"][0]:
        opened = {".tar": members, ".parquet": rows}.get(
            PurePath(path).suffix, lambda path: [(path, "", b"")]
        )
        try:
            for name, suffix, data in opened(path):
                if name not in done:
                    yield one_row(name, suffix, data)
        except (OSError, tarfile.TarError, ValueError) as error:  # Arrow's errors are ValueErrors
            if path not in done:
                yield one_row(path, error=f"{path}: cannot be read to its end ({error})")


def one_row(name: str, suffix: str = "", data: bytes = b"", error: str = "") -> dict:
    return {"name": [name], "suffix": [suffix], "data": np.array([data], dtype=object), "error": [error]}


def members(path: str) -> Iterator[tuple[str, str, bytes]]:
    from c2p_deploy.io import CLOUD_SUFFIXES

    with tarfile.open(path) as tar:
        for member in tar:
            suffix = PurePath(member.name).suffix.lower()
            if member.isfile() and suffix in CLOUD_SUFFIXES:
                yield f"{path}/{member.name}", suffix, tar.extractfile(member).read()


def rows(path: str) -> Iterator[tuple[str, str, bytes]]:
    for batch in pyarrow.parquet.ParquetFile(path).iter_batches(BLOCK, columns=["name", "points"]):
        for row in batch.to_pylist():
            points = row["points"]
            try:
                flat = np.frombuffer(points, "<f4") if isinstance(points, bytes) else np.array(points, float)
                table = flat.reshape(-1, 3)
            except (TypeError, ValueError):
                table = np.empty((0, 3))  # gets the answer of a file without points
            file = io.BytesIO()
            np.save(file, table)
            yield f"{path}/{row['name']}", ".npy", file.getvalue()


def answered(answers: Path) -> frozenset[str]:
    """The names in a file of answers, from which a line that was broken off is cut."""
    answers.touch()
    with answers.open("rb+") as file:
        whole = [line for line in file if line.endswith(b"\n")]
        file.truncate(sum(map(len, whole)))
    return frozenset(json.loads(line)["file"] for line in whole)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("inputs", nargs="+", type=Path, help="cloud files, folders of them, .tar or .parquet")
    parser.add_argument("--out", type=Path, required=True, help="folder for answers.jsonl")
    parser.add_argument("--workers", type=int, default=2, help="classifiers, in all [2]")
    parser.add_argument("--cores", type=int, default=1, help="cores of each [1]")
    parser.add_argument("--engine", help="[the bundled model]")
    parser.add_argument("--up", default="z", choices=["x", "-x", "y", "-y", "z", "-z"], help="[z]")
    options = parser.parse_args()
    if missing := [str(path) for path in options.inputs if not path.exists()]:
        parser.error(f"no such input: {', '.join(missing)}")
    options.out.mkdir(parents=True, exist_ok=True)
    if "RAY_ADDRESS" in os.environ:
        ray.init(log_to_driver=False)
    else:
        cpus = options.workers * options.cores
        local = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
        ray.init("local", num_cpus=cpus, log_to_driver=False, **local)
    ray.data.DataContext.get_current().target_max_block_size = 4 << 20  # bytes: what is done again at most

    answers = options.out / "answers.jsonl"
    done, count = answered(answers), 0
    work = units([path.absolute() for path in options.inputs], done)
    opened = ray.data.from_items(work, override_num_blocks=max(1, len(work))).map_batches(
        clouds, batch_size=1, num_cpus=0, fn_args=[done]
    )
    # Ray starts an actor that died anew, and gives it its blocks again.
    lines = opened.map_batches(
        Namer,
        fn_constructor_args=[options.engine, options.up, options.cores],
        batch_size=BLOCK,
        compute=ray.data.ActorPoolStrategy(size=options.workers),
        num_cpus=options.cores,
    )
    with answers.open("a") as file:
        for row in lines.iter_rows() if work else ():  # one writer, so that a cloud has one line
            file.write(row["line"] + "\n")
            file.flush()
            count += 1
    print(f"{answers}: {count} clouds named now, {len(done)} before")


if __name__ == "__main__":
    main()
