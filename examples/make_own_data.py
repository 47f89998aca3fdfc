"""Makes a folder of labelled clouds that stands in for scans of your own.

    python examples/make_own_data.py my_clouds [--train 16] [--test 20] [--seed 0]

Six kinds of things, CLASS/SPLIT/NUMBER.ply, z up, in metres. Every object is one of the
example shapes with proportions, heading and noise of its own, and a part of its points missing
where another thing stood in the way. The same seed gives the same files to the byte.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from make_clouds import ply_binary

from shapes import Floats, Mesh, bathtub, bottle, chair, lamp, mug, sample, sofa, to_grid

SHAPES = {"bathtub": bathtub, "bottle": bottle, "chair": chair, "lamp": lamp, "mug": mug, "sofa": sofa}
POINTS = 2048


def scan(mesh: Mesh, rng: np.random.Generator) -> Floats:
    """Points [N, 3] of one object as a scanner might deliver them."""
    points = sample(mesh, POINTS, rng) * np.exp(rng.uniform(-0.3, 0.3, 3))
    turn = rng.normal(0, np.deg2rad(15))
    c, s = np.cos(turn), np.sin(turn)
    points = points @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    size = np.linalg.norm(np.ptp(points, axis=0))
    points = points + rng.normal(0, 0.006 * size, points.shape)
    hidden = np.linalg.norm(points - points[rng.integers(len(points))], axis=1) < 0.2 * size
    return to_grid(points[~hidden])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--train", type=int, default=16, help="clouds per class to learn from")
    parser.add_argument("--test", type=int, default=20, help="clouds per class to be measured on")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    for name, shape in SHAPES.items():
        mesh = shape()
        for split, count in (("train", options.train), ("test", options.test)):
            folder = options.out / name / split
            folder.mkdir(parents=True, exist_ok=True)
            for number in range(count):
                (folder / f"{number:03}.ply").write_bytes(ply_binary(scan(mesh, rng)))
    print(f"wrote {len(SHAPES) * (options.train + options.test)} clouds to {options.out}")


if __name__ == "__main__":
    main()
