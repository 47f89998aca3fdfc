"""Vehicles, and what stands in the street. Sizes in metres."""

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


def airplane(rng: Rng) -> Solid:
    length, span = 1.0, rng.uniform(0.7, 1.2)
    width = rng.uniform(0.08, 0.15)
    body = tube(
        np.stack([np.linspace(0, length, 13), np.zeros(13), np.zeros(13)], 1),
        width * np.interp(np.linspace(0, 1, 13), [0, 0.08, 0.2, 0.7, 1], [0.25, 0.75, 1, 0.95, 0.2]),
    )
    sweep, at, high = (
        rng.uniform(0, 0.35) * span / 2,
        rng.uniform(0.3, 0.45),
        rng.choice((-0.3, 0.0, 0.45)) * width,
    )

    def wing(x: float, half: float, chord: float, back: float, y: float) -> list[Solid]:
        sides = []
        for s in (-1, 1):
            outline = [(x, 0), (x + back, s * half), (x + back + chord * 0.5, s * half), (x + chord, 0)]
            sides.append(extrude(outline, 0.018).turned("x", 90).scaled(1, 1, -1).moved(y=y))
        return sides

    parts = [
        body,
        *wing(at, span / 2, rng.uniform(0.15, 0.25), sweep, high),
        *wing(0.86, span * 0.18, 0.12, sweep * 0.3, 0.0),
    ]
    if rng.random() < 0.2:  # a biplane
        parts += wing(at, span / 2, 0.18, sweep, high + width * 1.1)
    parts.append(extrude([(0.84, 0), (0.98, 0), (1.02, 0.17), (0.94, 0.17)], 0.015))
    if rng.random() < 0.6:  # engines under the wings
        parts += [
            rod(
                (at + sweep * f, high - 0.03, s * f * span / 2),
                (at + sweep * f + 0.12, high - 0.03, s * f * span / 2),
                [0.05, 0.055, 0.035],
            )
            for s in (-1, 1)
            for f in ((0.35,) if rng.random() < 0.7 else (0.3, 0.6))
        ]
    else:
        parts.append(box(0.01, 0.2, 0.025).turned("x", rng.uniform(0, 180)))
    return join(*parts)


def helicopter(rng: Rng) -> Solid:
    cabin = superellipsoid((0.45, 0.3, 0.26), 0.8, 0.8)
    tail = rod((0.15, 0.03, 0), (0.75, rng.uniform(0.05, 0.12), 0), [0.14, 0.08, 0.05])
    fin = extrude([(0.68, 0), (0.8, 0.02), (0.84, 0.2), (0.76, 0.2)], 0.015)
    blades, turn = int(rng.integers(2, 6)), rng.uniform(0, 90)
    rotor = [
        rod((0, 0.23, 0), (rng.uniform(0.5, 0.56), 0.23, 0), 0.01, 0.045).turned("y", turn + 360 * k / blades)
        for k in range(blades)
    ]
    skids = [rod((-0.2, -0.22, s * 0.13), (0.2, -0.22, s * 0.13), 0.02) for s in (-1, 1)]
    legs = [rod((x, -0.1, s * 0.08), (x, -0.22, s * 0.13), 0.015) for s in (-1, 1) for x in (-0.12, 0.12)]
    tail_rotor = box(0.15, 0.015, 0.01).turned("z", rng.uniform(0, 180)).moved(0.78, 0.13, 0.03)
    return join(cabin, tail, fin, rod((0, 0.12, 0), (0, 0.23, 0), 0.03), *rotor, *skids, *legs, tail_rotor)


def rocket(rng: Rng) -> Solid:
    radius = rng.uniform(0.06, 0.14)
    side = rounded([(radius, 0.08), (radius, 0.65), (radius * 0.8, 0.82), (0, 1)], 2)
    fins = [
        extrude(
            [(radius * 0.9, 0.25), (radius * 2.2, 0.0), (radius * 2.2, -0.06), (radius * 0.9, 0.05)], 0.015
        ).turned("y", 360 * k / 4)
        for k in range(int(rng.choice((3, 4))))
    ]
    return join(revolve(np.concatenate([[(0, 0), (radius * 0.7, 0)], side])), *fins)


def balloon(rng: Rng) -> Solid:
    width = rng.uniform(0.38, 0.46)
    side = rounded([(0.08, 0.28), (0.25, 0.45), (width, 0.75), (width * 0.75, 1.05), (0, 1.1)], 3)
    ropes = [
        rod((0.06 * a, 0.13, 0.06 * b), (0.08 * a, 0.3, 0.08 * b), 0.006) for a in (-1, 1) for b in (-1, 1)
    ]
    return join(revolve(side), box(0.15, 0.12, 0.15).moved(y=0.06), *ropes)


def bicycle(rng: Rng) -> Solid:
    radius, gap = rng.uniform(0.28, 0.36), rng.uniform(0.95, 1.1)
    wheels = []
    for x in (0.0, gap):
        spokes = [rod((0, 0, 0), (radius, 0, 0), 0.004).turned("z", a) for a in np.arange(12) * 30.0]
        wheels.append(
            join(
                torus(radius, rng.uniform(0.025, 0.05)).turned("x", 90),
                *spokes,
                rod((0, 0, -0.04), (0, 0, 0.04), 0.04),
            ).moved(x=x)
        )
    saddle, crank, head = (0.22, 0.5, 0), (0.4, -0.05, 0), (gap - 0.22, 0.42, 0)
    tube_width = rng.uniform(0.025, 0.04)
    frame = [
        rod(a, b, tube_width)
        for a, b in (
            (saddle, crank),
            (crank, head),
            (head, (0.27, 0.38, 0)),
            ((0, 0, 0), crank),
            ((0, 0, 0), (0.26, 0.4, 0)),
            ((gap, 0, 0), (head[0], 0.58, 0)),
        )
    ]
    bars = tube(
        rounded(
            [
                (gap - 0.2, 0.62, -0.28),
                (gap - 0.26, 0.64, -0.1),
                (gap - 0.26, 0.64, 0.1),
                (gap - 0.2, 0.62, 0.28),
            ],
            2,
        ),
        0.025,
    )
    return join(
        *wheels,
        *frame,
        bars,
        superellipsoid((0.26, 0.05, 0.14), 0.7, 0.8).moved(0.2, 0.52),
        rod((0.4, -0.05, -0.1), (0.4, -0.05, 0.1), 0.03),
        torus(0.09, 0.01).turned("x", 90).moved(0.4, -0.05, 0.04),
    )


def traffic_cone(rng: Rng) -> Solid:
    height, base = rng.uniform(0.3, 0.9), rng.uniform(0.3, 0.45)
    foot = base * height
    return join(
        box(foot, 0.03 * height, foot), revolve([(foot * 0.4, 0), (foot * 0.08, height), (0, height)])
    )


def traffic_sign(rng: Rng) -> Solid:
    size, corners = rng.uniform(0.3, 0.45), int(rng.choice((3, 4, 4, 8, 32)))
    angle = np.arange(corners) * 2 * np.pi / corners + rng.choice((0.0, np.pi / corners)) + np.pi / 2
    high = rng.uniform(1.2, 2.2)
    plate = extrude(np.stack([np.cos(angle), np.sin(angle)], 1) * size, 0.015).moved(y=high, z=0.04)
    return join(plate, rod((0, 0, 0), (0, high + size * 0.5, 0), rng.uniform(0.05, 0.08)))


def fire_hydrant(rng: Rng) -> Solid:
    side = [(0, 0), (0.16, 0), (0.16, 0.04), (0.1, 0.05), (0.1, 0.45), (0.14, 0.46), (0.14, 0.5)]
    body = revolve(
        np.concatenate([side, rounded([(0.12, 0.5), (0.1, 0.6), (0.03, 0.64), (0.03, 0.7), (0, 0.7)], 2)])
    )
    caps = [
        rod((0, 0.38, 0), (np.cos(a) * 0.2, 0.38, np.sin(a) * 0.2), rng.uniform(0.08, 0.13))
        for a in (0, np.pi, np.pi / 2)
    ]
    return join(body, *caps)


def fire_extinguisher(rng: Rng) -> Solid:
    radius, height = rng.uniform(0.05, 0.09), rng.uniform(0.3, 0.55)
    body = revolve(
        np.concatenate(
            [
                [(0, 0), (radius, 0)],
                rounded([(radius, 0.02), (radius, 0.82 * height), (0.02, 0.95 * height), (0.02, height)], 2),
                [(0, height)],
            ]
        )
    )
    lever = join(
        box(0.12, 0.012, 0.025).moved(0.03, height + 0.01),
        box(0.12, 0.012, 0.025).turned("z", 20).moved(0.04, height + 0.04),
    )
    hose = tube(
        rounded([(0, height, 0), (-radius - 0.03, height - 0.02, 0), (-radius - 0.03, 0.3 * height, 0)], 2),
        0.018,
    )
    return join(body, lever, hose)


def street_light(rng: Rng) -> Solid:
    high, reach = rng.uniform(4, 8), rng.uniform(0.5, 1.8)
    arms = [
        tube(rounded([(0, high * 0.9, 0), (0, high, 0), (s * reach, high + 0.1, 0)], 2), 0.1)
        for s in ((1,) if rng.random() < 0.7 else (1, -1))
    ]
    heads = [
        superellipsoid((0.7, 0.15, 0.3)).moved(s * (reach + 0.2), high + 0.05)
        for s in ((1,) if len(arms) == 1 else (1, -1))
    ]
    return join(rod((0, 0, 0), (0, high * 0.92, 0), [0.22, 0.12]), *arms, *heads)


def mailbox(rng: Rng) -> Solid:
    angle = np.linspace(0, np.pi, 13)
    high = rng.uniform(0.1, 0.16)
    outline = np.concatenate(
        [np.stack([0.09 * np.cos(angle), high + 0.09 * np.sin(angle)], 1), [(-0.09, 0), (0.09, 0)]]
    )
    return join(
        extrude(outline, rng.uniform(0.35, 0.5)).moved(y=1.0),
        box(0.09, 1.0, 0.09).moved(y=0.5),
        box(0.01, 0.12, 0.03).moved(0.1, 1.2, 0.05),
    )


SHAPES = {
    "airplane": airplane,
    "helicopter": helicopter,
    "rocket": rocket,
    "balloon": balloon,
    "bicycle": bicycle,
    "traffic cone": traffic_cone,
    "traffic sign": traffic_sign,
    "fire hydrant": fire_hydrant,
    "fire extinguisher": fire_extinguisher,
    "street light": street_light,
    "mailbox": mailbox,
}
