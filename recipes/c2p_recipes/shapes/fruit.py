"""Fruit and vegetables. Sizes in metres; soft bumps make each its own."""

from __future__ import annotations

import numpy as np

from c2p_recipes.shapes.solids import Rng, Solid, extrude, join, revolve, rod, rounded, superellipsoid, tube


def _round_fruit(
    rng: Rng, low: float, high: float, flat: tuple[float, float], dent: float, lumps: float
) -> Solid:
    """A ball with a dent at the stalk; flat: range of height over width."""
    size, ratio = rng.uniform(low, high), rng.uniform(*flat)
    angle = np.linspace(-np.pi / 2, np.pi / 2, 24)
    height = np.sin(angle) * (1 - dent * np.exp(-((np.cos(angle) / 0.35) ** 2)))
    return revolve(np.stack([np.cos(angle), height * ratio], 1) * size / 2).lumpy(rng, lumps)


def lying(rng: Rng, made: Solid, chance: float = 0.5) -> Solid:
    """Fruit rolls: some of it lies on its side."""
    if rng.random() < chance:
        return made.turned("x", rng.uniform(50, 130)).turned("y", rng.uniform(0, 360))
    return made


def _stalk(y: float, length: float, width: float, rng: Rng) -> Solid:
    return rod((0, y, 0), (rng.normal(0, 0.3) * length, y + length, 0), width)


def apple(rng: Rng) -> Solid:
    made = _round_fruit(rng, 0.06, 0.09, (0.85, 1.0), rng.uniform(0.15, 0.35), 0.01)
    if rng.random() < 0.5:
        made = join(made, _stalk(0.015, 0.03, 0.003, rng))
    return lying(rng, made)


def orange(rng: Rng) -> Solid:
    return _round_fruit(rng, 0.06, 0.1, (0.93, 1.03), rng.uniform(0.0, 0.04), 0.004)


def tomato(rng: Rng) -> Solid:
    made = _round_fruit(rng, 0.05, 0.09, (0.7, 0.9), rng.uniform(0.1, 0.25), 0.012)
    leaves = [
        tube([(0, 0.024, 0), (np.cos(a) * 0.025, 0.027, np.sin(a) * 0.025)], [0.006, 0.002], 0.002)
        for a in np.arange(5) * 1.26
    ]
    return lying(rng, join(made, *leaves), 0.3)


def lemon(rng: Rng) -> Solid:
    length, width = rng.uniform(0.065, 0.1), rng.uniform(0.05, 0.065)
    side = rounded([(0.0, -1), (0.18, -0.92), (0.8, -0.6), (1.0, 0), (0.8, 0.6), (0.18, 0.92), (0, 1)], 3)
    return lying(rng, revolve(side * [width / 2, length / 2]).lumpy(rng, 0.008), 0.9)


def pear(rng: Rng) -> Solid:
    width, height = rng.uniform(0.06, 0.085), rng.uniform(0.09, 0.13)
    neck = rng.uniform(0.35, 0.6)
    side = rounded([(0, 0), (0.7, 0), (1.0, 0.25), (0.85, 0.5), (neck, 0.75), (neck * 0.8, 0.95), (0, 1)], 3)
    return lying(
        rng,
        join(revolve(side * [width / 2, height]).lumpy(rng, 0.01), _stalk(height * 0.97, 0.025, 0.003, rng)),
        0.4,
    )


def banana(rng: Rng) -> Solid:
    length, width = rng.uniform(0.15, 0.23), rng.uniform(0.03, 0.042)
    x = np.linspace(-length / 2, length / 2, 17)
    widths = width * np.interp(
        np.linspace(0, 1, 17), [0, 0.05, 0.15, 0.5, 0.85, 0.95, 1], [0.25, 0.3, 0.75, 1, 0.85, 0.4, 0.2]
    )
    one = tube(np.stack([x, 0 * x, 0 * x], 1), widths, segments=int(rng.choice((5, 6, 12)))).bent(
        rng.uniform(45, 100)
    )
    many = [
        one.turned("x", a).moved(z=0.3 * width * k)
        for k, a in enumerate(np.arange(int(rng.choice((1, 1, 1, 2, 4)))) * 14.0)
    ]
    return join(*many).turned("x", rng.choice((90, -90, 0)))


def strawberry(rng: Rng) -> Solid:
    width = rng.uniform(0.025, 0.045)
    side = (
        rounded([(0, 0), (0.35, 0.05), (0.85, 0.6), (1.0, 0.9), (0.5, 1.15), (0, 1.15)], 3)
        * width
        / 2
        * [1, rng.uniform(1.8, 2.4)]
    )
    leaves = [
        tube([(0, 1.12, 0), (0.9 * np.cos(a), 1.2, 0.9 * np.sin(a))], [0.3, 0.05], 0.06).scaled(
            width / 2, width, width / 2
        )
        for a in np.arange(6) * 1.05
    ]
    return lying(rng, join(revolve(side).lumpy(rng, 0.015), *leaves), 0.7)


def grape(rng: Rng) -> Solid:
    length, berry = rng.uniform(0.1, 0.18), rng.uniform(0.016, 0.024)
    made = []
    for _ in range(int(rng.integers(22, 45))):
        t = rng.random() ** 0.7
        radius, angle = (1 - t) * 0.4 * length * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
        centre = (radius * np.cos(angle), -t * length, radius * np.sin(angle))
        made.append(superellipsoid((berry, berry * 1.1, berry), segments=10).moved(*centre))
    return lying(rng, join(*made), 0.8)


def watermelon(rng: Rng) -> Solid:
    if rng.random() < 0.3:  # a slice
        angle = np.linspace(0, np.pi, 19)
        outline = np.stack([np.cos(angle), -np.sin(angle)], 1) * rng.uniform(0.1, 0.16)
        return extrude(outline, rng.uniform(0.02, 0.04))
    width = rng.uniform(0.18, 0.3)
    return superellipsoid((width * rng.uniform(1.0, 1.6), width, width)).lumpy(rng, 0.006)


def pumpkin(rng: Rng) -> Solid:
    width, ribs, depth = rng.uniform(0.15, 0.4), int(rng.integers(7, 13)), rng.uniform(0.05, 0.12)
    angle = np.linspace(0.05, np.pi - 0.05, 20)
    made = revolve(np.stack([np.sin(angle), -np.cos(angle) * rng.uniform(0.55, 0.9)], 1), segments=72)
    around = np.arctan2(made.vertices[:, 2], made.vertices[:, 0])
    swell = (1 - depth + depth * np.abs(np.cos(ribs * around / 2)))[:, None]
    made = Solid(made.vertices * swell * width / 2, made.faces)
    return join(made, _stalk(width * 0.25, width * 0.25, width * 0.1, rng))


def carrot(rng: Rng) -> Solid:
    length, width = rng.uniform(0.12, 0.22), rng.uniform(0.022, 0.04)
    x = np.linspace(0, length, 9)
    root = tube(
        np.stack([x, 0 * x, 0 * x], 1),
        width * np.interp(x / length, [0, 0.1, 1], [0.7, 1, rng.uniform(0.1, 0.5)]),
    )
    made = [root.bent(rng.uniform(-25, 25)).lumpy(rng, 0.01)]
    if rng.random() < 0.6:
        made += [
            rod(
                (0, 0, 0),
                (-rng.uniform(0.05, 0.14), rng.normal(0, 0.02), rng.normal(0, 0.02)),
                [0.004, 0.012],
                0.004,
            )
            for _ in range(6)
        ]
    return join(*made)


def cucumber_like(rng: Rng, ratio: float, bulge: float) -> Solid:
    length = rng.uniform(0.13, 0.24)
    x = np.linspace(0, length, 15)
    shape = np.interp(x / length, [0, 0.08, 0.4, 0.75, 0.95, 1], [0.15, 0.6, 0.8, bulge, 0.6, 0.1])
    return (
        tube(np.stack([x, 0 * x, 0 * x], 1), length * ratio * shape, segments=16)
        .bent(rng.uniform(-40, 40))
        .lumpy(rng, 0.008)
    )


def eggplant(rng: Rng) -> Solid:
    made = cucumber_like(rng, rng.uniform(0.35, 0.5), 1.1)
    return lying(rng, join(made, rod((0.01, 0, 0), (-0.03, 0.005, 0), [0.02, 0.008])), 0.4)


def corn(rng: Rng) -> Solid:
    made = cucumber_like(rng, rng.uniform(0.2, 0.3), 0.8)
    leaves = [
        tube(rounded([(0.16, 0, 0), (0.1, 0.03, 0), (0, 0.045, 0)]), 0.03, 0.004).turned("x", a)
        for a in rng.uniform(0, 360, 4)
    ]
    return join(made, *leaves) if rng.random() < 0.5 else made


def avocado(rng: Rng) -> Solid:
    return lying(
        rng,
        revolve(
            rounded([(0, 0), (0.8, 0.05), (1, 0.35), (0.7, 0.75), (0.35, 0.97), (0, 1)], 3)
            * [rng.uniform(0.03, 0.04), rng.uniform(0.09, 0.13)]
        ),
        0.8,
    )


def bell_pepper(rng: Rng) -> Solid:
    made = _round_fruit(rng, 0.07, 0.095, (0.95, 1.3), 0.3, 0.035)
    return lying(rng, join(made, _stalk(0.03, 0.03, 0.01, rng)), 0.5)


def mushroom(rng: Rng) -> Solid:
    cap, stem, height = rng.uniform(0.03, 0.09), rng.uniform(0.25, 0.5), rng.uniform(0.7, 1.4)
    side = [(0, 0), (stem, 0), (stem * 0.8, height * 0.6), (0.95, height * 0.6), (1.0, height * 0.68)]
    return revolve(
        np.concatenate([side, rounded([(1.0, height * 0.7), (0.8, height), (0, height * 1.08)], 3)])
        * cap
        / 2
        * [1, 2]
    ).lumpy(rng, 0.01)


def broccoli(rng: Rng) -> Solid:
    size = rng.uniform(0.06, 0.15)
    balls = []
    for _ in range(int(rng.integers(12, 24))):
        angle, up = rng.uniform(0, 2 * np.pi), rng.uniform(0.0, 1.0)
        reach = 0.42 * np.sqrt(1 - up**2 * 0.9)
        balls.append(
            superellipsoid((0.3, 0.26, 0.3), segments=10).moved(
                reach * np.cos(angle), 0.45 + 0.35 * up, reach * np.sin(angle)
            )
        )
    stem = rod((0, 0, 0), (0, 0.5, 0), [0.24, 0.2, 0.5])
    return join(stem, *balls).scaled(size, size, size).lumpy(rng, 0.01)


def lettuce(rng: Rng) -> Solid:
    size = rng.uniform(0.14, 0.22)
    leaves = [
        superellipsoid((0.7, 0.75, 0.06), 0.9, 0.9, 16)
        .lumpy(rng, 0.06)
        .turned("x", -rng.uniform(5, 45))
        .moved(y=0.3, z=0.18)
        .turned("y", a)
        for a in rng.uniform(0, 360, 10)
    ]
    return join(superellipsoid((0.7, 0.75, 0.7)).moved(y=0.36).lumpy(rng, 0.04), *leaves).scaled(
        size, size, size
    )


def egg(rng: Rng) -> Solid:
    side = rounded([(0, 0), (0.75, 0.02), (1, 0.4), (0.75, 0.8), (0.3, 1), (0, 1)], 3)
    return lying(rng, revolve(side * [0.022, 0.058] * rng.uniform(0.9, 1.15)), 0.7)


SHAPES = {
    "apple": apple,
    "orange": orange,
    "tomato": tomato,
    "lemon": lemon,
    "pear": pear,
    "banana": banana,
    "strawberry": strawberry,
    "grape": grape,
    "watermelon": watermelon,
    "pumpkin": pumpkin,
    "carrot": carrot,
    "eggplant": eggplant,
    "corn": corn,
    "avocado": avocado,
    "bell pepper": bell_pepper,
    "mushroom": mushroom,
    "broccoli": broccoli,
    "lettuce": lettuce,
    "egg": egg,
}
