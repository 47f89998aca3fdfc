"""Electronics, appliances and lamps. Sizes in metres."""

from __future__ import annotations

import numpy as np

from c2p_recipes.shapes.solids import (
    Rng,
    Solid,
    box,
    join,
    revolve,
    rod,
    rounded,
    superellipsoid,
    torus,
    tube,
)


def _slab(rng: Rng, x: float, y: float, z: float, edge: float = 0.2) -> Solid:
    """A flat thing with rounded corners."""
    return superellipsoid((x, y, z), rng.uniform(0.05, edge), rng.uniform(0.05, edge))


def _flat_or_leaning(rng: Rng, made: Solid, chance: float = 0.3) -> Solid:
    """Lying, or standing as in a holder."""
    return made.turned("x", rng.uniform(60, 100)) if rng.random() < chance else made


def laptop(rng: Rng) -> Solid:
    x, z, thick = rng.uniform(0.28, 0.38), rng.uniform(0.2, 0.26), rng.uniform(0.012, 0.025)
    lid = (
        _slab(rng, x, thick * 0.6, z)
        .moved(z=z / 2)
        .turned("x", -rng.uniform(65, 125))
        .moved(z=-z / 2, y=thick / 2)
    )
    keys = box(x * 0.85, 0.003, z * 0.4).moved(y=thick / 2 + 0.001, z=-z * 0.12)
    return join(_slab(rng, x, thick, z), lid, keys)


def monitor(rng: Rng) -> Solid:
    if rng.random() < 0.2:  # with a tube
        size = rng.uniform(0.32, 0.45)
        back = rod(
            (0, 0, 0), (0, 0, -size * rng.uniform(0.8, 1.0)), [size, size * 0.95, size * 0.6, size * 0.5]
        )
        face = superellipsoid((size, size * 0.85, 0.12), 0.15, 0.15)
        foot = revolve([(0, 0), (size * 0.35, 0), (size * 0.3, 0.03), (0.05, 0.04), (0, 0.06)]).moved(
            y=-size * 0.55, z=-size * 0.3
        )
        return join(face, back.scaled(1, 0.8, 1), foot)
    x = rng.uniform(0.35, 0.75)
    y, thick = x * rng.choice((rng.uniform(0.55, 0.65), rng.uniform(0.75, 0.85))), rng.uniform(0.015, 0.07)
    lift, deep = rng.uniform(0.08, 0.18), rng.uniform(0.12, 0.25)
    screen = (
        join(box(x, y, thick), box(x * 0.4, y * 0.4, 0.03).moved(z=-thick / 2 - 0.01))
        .turned("x", rng.uniform(-12, 3))
        .moved(y=lift + y / 2)
    )
    post = rod(
        (0, 0.01, -0.03),
        (0, lift + y * 0.4, -thick / 2 - 0.01),
        rng.uniform(0.02, 0.05),
        rng.uniform(0.03, 0.1),
    )
    round_ = rng.random() < 0.4
    foot = (
        revolve([(0, 0), (1, 0), (0.95, 1), (0, 1)]).scaled(deep / 2 * 1.2, 0.015, deep / 2)
        if round_
        else _slab(rng, rng.uniform(0.18, 0.32), 0.015, deep)
    )
    return join(screen, post, foot)


def television(rng: Rng) -> Solid:
    x = rng.uniform(0.6, 1.4)
    y, thick = x * rng.uniform(0.54, 0.62), rng.uniform(0.03, 0.1)
    panel = box(x, y, thick).moved(y=y / 2 + 0.06)
    if rng.random() < 0.5:
        feet = [rod((s * x * 0.35, 0, -0.12), (s * x * 0.35, 0.07, 0), 0.02) for s in (-1, 1)]
        feet += [rod((s * x * 0.35, 0, 0.12), (s * x * 0.35, 0.07, 0), 0.02) for s in (-1, 1)]
    else:
        feet = [_slab(rng, x * rng.uniform(0.3, 0.5), 0.02, 0.25), box(0.12, 0.1, 0.03).moved(y=0.04)]
    return join(panel, *feet)


def mobile_phone(rng: Rng) -> Solid:
    made = _slab(rng, rng.uniform(0.06, 0.08), rng.uniform(0.007, 0.012), rng.uniform(0.12, 0.17))
    return _flat_or_leaning(rng, join(made, box(0.02, 0.003, 0.02).moved(-0.02, 0.005, -0.05)))


def tablet(rng: Rng) -> Solid:
    return _flat_or_leaning(rng, _slab(rng, rng.uniform(0.13, 0.2), 0.008, rng.uniform(0.19, 0.28), 0.15))


def keyboard(rng: Rng) -> Solid:
    x, z, rows = rng.uniform(0.28, 0.47), rng.uniform(0.11, 0.17), int(rng.integers(5, 7))
    made = [_slab(rng, x, 0.015, z)]
    for r in range(rows):
        count = 14 if x < 0.35 else 18
        made += [
            box(x * 0.92 / count * 0.8, 0.008, z * 0.8 / rows * 0.8).moved(
                x * 0.92 * ((k + 0.5) / count - 0.5), 0.01, z * 0.85 * ((r + 0.5) / rows - 0.5)
            )
            for k in range(count)
        ]
    return join(*made).turned("x", rng.uniform(0, 7))


def mouse(rng: Rng) -> Solid:
    side = rounded([(0, 0), (1, 0), (1, 0.3), (0.8, 0.8), (0, 1)], 3)
    made = revolve(side, rng.uniform(0.7, 1.0)).scaled(
        rng.uniform(0.045, 0.06), rng.uniform(0.028, 0.04), rng.uniform(0.027, 0.035)
    )
    return join(made, rod((-0.03, 0.022, 0), (-0.015, 0.03, 0), 0.01, 0.005))


def remote_control(rng: Rng) -> Solid:
    length, width = rng.uniform(0.13, 0.24), rng.uniform(0.035, 0.055)
    made = [_slab(rng, width, rng.uniform(0.012, 0.025), length, 0.4)]
    made += [
        superellipsoid((0.009, 0.005, 0.007), segments=8).moved(
            width * (c - 1) * 0.28, 0.01, length * 0.8 * (r / 9 - 0.5)
        )
        for r in range(9)
        for c in range(3)
    ]
    return join(*made)


def telephone(rng: Rng) -> Solid:
    base = superellipsoid((rng.uniform(0.15, 0.2), 0.05, 0.2), 0.4, 0.3).turned("x", 12)
    line = rounded([(-0.09, 0.02, 0), (-0.07, 0.06, 0), (0.07, 0.06, 0), (0.09, 0.02, 0)], 2)
    handset = tube(line, 0.03, 0.045).turned("y", 90).moved(x=-0.05, y=0.02)
    keys = [
        box(0.012, 0.008, 0.012).moved(0.025 + 0.02 * c, 0.03, 0.02 * r - 0.03)
        for r in range(4)
        for c in range(3)
    ]
    return join(base, handset, *keys)


def speaker(rng: Rng) -> Solid:
    x = rng.uniform(0.1, 0.3)
    y, z = x * rng.uniform(1.3, 3.2), x * rng.uniform(0.8, 1.3)
    cones = [
        torus(x * r, 0.012).turned("x", 90).moved(y=y * h, z=z / 2) for r, h in ((0.35, -0.2), (0.2, 0.25))
    ]
    return join(box(x, y, z), *cones)


def camera(rng: Rng) -> Solid:
    x, y = rng.uniform(0.1, 0.15), rng.uniform(0.06, 0.1)
    lens = rod((0, 0, 0), (0, 0, rng.uniform(0.04, 0.12)), [0.06, rng.uniform(0.05, 0.07)])
    top = superellipsoid((x * 0.35, 0.035, 0.05), 0.4, 0.4).moved(y=y / 2 + 0.008)
    return join(
        superellipsoid((x, y, rng.uniform(0.04, 0.07)), 0.2, 0.2),
        lens,
        top,
        rod((x * 0.35, y / 2, 0), (x * 0.35, y / 2 + 0.012, 0), 0.015),
    )


def headphones(rng: Rng) -> Solid:
    radius = rng.uniform(0.075, 0.09)
    band = torus(radius, rng.uniform(0.008, 0.02), 180, height=rng.uniform(0.015, 0.03)).turned("x", -90)
    cups = [superellipsoid((0.035, 0.08, 0.07), 0.7, 0.8).moved(x=s * radius, y=-0.02) for s in (-1, 1)]
    made = join(band, *cups)
    return made.turned("x", 90) if rng.random() < 0.4 else made


def printer(rng: Rng) -> Solid:
    x, y, z = rng.uniform(0.38, 0.48), rng.uniform(0.15, 0.32), rng.uniform(0.3, 0.42)
    out = box(x * 0.6, 0.01, 0.15).moved(y=-y * 0.25, z=z / 2 + 0.06)
    feed = box(x * 0.6, 0.16, 0.01).turned("x", -25).moved(y=y / 2 + 0.05, z=-z / 2 + 0.03)
    return join(
        superellipsoid((x, y, z), 0.1, 0.1),
        out,
        *([feed] if rng.random() < 0.6 else []),
        box(x * 0.7, 0.02, z * 0.7).moved(y=y / 2),
    )


def clock(rng: Rng) -> Solid:
    radius, thick = rng.uniform(0.05, 0.18), rng.uniform(0.02, 0.05)
    face = (
        revolve([(0, 0), (1, 0), (1, 1), (0.93, 1), (0.9, 0.7), (0, 0.7)])
        .scaled(radius, thick, radius)
        .turned("x", 90)
    )
    hands = [
        rod((0, 0, thick * 0.9), (radius * r * np.sin(a), radius * r * np.cos(a), thick * 0.9), 0.01, 0.004)
        for r, a in zip((0.5, 0.75), rng.uniform(0, 6.28, 2), strict=True)
    ]
    made = join(face, *hands)
    if rng.random() < 0.4:  # an alarm clock
        made = join(
            made,
            *(
                rod((s * radius * 0.6, -radius * 0.8, 0), (s * radius * 0.8, -radius * 1.2, 0), 0.02)
                for s in (-1, 1)
            ),
            *(
                superellipsoid((radius * 0.6, radius * 0.35, radius * 0.4))
                .turned("z", -s * 35)
                .moved(s * radius * 0.55, radius * 0.95)
                for s in (-1, 1)
            ),
        )
    return made


def lamp(rng: Rng) -> Solid:
    if rng.random() < 0.25:  # a jointed desk lamp
        a, b, c = (
            (0.0, 0.02, 0.0),
            (-rng.uniform(0.05, 0.2), 0.3, 0),
            (rng.uniform(0.05, 0.25), rng.uniform(0.38, 0.5), 0),
        )
        shade = (
            revolve([(0.02, 0.1), (0.03, 0.08), (0.08, 0), (0.075, 0), (0.025, 0.075)])
            .turned("z", rng.uniform(0, 40))
            .moved(*(np.array(c) - [0, 0.08, 0]))
        )
        return join(
            revolve([(0, 0), (0.09, 0), (0.08, 0.02), (0, 0.025)]), rod(a, b, 0.014), rod(b, c, 0.014), shade
        )
    floor = rng.random() < 0.35
    height, top = (
        (rng.uniform(1.2, 1.7), rng.uniform(0.25, 0.4))
        if floor
        else (rng.uniform(0.25, 0.5), rng.uniform(0.15, 0.25))
    )
    wide = rng.uniform(0.12, 0.22)
    foot = rng.uniform(0.06, 0.14)
    body = 0.012 if floor or rng.random() < 0.3 else foot * rng.uniform(0.5, 1.0)
    stem = rounded(
        [
            (foot, 0),
            (foot, 0.02),
            (body, 0.05),
            (body * rng.uniform(0.5, 1.2), height * 0.5),
            (0.012, height),
        ],
        2,
    )
    base = revolve(np.concatenate([[(0, 0)], stem]))
    upper = wide * rng.uniform(0.4, 1.0)
    shade = revolve(
        [(wide, 0), (upper, top), (upper * 0.97, top), (wide * 0.97, 0)], rng.choice((1.0, 1.0, 0.3))
    ).moved(y=height - 0.02)
    return join(base, shade)


def ceiling_lamp(rng: Rng) -> Solid:
    if rng.random() < 0.35:
        arms, reach = int(rng.integers(3, 9)), rng.uniform(0.2, 0.4)
        parts = [rod((0, 0, 0), (0, 0.5, 0), [0.05, 0.08, 0.02])]
        for k in range(arms):
            line = rounded([(0, 0.1, 0), (reach * 0.6, -0.05, 0), (reach, 0.08, 0)], 2)
            parts.append(
                join(
                    tube(line, 0.012),
                    revolve([(0.02, 0), (0.05, 0.08), (0.045, 0.08), (0.015, 0)]).moved(reach, 0.08),
                ).turned("y", 360 * k / arms)
            )
        return join(*parts)
    radius, height, drop = rng.uniform(0.12, 0.3), rng.uniform(0.1, 0.3), rng.uniform(0.2, 0.8)
    outer = rounded([(0.03, height), (radius * rng.uniform(0.3, 1.0), height * 0.9), (radius, 0)], 2)
    shade = revolve(np.concatenate([outer, outer[::-1] * [0.96, 1]]))
    return join(
        shade,
        rod((0, height, 0), (0, height + drop, 0), 0.008),
        revolve([(0, 0), (0.05, 0.03), (0.06, 0.05), (0, 0.05)]).moved(y=height + drop),
    )


def microwave(rng: Rng) -> Solid:
    x, y, z = rng.uniform(0.42, 0.55), rng.uniform(0.25, 0.33), rng.uniform(0.3, 0.42)
    door = box(x * 0.72, y * 0.92, 0.02).moved(x=-x * 0.12, z=z / 2 + 0.005)
    return join(
        box(x, y, z),
        door,
        rod((x * 0.22, -y * 0.35, z / 2 + 0.04), (x * 0.22, y * 0.35, z / 2 + 0.04), 0.018),
        rod((x * 0.37, -y * 0.2, z / 2), (x * 0.37, -y * 0.2, z / 2 + 0.025), 0.05),
    )


def toaster(rng: Rng) -> Solid:
    x, y, z = rng.uniform(0.25, 0.38), rng.uniform(0.17, 0.22), rng.uniform(0.14, 0.2)
    walls = [
        superellipsoid((x, y, w), 0.3, 0.2).moved(z=at * z)
        for w, at in ((z * 0.25, -0.38), (z * 0.2, 0.0), (z * 0.25, 0.38))
    ]
    return join(
        *walls,
        box(x * 0.98, y * 0.75, z * 0.95).moved(y=-y * 0.12),
        box(0.02, 0.02, 0.04).moved(x=x / 2 + 0.01, y=y * 0.1),
    )


def coffee_maker(rng: Rng) -> Solid:
    high = rng.uniform(0.28, 0.38)
    jug = join(
        revolve(rounded([(0, 0), (0.065, 0), (0.075, 0.06), (0.05, 0.13), (0, 0.13)], 2)),
        tube(rounded([(0, 0.03, 0.07), (0, 0.03, 0.12), (0, 0.12, 0.12), (0, 0.12, 0.06)], 2), 0.014),
    ).moved(y=0.03, z=0.03)
    return join(
        box(0.19, 0.03, 0.24),
        box(0.18, high, 0.08).moved(y=high / 2, z=-0.08),
        box(0.19, 0.1, 0.22).moved(y=high - 0.05),
        jug,
    )


def blender(rng: Rng) -> Solid:
    base = revolve([(0, 0), (0.09, 0), (0.08, 0.1), (0.055, 0.14), (0, 0.14)], rng.choice((1.0, 0.4)))
    jug = revolve([(0.05, 0.14), (0.075, 0.33), (0.08, 0.34), (0.05, 0.36), (0, 0.37)])
    return join(
        base,
        jug,
        tube(rounded([(0.06, 0.18, 0), (0.13, 0.2, 0), (0.13, 0.31, 0), (0.07, 0.32, 0)], 2), 0.018),
    )


def refrigerator(rng: Rng) -> Solid:
    x, y, z = rng.uniform(0.55, 0.95), rng.uniform(0.85, 1.9), rng.uniform(0.55, 0.75)
    split = rng.uniform(0.3, 0.75)
    doors = [
        superellipsoid((x, y * share - 0.01, 0.05), 0.1, 0.1).moved(y=y * (start + share / 2), z=z / 2 + 0.02)
        for start, share in ((0, split), (split, 1 - split))
    ]
    handles = [
        rod((-x * 0.4, y * a, z / 2 + 0.07), (-x * 0.4, y * b, z / 2 + 0.07), 0.025)
        for a, b in ((split * 0.6, split * 0.95), (split + 0.03, split + 0.2))
    ]
    return join(box(x, y, z).moved(y=y / 2), *doors, *handles)


SHAPES = {
    "laptop": laptop,
    "monitor": monitor,
    "television": television,
    "mobile phone": mobile_phone,
    "tablet computer": tablet,
    "computer keyboard": keyboard,
    "computer mouse": mouse,
    "telephone": telephone,
    "remote control": remote_control,
    "speaker": speaker,
    "camera": camera,
    "headphones": headphones,
    "printer": printer,
    "clock": clock,
    "lamp": lamp,
    "ceiling lamp": ceiling_lamp,
    "refrigerator": refrigerator,
    "microwave oven": microwave,
    "toaster": toaster,
    "coffee maker": coffee_maker,
    "blender": blender,
}
