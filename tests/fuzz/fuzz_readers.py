"""Damaged files without end: what `test_read_fuzz.py` does for half a minute, for as long as one likes.

    PYTHONPATH=tests/helpers:tests/helpers/files python tests/fuzz/fuzz_readers.py [--seconds 3600]
        [--seed 1] [ATHERIS OPTIONS]

With atheris installed (`pip install atheris`) coverage guides the damage, and unknown options go to it;
without, or with --blind, files of the tests are damaged at random. Whatever is neither a cloud nor one
clear line, or costs more than a file of its size may, ends the run; the file is kept as `found.SUFFIX`.
Recordings are among them where rosbags and mcap are installed, at random only.
"""

from __future__ import annotations

import argparse
import logging
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

try:
    import atheris
except ImportError:
    atheris = None
with atheris.instrument_imports(include=["c2p_deploy.io"]) if atheris else nullcontext():
    from c2p_deploy.io import CLOUD_SUFFIXES

from io_damage import SEEDS, assert_cloud_or_refusal, damaged

try:
    from recordings import assert_frames_or_refusal, seeds
except pytest.skip.Exception:
    RECORDINGS: dict[str, bytes] = {}
else:
    with tempfile.TemporaryDirectory() as written:
        RECORDINGS = seeds(Path(written))

MOST_SECONDS = 5.0
MOST_MEMORY = 1 << 31  # of the process: files here have a few kilobytes


def files(seed: int) -> Iterator[tuple[str, bytes]]:
    """Names and contents without end; the same for the same seed."""
    rng = np.random.default_rng(seed)
    whole = SEEDS | RECORDINGS
    names = list(whole)
    while True:
        name = names[int(rng.integers(len(names)))]
        yield name, damaged(whole[name], rng)


def check(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    begin = time.process_time()
    try:
        (assert_frames_or_refusal if path.name in RECORDINGS else assert_cloud_or_refusal)(path)
        took = time.process_time() - begin
        assert took < MOST_SECONDS, f"took {took:.1f} s"
    except BaseException:
        kept = Path(f"found{path.suffix}")
        kept.write_bytes(content)
        print(f"kept as {kept}", file=sys.stderr)
        raise


def guided(folder: Path, options: list[str]) -> None:
    corpus = folder / "corpus"
    corpus.mkdir()
    for name, content in SEEDS.items():
        suffix = CLOUD_SUFFIXES.index(Path(name).suffix)
        (corpus / name).write_bytes(bytes([suffix]) + content)

    def one(data: bytes) -> None:
        if data:
            suffix = CLOUD_SUFFIXES[data[0] % len(CLOUD_SUFFIXES)]
            check(folder / f"file{suffix}", data[1:])

    atheris.Setup([sys.argv[0], str(corpus), *options], one)
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--blind", action="store_true", help="without atheris")
    arguments, options = parser.parse_known_args()
    logging.disable()  # what is left of damaged files
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not arguments.blind:
            if atheris is not None:
                guided(folder, [f"-max_total_time={arguments.seconds:.0f}", *options])
                return
            print("atheris is not installed: damage at random", file=sys.stderr)
        end = time.monotonic() + arguments.seconds
        for done, (seed_name, content) in enumerate(files(arguments.seed)):
            if time.monotonic() > end:
                print(f"{done} files, nothing found")
                return
            check(folder / seed_name, content)


if __name__ == "__main__":
    main()
