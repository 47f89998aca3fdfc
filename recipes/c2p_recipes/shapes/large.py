"""Tools, vehicles, animals, furniture and what stands outdoors. Sizes in metres."""

from __future__ import annotations

import numpy as np

from c2p_recipes.shapes.solids import Rng, Solid, box, extrude, join, revolve, rod, rounded, superellipsoid, torus, tube


def _laid(rng: Rng, made: Solid) -> Solid:
    """Tools lie on a bench, or hang and stand."""
    return made if rng.random() < 0.7 else made.turned("z", rng.choice((90.0, -90.0)))


def hammer(rng: Rng) -> Solid:
    length, head = rng.uniform(0.22, 0.36), rng.uniform(0.07, 0.13)
    handle = rod((0, 0, 0), (length, 0, 0), [0.02, 0.02, 0.028, 0.032, 0.028])
    face = rod((0, 0, 0), (0, 0, head * 0.6), [0.022, 0.02, 0.03, 0.03])
    if rng.random() < 0.5:  # a claw
        line = rounded([(0, 0, 0), (0.01, 0, -head * 0.4), (0.035, 0, -head * 0.75)])
        back = [tube(line + [0, s * 0.006, 0], np.linspace(0.016, 0.004, len(line)), 0.008) for s in (-1, 1)]
    else:
        back = [rod((0, 0, 0), (0, 0, -head * 0.5), [0.025, 0.03, rng.choice((0.03, 0.008))])]
    return _laid(rng, join(handle, face, *back))


def screwdriver(rng: Rng) -> Solid:
    grip, shaft = rng.uniform(0.07, 0.12), rng.uniform(0.05, 0.2)
    width = rng.uniform(0.02, 0.036)
    handle = rod((0, 0, 0), (grip, 0, 0), np.array([0.7, 1, 1, 0.9, 0.95, 0.6]) * width)
    blade = rod((grip, 0, 0), (grip + shaft, 0, 0), [0.007, 0.007, 0.007, 0.007, 0.008], [0.007, 0.007, 0.007, 0.007, 0.002])
    return _laid(rng, join(handle, blade))


def wrench(rng: Rng) -> Solid:
    length, width = rng.uniform(0.12, 0.28), rng.uniform(0.014, 0.024)
    size = width * rng.uniform(0.9, 1.2)
    bar = superellipsoid((length, 0.006, width), 0.4, 0.3)
    jaw = torus(size, size * 0.8, rng.uniform(220, 270), height=0.009).turned("y", rng.uniform(-60, -20)).moved(x=length / 2 + size)
    other = torus(size, size * 0.6, 360 if rng.random() < 0.6 else 250, height=0.009).moved(x=-length / 2 - size)
    return _laid(rng, join(bar, jaw, other))


def pliers(rng: Rng) -> Solid:
    spread, nose = rng.uniform(3, 22), rng.uniform(0.03, 0.08)
    halves = []
    for s in (-1, 1):
        line = rounded([(0, 0, 0), (-0.03, s * 0.014, 0), (-0.12, s * 0.018, 0)], 2)
        jaw = rod((0, s * 0.004, 0), (nose, s * 0.002, 0), [0.016, 0.006], [0.014, 0.006])
        halves.append(join(tube(line, np.linspace(0.012, 0.016, len(line))), jaw).turned("z", -s * spread / 2))
    return _laid(rng, join(*halves, rod((0, 0, -0.008), (0, 0, 0.008), 0.02)).turned("x", 90))


def saw(rng: Rng) -> Solid:
    length, high = rng.uniform(0.3, 0.5), rng.uniform(0.08, 0.13)
    blade = extrude([(0, 0), (length, high * 0.45), (length, high * 0.65), (0, high)], 0.002)
    grip = torus(0.045, 0.022, 360).scaled(0.8, 1, 1.2).turned("x", 90).moved(x=-0.03, y=high * 0.5)
    return _laid(rng, join(blade, grip).turned("x", rng.choice((90, 90, 0))))


def drill(rng: Rng) -> Solid:
    body = rod((-0.1, 0.16, 0), (0.08, 0.16, 0), [0.055, 0.065, 0.065, 0.06, 0.045])
    chuck = rod((0.08, 0.16, 0), (0.13, 0.16, 0), [0.042, 0.036, 0.02])
    grip = tube(rounded([(-0.05, 0.15, 0), (-0.06, 0.06, 0), (-0.07, 0.02, 0)]), rng.uniform(0.035, 0.045), 0.035)
    parts = [body, chuck, grip, box(0.02, 0.03, 0.012).moved(x=-0.02, y=0.11)]
    if rng.random() < 0.7:
        parts.append(superellipsoid((rng.uniform(0.08, 0.12), rng.uniform(0.04, 0.07), 0.07), 0.25, 0.25).moved(x=-0.06))
    if rng.random() < 0.6:
        parts.append(rod((0.13, 0.16, 0), (rng.uniform(0.17, 0.24), 0.16, 0), 0.007))
    made = join(*parts)
    return made.turned("x", 90) if rng.random() < 0.5 else made


def axe(rng: Rng) -> Solid:
    length, edge = rng.uniform(0.35, 0.8), rng.uniform(0.1, 0.18)
    head = extrude([(-0.03, -0.03), (0.03, -0.035), (0.12, -edge / 2), (0.135, 0), (0.12, edge / 2), (0.03, 0.035), (-0.03, 0.03)], 0.02)
    handle = tube(rounded([(0, -length, 0), (0.01, -length * 0.4, 0), (0, 0.04, 0)]), 0.03, 0.022)
    made = join(head, handle)
    return made if rng.random() < 0.4 else made.turned("x", 90)


def shovel(rng: Rng) -> Solid:
    length = rng.uniform(0.5, 1.3)
    blade = superellipsoid((0.2, 0.28, 0.02), 0.6, 0.6).bent(rng.uniform(20, 60))
    grip = rod((-0.06, length + 0.14, 0), (0.06, length + 0.14, 0), 0.03) if rng.random() < 0.5 else rod((0, length, 0), (0, length + 0.14, 0), 0.035)
    made = join(blade, rod((0, 0.1, 0), (0, length + 0.14, 0), 0.03), grip)
    return made if rng.random() < 0.5 else made.turned("x", 90)


def broom(rng: Rng) -> Solid:
    length, width = rng.uniform(1.0, 1.4), rng.uniform(0.25, 0.45)
    bristles = extrude([(-width / 2, 0), (width / 2, 0), (width * 0.35, 0.12), (-width * 0.35, 0.12)], rng.uniform(0.04, 0.08))
    return join(bristles, rod((0, 0.1, 0), (0, length, 0), 0.026))


def ladder(rng: Rng) -> Solid:
    height, width, rungs = rng.uniform(1.2, 3.0), rng.uniform(0.35, 0.5), int(rng.integers(4, 10))
    side = [rod((s * width / 2, 0, 0), (s * width / 2 * 0.85, height, 0), 0.04, 0.03) for s in (-1, 1)]
    steps = [rod((-width / 2, height * (k + 0.5) / rungs, 0), (width / 2, height * (k + 0.5) / rungs, 0), 0.03, rng.uniform(0.03, 0.1)) for k in range(rungs)]
    made = join(*side, *steps)
    if rng.random() < 0.5:
        angle = rng.uniform(10, 22)
        return join(made.moved(y=-height).turned("x", -angle), join(*side).moved(y=-height).turned("x", angle))
    return made


def flashlight(rng: Rng) -> Solid:
    length, head = rng.uniform(0.1, 0.28), rng.uniform(0.035, 0.06)
    made = rod((0, 0, 0), (length, 0, 0), [head * 0.6, head * 0.62, head * 0.62, head * 0.62, head, head])
    return _laid(rng, made)


def padlock(rng: Rng) -> Solid:
    width = rng.uniform(0.03, 0.06)
    body = superellipsoid((width, width * rng.uniform(0.8, 1.1), width * 0.45), 0.2, 0.25)
    bow = tube(rounded([(-0.33, 0.4, 0), (-0.33, 1.0, 0), (0.33, 1.0, 0), (0.33, rng.choice((0.4, 0.65)), 0)], 3) * width, width * 0.15)
    return join(body, bow).turned("x", rng.choice((0, 90)))


def key(rng: Rng) -> Solid:
    length = rng.uniform(0.035, 0.06)
    bow = torus(0.008, 0.006, height=0.003).turned("x", 90)
    bits = [box(0.003, rng.uniform(0.003, 0.007), 0.002).moved(x=length * f, y=-0.005) for f in (0.7, 0.8, 0.9)]
    return join(bow, box(length - 0.01, 0.005, 0.002).moved(x=length / 2 + 0.005), *bits).turned("x", 90)


def airplane(rng: Rng) -> Solid:
    length, span = 1.0, rng.uniform(0.7, 1.2)
    width = rng.uniform(0.08, 0.15)
    body = tube(np.stack([np.linspace(0, length, 13), np.zeros(13), np.zeros(13)], 1), width * np.interp(np.linspace(0, 1, 13), [0, 0.08, 0.2, 0.7, 1], [0.25, 0.75, 1, 0.95, 0.2]))
    sweep, at, high = rng.uniform(0, 0.35) * span / 2, rng.uniform(0.3, 0.45), rng.choice((-0.3, 0.0, 0.45)) * width

    def wing(x: float, half: float, chord: float, back: float, y: float) -> list[Solid]:
        sides = []
        for s in (-1, 1):
            outline = [(x, 0), (x + back, s * half), (x + back + chord * 0.5, s * half), (x + chord, 0)]
            sides.append(extrude(outline, 0.018).turned("x", 90 * 1).scaled(1, 1, -1).moved(y=y))
        return sides

    parts = [body, *wing(at, span / 2, rng.uniform(0.15, 0.25), sweep, high), *wing(0.86, span * 0.18, 0.12, sweep * 0.3, 0.0)]
    if rng.random() < 0.2:  # a biplane
        parts += wing(at, span / 2, 0.18, sweep, high + width * 1.1)
    parts.append(extrude([(0.84, 0), (0.98, 0), (1.02, 0.17), (0.94, 0.17)], 0.015))
    if rng.random() < 0.6:  # engines under the wings
        parts += [rod((at + sweep * f, high - 0.03, s * f * span / 2), (at + sweep * f + 0.12, high - 0.03, s * f * span / 2), [0.05, 0.055, 0.035]) for s in (-1, 1) for f in ((0.35,) if rng.random() < 0.7 else (0.3, 0.6))]
    else:
        parts.append(box(0.01, 0.2, 0.025).turned("x", rng.uniform(0, 180)))
    return join(*parts)


def helicopter(rng: Rng) -> Solid:
    cabin = superellipsoid((0.45, 0.3, 0.26), 0.8, 0.8)
    tail = rod((0.15, 0.03, 0), (0.75, rng.uniform(0.05, 0.12), 0), [0.14, 0.08, 0.05])
    fin = extrude([(0.68, 0), (0.8, 0.02), (0.84, 0.2), (0.76, 0.2)], 0.015)
    blades, turn = int(rng.integers(2, 6)), rng.uniform(0, 90)
    rotor = [rod((0, 0.23, 0), (rng.uniform(0.5, 0.56), 0.23, 0), 0.01, 0.045).turned("y", turn + 360 * k / blades) for k in range(blades)]
    skids = [rod((-0.2, -0.22, s * 0.13), (0.2, -0.22, s * 0.13), 0.02) for s in (-1, 1)]
    legs = [rod((x, -0.1, s * 0.08), (x, -0.22, s * 0.13), 0.015) for s in (-1, 1) for x in (-0.12, 0.12)]
    tail_rotor = box(0.15, 0.015, 0.01).turned("z", rng.uniform(0, 180)).moved(0.78, 0.13, 0.03)
    return join(cabin, tail, fin, rod((0, 0.12, 0), (0, 0.23, 0), 0.03), *rotor, *skids, *legs, tail_rotor)


def rocket(rng: Rng) -> Solid:
    radius = rng.uniform(0.06, 0.14)
    side = rounded([(radius, 0.08), (radius, 0.65), (radius * 0.8, 0.82), (0, 1)], 2)
    fins = [extrude([(radius * 0.9, 0.25), (radius * 2.2, 0.0), (radius * 2.2, -0.06), (radius * 0.9, 0.05)], 0.015).turned("y", 360 * k / 4) for k in range(int(rng.choice((3, 4))))]
    return join(revolve(np.concatenate([[(0, 0), (radius * 0.7, 0)], side])), *fins)


def balloon(rng: Rng) -> Solid:
    width = rng.uniform(0.38, 0.46)
    side = rounded([(0.08, 0.28), (0.25, 0.45), (width, 0.75), (width * 0.75, 1.05), (0, 1.1)], 3)
    ropes = [rod((0.06 * a, 0.13, 0.06 * b), (0.08 * a, 0.3, 0.08 * b), 0.006) for a in (-1, 1) for b in (-1, 1)]
    return join(revolve(side), box(0.15, 0.12, 0.15).moved(y=0.06), *ropes)


def bicycle(rng: Rng) -> Solid:
    radius, gap = rng.uniform(0.28, 0.36), rng.uniform(0.95, 1.1)
    wheels = []
    for x in (0.0, gap):
        spokes = [rod((0, 0, 0), (radius, 0, 0), 0.004).turned("z", a) for a in np.arange(12) * 30.0]
        wheels.append(join(torus(radius, rng.uniform(0.025, 0.05)).turned("x", 90), *spokes, rod((0, 0, -0.04), (0, 0, 0.04), 0.04)).moved(x=x))
    saddle, crank, head = (0.22, 0.5, 0), (0.4, -0.05, 0), (gap - 0.22, 0.42, 0)
    tube_width = rng.uniform(0.025, 0.04)
    frame = [rod(a, b, tube_width) for a, b in ((saddle, crank), (crank, head), (head, (0.27, 0.38, 0)), ((0, 0, 0), crank), ((0, 0, 0), (0.26, 0.4, 0)), ((gap, 0, 0), (head[0], 0.58, 0)))]
    bars = tube(rounded([(gap - 0.2, 0.62, -0.28), (gap - 0.26, 0.64, -0.1), (gap - 0.26, 0.64, 0.1), (gap - 0.2, 0.62, 0.28)], 2), 0.025)
    return join(*wheels, *frame, bars, superellipsoid((0.26, 0.05, 0.14), 0.7, 0.8).moved(0.2, 0.52), rod((0.4, -0.05, -0.1), (0.4, -0.05, 0.1), 0.03), torus(0.09, 0.01).turned("x", 90).moved(0.4, -0.05, 0.04))


def traffic_cone(rng: Rng) -> Solid:
    height, base = rng.uniform(0.3, 0.9), rng.uniform(0.3, 0.45)
    foot = base * height
    return join(box(foot, 0.03 * height, foot), revolve([(foot * 0.4, 0), (foot * 0.08, height), (0, height)]))


def traffic_sign(rng: Rng) -> Solid:
    size, corners = rng.uniform(0.3, 0.45), int(rng.choice((3, 4, 4, 8, 32)))
    angle = np.arange(corners) * 2 * np.pi / corners + rng.choice((0.0, np.pi / corners)) + np.pi / 2
    high = rng.uniform(1.2, 2.2)
    plate = extrude(np.stack([np.cos(angle), np.sin(angle)], 1) * size, 0.015).moved(y=high, z=0.04)
    return join(plate, rod((0, 0, 0), (0, high + size * 0.5, 0), rng.uniform(0.05, 0.08)))


def fire_hydrant(rng: Rng) -> Solid:
    side = [(0, 0), (0.16, 0), (0.16, 0.04), (0.1, 0.05), (0.1, 0.45), (0.14, 0.46), (0.14, 0.5)]
    body = revolve(np.concatenate([side, rounded([(0.12, 0.5), (0.1, 0.6), (0.03, 0.64), (0.03, 0.7), (0, 0.7)], 2)]))
    caps = [rod((0, 0.38, 0), (np.cos(a) * 0.2, 0.38, np.sin(a) * 0.2), rng.uniform(0.08, 0.13)) for a in (0, np.pi, np.pi / 2)]
    return join(body, *caps)


def fire_extinguisher(rng: Rng) -> Solid:
    radius, height = rng.uniform(0.05, 0.09), rng.uniform(0.3, 0.55)
    body = revolve(np.concatenate([[(0, 0), (radius, 0)], rounded([(radius, 0.02), (radius, 0.82 * height), (0.02, 0.95 * height), (0.02, height)], 2), [(0, height)]]))
    lever = join(box(0.12, 0.012, 0.025).moved(0.03, height + 0.01), box(0.12, 0.012, 0.025).turned("z", 20).moved(0.04, height + 0.04))
    hose = tube(rounded([(0, height, 0), (-radius - 0.03, height - 0.02, 0), (-radius - 0.03, 0.3 * height, 0)], 2), 0.018)
    return join(body, lever, hose)


def insect(rng: Rng) -> Solid:
    parts = [superellipsoid((0.3, 0.2, 0.22)).moved(x=0.3), superellipsoid((0.25, 0.2, 0.2)), superellipsoid((0.45, rng.uniform(0.2, 0.3), rng.uniform(0.22, 0.35))).moved(x=-0.35)]
    for s in (-1, 1):
        for x in (0.08, 0.0, -0.08):
            parts.append(tube([(x, 0, s * 0.08), (x * 2.2, 0.15, s * 0.3), (x * 3.5, -0.2, s * 0.45)], 0.025))
        if rng.random() < 0.5:
            parts.append(superellipsoid((0.5, 0.012, 0.2)).turned("y", s * rng.uniform(20, 70)).moved(-0.2, 0.14, s * 0.22))
        parts.append(rod((0.4, 0.05, s * 0.05), (0.6, 0.18, s * 0.12), 0.015))
    return join(*parts)


def spider(rng: Rng) -> Solid:
    reach, rise = rng.uniform(0.5, 0.8), rng.uniform(0.15, 0.35)
    legs = [tube([(0.05 * k, 0, s * 0.1), (0.18 * k, rise, s * reach * 0.55), (0.28 * k, -0.15, s * reach)], [0.035, 0.03, 0.012]) for s in (-1, 1) for k in (-1.5, -0.5, 0.5, 1.5)]
    return join(superellipsoid((0.28, 0.18, 0.24)), superellipsoid((0.45, 0.32, 0.4)).moved(-0.3, 0.05), *legs)


def bird(rng: Rng) -> Solid:
    line = np.stack([np.linspace(-0.3, 0.3, 11), np.zeros(11), np.zeros(11)], 1)
    fat = rng.uniform(0.14, 0.28)
    body = tube(line, fat * np.interp(np.linspace(0, 1, 11), [0, 0.15, 0.6, 1], [0.2, 0.6, 1, 0.55])).turned("z", rng.uniform(0, 45))
    neck = rng.uniform(0.0, 0.25)
    skull = (0.33 + neck * 0.4, 0.14 + neck, 0)
    parts = [body, superellipsoid((0.15, 0.13, 0.13)).moved(*skull), rod((0.24, 0.06, 0), skull, 0.1), rod((skull[0] + 0.05, skull[1], 0), (skull[0] + rng.uniform(0.12, 0.22), skull[1] - 0.01, 0), [0.045, 0.01])]
    parts.append(superellipsoid((0.28, 0.015, 0.14), 0.5, 0.7).turned("z", rng.uniform(-20, 10)).moved(-0.38, -0.04))
    if rng.random() < 0.5:  # flying
        span, lift = rng.uniform(0.4, 0.8), rng.uniform(-10, 40)
        for s in (-1, 1):
            outline = [(0.15, 0), (0.12, s * span * 0.5), (-0.05, s * span), (-0.12, s * span * 0.5), (-0.15, 0)]
            parts.append(extrude(outline, 0.015).turned("x", 90).scaled(1, 1, -1).turned("x", -s * lift))
    else:
        parts += [rod((0, -0.08, s * 0.05), (0.02, -rng.uniform(0.2, 0.45), s * 0.06), 0.018) for s in (-1, 1)]
        parts += [superellipsoid((0.36, 0.16, 0.05)).moved(-0.05, 0.02, s * fat * 0.48) for s in (-1, 1)]
    return join(*parts)


def snake(rng: Rng) -> Solid:
    t = np.linspace(0, 1, 60)
    if rng.random() < 0.4:  # coiled
        turns = rng.uniform(1.5, 3)
        line = np.stack([(0.3 - 0.12 * t) * np.cos(6.28 * turns * t), 0.15 * t, (0.3 - 0.12 * t) * np.sin(6.28 * turns * t)], 1)
    else:
        line = np.stack([1.4 * t, 0 * t, rng.uniform(0.08, 0.18) * np.sin(6.28 * rng.uniform(1, 2.5) * t)], 1)
    return tube(line, rng.uniform(0.05, 0.09) * np.interp(t, [0, 0.6, 0.93, 0.97, 1], [0.15, 1, 0.8, 1.1, 0.5]))


def fish(rng: Rng) -> Solid:
    x, high, flat = np.linspace(0, 1, 17), rng.uniform(0.22, 0.5), rng.uniform(0.3, 0.7)
    shape = np.interp(x, [0, 0.1, 0.35, 0.75, 0.92, 1], [0.15, 0.6, 1, 0.5, 0.2, 0.15])
    body = tube(np.stack([x, 0 * x, 0 * x], 1), high * shape, high * shape * flat)
    body = body if np.ptp(body.vertices[:, 1]) > np.ptp(body.vertices[:, 2]) else body.turned("x", 90)
    tail = extrude([(0.95, 0.0), (1.2, high * 0.5), (1.14, 0), (1.2, -high * 0.5)], 0.015)
    fins = [extrude([(0.3, high * 0.4), (0.65, high * 0.3), (0.55, high * rng.uniform(0.6, 0.85))], 0.015)]
    fins += [extrude([(0.28, 0), (0.45, -0.12), (0.42, 0.0)], 0.012).turned("x", s * 55).moved(z=s * high * flat * 0.4) for s in (-1, 1)]
    return join(body, tail, *fins)


def _quadruped(rng: Rng, leg: float, neck: tuple[float, float], girth: float, tail: tuple[float, float], muzzle: float, ears: float) -> Solid:
    """A four-legged animal of body length 1; neck: length and slope; tail: length and slope, in degrees."""
    girth, leg = girth * rng.uniform(0.85, 1.15), leg * rng.uniform(0.85, 1.15)
    line = np.stack([np.linspace(-0.5, 0.5, 9), np.zeros(9), np.zeros(9)], 1)
    trunk = tube(line, girth * np.array([0.55, 0.85, 0.95, 0.95, 0.95, 1, 1.02, 0.95, 0.7]), 0.8 * girth * np.array([0.55, 0.85, 0.95, 0.95, 0.95, 1, 1.02, 0.9, 0.6]))
    length, slope = neck[0] * rng.uniform(0.85, 1.15), np.deg2rad(neck[1] + rng.normal(0, 15))
    skull = np.array([0.45 + length * np.cos(slope), 0.1 + length * np.sin(slope), 0])
    parts = [trunk, rod((0.38, 0.05, 0), skull, [girth * 0.7, girth * 0.4]), superellipsoid((0.24, 0.2, 0.18)).moved(*skull)]
    parts.append(rod(skull, skull + [0.1 + muzzle, -0.3 * muzzle - 0.03, 0], [0.17, 0.09]))
    parts += [rod(skull + [-0.03, 0.06, s * 0.06], skull + [-0.05, 0.06 + ears, s * 0.09], [0.07, 0.02], 0.03) for s in (-1, 1)]
    for x in (-0.4, 0.38):
        for s in (-1, 1):
            step = rng.normal(0, 0.06)
            knee = (x + step * 0.5 - 0.03, -leg * 0.55, s * girth * 0.3)
            parts.append(tube([(x, 0, s * girth * 0.28), knee, (x + step, -leg - girth * 0.3, s * girth * 0.3)], [0.19, 0.1, 0.09]))
    angle = np.deg2rad(tail[1] + rng.normal(0, 20))
    end = (-0.5 - tail[0] * np.cos(angle), 0.05 + tail[0] * np.sin(angle), 0)
    parts.append(rod((-0.48, 0.05, 0), end, [0.07, 0.04]))
    return join(*parts)


def dog(rng: Rng) -> Solid:
    return _quadruped(rng, rng.uniform(0.25, 0.5), (0.28, 50), rng.uniform(0.3, 0.42), (0.35, 40), rng.uniform(0.08, 0.2), rng.uniform(0.0, 0.12))


def cat(rng: Rng) -> Solid:
    return _quadruped(rng, 0.32, (0.22, 45), 0.28, (0.7, rng.choice((75, -40))), 0.02, 0.1)


def horse(rng: Rng) -> Solid:
    made = _quadruped(rng, 0.75, (0.55, 55), 0.42, (0.45, -65), 0.28, 0.1)
    return join(made, tube(np.linspace([0.42, 0.28, 0], [0.72, 0.62, 0], 4), 0.1, 0.03))


def cow(rng: Rng) -> Solid:
    made = _quadruped(rng, 0.42, (0.32, 15), 0.55, (0.45, -80), 0.2, 0.0)
    horns = [tube(rounded([(0.75, 0.27, s * 0.06), (0.75, 0.33, s * 0.2), (0.8, 0.45, s * 0.22)]), 0.035) for s in (-1, 1)]
    return join(made, *horns) if rng.random() < 0.7 else made


def deer(rng: Rng) -> Solid:
    made = _quadruped(rng, 0.7, (0.5, 60), 0.34, (0.1, 30), 0.18, 0.1)
    parts = [made]
    for s in (-1, 1):
        main = np.array([(0.68, 0.6, s * 0.05), (0.62, 0.8, s * 0.18), (0.68, 1.02, s * 0.26)])
        parts.append(tube(main, 0.03))
        parts += [rod(main[1] + (main[2] - main[1]) * f, main[1] + (main[2] - main[1]) * f + [0.13, 0.1, s * 0.03], 0.02) for f in (0.0, 0.5)]
    return join(*parts)


def night_stand(rng: Rng) -> Solid:
    x, y, z = rng.uniform(0.35, 0.6), rng.uniform(0.4, 0.7), rng.uniform(0.3, 0.5)
    return _drawers(rng, x, y, z, int(rng.integers(1, 4)), 1, rng.choice((0.0, 0.05, 0.2, 0.45)), rng.random() < 0.25)


def dresser(rng: Rng) -> Solid:
    x, y, z = rng.uniform(0.7, 1.7), rng.uniform(0.7, 1.2), rng.uniform(0.4, 0.55)
    made = _drawers(rng, x, y, z, int(rng.integers(3, 6)), int(rng.integers(1, 4)), rng.choice((0.0, 0.05, 0.15)), False)
    if rng.random() < 0.2:  # a mirror on top
        made = join(made, box(x * rng.uniform(0.5, 0.8), rng.uniform(0.5, 0.9), 0.04).moved(y=y + 0.3, z=-z * 0.4))
    return made


def _drawers(rng: Rng, x: float, y: float, z: float, rows: int, columns: int, legs: float, shelf: bool) -> Solid:
    """A chest with fronts and knobs; legs: their share of the height; shelf: its lower part is open."""
    low = legs * y
    top = rng.uniform(0.0, 0.03)
    parts = [box(x + 2 * top, 0.025, z + 2 * top).moved(y=y)]
    if shelf:
        parts += [box(0.02, y - low, z).moved(x=s * x / 2, y=(y + low) / 2) for s in (-1, 1)]
        parts += [box(x, 0.02, z).moved(y=low + 0.02), box(x, (y - low) * 0.35, z).moved(y=y - (y - low) * 0.175), box(x, y - low, 0.01).moved(y=(y + low) / 2, z=-z / 2)]
    else:
        parts.append(box(x, y - low, z).moved(y=(y + low) / 2))
        high, wide = (y - low) / rows, x / columns
        proud, knob = rng.uniform(0.0, 0.02), rng.random() < 0.7
        for r in range(rows):
            for c in range(columns):
                at = ((c + 0.5) * wide - x / 2, low + (r + 0.5) * high, z / 2)
                parts.append(box(wide * 0.92, high * 0.88, 0.01 + proud).moved(*at))
                if knob:
                    parts.append(superellipsoid((rng.choice((0.03, 0.12)), 0.03, 0.03), segments=10).moved(at[0], at[1], at[2] + 0.02 + proud))
    if legs > 0:
        parts += [rod((a * (x / 2 - 0.03), 0, b * (z / 2 - 0.03)), (a * (x / 2 - 0.03), low + 0.02, b * (z / 2 - 0.03)), 0.04) for a in (-1, 1) for b in (-1, 1)]
    return join(*parts)


def desk(rng: Rng) -> Solid:
    x, y, z, thick = rng.uniform(1.0, 1.8), rng.uniform(0.7, 0.8), rng.uniform(0.5, 0.85), rng.uniform(0.02, 0.05)
    parts = [box(x, thick, z).moved(y=y)]
    inset = rng.uniform(0.0, 0.05)
    for s in (-1, 1):
        kind = rng.integers(4)
        at = s * (x / 2 - inset)
        if kind <= 1:  # a pedestal of drawers
            wide = rng.uniform(0.3, 0.45)
            unit = _drawers(rng, wide, y - thick, z * 0.92, int(rng.integers(2, 5)), 1, rng.choice((0.0, 0.1)), False)
            parts.append(unit.moved(x=at - s * wide / 2))
        elif kind == 2:  # a side panel
            parts.append(box(0.03, y, z * 0.95).moved(x=at - s * 0.02, y=y / 2))
        else:  # legs
            parts += [rod((at - s * 0.04, 0, b * (z / 2 - 0.05)), (at - s * 0.04, y, b * (z / 2 - 0.05)), 0.05) for b in (-1, 1)]
    if rng.random() < 0.6:  # what keeps knees from being seen
        parts.append(box(x * 0.95, y * rng.uniform(0.3, 0.9), 0.02).moved(y=y * 0.6, z=-z * rng.uniform(0.3, 0.48)))
    if rng.random() < 0.3:  # a second top, to an L
        long = rng.uniform(0.5, 0.9)
        parts += [box(0.5, thick, long).moved(x / 2 - 0.25, y, z / 2 + long / 2), box(0.45, y, 0.03).moved(x / 2 - 0.25, y / 2, z / 2 + long)]
    if rng.random() < 0.3:  # shelves above
        high = rng.uniform(0.3, 0.6)
        parts += [box(x, 0.02, 0.25).moved(y=y + high, z=-z / 2 + 0.12), box(x, high, 0.02).moved(y=y + high / 2, z=-z / 2)]
        parts += [box(0.02, high, 0.25).moved(s * x / 2, y + high / 2, -z / 2 + 0.12) for s in (-1, 0, 1)]
    elif rng.random() < 0.25:
        parts.append(monitor_on(rng).moved(y=y + 0.02))
    return join(*parts)


def monitor_on(rng: Rng) -> Solid:
    """A screen, as it stands on a desk."""
    wide = rng.uniform(0.4, 0.6)
    return join(box(wide, wide * 0.6, 0.03).moved(y=0.1 + wide * 0.3), rod((0, 0, -0.03), (0, 0.2, -0.03), 0.05), box(0.2, 0.015, 0.18))


def bathtub(rng: Rng) -> Solid:
    x, z, y = rng.uniform(1.4, 1.9), rng.uniform(0.65, 0.95), rng.uniform(0.4, 0.6)
    floor, lip = rng.uniform(0.7, 0.9), rng.uniform(0.86, 0.95)
    square, free = rng.uniform(0.2, 1.0), rng.random() < 0.5
    inner = [(lip, 1.0), (lip * 0.97, 0.8), (floor * lip, 0.25), (floor * lip * 0.9, 0.2), (0, 0.2)]
    outer = [(0, 0.0), (floor if free else 1.0, 0.0), (rng.uniform(0.9, 1.0) if free else 1.0, 0.95), (1.0, 1.0)]
    shell = revolve(np.concatenate([outer, inner]), square if free else 0.1, 1.0, 48)
    if not free:  # boxed in: a round tub in a square frame
        shell = join(revolve([(0, 0), (1, 0), (1, 1), (lip, 1)], 0.06, 1.0, 48), revolve(inner, square, 1.0, 48))
    made = shell.scaled(x / 2, y, z / 2)
    parts = [made]
    if free and rng.random() < 0.5:  # on feet
        parts += [rod((a * x * 0.3, -0.12, b * z * 0.3), (a * x * 0.28, 0.05, b * z * 0.28), 0.06) for a in (-1, 1) for b in (-1, 1)]
    if rng.random() < 0.5:
        parts.append(tube(rounded([(x * 0.46, y, 0), (x * 0.46, y + 0.15, 0), (x * 0.36, y + 0.13, 0)]), 0.03))
    return join(*parts)


def toilet(rng: Rng) -> Solid:
    seat, length, width = rng.uniform(0.38, 0.46), rng.uniform(0.42, 0.55), rng.uniform(0.33, 0.4)
    rim = [(1.0, seat), (0.7, seat), (0.6, seat - 0.12), (0.2, seat - 0.2), (0, seat - 0.2)]
    outer = rounded([(rng.uniform(0.5, 0.8), 0), (rng.uniform(0.45, 0.7), seat * 0.35), (0.9, seat * 0.8), (1.0, seat)], 2)
    bowl = revolve(np.concatenate([[(0, 0)], outer, rim]), rng.uniform(0.8, 1.0)).scaled(width / 2, 1, length / 2).moved(z=0.1)
    parts = [bowl, torus(0.85, 0.28, height=0.05).scaled(width / 2, 1, length / 2).moved(y=seat + 0.015, z=0.1)]
    back = -length / 2 + 0.1
    if rng.random() < 0.8:
        high = rng.uniform(0.25, 0.4)
        parts.append(superellipsoid((rng.uniform(0.36, 0.5), high, rng.uniform(0.16, 0.22)), 0.15, 0.15).moved(y=seat + high / 2, z=back - 0.05))
        parts.append(box(width * 0.7, seat, 0.2).moved(y=seat / 2, z=back))
    if rng.random() < 0.4:  # the lid is up
        parts.append(superellipsoid((width, length * 0.9, 0.03), 0.5, 0.3).turned("x", rng.uniform(-12, -2)).moved(y=seat + length * 0.45, z=back + 0.09))
    elif rng.random() < 0.5:
        parts.append(superellipsoid((width, 0.03, length), 0.3, 0.8).moved(y=seat + 0.05, z=0.1))
    return join(*parts)


def filing_cabinet(rng: Rng) -> Solid:
    return _drawers(rng, rng.uniform(0.4, 0.5), rng.uniform(0.65, 1.4), rng.uniform(0.5, 0.7), int(rng.integers(2, 5)), 1, 0.0, False)


def refrigerator(rng: Rng) -> Solid:
    x, y, z = rng.uniform(0.55, 0.95), rng.uniform(0.85, 1.9), rng.uniform(0.55, 0.75)
    split = rng.uniform(0.3, 0.75)
    doors = [superellipsoid((x, y * share - 0.01, 0.05), 0.1, 0.1).moved(y=y * (start + share / 2), z=z / 2 + 0.02) for start, share in ((0, split), (split, 1 - split))]
    handles = [rod((-x * 0.4, y * a, z / 2 + 0.07), (-x * 0.4, y * b, z / 2 + 0.07), 0.025) for a, b in ((split * 0.6, split * 0.95), (split + 0.03, split + 0.2))]
    return join(box(x, y, z).moved(y=y / 2), *doors, *handles)


def microwave(rng: Rng) -> Solid:
    x, y, z = rng.uniform(0.42, 0.55), rng.uniform(0.25, 0.33), rng.uniform(0.3, 0.42)
    door = box(x * 0.72, y * 0.92, 0.02).moved(x=-x * 0.12, z=z / 2 + 0.005)
    return join(box(x, y, z), door, rod((x * 0.22, -y * 0.35, z / 2 + 0.04), (x * 0.22, y * 0.35, z / 2 + 0.04), 0.018), rod((x * 0.37, -y * 0.2, z / 2), (x * 0.37, -y * 0.2, z / 2 + 0.025), 0.05))


def toaster(rng: Rng) -> Solid:
    x, y, z = rng.uniform(0.25, 0.38), rng.uniform(0.17, 0.22), rng.uniform(0.14, 0.2)
    walls = [superellipsoid((x, y, w), 0.3, 0.2).moved(z=at * z) for w, at in ((z * 0.25, -0.38), (z * 0.2, 0.0), (z * 0.25, 0.38))]
    return join(*walls, box(x * 0.98, y * 0.75, z * 0.95).moved(y=-y * 0.12), box(0.02, 0.02, 0.04).moved(x=x / 2 + 0.01, y=y * 0.1))


def coffee_maker(rng: Rng) -> Solid:
    high = rng.uniform(0.28, 0.38)
    jug = join(revolve(rounded([(0, 0), (0.065, 0), (0.075, 0.06), (0.05, 0.13), (0, 0.13)], 2)), tube(rounded([(0, 0.03, 0.07), (0, 0.03, 0.12), (0, 0.12, 0.12), (0, 0.12, 0.06)], 2), 0.014)).moved(y=0.03, z=0.03)
    return join(box(0.19, 0.03, 0.24), box(0.18, high, 0.08).moved(y=high / 2, z=-0.08), box(0.19, 0.1, 0.22).moved(y=high - 0.05), jug)


def blender(rng: Rng) -> Solid:
    base = revolve([(0, 0), (0.09, 0), (0.08, 0.1), (0.055, 0.14), (0, 0.14)], rng.choice((1.0, 0.4)))
    jug = revolve([(0.05, 0.14), (0.075, 0.33), (0.08, 0.34), (0.05, 0.36), (0, 0.37)])
    return join(base, jug, tube(rounded([(0.06, 0.18, 0), (0.13, 0.2, 0), (0.13, 0.31, 0), (0.07, 0.32, 0)], 2), 0.018))


def street_light(rng: Rng) -> Solid:
    high, reach = rng.uniform(4, 8), rng.uniform(0.5, 1.8)
    arms = [tube(rounded([(0, high * 0.9, 0), (0, high, 0), (s * reach, high + 0.1, 0)], 2), 0.1) for s in ((1,) if rng.random() < 0.7 else (1, -1))]
    heads = [superellipsoid((0.7, 0.15, 0.3)).moved(s * (reach + 0.2), high + 0.05) for s in ((1,) if len(arms) == 1 else (1, -1))]
    return join(rod((0, 0, 0), (0, high * 0.92, 0), [0.22, 0.12]), *arms, *heads)


def mailbox(rng: Rng) -> Solid:
    angle = np.linspace(0, np.pi, 13)
    high = rng.uniform(0.1, 0.16)
    outline = np.concatenate([np.stack([0.09 * np.cos(angle), high + 0.09 * np.sin(angle)], 1), [(-0.09, 0), (0.09, 0)]])
    return join(extrude(outline, rng.uniform(0.35, 0.5)).moved(y=1.0), box(0.09, 1.0, 0.09).moved(y=0.5), box(0.01, 0.12, 0.03).moved(0.1, 1.2, 0.05))


SHAPES = {
    "hammer": hammer, "screwdriver": screwdriver, "wrench": wrench, "pliers": pliers, "saw": saw, "drill": drill,
    "axe": axe, "shovel": shovel, "broom": broom, "ladder": ladder, "flashlight": flashlight, "padlock": padlock,
    "key": key, "airplane": airplane, "helicopter": helicopter, "rocket": rocket, "balloon": balloon,
    "bicycle": bicycle, "traffic cone": traffic_cone, "traffic sign": traffic_sign, "fire hydrant": fire_hydrant,
    "fire extinguisher": fire_extinguisher, "insect": insect, "spider": spider, "bird": bird, "snake": snake,
    "fish": fish, "dog": dog, "cat": cat, "horse": horse, "cow": cow, "deer": deer, "night stand": night_stand,
    "dresser": dresser, "desk": desk, "bathtub": bathtub, "toilet": toilet, "filing cabinet": filing_cabinet,
    "refrigerator": refrigerator, "microwave oven": microwave, "toaster": toaster, "coffee maker": coffee_maker,
    "blender": blender, "street light": street_light, "mailbox": mailbox,
}  # fmt: skip
