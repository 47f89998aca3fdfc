"""Cutlery, and containers about the house. Sizes in metres."""

from __future__ import annotations

import numpy as np

from c2p_recipes.shapes.solids import (
    Rng,
    Solid,
    box,
    extrude,
    join,
    revolve,
    rod,
    rounded,
    superellipsoid,
    torus,
    tube,
)
from c2p_recipes.shapes.vessels import loop_handle, open_vessel


def tray(rng: Rng) -> Solid:
    x, z, rim = rng.uniform(0.3, 0.5), rng.uniform(0.2, 0.35), rng.uniform(0.015, 0.05)
    profile = np.array([(0, 0), (0.92, 0), (1, 1), (0.97, 1), (0.9, 0.15), (0, 0.15)]) * [1, rim]
    return revolve(profile, rng.uniform(0.12, 0.4)).scaled(x / 2, 1, z / 2)


def cutting_board(rng: Rng) -> Solid:
    x, z, y = rng.uniform(0.2, 0.45), rng.uniform(0.15, 0.3), rng.uniform(0.01, 0.03)
    made = superellipsoid((x, y, z), 0.1, rng.uniform(0.08, 0.3))
    if rng.random() < 0.5:
        made = join(made, superellipsoid((0.12, y, 0.06), 0.1, 0.4).moved(x=x / 2 + 0.04))
    return made


def _along(rng: Rng, made: Solid) -> Solid:
    """Cutlery and the like lie on the table; now and then they stand, as in a rack or in a hand."""
    if rng.random() < 0.2:
        return made.turned("z", rng.choice((90, -90)))
    return made


def fork(rng: Rng) -> Solid:
    length, width = rng.uniform(0.15, 0.22), rng.uniform(0.018, 0.028)
    head = rng.uniform(0.22, 0.3) * length
    handle = rod(
        (head, 0, 0), (length, 0.004, 0), [0.004, 0.003, 0.004], [0.008, 0.008, rng.uniform(0.012, 0.022)]
    )
    base = superellipsoid((head * 0.6, 0.003, width), 0.5, 0.6).moved(x=head * 0.8)
    count = int(rng.integers(3, 5))
    tines = [
        tube([(head * 0.7, 0, z), (head * 0.3, 0.004, z), (-0.03, 0.012, z)], 0.0025, 0.0028, 6)
        for z in np.linspace(-width / 2, width / 2, count) * 0.85
    ]
    return _along(rng, join(handle, base, *tines))


def knife(rng: Rng) -> Solid:
    length, height = rng.uniform(0.1, 0.24), rng.uniform(0.015, 0.045)
    blade = extrude(
        [(0, 0), (length * 0.75, 0), (length, height * 0.6), (length * 0.7, height), (0, height)], 0.002
    )
    grip = superellipsoid((rng.uniform(0.09, 0.13), height * rng.uniform(0.5, 0.9), 0.016), 0.5, 0.4)
    made = join(blade, grip.moved(x=-0.05, y=height * 0.6))
    return _along(rng, made.turned("x", 90 if rng.random() < 0.8 else 0))


def spoon(rng: Rng) -> Solid:
    length, width = rng.uniform(0.12, 0.28), rng.uniform(0.025, 0.05)
    bowl_ = revolve(rounded([(0, -1), (0.7, -0.7), (1, 0), (0.95, 0.05), (0.6, -0.6), (0, -0.85)], 2))
    bowl_ = bowl_.scaled(width * 0.75, width * rng.uniform(0.2, 0.35), width / 2)
    path = rounded([(width * 0.7, -0.002, 0), (width * 1.3, 0.006, 0), (length, 0.008, 0)])
    handle = tube(path, 0.003, np.linspace(0.006, rng.uniform(0.01, 0.02), len(path)))
    return _along(rng, join(bowl_, handle))


def spatula(rng: Rng) -> Solid:
    blade = superellipsoid(
        (rng.uniform(0.07, 0.11), 0.003, rng.uniform(0.05, 0.09)), 0.3, rng.uniform(0.1, 0.35)
    )
    length, rise = rng.uniform(0.18, 0.26), rng.uniform(0.0, 0.06)
    path = rounded([(0.03, 0, 0), (0.08, rise, 0), (0.08 + length, rise + 0.01, 0)])
    return _along(
        rng,
        join(blade, tube(path, np.linspace(0.006, 0.012, len(path)), np.linspace(0.01, 0.022, len(path)))),
    )


def chopsticks(rng: Rng) -> Solid:
    length, spread = rng.uniform(0.2, 0.27), rng.uniform(0.0, 0.04)
    sticks = [rod((0, 0, s * 0.006), (length, 0, s * (0.006 + spread)), [0.003, 0.008]) for s in (-1, 1)]
    return _along(rng, join(*sticks))


def bucket(rng: Rng) -> Solid:
    radius, height = rng.uniform(0.1, 0.16), rng.uniform(0.18, 0.32)
    made = open_vessel(rng, radius * rng.uniform(0.65, 0.85), radius, height, 0.0, 0.005)
    tilt = rng.choice((0.0, rng.uniform(40, 90)))
    bow = torus(radius, 0.008, 180).turned("x", -90).turned("x", tilt)
    return join(made, bow.moved(y=height * 0.95))


def box_(rng: Rng) -> Solid:
    sizes = np.sort(np.exp(rng.uniform(np.log(0.02), np.log(0.3), 3)))
    sizes[0] = max(sizes[0], sizes[2] * 0.1)
    sizes = rng.permutation(sizes)
    if rng.random() < 0.15:  # of cardboard, open: four flaps
        x, y, z = sizes = np.sort(sizes)[[1, 0, 2]] * 1.5
        walls = [box(x, y, 0.004).moved(z=s * z / 2) for s in (-1, 1)] + [
            box(0.004, y, z).moved(x=s * x / 2) for s in (-1, 1)
        ]
        flaps = [
            box(x, 0.004, z / 3).turned("x", s * rng.uniform(-20, 70)).moved(y=y / 2, z=s * z * 0.62)
            for s in (-1, 1)
        ]
        return join(box(x, 0.004, z).moved(y=-y / 2), *walls, *flaps)
    return box(*sizes)


def basket(rng: Rng) -> Solid:
    radius, height = rng.uniform(0.12, 0.22), rng.uniform(0.1, 0.25)
    made = revolve(
        [
            (0, 0),
            (radius * 0.8, 0),
            (radius, height),
            (radius * 0.97, height),
            (radius * 0.77, 0.01),
            (0, 0.01),
        ],
        rng.uniform(0.3, 1),
        rng.uniform(0.6, 1),
    )
    made = join(made, *(torus(radius * (0.8 + 0.2 * y), 0.012).moved(y=y * height) for y in (0.3, 0.6, 1.0)))
    if rng.random() < 0.6:
        made = join(made, torus(radius, 0.015, 180).turned("x", -90).moved(y=height))
    return made


def trash_can(rng: Rng) -> Solid:
    radius, height = rng.uniform(0.1, 0.25), rng.uniform(0.3, 0.8)
    square, depth = (1.0, 1.0) if rng.random() < 0.6 else (rng.uniform(0.2, 0.5), rng.uniform(0.6, 1.0))
    low = radius * rng.uniform(0.7, 1.0)
    if rng.random() < 0.5:  # open
        return revolve(
            [(0, 0), (low, 0), (radius, height), (radius * 0.96, height), (low * 0.96, 0.01), (0, 0.01)],
            square,
            depth,
        )
    lid = rng.uniform(0.05, 0.15) * height
    top = [
        (radius * 1.04, height),
        (radius * 1.02, height + lid * 0.4),
        (radius * rng.uniform(0.3, 0.9), height + lid),
        (0, height + lid),
    ]
    return revolve(np.concatenate([[(0, 0), (low, 0), (radius, height)], top]), square, depth)


def barrel(rng: Rng) -> Solid:
    radius, height, bulge = rng.uniform(0.2, 0.35), rng.uniform(0.5, 1.0), rng.uniform(1.0, 1.3)
    side = rounded(
        [(radius, 0), (radius * bulge, 0.35 * height), (radius * bulge, 0.65 * height), (radius, height)], 2
    )
    return revolve(
        np.concatenate(
            [[(0, 0.02), (radius * 0.92, 0.02)], side, [(radius * 0.92, height - 0.02), (0, height - 0.02)]]
        )
    )


def watering_can(rng: Rng) -> Solid:
    radius, height = rng.uniform(0.08, 0.12), rng.uniform(0.15, 0.25)
    body = revolve(
        [(0, 0), (radius, 0), (radius * rng.uniform(0.7, 1), height), (0, height)], 1.0, rng.uniform(0.6, 1)
    )
    out = (-radius - rng.uniform(0.12, 0.22), height * rng.uniform(1.0, 1.3), 0)
    spout = rod((-radius * 0.9, 0.25 * height, 0), out, [0.03, 0.018])
    rose = rod(out, (out[0] - 0.03, out[1] + 0.02, 0), [0.018, 0.06])
    return join(body, spout, rose, loop_handle(rng, radius * 0.8, 0.3 * height, 1.15 * height, 0.08, 0.014))


SHAPES = {
    "tray": tray,
    "cutting board": cutting_board,
    "fork": fork,
    "knife": knife,
    "spoon": spoon,
    "spatula": spatula,
    "chopsticks": chopsticks,
    "bucket": bucket,
    "box": box_,
    "basket": basket,
    "trash can": trash_can,
    "barrel": barrel,
    "watering can": watering_can,
}
