"""Furniture, bathtubs and toilets. Sizes in metres."""

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


def night_stand(rng: Rng) -> Solid:
    x, y, z = rng.uniform(0.35, 0.6), rng.uniform(0.4, 0.7), rng.uniform(0.3, 0.5)
    return _drawers(
        rng, x, y, z, int(rng.integers(1, 4)), 1, rng.choice((0.0, 0.05, 0.2, 0.45)), rng.random() < 0.25
    )


def dresser(rng: Rng) -> Solid:
    x, y, z = rng.uniform(0.7, 1.7), rng.uniform(0.7, 1.2), rng.uniform(0.4, 0.55)
    made = _drawers(
        rng, x, y, z, int(rng.integers(3, 6)), int(rng.integers(1, 4)), rng.choice((0.0, 0.05, 0.15)), False
    )
    if rng.random() < 0.2:  # a mirror on top
        made = join(
            made, box(x * rng.uniform(0.5, 0.8), rng.uniform(0.5, 0.9), 0.04).moved(y=y + 0.3, z=-z * 0.4)
        )
    return made


def _drawers(
    rng: Rng, x: float, y: float, z: float, rows: int, columns: int, legs: float, shelf: bool
) -> Solid:
    """A chest with fronts and knobs; legs: their share of the height; shelf: its lower part is open."""
    low = legs * y
    top = rng.uniform(0.0, 0.03)
    parts = [box(x + 2 * top, 0.025, z + 2 * top).moved(y=y)]
    if shelf:
        parts += [box(0.02, y - low, z).moved(x=s * x / 2, y=(y + low) / 2) for s in (-1, 1)]
        parts += [
            box(x, 0.02, z).moved(y=low + 0.02),
            box(x, (y - low) * 0.35, z).moved(y=y - (y - low) * 0.175),
            box(x, y - low, 0.01).moved(y=(y + low) / 2, z=-z / 2),
        ]
    else:
        parts.append(box(x, y - low, z).moved(y=(y + low) / 2))
        high, wide = (y - low) / rows, x / columns
        proud, knob = rng.uniform(0.0, 0.02), rng.random() < 0.7
        for r in range(rows):
            for c in range(columns):
                at = ((c + 0.5) * wide - x / 2, low + (r + 0.5) * high, z / 2)
                parts.append(box(wide * 0.92, high * 0.88, 0.01 + proud).moved(*at))
                if knob:
                    parts.append(
                        superellipsoid((rng.choice((0.03, 0.12)), 0.03, 0.03), segments=10).moved(
                            at[0], at[1], at[2] + 0.02 + proud
                        )
                    )
    if legs > 0:
        parts += [
            rod(
                (a * (x / 2 - 0.03), 0, b * (z / 2 - 0.03)),
                (a * (x / 2 - 0.03), low + 0.02, b * (z / 2 - 0.03)),
                0.04,
            )
            for a in (-1, 1)
            for b in (-1, 1)
        ]
    return join(*parts)


def desk(rng: Rng) -> Solid:
    x, y, z, thick = (
        rng.uniform(1.0, 1.8),
        rng.uniform(0.7, 0.8),
        rng.uniform(0.5, 0.85),
        rng.uniform(0.02, 0.05),
    )
    parts = [box(x, thick, z).moved(y=y)]
    inset = rng.uniform(0.0, 0.05)
    for s in (-1, 1):
        kind = rng.integers(4)
        at = s * (x / 2 - inset)
        if kind <= 1:  # a pedestal of drawers
            wide = rng.uniform(0.3, 0.45)
            unit = _drawers(
                rng, wide, y - thick, z * 0.92, int(rng.integers(2, 5)), 1, rng.choice((0.0, 0.1)), False
            )
            parts.append(unit.moved(x=at - s * wide / 2))
        elif kind == 2:  # a side panel
            parts.append(box(0.03, y, z * 0.95).moved(x=at - s * 0.02, y=y / 2))
        else:  # legs
            parts += [
                rod((at - s * 0.04, 0, b * (z / 2 - 0.05)), (at - s * 0.04, y, b * (z / 2 - 0.05)), 0.05)
                for b in (-1, 1)
            ]
    if rng.random() < 0.6:  # what keeps knees from being seen
        parts.append(
            box(x * 0.95, y * rng.uniform(0.3, 0.9), 0.02).moved(y=y * 0.6, z=-z * rng.uniform(0.3, 0.48))
        )
    if rng.random() < 0.3:  # a second top, to an L
        long = rng.uniform(0.5, 0.9)
        parts += [
            box(0.5, thick, long).moved(x / 2 - 0.25, y, z / 2 + long / 2),
            box(0.45, y, 0.03).moved(x / 2 - 0.25, y / 2, z / 2 + long),
        ]
    if rng.random() < 0.3:  # shelves above
        high = rng.uniform(0.3, 0.6)
        parts += [
            box(x, 0.02, 0.25).moved(y=y + high, z=-z / 2 + 0.12),
            box(x, high, 0.02).moved(y=y + high / 2, z=-z / 2),
        ]
        parts += [box(0.02, high, 0.25).moved(s * x / 2, y + high / 2, -z / 2 + 0.12) for s in (-1, 0, 1)]
    elif rng.random() < 0.25:
        parts.append(monitor_on(rng).moved(y=y + 0.02))
    return join(*parts)


def monitor_on(rng: Rng) -> Solid:
    """A screen, as it stands on a desk."""
    wide = rng.uniform(0.4, 0.6)
    return join(
        box(wide, wide * 0.6, 0.03).moved(y=0.1 + wide * 0.3),
        rod((0, 0, -0.03), (0, 0.2, -0.03), 0.05),
        box(0.2, 0.015, 0.18),
    )


def bathtub(rng: Rng) -> Solid:
    x, z, y = rng.uniform(1.4, 1.9), rng.uniform(0.65, 0.95), rng.uniform(0.4, 0.6)
    floor, lip = rng.uniform(0.7, 0.9), rng.uniform(0.86, 0.95)
    square, free = rng.uniform(0.2, 1.0), rng.random() < 0.5
    inner = [(lip, 1.0), (lip * 0.97, 0.8), (floor * lip, 0.25), (floor * lip * 0.9, 0.2), (0, 0.2)]
    outer = [
        (0, 0.0),
        (floor if free else 1.0, 0.0),
        (rng.uniform(0.9, 1.0) if free else 1.0, 0.95),
        (1.0, 1.0),
    ]
    shell = revolve(np.concatenate([outer, inner]), square if free else 0.1, 1.0, 48)
    if not free:  # boxed in: a round tub in a square frame
        shell = join(
            revolve([(0, 0), (1, 0), (1, 1), (lip, 1)], 0.06, 1.0, 48), revolve(inner, square, 1.0, 48)
        )
    made = shell.scaled(x / 2, y, z / 2)
    parts = [made]
    if free and rng.random() < 0.5:  # on feet
        parts += [
            rod((a * x * 0.3, -0.12, b * z * 0.3), (a * x * 0.28, 0.05, b * z * 0.28), 0.06)
            for a in (-1, 1)
            for b in (-1, 1)
        ]
    if rng.random() < 0.5:
        parts.append(
            tube(rounded([(x * 0.46, y, 0), (x * 0.46, y + 0.15, 0), (x * 0.36, y + 0.13, 0)]), 0.03)
        )
    return join(*parts)


def toilet(rng: Rng) -> Solid:
    seat, length, width = rng.uniform(0.38, 0.46), rng.uniform(0.42, 0.55), rng.uniform(0.33, 0.4)
    rim = [(1.0, seat), (0.7, seat), (0.6, seat - 0.12), (0.2, seat - 0.2), (0, seat - 0.2)]
    outer = rounded(
        [(rng.uniform(0.5, 0.8), 0), (rng.uniform(0.45, 0.7), seat * 0.35), (0.9, seat * 0.8), (1.0, seat)], 2
    )
    bowl = (
        revolve(np.concatenate([[(0, 0)], outer, rim]), rng.uniform(0.8, 1.0))
        .scaled(width / 2, 1, length / 2)
        .moved(z=0.1)
    )
    parts = [
        bowl,
        torus(0.85, 0.28, height=0.05).scaled(width / 2, 1, length / 2).moved(y=seat + 0.015, z=0.1),
    ]
    back = -length / 2 + 0.1
    if rng.random() < 0.8:
        high = rng.uniform(0.25, 0.4)
        parts.append(
            superellipsoid((rng.uniform(0.36, 0.5), high, rng.uniform(0.16, 0.22)), 0.15, 0.15).moved(
                y=seat + high / 2, z=back - 0.05
            )
        )
        parts.append(box(width * 0.7, seat, 0.2).moved(y=seat / 2, z=back))
    if rng.random() < 0.4:  # the lid is up
        parts.append(
            superellipsoid((width, length * 0.9, 0.03), 0.5, 0.3)
            .turned("x", rng.uniform(-12, -2))
            .moved(y=seat + length * 0.45, z=back + 0.09)
        )
    elif rng.random() < 0.5:
        parts.append(superellipsoid((width, 0.03, length), 0.3, 0.8).moved(y=seat + 0.05, z=0.1))
    return join(*parts)


def filing_cabinet(rng: Rng) -> Solid:
    return _drawers(
        rng,
        rng.uniform(0.4, 0.5),
        rng.uniform(0.65, 1.4),
        rng.uniform(0.5, 0.7),
        int(rng.integers(2, 5)),
        1,
        0.0,
        False,
    )


SHAPES = {
    "night stand": night_stand,
    "dresser": dresser,
    "desk": desk,
    "bathtub": bathtub,
    "toilet": toilet,
    "filing cabinet": filing_cabinet,
}
