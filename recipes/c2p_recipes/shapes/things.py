"""What lies about: electronics, office and bathroom things, clothes, toys. Sizes in metres."""

from __future__ import annotations

import numpy as np

from c2p_recipes.shapes.solids import Rng, Solid, box, extrude, join, revolve, rod, rounded, superellipsoid, torus, tube


def _slab(rng: Rng, x: float, y: float, z: float, edge: float = 0.2) -> Solid:
    """A flat thing with rounded corners."""
    return superellipsoid((x, y, z), rng.uniform(0.05, edge), rng.uniform(0.05, edge))


def _flat_or_leaning(rng: Rng, made: Solid, chance: float = 0.3) -> Solid:
    """Lying, or standing as in a holder."""
    return made.turned("x", rng.uniform(60, 100)) if rng.random() < chance else made


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


def laptop(rng: Rng) -> Solid:
    x, z, thick = rng.uniform(0.28, 0.38), rng.uniform(0.2, 0.26), rng.uniform(0.012, 0.025)
    lid = _slab(rng, x, thick * 0.6, z).moved(z=z / 2).turned("x", -rng.uniform(65, 125)).moved(z=-z / 2, y=thick / 2)
    keys = box(x * 0.85, 0.003, z * 0.4).moved(y=thick / 2 + 0.001, z=-z * 0.12)
    return join(_slab(rng, x, thick, z), lid, keys)


def monitor(rng: Rng) -> Solid:
    if rng.random() < 0.2:  # with a tube
        size = rng.uniform(0.32, 0.45)
        back = rod((0, 0, 0), (0, 0, -size * rng.uniform(0.8, 1.0)), [size, size * 0.95, size * 0.6, size * 0.5])
        face = superellipsoid((size, size * 0.85, 0.12), 0.15, 0.15)
        foot = revolve([(0, 0), (size * 0.35, 0), (size * 0.3, 0.03), (0.05, 0.04), (0, 0.06)]).moved(y=-size * 0.55, z=-size * 0.3)
        return join(face, back.scaled(1, 0.8, 1), foot)
    x = rng.uniform(0.35, 0.75)
    y, thick = x * rng.choice((rng.uniform(0.55, 0.65), rng.uniform(0.75, 0.85))), rng.uniform(0.015, 0.07)
    lift, deep = rng.uniform(0.08, 0.18), rng.uniform(0.12, 0.25)
    screen = join(box(x, y, thick), box(x * 0.4, y * 0.4, 0.03).moved(z=-thick / 2 - 0.01)).turned("x", rng.uniform(-12, 3)).moved(y=lift + y / 2)
    post = rod((0, 0.01, -0.03), (0, lift + y * 0.4, -thick / 2 - 0.01), rng.uniform(0.02, 0.05), rng.uniform(0.03, 0.1))
    round_ = rng.random() < 0.4
    foot = revolve([(0, 0), (1, 0), (0.95, 1), (0, 1)]).scaled(deep / 2 * 1.2, 0.015, deep / 2) if round_ else _slab(rng, rng.uniform(0.18, 0.32), 0.015, deep)
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
        made += [box(x * 0.92 / count * 0.8, 0.008, z * 0.8 / rows * 0.8).moved(x * 0.92 * ((k + 0.5) / count - 0.5), 0.01, z * 0.85 * ((r + 0.5) / rows - 0.5)) for k in range(count)]
    return join(*made).turned("x", rng.uniform(0, 7))


def mouse(rng: Rng) -> Solid:
    side = rounded([(0, 0), (1, 0), (1, 0.3), (0.8, 0.8), (0, 1)], 3)
    made = revolve(side, rng.uniform(0.7, 1.0)).scaled(rng.uniform(0.045, 0.06), rng.uniform(0.028, 0.04), rng.uniform(0.027, 0.035))
    return join(made, rod((-0.03, 0.022, 0), (-0.015, 0.03, 0), 0.01, 0.005))


def remote_control(rng: Rng) -> Solid:
    length, width = rng.uniform(0.13, 0.24), rng.uniform(0.035, 0.055)
    made = [_slab(rng, width, rng.uniform(0.012, 0.025), length, 0.4)]
    made += [superellipsoid((0.009, 0.005, 0.007), segments=8).moved(width * (c - 1) * 0.28, 0.01, length * 0.8 * (r / 9 - 0.5)) for r in range(9) for c in range(3)]
    return join(*made)


def telephone(rng: Rng) -> Solid:
    base = superellipsoid((rng.uniform(0.15, 0.2), 0.05, 0.2), 0.4, 0.3).turned("x", 12)
    line = rounded([(-0.09, 0.02, 0), (-0.07, 0.06, 0), (0.07, 0.06, 0), (0.09, 0.02, 0)], 2)
    handset = tube(line, 0.03, 0.045).turned("y", 90).moved(x=-0.05, y=0.02)
    keys = [box(0.012, 0.008, 0.012).moved(0.025 + 0.02 * c, 0.03, 0.02 * r - 0.03) for r in range(4) for c in range(3)]
    return join(base, handset, *keys)


def speaker(rng: Rng) -> Solid:
    x = rng.uniform(0.1, 0.3)
    y, z = x * rng.uniform(1.3, 3.2), x * rng.uniform(0.8, 1.3)
    cones = [torus(x * r, 0.012).turned("x", 90).moved(y=y * h, z=z / 2) for r, h in ((0.35, -0.2), (0.2, 0.25))]
    return join(box(x, y, z), *cones)


def camera(rng: Rng) -> Solid:
    x, y = rng.uniform(0.1, 0.15), rng.uniform(0.06, 0.1)
    lens = rod((0, 0, 0), (0, 0, rng.uniform(0.04, 0.12)), [0.06, rng.uniform(0.05, 0.07)])
    top = superellipsoid((x * 0.35, 0.035, 0.05), 0.4, 0.4).moved(y=y / 2 + 0.008)
    return join(superellipsoid((x, y, rng.uniform(0.04, 0.07)), 0.2, 0.2), lens, top, rod((x * 0.35, y / 2, 0), (x * 0.35, y / 2 + 0.012, 0), 0.015))


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
    return join(superellipsoid((x, y, z), 0.1, 0.1), out, *([feed] if rng.random() < 0.6 else []), box(x * 0.7, 0.02, z * 0.7).moved(y=y / 2))


def clock(rng: Rng) -> Solid:
    radius, thick = rng.uniform(0.05, 0.18), rng.uniform(0.02, 0.05)
    face = revolve([(0, 0), (1, 0), (1, 1), (0.93, 1), (0.9, 0.7), (0, 0.7)]).scaled(radius, thick, radius).turned("x", 90)
    hands = [rod((0, 0, thick * 0.9), (radius * r * np.sin(a), radius * r * np.cos(a), thick * 0.9), 0.01, 0.004) for r, a in zip((0.5, 0.75), rng.uniform(0, 6.28, 2), strict=True)]
    made = join(face, *hands)
    if rng.random() < 0.4:  # an alarm clock
        made = join(made, *(rod((s * radius * 0.6, -radius * 0.8, 0), (s * radius * 0.8, -radius * 1.2, 0), 0.02) for s in (-1, 1)), *(superellipsoid((radius * 0.6, radius * 0.35, radius * 0.4)).turned("z", -s * 35).moved(s * radius * 0.55, radius * 0.95) for s in (-1, 1)))
    return made


def lamp(rng: Rng) -> Solid:
    if rng.random() < 0.25:  # a jointed desk lamp
        a, b, c = (0.0, 0.02, 0.0), (-rng.uniform(0.05, 0.2), 0.3, 0), (rng.uniform(0.05, 0.25), rng.uniform(0.38, 0.5), 0)
        shade = revolve([(0.02, 0.1), (0.03, 0.08), (0.08, 0), (0.075, 0), (0.025, 0.075)]).turned("z", rng.uniform(0, 40)).moved(*(np.array(c) - [0, 0.08, 0]))
        return join(revolve([(0, 0), (0.09, 0), (0.08, 0.02), (0, 0.025)]), rod(a, b, 0.014), rod(b, c, 0.014), shade)
    floor = rng.random() < 0.35
    height, top = (rng.uniform(1.2, 1.7), rng.uniform(0.25, 0.4)) if floor else (rng.uniform(0.25, 0.5), rng.uniform(0.15, 0.25))
    wide = rng.uniform(0.12, 0.22)
    foot = rng.uniform(0.06, 0.14)
    body = 0.012 if floor or rng.random() < 0.3 else foot * rng.uniform(0.5, 1.0)
    stem = rounded([(foot, 0), (foot, 0.02), (body, 0.05), (body * rng.uniform(0.5, 1.2), height * 0.5), (0.012, height)], 2)
    base = revolve(np.concatenate([[(0, 0)], stem]))
    upper = wide * rng.uniform(0.4, 1.0)
    shade = revolve([(wide, 0), (upper, top), (upper * 0.97, top), (wide * 0.97, 0)], rng.choice((1.0, 1.0, 0.3))).moved(y=height - 0.02)
    return join(base, shade)


def ceiling_lamp(rng: Rng) -> Solid:
    if rng.random() < 0.35:
        arms, reach = int(rng.integers(3, 9)), rng.uniform(0.2, 0.4)
        parts = [rod((0, 0, 0), (0, 0.5, 0), [0.05, 0.08, 0.02])]
        for k in range(arms):
            line = rounded([(0, 0.1, 0), (reach * 0.6, -0.05, 0), (reach, 0.08, 0)], 2)
            parts.append(join(tube(line, 0.012), revolve([(0.02, 0), (0.05, 0.08), (0.045, 0.08), (0.015, 0)]).moved(reach, 0.08)).turned("y", 360 * k / arms))
        return join(*parts)
    radius, height, drop = rng.uniform(0.12, 0.3), rng.uniform(0.1, 0.3), rng.uniform(0.2, 0.8)
    outer = rounded([(0.03, height), (radius * rng.uniform(0.3, 1.0), height * 0.9), (radius, 0)], 2)
    shade = revolve(np.concatenate([outer, outer[::-1] * [0.96, 1]]))
    return join(shade, rod((0, height, 0), (0, height + drop, 0), 0.008), revolve([(0, 0), (0.05, 0.03), (0.06, 0.05), (0, 0.05)]).moved(y=height + drop))


def candle(rng: Rng) -> Solid:
    radius, height = rng.uniform(0.01, 0.04), rng.uniform(0.05, 0.25)
    made = join(revolve([(0, 0), (radius, 0), (radius, height), (radius * 0.6, height - 0.004), (0, height - 0.004)]), rod((0, height, 0), (0, height + 0.012, 0), 0.003))
    if rng.random() < 0.4:
        made = join(made, revolve([(0, -0.06), (0.05, -0.06), (0.04, -0.05), (0.012, -0.04), (0.015, -0.01), (radius + 0.01, 0), (radius + 0.01, 0.01), (0, 0.0)]))
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
    return superellipsoid((rng.uniform(0.07, 0.1), rng.uniform(0.02, 0.035), rng.uniform(0.045, 0.06)), rng.uniform(0.4, 1), rng.uniform(0.4, 1))


def sponge(rng: Rng) -> Solid:
    made = superellipsoid((rng.uniform(0.09, 0.14), rng.uniform(0.025, 0.05), rng.uniform(0.06, 0.08)), 0.2, rng.uniform(0.15, 0.4), 40)
    return Solid(made.vertices + rng.normal(0, 0.0008, made.vertices.shape), made.faces).lumpy(rng, 0.015)


def toothbrush(rng: Rng) -> Solid:
    line = rounded([(0, 0, 0), (0.11, rng.uniform(0, 0.01), 0), (0.14, 0.003, 0), (0.19, 0, 0)], 2)
    handle = tube(line, np.interp(np.linspace(0, 1, len(line)), [0, 0.5, 0.75, 1], [0.01, 0.012, 0.006, 0.008]), 0.012)
    return join(handle, box(0.028, 0.014, 0.011).moved(x=0.175, y=0.009))


def comb(rng: Rng) -> Solid:
    length, count = rng.uniform(0.13, 0.2), int(rng.integers(22, 40))
    teeth = [box(length / count * 0.5, 0.025, 0.002).moved(length * (k / count - 0.5), -0.018) for k in range(count)]
    made = join(box(length, 0.012, 0.004), *teeth)
    return made.turned("x", 90)


def brush(rng: Rng) -> Solid:
    head = superellipsoid((rng.uniform(0.08, 0.12), 0.018, rng.uniform(0.04, 0.065)), 0.6, 0.8)
    hairs = [rod((0.09 * x, -0.005, 0.045 * z), (0.095 * x, -0.03, 0.05 * z), 0.003) for x in np.linspace(-0.45, 0.45, 9) for z in np.linspace(-0.4, 0.4, 5)]
    return join(head, rod((0.04, 0, 0), (0.18, 0.005, 0), [0.014, 0.02, 0.014]), *hairs).turned("x", rng.choice((0, 180, 90)))


def umbrella(rng: Rng) -> Solid:
    length = rng.uniform(0.7, 1.0)
    hook = tube(rounded([(0, 0.15, 0), (0, 0, 0), (0.08, 0, 0), (0.08, 0.05, 0)], 3), 0.018)
    if rng.random() < 0.5:
        closed = rod((0, 0.2 * length, 0), (0, length, 0), [0.03, 0.075, 0.05, 0.02])
        made = join(hook, rod((0, 0.1, 0), (0, length + 0.05, 0), 0.012), closed)
        return made.turned("z", 90) if rng.random() < 0.4 else made
    radius = rng.uniform(0.4, 0.6)
    roof = rounded([(0, length), (radius * 0.6, length - 0.06), (radius, length - rng.uniform(0.18, 0.3))], 3)
    return join(hook, rod((0, 0.1, 0), (0, length + 0.05, 0), 0.012), revolve(np.concatenate([roof, roof[::-1] - [0, 0.006]]), segments=int(rng.integers(7, 10))))


def hanger(rng: Rng) -> Solid:
    width, thick = rng.uniform(0.38, 0.46), rng.choice((0.004, 0.015))
    frame = rounded([(0, 0.1, 0), (-width / 2, 0, 0), (width / 2, 0, 0), (0, 0.1, 0)], 2)
    return join(tube(frame, thick), tube(rounded([(0, 0.1, 0), (0, 0.15, 0), (0.04, 0.16, 0), (0.04, 0.2, 0), (-0.02, 0.2, 0)], 2), 0.004))


def scissors(rng: Rng) -> Solid:
    length, spread = rng.uniform(0.06, 0.12), rng.uniform(0, 25)
    halves = []
    for s in (-1, 1):
        blade = extrude([(0, -0.006), (0.7 * length, -0.005), (length, 0.0), (0.6 * length, 0.006), (0, 0.008)], 0.002).moved(z=s * 0.001)
        loop = torus(rng.uniform(0.015, 0.024), 0.006).turned("x", 90).moved(x=-0.065, y=-s * 0.02)
        halves.append(join(blade, rod((0, 0, 0), (-0.05, -s * 0.012, 0), 0.008, 0.004), loop).turned("z", s * spread / 2))
    return join(*halves).turned("x", 90)


def pen(rng: Rng) -> Solid:
    length, width = rng.uniform(0.12, 0.15), rng.uniform(0.008, 0.02)
    made = rod((0, 0, 0), (length, 0, 0), [width * 0.2, width * 0.85, width, width, width, width * 0.9])
    return join(made, box(0.04, 0.003, 0.004).moved(x=length * 0.85, y=width * 0.55)).turned("z", rng.choice((0, 0, 0, 90)))


def pencil(rng: Rng) -> Solid:
    length = rng.uniform(0.1, 0.19)
    return tube(np.linspace([0, 0, 0], [length, 0, 0], 8), [0.001, 0.0075, *[0.0075] * 6], segments=6)


def ruler(rng: Rng) -> Solid:
    return box(rng.choice((0.15, 0.2, 0.3)) * rng.uniform(1.0, 1.1), rng.uniform(0.002, 0.005), rng.uniform(0.025, 0.045))


def stapler(rng: Rng) -> Solid:
    length = rng.uniform(0.1, 0.18)
    arm = superellipsoid((length, 0.03, 0.032), 0.4, 0.3).moved(x=length * 0.5).turned("z", rng.uniform(6, 18)).moved(y=0.022)
    return join(superellipsoid((length * 1.1, 0.012, 0.035), 0.3, 0.3).moved(x=length * 0.5), arm)


def tape(rng: Rng) -> Solid:
    outer, high = rng.uniform(0.03, 0.065), rng.uniform(0.012, 0.05)
    inner = outer * rng.uniform(0.4, 0.85)
    made = revolve([(inner, 0), (outer, 0), (outer, high), (inner, high), (inner, 0)])
    return made.turned("x", 90) if rng.random() < 0.4 else made


def shoe(rng: Rng) -> Solid:
    """A sole, a foot that rises to the ankle, sometimes a heel or a shaft."""
    length, width, heel = rng.uniform(0.22, 0.31), rng.uniform(0.08, 0.11), rng.choice((0.0, 0.0, rng.uniform(0.02, 0.08)))
    x = np.linspace(0, 1, 21)
    half = width * np.interp(x, [0, 0.08, 0.35, 0.7, 0.9, 1], [0.3, 0.72, 0.72, 1.0, 0.75, 0.15]) / 2
    top = np.interp(x, [0, 0.05, 0.3, 0.45, 0.7, 0.92, 1], [0.05, 0.085, 0.08, 0.09, 0.06, 0.045, 0.02]) * length / 0.28
    lift = heel * np.interp(x, [0, 0.3, 0.65, 1], [1, 0.9, 0, 0])
    thick = rng.uniform(0.008, 0.03)
    rings = []
    for k in range(len(x)):
        angle = np.linspace(0, np.pi, 13)
        arch = np.stack([np.full(13, x[k] * length), lift[k] + thick + top[k] * np.sin(angle) ** 0.7, half[k] * np.cos(angle)], 1)
        base = np.array([[x[k] * length, lift[k], -half[k]], [x[k] * length, lift[k], half[k]]])
        rings.append(np.concatenate([arch, base]))
    grid = np.stack(rings)
    index = np.arange(grid.shape[0] * grid.shape[1]).reshape(grid.shape[:2])
    right = np.roll(index, -1, axis=1)
    faces = np.concatenate([np.stack([index[:-1], right[:-1], index[1:]], -1).reshape(-1, 3), np.stack([right[:-1], right[1:], index[1:]], -1).reshape(-1, 3)])
    made = [Solid(grid.reshape(-1, 3), faces)]
    rise = rng.choice((0.02, 0.04, rng.uniform(0.08, 0.25)))
    y = lift[4] + thick + top[4] * 0.8
    collar = revolve([(0.9, 0), (1, rise), (0.92, rise), (0.85, 0.0)]).scaled(0.17 * length, 1, half[5] * 0.95).moved(x=0.22 * length, y=y)
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
        peak = superellipsoid((radius * 1.6, 0.006, radius * 1.7), 0.3, 0.8).turned("z", -8).moved(x=radius * 1.05)
        return join(dome, peak)
    brim, bow = radius * rng.uniform(1.3, 2.2), rng.uniform(-0.02, 0.03)
    side = rounded([(brim, bow), (radius * 1.1, 0), (radius, 0.02), (radius * rng.uniform(0.75, 1), crown), (0, crown * rng.uniform(0.85, 1.1))], 2)
    return revolve(np.concatenate([side, (side - [0, 0.004])[::-1]]), 1.0, rng.uniform(1.0, 1.25))


def helmet(rng: Rng) -> Solid:
    radius, height = rng.uniform(0.12, 0.15), rng.uniform(0.13, 0.2)
    shell = rounded([(radius * 1.02, 0), (radius, 0.5 * height), (radius * 0.6, 0.95 * height), (0, height)], 3)
    made = revolve(np.concatenate([shell, shell[::-1] * [0.9, 0.93]]), 1.0, rng.uniform(0.75, 0.9))
    if rng.random() < 0.5:
        made = join(made, superellipsoid((radius * 0.9, 0.01, radius * 1.3), 0.4, 0.8).moved(x=radius * 1.0, y=0.01))
    if rng.random() < 0.4:
        made = join(made, tube(rounded([(-radius, height * 0.3, 0), (-radius * 0.4, height * 1.05, 0), (radius * 0.5, height, 0), (radius, height * 0.4, 0)], 2), 0.02))
    return made


def glasses(rng: Rng) -> Solid:
    width, square = rng.uniform(0.05, 0.06), rng.uniform(0.4, 1.0)
    parts = []
    for s in (-1, 1):
        rim = revolve([(0.9, -0.002), (1, -0.002), (1, 0.002), (0.9, 0.002), (0.9, -0.002)], square).scaled(width / 2, 1, rng.uniform(0.016, 0.024))
        parts.append(rim.turned("x", 90).moved(x=s * 0.033))
        parts.append(tube(rounded([(s * 0.062, 0.005, 0), (s * 0.068, 0.005, -0.1), (s * 0.066, -0.02, -0.14)]), 0.003, 0.005))
        if rng.random() < 0.6:
            parts.append(box(width * 0.8, 0.03, 0.001).moved(x=s * 0.033))
    return join(*parts, rod((-0.008, 0.004, 0), (0.008, 0.004, 0), 0.003))


def watch(rng: Rng) -> Solid:
    radius = rng.uniform(0.026, 0.034)
    band = torus(radius, 0.003, height=rng.uniform(0.016, 0.024)).turned("x", 90)
    return join(band, revolve([(0, 0), (1, 0), (1, 1), (0, 1)], rng.choice((1.0, 0.3))).scaled(0.02, 0.01, 0.02).moved(y=radius)).turned("z", rng.choice((0, 90)))


def ball(rng: Rng) -> Solid:
    size = rng.uniform(0.035, 0.25)
    if rng.random() < 0.1:  # rugby, American football
        return superellipsoid((size * 1.6, size, size), 1.2)
    made = superellipsoid((size, size, size), segments=40)
    if rng.random() < 0.5:  # seams
        made = join(made, *(torus(size / 2, size * 0.012).turned("x", a).turned("y", b) for a, b in rng.uniform(0, 180, (3, 2))))
    return made


def die(rng: Rng) -> Solid:
    size = rng.uniform(0.012, 0.05)
    return superellipsoid((size, size, size), rng.uniform(0.05, 0.3), 0.1, 36).turned("y", rng.uniform(0, 90))


def rubiks_cube(rng: Rng) -> Solid:
    step, turn = 0.019, rng.choice((0.0, 0.0, 45.0)) * rng.random()
    cubes = [superellipsoid((0.0185,) * 3, 0.12, 0.12, 12).moved(x * step, y * step, z * step).turned("y", turn if y == 1 else 0) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1)]
    return join(*cubes)


def chess_piece(rng: Rng) -> Solid:
    base, height = rng.uniform(0.012, 0.02), rng.uniform(0.035, 0.09)
    stem, collar = base * rng.uniform(0.35, 0.6), base * rng.uniform(0.6, 0.9)
    foot = [(0, 0), (base, 0), (base, 0.08 * height), (base * 0.8, 0.15 * height), (stem, 0.3 * height), (stem * 0.9, 0.6 * height), (collar, 0.64 * height), (collar, 0.67 * height), (stem * 0.8, 0.7 * height)]
    kind = rng.integers(4)
    if kind == 0:  # pawn, bishop
        head = rounded([(stem, 0.72 * height), (base * 0.7, 0.85 * height), (0, height)], 3)
        return revolve(np.concatenate([foot, head]))
    if kind == 1:  # rook
        r = base * 0.75
        return join(revolve(np.concatenate([foot, [(r, 0.75 * height), (r, 0.9 * height), (0, 0.9 * height)]])), *(box(0.005, 0.1 * height, 0.005).moved(r * 0.8 * np.cos(a), 0.94 * height, r * 0.8 * np.sin(a)) for a in np.arange(6) * 1.047))
    if kind == 2:  # king, queen
        top = [(base * 0.7, 0.88 * height), (base * 0.4, 0.92 * height), (0, 0.95 * height)]
        cross = join(box(0.004, 0.1 * height, 0.003), box(0.009, 0.03 * height, 0.003)).moved(y=height * 0.98)
        return join(revolve(np.concatenate([foot, top])), cross)
    line = rounded([(0, 0.25 * height, 0), (-0.3 * base, 0.6 * height, 0), (0, 0.9 * height, 0), (0.6 * base, 0.82 * height, 0)], 2)
    neck = tube(line, np.linspace(1.3, 0.5, len(line)) * base, base * 0.8)
    return join(revolve(foot[:5] + [(0, 0.32 * height)]), neck)


def drum(rng: Rng) -> Solid:
    radius, height = rng.uniform(0.12, 0.3), rng.uniform(0.1, 0.5)
    shell = revolve([(0, 0), (radius, 0), (radius * rng.uniform(0.8, 1), height), (radius, height), (0, height)])
    return join(shell, torus(radius, 0.02), torus(radius, 0.02).moved(y=height), *(rod((radius * np.cos(a), 0, radius * np.sin(a)), (radius * np.cos(a), height, radius * np.sin(a)), 0.012) for a in np.arange(8) * 0.785))


def guitar(rng: Rng) -> Solid:
    big, thick = rng.uniform(0.17, 0.2), rng.uniform(0.04, 0.11)
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    width = 1 - 0.25 * np.exp(-(((np.sin(angle) - 0.15) / 0.25) ** 2)) - 0.18 * (np.sin(angle) > 0.15)
    body = extrude(np.stack([big * width * np.cos(angle), 0.23 * np.sin(angle)], 1), thick)
    made = join(body, box(0.05, 0.42, 0.02).moved(y=0.42, z=thick / 2), box(0.07, 0.14, 0.018).turned("x", -10).moved(y=0.7, z=thick / 2 - 0.01), box(0.12, 0.03, 0.012).moved(y=-0.1, z=thick / 2))
    return made.turned("x", rng.choice((0.0, 0.0, -90.0, -15.0)))


def wheel(rng: Rng) -> Solid:
    radius, width, spokes = rng.uniform(0.1, 0.35), rng.uniform(0.04, 0.2), int(rng.integers(4, 14))
    tyre = torus(radius * 0.88, radius * 0.24, height=width)
    rays = [rod((0, 0, 0), (radius * 0.8, 0, 0), 0.02, rng.uniform(0.015, 0.05)).turned("y", 360 * k / spokes) for k in range(spokes)]
    hub = rod((0, -width / 2, 0), (0, width / 2, 0), radius * 0.3)
    disc = [revolve([(0, -0.01), (radius * 0.78, -0.01), (radius * 0.78, 0.01), (0, 0.01)])] if rng.random() < 0.4 else []
    made = join(tyre, hub, *rays, *disc)
    return made.turned("x", 90) if rng.random() < 0.8 else made


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
    return join(*parts).scaled(rng.choice((-1.0, 1.0)), 1, 1).turned("x", rng.choice((0.0, 0.0, 90.0, -90.0, 180.0)))


def head(rng: Rng) -> Solid:
    skull = superellipsoid((0.15, 0.2, 0.19)).moved(y=0.03)
    face = superellipsoid((0.12, 0.17, 0.13), 0.8).moved(y=-0.02, z=0.03)
    nose = tube([(0, 0.03, 0.085), (0, -0.015, rng.uniform(0.105, 0.125)), (0, -0.02, 0.09)], [0.015, 0.03, 0.02])
    ears = [superellipsoid((0.015, 0.06, 0.035)).moved(x=s * 0.078, y=0.0) for s in (-1, 1)]
    parts = [skull, face, nose, *ears, rod((0, -0.06, -0.02), (0, -0.17, -0.03), [0.11, 0.12])]
    if rng.random() < 0.4:
        parts.append(superellipsoid((0.4, 0.1, 0.2), 0.8, 0.8).moved(y=-0.2, z=-0.02))
    if rng.random() < 0.5:
        parts.append(superellipsoid((0.18, 0.17, 0.2)).moved(y=0.07, z=-0.025).lumpy(rng, 0.04))
    return join(*parts)


SHAPES = {
    "book": book, "laptop": laptop, "monitor": monitor, "television": television, "mobile phone": mobile_phone,
    "tablet computer": tablet, "computer keyboard": keyboard, "computer mouse": mouse, "telephone": telephone,
    "remote control": remote_control, "speaker": speaker, "camera": camera, "headphones": headphones,
    "printer": printer, "clock": clock, "lamp": lamp, "ceiling lamp": ceiling_lamp, "candle": candle,
    "pillow": pillow, "toilet paper": toilet_paper, "soap": soap, "sponge": sponge, "toothbrush": toothbrush,
    "comb": comb, "brush": brush, "umbrella": umbrella, "hanger": hanger, "scissors": scissors, "pen": pen,
    "pencil": pencil, "ruler": ruler, "stapler": stapler, "adhesive tape": tape, "shoe": shoe, "hat": hat,
    "helmet": helmet, "glasses": glasses, "watch": watch, "ball": ball, "die": die, "rubik's cube": rubiks_cube,
    "chess piece": chess_piece, "drum": drum, "guitar": guitar, "wheel": wheel, "hand": hand, "head": head,
}  # fmt: skip
