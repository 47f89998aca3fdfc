"""Cloud preparation: raw points become at most `num_points` points in the unit sphere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import CloudError, OptionError, reason_of
from c2p_deploy.projection.spec import DepthSpec, FloatArray, Preparation

# Farthest-point sampling looks at no more than this many candidates per point it keeps.
_CANDIDATES_PER_POINT = 8
# Squares of anything larger would overflow the float32 arithmetic of the sampling.
LARGEST_COORDINATE = 1e18

# What is wrong with a cloud and what to do about it, whether it is found here or on a GPU.
NO_FINITE_POINT = "no finite point in the cloud", "check the sensor or the file"
ALL_COINCIDE = "all points coincide", "a cloud needs some extent to be classified"
TOO_LARGE = "coordinates beyond 1e18 in the cloud", "the data is damaged or its columns are not x, y, z"


@dataclass(frozen=True)
class Prepared:
    """points: float32 [M, 3], ready for `project_depth`. strays: how many were removed of those looked at."""

    points: FloatArray
    strays: int = 0


def prepare(points: npt.ArrayLike, spec: DepthSpec, preparation: Preparation, seed: int = 0) -> Prepared:
    """What `prepare_points` gives; "robust" removes stray points before anything is sampled or measured.

    They are looked for among at most 8 points per point kept, drawn at random. Raises as `prepare_points`.
    """
    if preparation == "paper":
        return Prepared(prepare_points(points, spec, seed))
    from c2p_deploy.projection.outliers import kept_points

    rng = _generator(seed)
    looked_at = _thinned(finite_points(points), spec.num_points, rng)
    kept = kept_points(looked_at)
    strays = len(kept) - int(np.count_nonzero(kept))
    cloud = looked_at[kept] if strays else looked_at
    return Prepared(to_unit_sphere(_spread(cloud, spec.num_points, rng)), strays)


def prepare_points(points: npt.ArrayLike, spec: DepthSpec, seed: int = 0) -> FloatArray:
    """Points ready for `project_depth`: float32 [M, 3], centred, the farthest at radius 1.

    points: [N, 3] numbers in any unit, or more columns, of which the first three count; rows that are not
    finite, or masked (the holes of an organised cloud) are dropped. M = min(N, spec.num_points). The same
    seed gives the same points. Raises CloudError for a wrong shape or type, no finite point, or points that
    all coincide; OptionError for a seed < 0.
    """
    # Sampled before it is centred, not after as in the authors' code: the mean of an uneven
    # scan lies where the sensor was near (benchmarks/answers/sampling.py: 90 % right against 83 %).
    return to_unit_sphere(sample_points(finite_points(points), spec.num_points, seed))


def finite_points(points: npt.ArrayLike) -> npt.NDArray[np.floating]:
    """The rows of points [N, 3 or more] whose first three columns are finite: [N', 3], float32 or float64.

    Raises CloudError for a wrong shape or dtype, or when no row is finite.
    """
    cloud = as_floats(points)
    finite = np.isfinite(cloud).all(axis=1)
    if not finite.all():
        cloud = cloud[finite]
    if len(cloud) == 0:
        raise CloudError(*NO_FINITE_POINT)
    if np.abs(cloud).max() > LARGEST_COORDINATE:
        raise CloudError(*TOO_LARGE)
    return cloud


def as_floats(points: npt.ArrayLike) -> npt.NDArray[np.floating]:
    """Points [N, 3 or more] of real numbers as [N, 3], float32 if they are that, or float64.

    The first three columns are x, y and z; drivers put intensity and the like behind. What a masked array
    hides becomes NaN. Raises CloudError.
    """
    try:
        cloud = np.asanyarray(points)
    except (TypeError, ValueError, OverflowError) as error:  # rows of different lengths, among others
        raise CloudError(f"points must be an array [N, 3] of numbers ({reason_of(error)})") from error
    check_shape(cloud.shape)
    cloud = cloud if cloud.shape[1] == 3 else cloud[:, :3]
    if (
        cloud.dtype.kind not in "fiu"
    ):  # not bool, complex, dates, text or objects, as integers of 20 digits are
        raise CloudError(f"points must be numbers, got dtype {cloud.dtype}", "pass float32 or float64")
    if cloud.dtype not in (np.float32, np.float64):
        with np.errstate(over="ignore"):  # of a wider float: infinite, and dropped
            cloud = cloud.astype(np.float64)
    return np.asarray(cloud.filled(np.nan) if isinstance(cloud, np.ma.MaskedArray) else cloud)


def check_shape(shape: tuple[int, ...]) -> None:
    """Raises CloudError unless the shape is [N, 3], or [N, C] with C up to N, whose first three are meant."""
    if len(shape) != 2 or shape[1] < 3:
        raise CloudError(f"points must be an array [N, 3], got shape {shape}", "pass columns x, y, z")
    if shape[1] > max(3, shape[0]):
        raise CloudError(f"points must be an array [N, 3], got shape {shape}", "transpose it: points.T")


def sample_points(
    points: npt.NDArray[np.floating], num_points: int, seed: int = 0
) -> npt.NDArray[np.floating]:
    """At most num_points of points [N, 3], spread evenly by farthest-point sampling.

    Clouds of more than 8 points per point kept are first thinned at random. On 100,000 points
    that takes a quarter of the time of farthest-point sampling them all, and the answers
    differ no more than between two seeds (benchmarks/answers/sampling.py). Raises OptionError for a seed
    that is none.
    """
    rng = _generator(seed)
    return _spread(_thinned(points, num_points, rng), num_points, rng)


def _generator(seed: int) -> np.random.Generator:
    """Raises OptionError for a seed that is none."""
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise OptionError(f"seed must be a whole number of at least 0, not {seed!r}")
    return np.random.default_rng(seed)


def _thinned(
    points: npt.NDArray[np.floating], num_points: int, rng: np.random.Generator
) -> npt.NDArray[np.floating]:
    """At most 8 of points [N, 3] per point to be kept, at random, in their order."""
    candidates = _CANDIDATES_PER_POINT * num_points
    if len(points) <= candidates:
        return points
    return points[np.sort(rng.choice(len(points), candidates, replace=False, shuffle=False))]


def _spread(
    points: npt.NDArray[np.floating], num_points: int, rng: np.random.Generator
) -> npt.NDArray[np.floating]:
    """At most num_points of points [N, 3], each the farthest from those before it, in their order."""
    if len(points) <= num_points:
        return points
    from c2p_deploy.projection.sampling import farthest_points  # here: small clouds need none of it

    # Distances are taken in float32: the offset goes first (map coordinates are large).
    local = _offsets(points)[0].astype(np.float32)
    chosen = farthest_points(local, num_points, first=int(rng.integers(len(points))))
    return np.asarray(points[np.sort(chosen)])


def to_unit_sphere(points: npt.NDArray[np.floating]) -> FloatArray:
    """Points [N, 3] moved to their mean and scaled so that the farthest is at radius 1.

    Raises CloudError when all points coincide (the authors' code divides by zero there).
    """
    offset, exponent = _offsets(points)
    radius = np.sqrt((offset * offset).sum(axis=1).max())
    # Below this the differences between points are rounding errors of their coordinates.
    least = (1e-7 if points.dtype == np.float32 else 1e-14) * float(np.abs(points).max())
    if not np.ldexp(radius, exponent) > least:
        _, remedy = ALL_COINCIDE
        raise CloudError(f"all {len(points)} points coincide", remedy)
    return np.asarray(offset / radius, dtype=np.float32)


def _offsets(points: npt.NDArray[np.floating]) -> tuple[npt.NDArray[np.float64], int]:
    """Offsets [N, 3] of points from their mean, in units of two to the power that is returned, too.

    The unit is 1, but for clouds so small or so large that squares of offsets would vanish or overflow:
    there it is about the largest offset. A power of two changes no digit.
    """
    offset = points.astype(np.float64)
    offset -= offset.mean(axis=0)
    largest = float(np.abs(offset).max())
    if largest == 0 or 1e-12 < largest < 1e12:
        return offset, 0
    exponent = int(np.frexp(largest)[1])
    return np.ldexp(offset, -exponent), exponent
