"""Clothes, toys and instruments. Sizes in metres."""

from __future__ import annotations

import numpy as np

from c2p_recipes.shapes.solids import (
    Rng,
    Solid,
    box,
    extrude,
    grid,
    join,
    revolve,
    rod,
    rounded,
    superellipsoid,
    torus,
    tube,
)


def shoe(rng: Rng) -> Solid:
    """A sole, a foot that rises to the ankle, sometimes a heel or a shaft."""
    length, width, heel = (
        rng.uniform(0.22, 0.31),
        rng.uniform(0.08, 0.11),
        rng.choice((0.0, 0.0, rng.uniform(0.02, 0.08))),
    )
    x = np.linspace(0, 1, 21)
    half = width * np.interp(x, [0, 0.08, 0.35, 0.7, 0.9, 1], [0.3, 0.72, 0.72, 1.0, 0.75, 0.15]) / 2
    top = (
        np.interp(x, [0, 0.05, 0.3, 0.45, 0.7, 0.92, 1], [0.05, 0.085, 0.08, 0.09, 0.06, 0.045, 0.02])
        * length
        / 0.28
    )
    lift = heel * np.interp(x, [0, 0.3, 0.65, 1], [1, 0.9, 0, 0])
    thick = rng.uniform(0.008, 0.03)
    rings = []
    for k in range(len(x)):
        angle = np.linspace(0, np.pi, 13)
        arch = np.stack(
            [
                np.full(13, x[k] * length),
                lift[k] + thick + top[k] * np.sin(angle) ** 0.7,
                half[k] * np.cos(angle),
            ],
            1,
        )
        base = np.array([[x[k] * length, lift[k], -half[k]], [x[k] * length, lift[k], half[k]]])
        rings.append(np.concatenate([arch, base]))
    made = [grid(np.stack(rings))]
    rise = rng.choice((0.02, 0.04, rng.uniform(0.08, 0.25)))
    y = lift[4] + thick + top[4] * 0.8
    collar = (
        revolve([(0.9, 0), (1, rise), (0.92, rise), (0.85, 0.0)])
        .scaled(0.17 * length, 1, half[5] * 0.95)
        .moved(x=0.22 * length, y=y)
    )
    made.append(collar)
    if heel > 0:
        made.append(rod((0.1 * length, 0, 0), (0.1 * length, heel, 0), [0.02, 0.05]))
    one = join(*made)
    if rng.random() < 0.3:
        return join(one, one.scaled(1, 1, -1).turned("y", rng.normal(0, 8)).moved(z=width * 1.2))
    return one.turned("x", 90) if rng.random() < 0.08 else one


def hat(rng: Rng) -> Solid:
    radius, crown = rng.uniform(0.08, 0.1), rng.uniform(0.09, 0.15)
    if rng.random() < 0.4:  # a cap with a peak
        dome = revolve(rounded([(1, 0), (1, 0.5), (0.6, 1), (0, 1)], 3)).scaled(radius, crown, radius * 1.15)
        peak = (
            superellipsoid((radius * 1.6, 0.006, radius * 1.7), 0.3, 0.8)
            .turned("z", -8)
            .moved(x=radius * 1.05)
        )
        return join(dome, peak)
    brim, bow = radius * rng.uniform(1.3, 2.2), rng.uniform(-0.02, 0.03)
    side = rounded(
        [
            (brim, bow),
            (radius * 1.1, 0),
            (radius, 0.02),
            (radius * rng.uniform(0.75, 1), crown),
            (0, crown * rng.uniform(0.85, 1.1)),
        ],
        2,
    )
    return revolve(np.concatenate([side, (side - [0, 0.004])[::-1]]), 1.0, rng.uniform(1.0, 1.25))


def helmet(rng: Rng) -> Solid:
    radius, height = rng.uniform(0.12, 0.15), rng.uniform(0.13, 0.2)
    shell = rounded(
        [(radius * 1.02, 0), (radius, 0.5 * height), (radius * 0.6, 0.95 * height), (0, height)], 3
    )
    made = revolve(np.concatenate([shell, shell[::-1] * [0.9, 0.93]]), 1.0, rng.uniform(0.75, 0.9))
    if rng.random() < 0.5:
        made = join(
            made, superellipsoid((radius * 0.9, 0.01, radius * 1.3), 0.4, 0.8).moved(x=radius * 1.0, y=0.01)
        )
    if rng.random() < 0.4:
        made = join(
            made,
            tube(
                rounded(
                    [
                        (-radius, height * 0.3, 0),
                        (-radius * 0.4, height * 1.05, 0),
                        (radius * 0.5, height, 0),
                        (radius, height * 0.4, 0),
                    ],
                    2,
                ),
                0.02,
            ),
        )
    return made


def glasses(rng: Rng) -> Solid:
    width, square = rng.uniform(0.05, 0.06), rng.uniform(0.4, 1.0)
    parts = []
    for s in (-1, 1):
        rim = revolve([(0.9, -0.002), (1, -0.002), (1, 0.002), (0.9, 0.002), (0.9, -0.002)], square).scaled(
            width / 2, 1, rng.uniform(0.016, 0.024)
        )
        parts.append(rim.turned("x", 90).moved(x=s * 0.033))
        parts.append(
            tube(
                rounded([(s * 0.062, 0.005, 0), (s * 0.068, 0.005, -0.1), (s * 0.066, -0.02, -0.14)]),
                0.003,
                0.005,
            )
        )
        if rng.random() < 0.6:
            parts.append(box(width * 0.8, 0.03, 0.001).moved(x=s * 0.033))
    return join(*parts, rod((-0.008, 0.004, 0), (0.008, 0.004, 0), 0.003))


def watch(rng: Rng) -> Solid:
    radius = rng.uniform(0.026, 0.034)
    band = torus(radius, 0.003, height=rng.uniform(0.016, 0.024)).turned("x", 90)
    return join(
        band,
        revolve([(0, 0), (1, 0), (1, 1), (0, 1)], rng.choice((1.0, 0.3)))
        .scaled(0.02, 0.01, 0.02)
        .moved(y=radius),
    ).turned("z", rng.choice((0, 90)))


def ball(rng: Rng) -> Solid:
    size = rng.uniform(0.035, 0.25)
    if rng.random() < 0.1:  # rugby, American football
        return superellipsoid((size * 1.6, size, size), 1.2)
    made = superellipsoid((size, size, size), segments=40)
    if rng.random() < 0.5:  # seams
        made = join(
            made,
            *(
                torus(size / 2, size * 0.012).turned("x", a).turned("y", b)
                for a, b in rng.uniform(0, 180, (3, 2))
            ),
        )
    return made


def die(rng: Rng) -> Solid:
    size = rng.uniform(0.012, 0.05)
    return superellipsoid((size, size, size), rng.uniform(0.05, 0.3), 0.1, 36).turned("y", rng.uniform(0, 90))


def rubiks_cube(rng: Rng) -> Solid:
    step, turn = 0.019, rng.choice((0.0, 0.0, 45.0)) * rng.random()
    cubes = [
        superellipsoid((0.0185,) * 3, 0.12, 0.12, 12)
        .moved(x * step, y * step, z * step)
        .turned("y", turn if y == 1 else 0)
        for x in (-1, 0, 1)
        for y in (-1, 0, 1)
        for z in (-1, 0, 1)
    ]
    return join(*cubes)


def chess_piece(rng: Rng) -> Solid:
    base, height = rng.uniform(0.012, 0.02), rng.uniform(0.035, 0.09)
    stem, collar = base * rng.uniform(0.35, 0.6), base * rng.uniform(0.6, 0.9)
    foot = [
        (0, 0),
        (base, 0),
        (base, 0.08 * height),
        (base * 0.8, 0.15 * height),
        (stem, 0.3 * height),
        (stem * 0.9, 0.6 * height),
        (collar, 0.64 * height),
        (collar, 0.67 * height),
        (stem * 0.8, 0.7 * height),
    ]
    kind = rng.integers(4)
    if kind == 0:  # pawn, bishop
        head = rounded([(stem, 0.72 * height), (base * 0.7, 0.85 * height), (0, height)], 3)
        return revolve(np.concatenate([foot, head]))
    if kind == 1:  # rook
        r = base * 0.75
        return join(
            revolve(np.concatenate([foot, [(r, 0.75 * height), (r, 0.9 * height), (0, 0.9 * height)]])),
            *(
                box(0.005, 0.1 * height, 0.005).moved(r * 0.8 * np.cos(a), 0.94 * height, r * 0.8 * np.sin(a))
                for a in np.arange(6) * 1.047
            ),
        )
    if kind == 2:  # king, queen
        top = [(base * 0.7, 0.88 * height), (base * 0.4, 0.92 * height), (0, 0.95 * height)]
        cross = join(box(0.004, 0.1 * height, 0.003), box(0.009, 0.03 * height, 0.003)).moved(y=height * 0.98)
        return join(revolve(np.concatenate([foot, top])), cross)
    line = rounded(
        [
            (0, 0.25 * height, 0),
            (-0.3 * base, 0.6 * height, 0),
            (0, 0.9 * height, 0),
            (0.6 * base, 0.82 * height, 0),
        ],
        2,
    )
    neck = tube(line, np.linspace(1.3, 0.5, len(line)) * base, base * 0.8)
    return join(revolve([*foot[:5], (0, 0.32 * height)]), neck)


def drum(rng: Rng) -> Solid:
    radius, height = rng.uniform(0.12, 0.3), rng.uniform(0.1, 0.5)
    shell = revolve(
        [(0, 0), (radius, 0), (radius * rng.uniform(0.8, 1), height), (radius, height), (0, height)]
    )
    return join(
        shell,
        torus(radius, 0.02),
        torus(radius, 0.02).moved(y=height),
        *(
            rod(
                (radius * np.cos(a), 0, radius * np.sin(a)),
                (radius * np.cos(a), height, radius * np.sin(a)),
                0.012,
            )
            for a in np.arange(8) * 0.785
        ),
    )


def guitar(rng: Rng) -> Solid:
    big, thick = rng.uniform(0.17, 0.2), rng.uniform(0.04, 0.11)
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    width = 1 - 0.25 * np.exp(-(((np.sin(angle) - 0.15) / 0.25) ** 2)) - 0.18 * (np.sin(angle) > 0.15)
    body = extrude(np.stack([big * width * np.cos(angle), 0.23 * np.sin(angle)], 1), thick)
    made = join(
        body,
        box(0.05, 0.42, 0.02).moved(y=0.42, z=thick / 2),
        box(0.07, 0.14, 0.018).turned("x", -10).moved(y=0.7, z=thick / 2 - 0.01),
        box(0.12, 0.03, 0.012).moved(y=-0.1, z=thick / 2),
    )
    return made.turned("x", rng.choice((0.0, 0.0, -90.0, -15.0)))


def wheel(rng: Rng) -> Solid:
    radius, width, spokes = rng.uniform(0.1, 0.35), rng.uniform(0.04, 0.2), int(rng.integers(4, 14))
    tyre = torus(radius * 0.88, radius * 0.24, height=width)
    rays = [
        rod((0, 0, 0), (radius * 0.8, 0, 0), 0.02, rng.uniform(0.015, 0.05)).turned("y", 360 * k / spokes)
        for k in range(spokes)
    ]
    hub = rod((0, -width / 2, 0), (0, width / 2, 0), radius * 0.3)
    disc = (
        [revolve([(0, -0.01), (radius * 0.78, -0.01), (radius * 0.78, 0.01), (0, 0.01)])]
        if rng.random() < 0.4
        else []
    )
    made = join(tyre, hub, *rays, *disc)
    return made.turned("x", 90) if rng.random() < 0.8 else made


SHAPES = {
    "shoe": shoe,
    "hat": hat,
    "helmet": helmet,
    "glasses": glasses,
    "watch": watch,
    "ball": ball,
    "die": die,
    "rubik's cube": rubiks_cube,
    "chess piece": chess_piece,
    "drum": drum,
    "guitar": guitar,
    "wheel": wheel,
}
