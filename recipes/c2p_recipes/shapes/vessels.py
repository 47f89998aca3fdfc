"""Vessels for food and drink. Sizes in metres."""

from __future__ import annotations

import numpy as np

from c2p_recipes.shapes.solids import Rng, Solid, join, revolve, rod, rounded, superellipsoid, torus, tube


def loop_handle(rng: Rng, x: float, low: float, high: float, reach: float, width: float) -> Solid:
    """A loop at the side of a vessel, from height low to high."""
    path = [(x * 0.97, low, 0), (x + reach, low + rng.uniform(-0.1, 0.2) * (high - low), 0)]
    path += [(x + reach * rng.uniform(0.8, 1.1), high, 0), (x * 0.97, high, 0)]
    return tube(rounded(path, 3), width, width * rng.uniform(0.8, 2.0))


def open_vessel(
    rng: Rng, bottom: float, top: float, height: float, belly: float = 0.0, wall: float = 0.003
) -> Solid:
    """An open round vessel, hollow; belly: how much the middle bulges."""
    middle = (bottom + top) / 2 * (1 + belly)
    outer = [(0, 0), (bottom, 0), (middle, height * rng.uniform(0.4, 0.6)), (top, height)]
    inner = [
        (top - wall, height),
        (max(middle - wall, 0.001), height / 2),
        (max(bottom - wall, 0.001), wall),
        (0, wall),
    ]
    return revolve(np.concatenate([_stepped(outer), _stepped(inner)]))


def _stepped(points: list[tuple[float, float]]) -> np.ndarray:
    return np.concatenate([[points[0]], rounded(points[1:], 2)]) if points[0][0] == 0 else rounded(points, 2)


def bottle(rng: Rng) -> Solid:
    height, radius = rng.uniform(0.12, 0.34), rng.uniform(0.025, 0.055)
    neck, shoulder, end = radius * rng.uniform(0.22, 0.6), rng.uniform(0.45, 0.85), rng.uniform(0.86, 0.95)
    waist = radius * rng.choice((1.0, rng.uniform(0.8, 1.0)))
    profile = [(0, 0), (radius * 0.9, 0), (radius, 0.03), (waist, 0.5 * shoulder), (radius, 0.9 * shoulder)]
    profile += [
        (radius * rng.uniform(0.7, 1.0), shoulder + 0.02),
        (neck, end - rng.uniform(0, 0.12)),
        (neck, end),
    ]
    body = rounded(np.array(profile), int(rng.integers(1, 4)))
    cap = neck * rng.uniform(1.0, 1.5)
    tip = rng.choice((cap, cap, cap * 0.4))
    body = np.concatenate([body, [(cap, end), (tip, 1.0), (0, 1.0)]]) * [1, height]
    square, depth = (1.0, 1.0) if rng.random() < 0.6 else (rng.uniform(0.35, 0.8), rng.uniform(0.45, 0.9))
    solid = revolve(body, square, depth)
    kind = rng.random()
    if kind < 0.15:  # a household cleaner: a loop to carry it by
        solid = join(solid, loop_handle(rng, radius * 0.9, 0.45 * height, 0.8 * height, radius * 0.5, 0.014))
    elif kind < 0.28:  # a spray head
        head = superellipsoid((radius * 1.9, 0.035, radius * 0.7), 0.5, 0.5).moved(
            radius * 0.4, height + 0.012
        )
        lever = rod((radius, height, 0), (radius * 1.3, height - 0.05, 0), 0.008, 0.015)
        solid = join(solid, head, lever)
    elif kind < 0.36:  # a pump
        spout = rod((0, height + 0.04, 0), (radius * 1.2, height + 0.035, 0), 0.012)
        solid = join(solid, rod((0, height, 0), (0, height + 0.045, 0), 0.01), spout)
    return solid


def can(rng: Rng) -> Solid:
    radius = rng.uniform(0.026, 0.05)
    height = radius * (rng.uniform(0.7, 1.6) if rng.random() < 0.3 else rng.uniform(1.9, 4.2))
    rim, inset = radius * rng.uniform(0.8, 1.0), rng.uniform(0.001, 0.005)
    taper = rng.uniform(0.0, 0.12) * height
    side = [(rim, 0), (radius, taper), (radius, height - taper), (rim, height)]
    profile = [(0, inset), (rim * 0.9, inset), *side, (rim * 0.92, height - inset), (0, height - inset)]
    if rng.random() < 0.12:  # meat in a tin with rounded corners
        return revolve(profile, rng.uniform(0.4, 0.7), rng.uniform(0.5, 0.8))
    return revolve(profile)


def jar(rng: Rng) -> Solid:
    radius, height = rng.uniform(0.03, 0.06), rng.uniform(0.07, 0.17)
    neck, lid = radius * rng.uniform(0.7, 0.95), rng.uniform(0.012, 0.025)
    body = rounded(
        [(radius * 0.92, 0), (radius, 0.1 * height), (radius, 0.75 * height), (neck, 0.88 * height)], 2
    )
    top = [(neck * 1.08, 0.9 * height), (neck * 1.08, 0.9 * height + lid), (0, 0.9 * height + lid)]
    return revolve(np.concatenate([[(0, 0)], body, top]), rng.choice((1.0, 1.0, rng.uniform(0.4, 0.8))))


def mug(rng: Rng) -> Solid:
    radius, height = rng.uniform(0.035, 0.05), rng.uniform(0.075, 0.12)
    made = open_vessel(rng, radius * rng.uniform(0.8, 1.05), radius, height, rng.uniform(-0.03, 0.15), 0.004)
    low, high = height * rng.uniform(0.12, 0.3), height * rng.uniform(0.72, 0.9)
    reach, width = rng.uniform(0.022, 0.04), rng.uniform(0.006, 0.011)
    return join(made, loop_handle(rng, radius, low, high, reach, width))


def cup(rng: Rng) -> Solid:
    radius = rng.uniform(0.03, 0.048)
    if rng.random() < 0.4:  # of paper or plastic: a cone, sometimes with a lid
        height = rng.uniform(0.07, 0.15)
        made = open_vessel(rng, radius * rng.uniform(0.6, 0.8), radius, height, 0.0, 0.002)
        if rng.random() < 0.4:
            made = join(
                made,
                revolve([(0, 1), (0.8, 1), (1.05, 0), (1, -0.4)])
                .scaled(radius, 0.012, radius)
                .moved(y=height),
            )
        return made
    height = rng.uniform(0.045, 0.075)
    made = open_vessel(rng, radius * rng.uniform(0.45, 0.7), radius, height, rng.uniform(0.1, 0.25))
    if rng.random() < 0.8:
        made = join(made, loop_handle(rng, radius * 0.92, 0.3 * height, 0.8 * height, 0.02, 0.006))
    if rng.random() < 0.5:
        made = join(made, plate(rng).scaled(0.55, 0.55, 0.55).moved(y=-0.008))
    return made


def glass(rng: Rng) -> Solid:
    radius, height = rng.uniform(0.028, 0.043), rng.uniform(0.08, 0.17)
    return open_vessel(rng, radius * rng.uniform(0.7, 1.0), radius, height, rng.uniform(-0.05, 0.1), 0.002)


def wine_glass(rng: Rng) -> Solid:
    height, foot, bowl_ = rng.uniform(0.14, 0.24), rng.uniform(0.028, 0.04), rng.uniform(0.03, 0.048)
    stem, start = rng.uniform(0.003, 0.006), rng.uniform(0.3, 0.55) * height
    rim = bowl_ * rng.choice((rng.uniform(0.7, 1.0), rng.uniform(1.0, 1.4)))
    outer = rounded(
        [(stem, start), (bowl_ * 0.8, start + 0.1 * height), (bowl_, start + 0.25 * height), (rim, height)], 2
    )
    inner = outer[::-1] * [0.95, 1] + [0, 0.002]
    base = [(0, 0), (foot, 0), (foot, 0.003), (stem, 0.012), (stem, start * 0.95)]
    return revolve(np.concatenate([base, outer, inner[:-1], [(0, start + 0.004)]]))


def bowl(rng: Rng) -> Solid:
    radius = rng.uniform(0.06, 0.15)
    height = radius * rng.uniform(0.35, 0.95)
    foot, lip = radius * rng.uniform(0.3, 0.6), radius * rng.uniform(1.0, 1.08)
    outer = rounded(
        [(foot, 0), (radius * rng.uniform(0.75, 1.0), 0.35 * height), (radius, 0.9 * height), (lip, height)],
        2,
    )
    inner = outer[::-1] * [0.95, 0.95] + [0, 0.05 * height]
    return revolve(
        np.concatenate([[(0, 0)], outer, inner, [(0, 0.05 * height)]]), rng.choice((1.0, 1.0, 1.0, 0.6))
    )


def plate(rng: Rng) -> Solid:
    radius, height = rng.uniform(0.08, 0.15), rng.uniform(0.01, 0.03)
    well = radius * rng.uniform(0.55, 0.75)
    outer = rounded([(well, 0), (well * 1.05, 0.3 * height), (radius, height)], 2)
    inner = outer[::-1] * [0.985, 1.0] + [0, 0.003]
    square = 1.0 if rng.random() < 0.85 else rng.uniform(0.2, 0.5)
    return revolve(
        np.concatenate([[(0, 0)], outer, inner, [(0, 0.003)]]), square, rng.choice((1.0, 1.0, 0.75))
    )


def pot(rng: Rng) -> Solid:
    radius = rng.uniform(0.08, 0.15)
    height = radius * rng.uniform(0.7, 1.5)
    made = open_vessel(rng, radius * rng.uniform(0.85, 1.0), radius, height, 0.02, 0.004)
    for side in (0, 180):
        ear = torus(0.03, 0.01, 180).turned("y", -90).moved(x=radius, y=height * rng.uniform(0.75, 0.9))
        made = join(made, ear.turned("y", side))
    if rng.random() < 0.5:
        lid = revolve([(0, 0.03), (0.012, 0.03), (0.012, 0.012), (radius * 0.6, 0.012), (radius * 1.02, 0)])
        made = join(made, lid.moved(y=height))
    return made


def frying_pan(rng: Rng) -> Solid:
    radius = rng.uniform(0.09, 0.16)
    height = radius * rng.uniform(0.25, 0.7)
    made = open_vessel(rng, radius * rng.uniform(0.75, 0.95), radius, height, 0.02, 0.004)
    length = rng.uniform(0.13, 0.22)
    path = [(radius * 0.95, 0.75 * height, 0), (radius + 0.3 * length, height, 0)]
    path += [(radius + length, height + rng.uniform(0, 0.04), 0)]
    return join(made, tube(rounded(path), np.full(len(rounded(path)), 0.015), rng.uniform(0.02, 0.03)))


def teapot(rng: Rng) -> Solid:
    radius = rng.uniform(0.05, 0.09)
    height = radius * rng.uniform(1.1, 2.0)
    body = rounded([(0.6, 0), (1.0, 0.4), (0.9, 0.75), (0.45, 1.0)], 3) * [radius, height]
    knob = [
        (radius * 0.5, height),
        (radius * 0.3, height * 1.08),
        (0.008, height * 1.1),
        (0.012, height * 1.18),
        (0, height * 1.2),
    ]
    made = revolve(np.concatenate([[(0, 0)], body, knob]))
    spout = [
        (-0.8 * radius, 0.35 * height, 0),
        (-1.4 * radius, 0.55 * height, 0),
        (-1.7 * radius, rng.uniform(0.85, 1.1) * height, 0),
    ]
    line = rounded(spout)
    made = join(made, tube(line, np.linspace(0.035, 0.015, len(line))))
    if rng.random() < 0.25:  # over the lid
        over = rounded(
            [
                (-0.7 * radius, 0.8 * height, 0),
                (-0.6 * radius, 1.7 * height, 0),
                (0.6 * radius, 1.7 * height, 0),
                (0.7 * radius, 0.8 * height, 0),
            ],
            3,
        )
        return join(made, tube(over, 0.01))
    return join(made, loop_handle(rng, radius * 0.85, 0.3 * height, 0.85 * height, radius * 0.7, 0.01))


def kettle(rng: Rng) -> Solid:
    radius, height = rng.uniform(0.07, 0.1), rng.uniform(0.16, 0.25)
    top = radius * rng.uniform(0.6, 0.85)
    body = revolve(
        [
            (0, 0),
            (radius, 0),
            (radius, 0.1 * height),
            (top, 0.95 * height),
            (top * 0.7, height),
            (0, height * 1.02),
        ]
    )
    spout = tube(
        rounded(
            [(-0.85 * radius, 0.7 * height, 0), (-1.3 * radius, 0.9 * height, 0), (-1.35 * radius, height, 0)]
        ),
        0.03,
    )
    made = join(body, spout)
    if rng.random() < 0.4:
        over = rounded(
            [
                (-top, 0.95 * height, 0),
                (-top, 1.45 * height, 0),
                (top, 1.45 * height, 0),
                (top, 0.95 * height, 0),
            ],
            3,
        )
        return join(made, tube(over, 0.015))
    return join(made, loop_handle(rng, (radius + top) / 2, 0.2 * height, 0.95 * height, 0.05, 0.02))


def pitcher(rng: Rng) -> Solid:
    radius, height = rng.uniform(0.05, 0.075), rng.uniform(0.17, 0.28)
    made = open_vessel(rng, radius * rng.uniform(0.7, 1.0), radius, height, rng.uniform(-0.05, 0.15))
    lip = superellipsoid((0.05, 0.03, 0.035)).moved(x=-radius, y=height * 0.97)
    handle = loop_handle(rng, radius * 0.95, rng.uniform(0.15, 0.35) * height, 0.92 * height, 0.05, 0.014)
    if rng.random() < 0.4:
        made = join(made, revolve([(0, 0.015), (radius, 0.012), (radius * 1.03, 0)]).moved(y=height))
    return join(made, lip, handle)


def salt_shaker(rng: Rng) -> Solid:
    radius, height = rng.uniform(0.018, 0.028), rng.uniform(0.06, 0.22 if rng.random() < 0.3 else 0.11)
    waist, top = radius * rng.uniform(0.6, 1.0), radius * rng.uniform(0.7, 1.0)
    side = rounded([(radius, 0), (waist, 0.5 * height), (top, 0.75 * height), (top, 0.85 * height)], 2)
    return revolve(np.concatenate([[(0, 0)], side, [(top * 0.8, 0.95 * height), (0, height)]]))


def vase(rng: Rng) -> Solid:
    height = rng.uniform(0.15, 0.5)
    radii = np.abs(rng.normal(0.26, 0.1, 4)).clip(0.08, 0.5) * height
    heights = np.array([0, 0.33, 0.7, 1.0]) * height
    outer = rounded(np.stack([radii, heights], 1), 3)
    inner = outer[::-1] * [0.93, 1.0] + [0, 0.002]
    return revolve(
        np.concatenate([[(0, 0)], outer, inner, [(0, 0.01)]]), rng.choice((1.0, 1.0, rng.uniform(0.3, 0.7)))
    )


SHAPES = {
    "bottle": bottle,
    "can": can,
    "jar": jar,
    "mug": mug,
    "cup": cup,
    "glass": glass,
    "wine glass": wine_glass,
    "bowl": bowl,
    "plate": plate,
    "pot": pot,
    "frying pan": frying_pan,
    "teapot": teapot,
    "kettle": kettle,
    "pitcher": pitcher,
    "salt shaker": salt_shaker,
    "vase": vase,
}
