"""Things that keep their number from frame to frame, and names that all frames have a say in.

A thing of a new frame is taken for that of an earlier one whose box it overlaps most. So all clouds have to
be in one frame of reference (a sensor that moves needs its pose taken out of the points first), and a thing
must not move as far from one frame to the next as it is wide.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import count

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import OptionError
from c2p_deploy.json_file import is_number, is_whole, shown
from c2p_runtime.scene.classifier import Scene, SceneObject
from c2p_runtime.scene.segmentation import Box

Array = npt.NDArray[np.float64]


@dataclass(eq=False)
class Track:
    """A thing over its frames.

    id: its number, from 1, which no other thing gets; latest: as it was last seen; seen: in how many frames;
    missed: how many frames ago that was.
    """

    id: int
    latest: SceneObject
    seen: int = 0
    missed: int = 0
    _votes: dict[str, float] = field(default_factory=dict, repr=False)
    _reasons: Counter[str] = field(default_factory=Counter, repr=False)

    @property
    def box(self) -> Box:
        """Where it was last seen."""
        return self.latest.box

    @property
    def guess(self) -> str | None:
        """The name with the largest sum of confidences; None where no frame had a guess.

        Not of their logarithms: these would be right if frames were independent, but a thing that stands
        there looks the same in each, and a hundred frames of one mistake are no hundred witnesses. In a sum
        what is sure keeps its weight, and one frame that is sure of something else cannot veto.
        """
        return max(self._votes, key=self._votes.__getitem__, default=None)

    @property
    def confidence(self) -> float:
        """The mean over its frames of the confidence that each had in `guess`, in [0, 1]; 0 for another's."""
        return 0.0 if self.guess is None else self._votes[self.guess] / self.seen

    @property
    def reason(self) -> str | None:
        """Why it has no label: the commonest reason of its frames, where at least half of them had one."""
        if 2 * self._reasons.total() < self.seen:
            return None
        return self._reasons.most_common(1)[0][0]

    @property
    def label(self) -> str | None:
        """Its name, or None where `reason` says why none should be given."""
        return self.guess if self.reason is None else None

    def see(self, found: SceneObject) -> None:
        """Counts a frame with it."""
        self.latest, self.seen, self.missed = found, self.seen + 1, 0
        if found.guess is not None:
            self._votes[found.guess] = self._votes.get(found.guess, 0.0) + found.confidence
        if found.reason is not None:
            self._reasons[found.reason] += 1


class Tracks:
    """The things of a stream of scenes.

        tracks = Tracks()
        for frame in frames:
            for track in tracks.update(scene_clf(frame)):
                track.id, track.label, track.confidence, track.box

    least_overlap: intersection over union of two boxes from which they can be one thing; most_missed: frames
    in a row without it after which a thing is gone. Not safe to call from several threads. Raises OptionError
    for values that make no sense.
    """

    def __init__(self, least_overlap: float = 0.2, most_missed: int = 5) -> None:
        if not is_number(least_overlap) or not 0 < least_overlap <= 1:
            raise OptionError(f"least_overlap must be a number in (0, 1], got {shown(least_overlap)}")
        if not is_whole(most_missed) or most_missed < 0:
            raise OptionError(f"most_missed must be a whole number, at least 0, got {shown(most_missed)}")
        self.least_overlap, self.most_missed = least_overlap, most_missed
        self._numbers = count(1)
        self._live: list[Track] = []

    @property
    def live(self) -> tuple[Track, ...]:
        """All that are not gone, also those that were missed of late; the oldest first."""
        return tuple(self._live)

    def update(self, scene: Scene) -> list[Track]:
        """The tracks of a scene's objects, in their order: those that go on, and new ones."""
        found: list[Track | None] = [None] * len(scene.objects)
        overlaps = overlaps_of([track.box for track in self._live], [one.box for one in scene.objects])
        pairs = np.argwhere(overlaps >= self.least_overlap)
        order = np.argsort(
            -overlaps[tuple(pairs.T)], kind="stable"
        )  # ties: the older track, the nearer thing
        taken: set[int] = set()
        for old, new in pairs[order].tolist():
            if old not in taken and found[new] is None:
                taken.add(old)
                found[new] = self._live[old]
        for place, track in enumerate(self._live):
            track.missed += place not in taken
        tracks = []
        for one, known in zip(scene.objects, found, strict=True):
            track = known or Track(next(self._numbers), one)
            if known is None:
                self._live.append(track)
            track.see(one)
            tracks.append(track)
        self._live = [track for track in self._live if track.missed <= self.most_missed]
        return tracks


def overlaps_of(some: list[Box], others: list[Box]) -> Array:
    """Intersection over union of each of some boxes with each of others: float64 [S, O]."""
    found = np.zeros((len(some), len(others)))
    if not some or not others:
        return found
    reach = [np.array([np.linalg.norm(box.size) / 2 for box in boxes]) for boxes in (some, others)]
    middles = [np.array([box.center for box in boxes]) for boxes in (some, others)]
    apart = np.linalg.norm(middles[0][:, None] - middles[1][None], axis=2)
    for a, b in np.argwhere(apart < reach[0][:, None] + reach[1][None]).tolist():
        found[a, b] = overlap(some[a], others[b])
    return found


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two upright boxes, in [0, 1]; of one without volume, 0.

    Up is that of `one`: where the other's differs, as two frames' do that each find their own, it is taken to
    stand upright here.
    """
    frame = one.axes
    middle = frame @ (other.center - one.center)
    heights = min(one.size[2] / 2, middle[2] + other.size[2] / 2) - max(
        -one.size[2] / 2, middle[2] - other.size[2] / 2
    )
    if heights <= 0:
        return 0.0
    along = frame[:2] @ other.axes[0]
    along = along / max(float(np.linalg.norm(along)), 1e-12)
    across = np.array([-along[1], along[0]])
    half = other.size[:2] / 2
    ground = np.array([(a * half[0]) * along + (b * half[1]) * across for a, b in _AROUND]) + middle[:2]
    shared = area_within(ground, one.size[:2] / 2) * heights
    union = float(np.prod(one.size) + np.prod(other.size)) - shared
    return float(np.clip(shared / union, 0, 1)) if union > 0 else 0.0


_AROUND = ((-1, -1), (1, -1), (1, 1), (-1, 1))


def area_within(polygon: Array, half: Array) -> float:
    """Of a convex polygon [M, 2] inside the rectangle from -half to half (Sutherland and Hodgman 1974)."""
    corners = [tuple(corner) for corner in polygon]
    for axis in (0, 1):
        for sign in (1.0, -1.0):
            kept = []
            for a, b in zip(corners, corners[1:] + corners[:1], strict=True):
                inside, beyond = (half[axis] - sign * point[axis] for point in (a, b))
                if inside >= 0:
                    kept.append(a)
                if (inside > 0) != (beyond > 0):
                    share = inside / (inside - beyond)
                    kept.append((a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])))
            corners = kept
    x, y = np.array(corners).reshape(-1, 2).T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)
