"""What lies about in bathroom, office and hall. Sizes in metres."""

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


def book(rng: Rng) -> Solid:
    x, z, y = rng.uniform(0.1, 0.22), rng.uniform(0.15, 0.3), rng.uniform(0.008, 0.06)
    if rng.random() < 0.2:  # open
        pages = []
        for s in (-1, 1):
            line = rounded([(0, y / 2, 0), (s * x * 0.3, y / 2 + 0.012, 0), (s * x, 0.004, 0)], 2)
            side = np.concatenate([line[:, :2], [(s * x, 0)], [(0, 0)]])
            pages.append(extrude(side, z))
        return join(*pages)
    inset = rng.uniform(0.002, 0.005)
    covers = [box(x, 0.002, z).moved(y=s * y / 2) for s in (-1, 1)]
    made = join(*covers, box(x - 2 * inset, y, z - 2 * inset), box(0.003, y, z).moved(x=-x / 2))
    pose = rng.random()
    if pose < 0.5:
        return made
    return made.turned("z", 90) if pose < 0.75 else made.turned("x", 90)


def candle(rng: Rng) -> Solid:
    radius, height = rng.uniform(0.01, 0.04), rng.uniform(0.05, 0.25)
    made = join(
        revolve([(0, 0), (radius, 0), (radius, height), (radius * 0.6, height - 0.004), (0, height - 0.004)]),
        rod((0, height, 0), (0, height + 0.012, 0), 0.003),
    )
    if rng.random() < 0.4:
        made = join(
            made,
            revolve(
                [
                    (0, -0.06),
                    (0.05, -0.06),
                    (0.04, -0.05),
                    (0.012, -0.04),
                    (0.015, -0.01),
                    (radius + 0.01, 0),
                    (radius + 0.01, 0.01),
                    (0, 0.0),
                ]
            ),
        )
    return made


def pillow(rng: Rng) -> Solid:
    x, z = rng.uniform(0.35, 0.75), rng.uniform(0.35, 0.5)
    made = superellipsoid((x, rng.uniform(0.1, 0.2), z), 1.6, rng.uniform(0.25, 0.5)).lumpy(rng, 0.03)
    return made.turned("x", rng.uniform(50, 80)) if rng.random() < 0.4 else made


def toilet_paper(rng: Rng) -> Solid:
    outer, inner, high = rng.uniform(0.04, 0.06), rng.uniform(0.015, 0.022), rng.uniform(0.09, 0.26)
    made = revolve([(inner, 0), (outer, 0), (outer, high), (inner, high), (inner, 0)])
    return made.turned("x", 90) if rng.random() < 0.4 else made


def soap(rng: Rng) -> Solid:
    return superellipsoid(
        (rng.uniform(0.07, 0.1), rng.uniform(0.02, 0.035), rng.uniform(0.045, 0.06)),
        rng.uniform(0.4, 1),
        rng.uniform(0.4, 1),
    )


def sponge(rng: Rng) -> Solid:
    made = superellipsoid(
        (rng.uniform(0.09, 0.14), rng.uniform(0.025, 0.05), rng.uniform(0.06, 0.08)),
        0.2,
        rng.uniform(0.15, 0.4),
        40,
    )
    return Solid(made.vertices + rng.normal(0, 0.0008, made.vertices.shape), made.faces).lumpy(rng, 0.015)


def toothbrush(rng: Rng) -> Solid:
    line = rounded([(0, 0, 0), (0.11, rng.uniform(0, 0.01), 0), (0.14, 0.003, 0), (0.19, 0, 0)], 2)
    handle = tube(
        line, np.interp(np.linspace(0, 1, len(line)), [0, 0.5, 0.75, 1], [0.01, 0.012, 0.006, 0.008]), 0.012
    )
    return join(handle, box(0.028, 0.014, 0.011).moved(x=0.175, y=0.009))


def comb(rng: Rng) -> Solid:
    length, count = rng.uniform(0.13, 0.2), int(rng.integers(22, 40))
    teeth = [
        box(length / count * 0.5, 0.025, 0.002).moved(length * (k / count - 0.5), -0.018)
        for k in range(count)
    ]
    made = join(box(length, 0.012, 0.004), *teeth)
    return made.turned("x", 90)


def brush(rng: Rng) -> Solid:
    head = superellipsoid((rng.uniform(0.08, 0.12), 0.018, rng.uniform(0.04, 0.065)), 0.6, 0.8)
    hairs = [
        rod((0.09 * x, -0.005, 0.045 * z), (0.095 * x, -0.03, 0.05 * z), 0.003)
        for x in np.linspace(-0.45, 0.45, 9)
        for z in np.linspace(-0.4, 0.4, 5)
    ]
    return join(head, rod((0.04, 0, 0), (0.18, 0.005, 0), [0.014, 0.02, 0.014]), *hairs).turned(
        "x", rng.choice((0, 180, 90))
    )


def umbrella(rng: Rng) -> Solid:
    length = rng.uniform(0.7, 1.0)
    hook = tube(rounded([(0, 0.15, 0), (0, 0, 0), (0.08, 0, 0), (0.08, 0.05, 0)], 3), 0.018)
    if rng.random() < 0.5:
        closed = rod((0, 0.2 * length, 0), (0, length, 0), [0.03, 0.075, 0.05, 0.02])
        made = join(hook, rod((0, 0.1, 0), (0, length + 0.05, 0), 0.012), closed)
        return made.turned("z", 90) if rng.random() < 0.4 else made
    radius = rng.uniform(0.4, 0.6)
    roof = rounded([(0, length), (radius * 0.6, length - 0.06), (radius, length - rng.uniform(0.18, 0.3))], 3)
    return join(
        hook,
        rod((0, 0.1, 0), (0, length + 0.05, 0), 0.012),
        revolve(np.concatenate([roof, roof[::-1] - [0, 0.006]]), segments=int(rng.integers(7, 10))),
    )


def hanger(rng: Rng) -> Solid:
    width, thick = rng.uniform(0.38, 0.46), rng.choice((0.004, 0.015))
    frame = rounded([(0, 0.1, 0), (-width / 2, 0, 0), (width / 2, 0, 0), (0, 0.1, 0)], 2)
    return join(
        tube(frame, thick),
        tube(
            rounded([(0, 0.1, 0), (0, 0.15, 0), (0.04, 0.16, 0), (0.04, 0.2, 0), (-0.02, 0.2, 0)], 2), 0.004
        ),
    )


def scissors(rng: Rng) -> Solid:
    length, spread = rng.uniform(0.06, 0.12), rng.uniform(0, 25)
    halves = []
    for s in (-1, 1):
        blade = extrude(
            [(0, -0.006), (0.7 * length, -0.005), (length, 0.0), (0.6 * length, 0.006), (0, 0.008)], 0.002
        ).moved(z=s * 0.001)
        loop = torus(rng.uniform(0.015, 0.024), 0.006).turned("x", 90).moved(x=-0.065, y=-s * 0.02)
        halves.append(
            join(blade, rod((0, 0, 0), (-0.05, -s * 0.012, 0), 0.008, 0.004), loop).turned(
                "z", s * spread / 2
            )
        )
    return join(*halves).turned("x", 90)


def pen(rng: Rng) -> Solid:
    length, width = rng.uniform(0.12, 0.15), rng.uniform(0.008, 0.02)
    made = rod((0, 0, 0), (length, 0, 0), [width * 0.2, width * 0.85, width, width, width, width * 0.9])
    return join(made, box(0.04, 0.003, 0.004).moved(x=length * 0.85, y=width * 0.55)).turned(
        "z", rng.choice((0, 0, 0, 90))
    )


def pencil(rng: Rng) -> Solid:
    length = rng.uniform(0.1, 0.19)
    return tube(np.linspace([0, 0, 0], [length, 0, 0], 8), [0.001, 0.0075, *[0.0075] * 6], segments=6)


def ruler(rng: Rng) -> Solid:
    return box(
        rng.choice((0.15, 0.2, 0.3)) * rng.uniform(1.0, 1.1),
        rng.uniform(0.002, 0.005),
        rng.uniform(0.025, 0.045),
    )


def stapler(rng: Rng) -> Solid:
    length = rng.uniform(0.1, 0.18)
    arm = (
        superellipsoid((length, 0.03, 0.032), 0.4, 0.3)
        .moved(x=length * 0.5)
        .turned("z", rng.uniform(6, 18))
        .moved(y=0.022)
    )
    return join(superellipsoid((length * 1.1, 0.012, 0.035), 0.3, 0.3).moved(x=length * 0.5), arm)


def tape(rng: Rng) -> Solid:
    outer, high = rng.uniform(0.03, 0.065), rng.uniform(0.012, 0.05)
    inner = outer * rng.uniform(0.4, 0.85)
    made = revolve([(inner, 0), (outer, 0), (outer, high), (inner, high), (inner, 0)])
    return made.turned("x", 90) if rng.random() < 0.4 else made


SHAPES = {
    "book": book,
    "candle": candle,
    "pillow": pillow,
    "toilet paper": toilet_paper,
    "soap": soap,
    "sponge": sponge,
    "toothbrush": toothbrush,
    "comb": comb,
    "brush": brush,
    "umbrella": umbrella,
    "hanger": hanger,
    "scissors": scissors,
    "pen": pen,
    "pencil": pencil,
    "ruler": ruler,
    "stapler": stapler,
    "adhesive tape": tape,
}
