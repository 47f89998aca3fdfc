"""Tools. Sizes in metres."""

from __future__ import annotations

import numpy as np

from c2p_recipes.shapes.solids import (
    Rng,
    Solid,
    box,
    extrude,
    join,
    rod,
    rounded,
    superellipsoid,
    torus,
    tube,
)


def _laid(rng: Rng, made: Solid) -> Solid:
    """Tools lie on a bench, or hang and stand."""
    return made if rng.random() < 0.7 else made.turned("z", rng.choice((90.0, -90.0)))


def hammer(rng: Rng) -> Solid:
    length, head = rng.uniform(0.22, 0.36), rng.uniform(0.07, 0.13)
    handle = rod((0, 0, 0), (length, 0, 0), [0.02, 0.02, 0.028, 0.032, 0.028])
    face = rod((0, 0, 0), (0, 0, head * 0.6), [0.022, 0.02, 0.03, 0.03])
    if rng.random() < 0.5:  # a claw
        line = rounded([(0, 0, 0), (0.01, 0, -head * 0.4), (0.035, 0, -head * 0.75)])
        back = [
            tube(line + np.array([0, s * 0.006, 0]), np.linspace(0.016, 0.004, len(line)), 0.008)
            for s in (-1, 1)
        ]
    else:
        back = [rod((0, 0, 0), (0, 0, -head * 0.5), [0.025, 0.03, rng.choice((0.03, 0.008))])]
    return _laid(rng, join(handle, face, *back))


def screwdriver(rng: Rng) -> Solid:
    grip, shaft = rng.uniform(0.07, 0.12), rng.uniform(0.05, 0.2)
    width = rng.uniform(0.02, 0.036)
    handle = rod((0, 0, 0), (grip, 0, 0), np.array([0.7, 1, 1, 0.9, 0.95, 0.6]) * width)
    blade = rod(
        (grip, 0, 0),
        (grip + shaft, 0, 0),
        [0.007, 0.007, 0.007, 0.007, 0.008],
        [0.007, 0.007, 0.007, 0.007, 0.002],
    )
    return _laid(rng, join(handle, blade))


def wrench(rng: Rng) -> Solid:
    length, width = rng.uniform(0.12, 0.28), rng.uniform(0.014, 0.024)
    size = width * rng.uniform(0.9, 1.2)
    bar = superellipsoid((length, 0.006, width), 0.4, 0.3)
    jaw = (
        torus(size, size * 0.8, rng.uniform(220, 270), height=0.009)
        .turned("y", rng.uniform(-60, -20))
        .moved(x=length / 2 + size)
    )
    other = torus(size, size * 0.6, 360 if rng.random() < 0.6 else 250, height=0.009).moved(
        x=-length / 2 - size
    )
    return _laid(rng, join(bar, jaw, other))


def pliers(rng: Rng) -> Solid:
    spread, nose = rng.uniform(3, 22), rng.uniform(0.03, 0.08)
    halves = []
    for s in (-1, 1):
        line = rounded([(0, 0, 0), (-0.03, s * 0.014, 0), (-0.12, s * 0.018, 0)], 2)
        jaw = rod((0, s * 0.004, 0), (nose, s * 0.002, 0), [0.016, 0.006], [0.014, 0.006])
        halves.append(
            join(tube(line, np.linspace(0.012, 0.016, len(line))), jaw).turned("z", -s * spread / 2)
        )
    return _laid(rng, join(*halves, rod((0, 0, -0.008), (0, 0, 0.008), 0.02)).turned("x", 90))


def saw(rng: Rng) -> Solid:
    length, high = rng.uniform(0.3, 0.5), rng.uniform(0.08, 0.13)
    blade = extrude([(0, 0), (length, high * 0.45), (length, high * 0.65), (0, high)], 0.002)
    grip = torus(0.045, 0.022, 360).scaled(0.8, 1, 1.2).turned("x", 90).moved(x=-0.03, y=high * 0.5)
    return _laid(rng, join(blade, grip).turned("x", rng.choice((90, 90, 0))))


def drill(rng: Rng) -> Solid:
    body = rod((-0.1, 0.16, 0), (0.08, 0.16, 0), [0.055, 0.065, 0.065, 0.06, 0.045])
    chuck = rod((0.08, 0.16, 0), (0.13, 0.16, 0), [0.042, 0.036, 0.02])
    grip = tube(
        rounded([(-0.05, 0.15, 0), (-0.06, 0.06, 0), (-0.07, 0.02, 0)]), rng.uniform(0.035, 0.045), 0.035
    )
    parts = [body, chuck, grip, box(0.02, 0.03, 0.012).moved(x=-0.02, y=0.11)]
    if rng.random() < 0.7:
        parts.append(
            superellipsoid((rng.uniform(0.08, 0.12), rng.uniform(0.04, 0.07), 0.07), 0.25, 0.25).moved(
                x=-0.06
            )
        )
    if rng.random() < 0.6:
        parts.append(rod((0.13, 0.16, 0), (rng.uniform(0.17, 0.24), 0.16, 0), 0.007))
    made = join(*parts)
    return made.turned("x", 90) if rng.random() < 0.5 else made


def axe(rng: Rng) -> Solid:
    length, edge = rng.uniform(0.35, 0.8), rng.uniform(0.1, 0.18)
    head = extrude(
        [
            (-0.03, -0.03),
            (0.03, -0.035),
            (0.12, -edge / 2),
            (0.135, 0),
            (0.12, edge / 2),
            (0.03, 0.035),
            (-0.03, 0.03),
        ],
        0.02,
    )
    handle = tube(rounded([(0, -length, 0), (0.01, -length * 0.4, 0), (0, 0.04, 0)]), 0.03, 0.022)
    made = join(head, handle)
    return made if rng.random() < 0.4 else made.turned("x", 90)


def shovel(rng: Rng) -> Solid:
    length = rng.uniform(0.5, 1.3)
    blade = superellipsoid((0.2, 0.28, 0.02), 0.6, 0.6).bent(rng.uniform(20, 60))
    grip = (
        rod((-0.06, length + 0.14, 0), (0.06, length + 0.14, 0), 0.03)
        if rng.random() < 0.5
        else rod((0, length, 0), (0, length + 0.14, 0), 0.035)
    )
    made = join(blade, rod((0, 0.1, 0), (0, length + 0.14, 0), 0.03), grip)
    return made if rng.random() < 0.5 else made.turned("x", 90)


def broom(rng: Rng) -> Solid:
    length, width = rng.uniform(1.0, 1.4), rng.uniform(0.25, 0.45)
    bristles = extrude(
        [(-width / 2, 0), (width / 2, 0), (width * 0.35, 0.12), (-width * 0.35, 0.12)],
        rng.uniform(0.04, 0.08),
    )
    return join(bristles, rod((0, 0.1, 0), (0, length, 0), 0.026))


def ladder(rng: Rng) -> Solid:
    height, width, rungs = rng.uniform(1.2, 3.0), rng.uniform(0.35, 0.5), int(rng.integers(4, 10))
    side = [rod((s * width / 2, 0, 0), (s * width / 2 * 0.85, height, 0), 0.04, 0.03) for s in (-1, 1)]
    steps = [
        rod(
            (-width / 2, height * (k + 0.5) / rungs, 0),
            (width / 2, height * (k + 0.5) / rungs, 0),
            0.03,
            rng.uniform(0.03, 0.1),
        )
        for k in range(rungs)
    ]
    made = join(*side, *steps)
    if rng.random() < 0.5:
        angle = rng.uniform(10, 22)
        return join(
            made.moved(y=-height).turned("x", -angle), join(*side).moved(y=-height).turned("x", angle)
        )
    return made


def flashlight(rng: Rng) -> Solid:
    length, head = rng.uniform(0.1, 0.28), rng.uniform(0.035, 0.06)
    made = rod((0, 0, 0), (length, 0, 0), [head * 0.6, head * 0.62, head * 0.62, head * 0.62, head, head])
    return _laid(rng, made)


def padlock(rng: Rng) -> Solid:
    width = rng.uniform(0.03, 0.06)
    body = superellipsoid((width, width * rng.uniform(0.8, 1.1), width * 0.45), 0.2, 0.25)
    bow = tube(
        rounded([(-0.33, 0.4, 0), (-0.33, 1.0, 0), (0.33, 1.0, 0), (0.33, rng.choice((0.4, 0.65)), 0)], 3)
        * width,
        width * 0.15,
    )
    return join(body, bow).turned("x", rng.choice((0, 90)))


def key(rng: Rng) -> Solid:
    length = rng.uniform(0.035, 0.06)
    bow = torus(0.008, 0.006, height=0.003).turned("x", 90)
    bits = [
        box(0.003, rng.uniform(0.003, 0.007), 0.002).moved(x=length * f, y=-0.005) for f in (0.7, 0.8, 0.9)
    ]
    return join(bow, box(length - 0.01, 0.005, 0.002).moved(x=length / 2 + 0.005), *bits).turned("x", 90)


SHAPES = {
    "hammer": hammer,
    "screwdriver": screwdriver,
    "wrench": wrench,
    "pliers": pliers,
    "saw": saw,
    "drill": drill,
    "axe": axe,
    "shovel": shovel,
    "broom": broom,
    "ladder": ladder,
    "flashlight": flashlight,
    "padlock": padlock,
    "key": key,
}
