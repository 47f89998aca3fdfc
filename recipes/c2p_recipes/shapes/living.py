"""Animals, and parts of people. Their length is about 1."""

from __future__ import annotations

import numpy as np

from c2p_recipes.shapes.solids import Rng, Solid, extrude, join, rod, rounded, superellipsoid, tube


def hand(rng: Rng) -> Solid:
    palm = superellipsoid((0.085, 0.1, 0.03), 0.6, 0.5)
    parts = [palm, rod((0, -0.04, 0), (0, -0.12, 0), [0.055, 0.06], [0.04, 0.05])]
    curl = rng.choice((rng.uniform(0, 0.3), rng.uniform(0.6, 1.4)))
    for k, length in enumerate((0.07, 0.08, 0.075, 0.055)):
        bend = curl * rng.uniform(0.6, 1.3)
        start = np.array([-0.032 + 0.021 * k, 0.045, 0])
        points = [start]
        for joint in range(3):
            a = bend * (joint + 0.5)
            points.append(points[-1] + length / 3 * np.array([(k - 1.5) * 0.08, np.cos(a), np.sin(a)]))
        parts.append(tube(np.array(points), [0.018, 0.017, 0.016, 0.012]))
    parts.append(tube(rounded([(-0.035, -0.03, 0), (-0.065, 0.01, 0.01), (-0.07, 0.045, 0.02)]), 0.02))
    return (
        join(*parts)
        .scaled(rng.choice((-1.0, 1.0)), 1, 1)
        .turned("x", rng.choice((0.0, 0.0, 90.0, -90.0, 180.0)))
    )


def head(rng: Rng) -> Solid:
    skull = superellipsoid((0.15, 0.2, 0.19)).moved(y=0.03)
    face = superellipsoid((0.12, 0.17, 0.13), 0.8).moved(y=-0.02, z=0.03)
    nose = tube(
        [(0, 0.03, 0.085), (0, -0.015, rng.uniform(0.105, 0.125)), (0, -0.02, 0.09)], [0.015, 0.03, 0.02]
    )
    ears = [superellipsoid((0.015, 0.06, 0.035)).moved(x=s * 0.078, y=0.0) for s in (-1, 1)]
    parts = [skull, face, nose, *ears, rod((0, -0.06, -0.02), (0, -0.17, -0.03), [0.11, 0.12])]
    if rng.random() < 0.4:
        parts.append(superellipsoid((0.4, 0.1, 0.2), 0.8, 0.8).moved(y=-0.2, z=-0.02))
    if rng.random() < 0.5:
        parts.append(superellipsoid((0.18, 0.17, 0.2)).moved(y=0.07, z=-0.025).lumpy(rng, 0.04))
    return join(*parts)


def insect(rng: Rng) -> Solid:
    parts = [
        superellipsoid((0.3, 0.2, 0.22)).moved(x=0.3),
        superellipsoid((0.25, 0.2, 0.2)),
        superellipsoid((0.45, rng.uniform(0.2, 0.3), rng.uniform(0.22, 0.35))).moved(x=-0.35),
    ]
    for s in (-1, 1):
        parts += [
            tube([(x, 0, s * 0.08), (x * 2.2, 0.15, s * 0.3), (x * 3.5, -0.2, s * 0.45)], 0.025)
            for x in (0.08, 0.0, -0.08)
        ]
        if rng.random() < 0.5:
            parts.append(
                superellipsoid((0.5, 0.012, 0.2))
                .turned("y", s * rng.uniform(20, 70))
                .moved(-0.2, 0.14, s * 0.22)
            )
        parts.append(rod((0.4, 0.05, s * 0.05), (0.6, 0.18, s * 0.12), 0.015))
    return join(*parts)


def spider(rng: Rng) -> Solid:
    reach, rise = rng.uniform(0.5, 0.8), rng.uniform(0.15, 0.35)
    legs = [
        tube(
            [(0.05 * k, 0, s * 0.1), (0.18 * k, rise, s * reach * 0.55), (0.28 * k, -0.15, s * reach)],
            [0.035, 0.03, 0.012],
        )
        for s in (-1, 1)
        for k in (-1.5, -0.5, 0.5, 1.5)
    ]
    return join(
        superellipsoid((0.28, 0.18, 0.24)), superellipsoid((0.45, 0.32, 0.4)).moved(-0.3, 0.05), *legs
    )


def bird(rng: Rng) -> Solid:
    line = np.stack([np.linspace(-0.3, 0.3, 11), np.zeros(11), np.zeros(11)], 1)
    fat = rng.uniform(0.14, 0.28)
    body = tube(line, fat * np.interp(np.linspace(0, 1, 11), [0, 0.15, 0.6, 1], [0.2, 0.6, 1, 0.55])).turned(
        "z", rng.uniform(0, 45)
    )
    neck = rng.uniform(0.0, 0.25)
    skull = (0.33 + neck * 0.4, 0.14 + neck, 0)
    parts = [
        body,
        superellipsoid((0.15, 0.13, 0.13)).moved(*skull),
        rod((0.24, 0.06, 0), skull, 0.1),
        rod(
            (skull[0] + 0.05, skull[1], 0),
            (skull[0] + rng.uniform(0.12, 0.22), skull[1] - 0.01, 0),
            [0.045, 0.01],
        ),
    ]
    parts.append(
        superellipsoid((0.28, 0.015, 0.14), 0.5, 0.7).turned("z", rng.uniform(-20, 10)).moved(-0.38, -0.04)
    )
    if rng.random() < 0.5:  # flying
        span, lift = rng.uniform(0.4, 0.8), rng.uniform(-10, 40)
        for s in (-1, 1):
            outline = [
                (0.15, 0),
                (0.12, s * span * 0.5),
                (-0.05, s * span),
                (-0.12, s * span * 0.5),
                (-0.15, 0),
            ]
            parts.append(extrude(outline, 0.015).turned("x", 90).scaled(1, 1, -1).turned("x", -s * lift))
    else:
        parts += [
            rod((0, -0.08, s * 0.05), (0.02, -rng.uniform(0.2, 0.45), s * 0.06), 0.018) for s in (-1, 1)
        ]
        parts += [superellipsoid((0.36, 0.16, 0.05)).moved(-0.05, 0.02, s * fat * 0.48) for s in (-1, 1)]
    return join(*parts)


def snake(rng: Rng) -> Solid:
    t = np.linspace(0, 1, 60)
    if rng.random() < 0.4:  # coiled
        turns = rng.uniform(1.5, 3)
        line = np.stack(
            [
                (0.3 - 0.12 * t) * np.cos(6.28 * turns * t),
                0.15 * t,
                (0.3 - 0.12 * t) * np.sin(6.28 * turns * t),
            ],
            1,
        )
    else:
        line = np.stack([1.4 * t, 0 * t, rng.uniform(0.08, 0.18) * np.sin(6.28 * rng.uniform(1, 2.5) * t)], 1)
    return tube(
        line, rng.uniform(0.05, 0.09) * np.interp(t, [0, 0.6, 0.93, 0.97, 1], [0.15, 1, 0.8, 1.1, 0.5])
    )


def fish(rng: Rng) -> Solid:
    x, high, flat = np.linspace(0, 1, 17), rng.uniform(0.22, 0.5), rng.uniform(0.3, 0.7)
    shape = np.interp(x, [0, 0.1, 0.35, 0.75, 0.92, 1], [0.15, 0.6, 1, 0.5, 0.2, 0.15])
    body = tube(np.stack([x, 0 * x, 0 * x], 1), high * shape, high * shape * flat)
    body = body if np.ptp(body.vertices[:, 1]) > np.ptp(body.vertices[:, 2]) else body.turned("x", 90)
    tail = extrude([(0.95, 0.0), (1.2, high * 0.5), (1.14, 0), (1.2, -high * 0.5)], 0.015)
    fins = [extrude([(0.3, high * 0.4), (0.65, high * 0.3), (0.55, high * rng.uniform(0.6, 0.85))], 0.015)]
    fins += [
        extrude([(0.28, 0), (0.45, -0.12), (0.42, 0.0)], 0.012)
        .turned("x", s * 55)
        .moved(z=s * high * flat * 0.4)
        for s in (-1, 1)
    ]
    return join(body, tail, *fins)


def _quadruped(
    rng: Rng,
    leg: float,
    neck: tuple[float, float],
    girth: float,
    tail: tuple[float, float],
    muzzle: float,
    ears: float,
) -> Solid:
    """A four-legged animal of body length 1; neck: length and slope; tail: length and slope, in degrees."""
    girth, leg = girth * rng.uniform(0.85, 1.15), leg * rng.uniform(0.85, 1.15)
    line = np.stack([np.linspace(-0.5, 0.5, 9), np.zeros(9), np.zeros(9)], 1)
    trunk = tube(
        line,
        girth * np.array([0.55, 0.85, 0.95, 0.95, 0.95, 1, 1.02, 0.95, 0.7]),
        0.8 * girth * np.array([0.55, 0.85, 0.95, 0.95, 0.95, 1, 1.02, 0.9, 0.6]),
    )
    length, slope = neck[0] * rng.uniform(0.85, 1.15), np.deg2rad(neck[1] + rng.normal(0, 15))
    skull = np.array([0.45 + length * np.cos(slope), 0.1 + length * np.sin(slope), 0])
    parts = [
        trunk,
        rod((0.38, 0.05, 0), skull, [girth * 0.7, girth * 0.4]),
        superellipsoid((0.24, 0.2, 0.18)).moved(*skull),
    ]
    parts.append(rod(skull, skull + np.array([0.1 + muzzle, -0.3 * muzzle - 0.03, 0]), [0.17, 0.09]))
    parts += [
        rod(
            skull + np.array([-0.03, 0.06, s * 0.06]),
            skull + np.array([-0.05, 0.06 + ears, s * 0.09]),
            [0.07, 0.02],
            0.03,
        )
        for s in (-1, 1)
    ]
    for x in (-0.4, 0.38):
        for s in (-1, 1):
            step = rng.normal(0, 0.06)
            knee = (x + step * 0.5 - 0.03, -leg * 0.55, s * girth * 0.3)
            parts.append(
                tube(
                    [(x, 0, s * girth * 0.28), knee, (x + step, -leg - girth * 0.3, s * girth * 0.3)],
                    [0.19, 0.1, 0.09],
                )
            )
    angle = np.deg2rad(tail[1] + rng.normal(0, 20))
    end = (-0.5 - tail[0] * np.cos(angle), 0.05 + tail[0] * np.sin(angle), 0)
    parts.append(rod((-0.48, 0.05, 0), end, [0.07, 0.04]))
    return join(*parts)


def dog(rng: Rng) -> Solid:
    return _quadruped(
        rng,
        rng.uniform(0.25, 0.5),
        (0.28, 50),
        rng.uniform(0.3, 0.42),
        (0.35, 40),
        rng.uniform(0.08, 0.2),
        rng.uniform(0.0, 0.12),
    )


def cat(rng: Rng) -> Solid:
    return _quadruped(rng, 0.32, (0.22, 45), 0.28, (0.7, rng.choice((75, -40))), 0.02, 0.1)


def horse(rng: Rng) -> Solid:
    made = _quadruped(rng, 0.75, (0.55, 55), 0.42, (0.45, -65), 0.28, 0.1)
    return join(made, tube(np.linspace([0.42, 0.28, 0], [0.72, 0.62, 0], 4), 0.1, 0.03))


def cow(rng: Rng) -> Solid:
    made = _quadruped(rng, 0.42, (0.32, 15), 0.55, (0.45, -80), 0.2, 0.0)
    horns = [
        tube(rounded([(0.75, 0.27, s * 0.06), (0.75, 0.33, s * 0.2), (0.8, 0.45, s * 0.22)]), 0.035)
        for s in (-1, 1)
    ]
    return join(made, *horns) if rng.random() < 0.7 else made


def deer(rng: Rng) -> Solid:
    made = _quadruped(rng, 0.7, (0.5, 60), 0.34, (0.1, 30), 0.18, 0.1)
    parts = [made]
    for s in (-1, 1):
        main = np.array([(0.68, 0.6, s * 0.05), (0.62, 0.8, s * 0.18), (0.68, 1.02, s * 0.26)])
        parts.append(tube(main, 0.03))
        parts += [
            rod(
                main[1] + (main[2] - main[1]) * f,
                main[1] + (main[2] - main[1]) * f + [0.13, 0.1, s * 0.03],
                0.02,
            )
            for f in (0.0, 0.5)
        ]
    return join(*parts)


SHAPES = {
    "hand": hand,
    "head": head,
    "insect": insect,
    "spider": spider,
    "bird": bird,
    "snake": snake,
    "fish": fish,
    "dog": dog,
    "cat": cat,
    "horse": horse,
    "cow": cow,
    "deer": deer,
}
