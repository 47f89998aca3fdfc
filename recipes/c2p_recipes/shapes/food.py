"""What is baked, cooked or frozen. Sizes in metres; soft bumps make each its own."""

from __future__ import annotations

import numpy as np

from c2p_recipes.shapes.fruit import cucumber_like, lying
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


def bread(rng: Rng) -> Solid:
    kind = rng.random()
    if kind < 0.4:  # a loaf from a tin
        made = superellipsoid(
            (rng.uniform(0.18, 0.3), rng.uniform(0.08, 0.13), rng.uniform(0.09, 0.13)), 0.5, 0.35
        )
    elif kind < 0.6:  # a slice, standing or lying
        made = superellipsoid((0.12, rng.uniform(0.1, 0.13), rng.uniform(0.01, 0.02)), 0.6, 0.15).turned(
            "x", rng.choice((0, 90))
        )
    elif kind < 0.8:  # round
        made = superellipsoid(
            (rng.uniform(0.16, 0.26), rng.uniform(0.07, 0.12), rng.uniform(0.16, 0.24)), 0.8, 1.0
        )
    else:  # a stick
        made = cucumber_like(rng, rng.uniform(0.13, 0.2), 0.9).scaled(2, 2, 2)
    return made.lumpy(rng, 0.02)


def croissant(rng: Rng) -> Solid:
    x = np.linspace(-0.5, 0.5, 25)
    width = (0.36 - 0.9 * x**2) * (1 + 0.1 * np.sin(28 * np.abs(x))) + 0.03
    size = rng.uniform(0.15, 0.22)
    made = tube(np.stack([x, 0 * x, 0 * x], 1), np.maximum(width, 0.04), segments=14).bent(
        rng.uniform(70, 150)
    )
    return made.turned("x", 90).scaled(size, size, size).lumpy(rng, 0.02)


def cake(rng: Rng) -> Solid:
    radius, height = rng.uniform(0.08, 0.15), rng.uniform(0.05, 0.1)
    kind = rng.random()
    if kind < 0.25:  # a piece
        angle = np.linspace(0, np.deg2rad(rng.uniform(30, 60)), 8)
        outline = np.concatenate([[(0, 0)], np.stack([np.cos(angle), np.sin(angle)], 1)]) * radius
        return extrude(outline, height).turned("x", 90)
    made = revolve([(0, 0), (radius, 0), (radius, height), (0, height)])
    if kind < 0.5:  # a second storey
        made = join(
            made,
            revolve([(0, 0), (0.65, 0), (0.65, 1), (0, 1)]).scaled(radius, height, radius).moved(y=height),
        )
    if rng.random() < 0.5:
        ring = np.arange(int(rng.integers(4, 12)))
        made = join(
            made,
            *(
                superellipsoid((0.025, 0.03, 0.025), segments=10).moved(
                    0.75 * radius * np.cos(6.28 * k / len(ring)),
                    height,
                    0.75 * radius * np.sin(6.28 * k / len(ring)),
                )
                for k in ring
            ),
        )
    return join(made, plate_under(radius)) if rng.random() < 0.3 else made


def plate_under(radius: float) -> Solid:
    return revolve([(0, -0.004), (1.2 * radius, 0), (1.2 * radius, 0.004), (0, 0.0)])


def cupcake(rng: Rng) -> Solid:
    low, high, swell = rng.uniform(0.02, 0.026), rng.uniform(0.03, 0.036), rng.uniform(1.05, 1.3)
    side = rounded(
        [
            (high * swell, 0.04),
            (high * swell, 0.055),
            (high * 0.6, 0.065 + rng.uniform(0, 0.02)),
            (0, 0.07 + rng.uniform(0, 0.03)),
        ],
        2,
    )
    return revolve(np.concatenate([[(0, 0), (low, 0), (high, 0.038)], side])).lumpy(rng, 0.01)


def doughnut(rng: Rng) -> Solid:
    return torus(
        rng.uniform(0.026, 0.036), rng.uniform(0.026, 0.038), height=rng.uniform(0.024, 0.034)
    ).lumpy(rng, 0.01)


def cookie(rng: Rng) -> Solid:
    made = superellipsoid((0.07, rng.uniform(0.008, 0.018), 0.07), 0.5)
    chips = [
        superellipsoid((0.01, 0.008, 0.01), segments=8).moved(
            *(rng.uniform(-0.022, 0.022), 0.006, rng.uniform(-0.022, 0.022))
        )
        for _ in range(8)
    ]
    return join(made.lumpy(rng, 0.02), *chips)


def hamburger(rng: Rng) -> Solid:
    width, layers, top = rng.uniform(0.09, 0.12), int(rng.integers(2, 5)), 0.022
    made = [superellipsoid((width, 0.025, width), 0.6).moved(y=0.01)]
    for _ in range(layers):
        thick = rng.uniform(0.006, 0.018)
        made.append(
            superellipsoid((width * rng.uniform(0.95, 1.1), thick, width * rng.uniform(0.95, 1.1)), 0.5)
            .moved(y=top + thick / 2)
            .lumpy(rng, 0.03)
        )
        top += thick
    bun = rounded([(0, 0), (1, 0), (1, 0.25), (0.75, 0.6), (0, 0.75)], 3) * width / 2
    return join(*made, revolve(bun).moved(y=top))


def hot_dog(rng: Rng) -> Solid:
    length = rng.uniform(0.13, 0.2)
    bun = [
        superellipsoid((length, 0.04, 0.035), 0.8, 0.5).turned("x", s * 25).moved(z=s * 0.02) for s in (-1, 1)
    ]
    return join(*bun, superellipsoid((length * rng.uniform(1.0, 1.2), 0.028, 0.028), 0.8, 0.4).moved(y=0.018))


def sausage(rng: Rng) -> Solid:
    x = np.linspace(-0.5, 0.5, 13)
    shape = np.sqrt(np.maximum(1 - np.abs(2 * x) ** 6, 0.01))
    made = tube(np.stack([x, 0 * x, 0 * x], 1), rng.uniform(0.15, 0.3) * shape).bent(rng.uniform(0, 90))
    size = rng.uniform(0.1, 0.2)
    return made.scaled(size, size, size).turned("x", 90)


def pizza(rng: Rng) -> Solid:
    radius, whole = rng.uniform(0.12, 0.18), rng.random() < 0.6
    end = 2 * np.pi if whole else np.deg2rad(rng.uniform(35, 60))
    angle = np.linspace(0, end, 41)
    outline = np.stack([np.cos(angle), np.sin(angle)], 1) * radius
    base = extrude(outline if whole else np.concatenate([[(0, 0)], outline]), 0.01).turned("x", 90)
    crust = torus(radius, rng.uniform(0.015, 0.028), float(np.rad2deg(end)))
    spots = []
    for _ in range(14 if whole else 3):
        a, r = rng.uniform(0.1, 0.9) * end, radius * rng.uniform(0.3, 0.85)
        spots.append(
            superellipsoid((0.03, 0.008, 0.03), segments=8).moved(r * np.cos(a), 0.006, r * np.sin(a))
        )
    return join(base, crust, *spots)


def ice_cream(rng: Rng) -> Solid:
    if rng.random() < 0.3:  # on a stick
        body = superellipsoid((0.055, 0.1, 0.022), 0.4, 0.6).moved(y=0.08)
        return lying(rng, join(body, rod((0, -0.03, 0), (0, 0.05, 0), 0.01, 0.004)), 0.5)
    cone = revolve([(0, 0), (0.005, 0), (0.03, 0.11), (0, 0.11)])
    balls = [
        superellipsoid((0.06, 0.055, 0.06)).moved(y=0.12 + 0.042 * k).lumpy(rng, 0.02)
        for k in range(int(rng.integers(1, 4)))
    ]
    return join(cone, *balls)


def cheese(rng: Rng) -> Solid:
    angle = np.linspace(0, np.deg2rad(rng.uniform(25, 70)), 7)
    outline = np.concatenate([[(0, 0)], np.stack([np.cos(angle), np.sin(angle)], 1)]) * rng.uniform(
        0.08, 0.14
    )
    return extrude(outline, rng.uniform(0.03, 0.07)).turned("x", 90)


def french_fries(rng: Rng) -> Solid:
    holder = box(0.09, 0.09, 0.04).moved(y=0.045)
    sticks = [
        box(0.008, rng.uniform(0.07, 0.1), 0.008)
        .turned("z", rng.normal(0, 8))
        .moved(rng.uniform(-0.035, 0.035), 0.1, rng.uniform(-0.012, 0.012))
        for _ in range(20)
    ]
    return join(holder, *sticks)


SHAPES = {
    "bread": bread,
    "croissant": croissant,
    "cake": cake,
    "cupcake": cupcake,
    "doughnut": doughnut,
    "cookie": cookie,
    "hamburger": hamburger,
    "hot dog": hot_dog,
    "sausage": sausage,
    "pizza": pizza,
    "ice cream": ice_cream,
    "cheese": cheese,
    "french fries": french_fries,
}
