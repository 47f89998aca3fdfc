"""The authors' pipeline as anyone would run it in PyTorch: what ours is compared with.

Their renderer's semantics (docs/projection.md) and their order of steps, written for these
benchmarks in plain torch: the points of all views are rasterised at once with `scatter_reduce`,
which on a CPU is hundreds of times faster than the rasteriser of pytorch3d that theirs uses, so that a
gain over it is a gain over good PyTorch. With pytorch3d=True it is theirs. Both draw the same maps.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from time import perf_counter

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from c2p_deploy import DepthSpec, LabelSet, ViewSet
from c2p_deploy.projection.reference import pixel_centres
from c2p_deploy.projection.spec import FloatArray
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.clip_encoder import ClipEncoder

HAS_PYTORCH3D = find_spec("pytorch3d") is not None
_AT_ONCE = 4096  # points rasterised in one go: their windows should stay in the cache


@dataclass(frozen=True)
class Answer:
    """What the pipeline says about one cloud."""

    feature: FloatArray  # [D], of unit length
    scores: FloatArray  # [C], cosines
    ms: dict[str, float]  # by stage


def unit_sphere(points: npt.NDArray[np.floating]) -> FloatArray:
    """Points [N, 3] moved to their mean and scaled to radius 1, in float32 as in the authors' data sets."""
    cloud = np.asarray(points, dtype=np.float32)
    cloud = cloud - cloud.mean(axis=0)
    return np.asarray(cloud / np.sqrt((cloud**2).sum(axis=1)).max())


class Renderer:
    """Depth maps of one set of views. pytorch3d: rasterise with it instead of plain torch."""

    def __init__(self, views: ViewSet, spec: DepthSpec, device: str = "cpu", pytorch3d: bool = False) -> None:
        self.spec = spec
        self._rasterise = self._with_pytorch3d if pytorch3d else self._with_scatter
        self._rotations = torch.tensor(views.rotations, device=device)[..., None]  # [V, 3, 3, 1]
        self._distances = torch.tensor(views.distances, device=device)[:, None]  # [V, 1]
        # A disc lies within this many pixels of the one under its point (a little more, for rounding).
        reach = int(spec.point_radius * spec.image_size / 2 + 0.501)
        self._offsets = torch.arange(-reach, reach + 1, device=device)[:, None]  # [K, 1]
        # The canvas has a margin for the pixels of discs that leave the frame; nothing hits there.
        self._margin = reach + 1
        centres = np.pad(pixel_centres(spec.image_size), self._margin, constant_values=np.inf)
        self._centres = torch.from_numpy(centres).to(device)

    def __call__(self, points: Tensor, up: str = "z") -> Tensor:
        """Depth maps [V, S, S] of points [N, 3] in the unit sphere."""
        return normalise(self.z_buffers(points, up))

    def z_buffers(self, points: Tensor, up: str = "z") -> Tensor:
        """The nearest depth in every pixel, -1 where there is none: [V, S, S]."""
        x, y, z = points.unbind(1)
        return self._rasterise(*(-y, z, -x) if up == "z" else (x, y, z))

    def _to_view(self, x: Tensor, y: Tensor, z: Tensor) -> list[Tensor]:
        """Camera coordinates, each [V, N], of coordinates [N]."""
        scale = 1 / self._distances
        x, y, z = x * scale, y * scale, z * scale
        r = self._rotations
        seen = [(x * r[:, 0, k] + y * r[:, 1, k]) + z * r[:, 2, k] for k in range(3)]
        seen[2] = seen[2] + self._distances
        return seen

    def _with_scatter(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """Every point is offered to all pixels of the window around it; the nearest stays."""
        views, size, margin = len(self._distances), self.spec.image_size, self._margin
        side = size + 2 * margin
        squared = float(np.float32(self.spec.point_radius) ** 2)
        canvas = torch.full((views, side * side), torch.inf, device=x.device)
        for part in torch.stack((x, y, z)).split(_AT_ONCE, dim=1):
            px, py, pz = self._to_view(*part)
            depth = torch.where(pz >= 0, pz, torch.inf)  # what is behind the camera never wins
            columns, rows = (
                (((1 - p) * (size / 2)).floor().long().clamp(-1, size) + margin)[:, None] + self._offsets
                for p in (px, py)
            )  # [V, K, N]
            dx2 = (px[:, None] - self._centres[columns]).square()
            dy2 = (py[:, None] - self._centres[rows]).square()
            hit = dx2[:, None] + dy2[:, :, None] < squared  # [V, K, K, N]
            values = torch.where(hit, depth[:, None, None], torch.inf)
            pixels = (rows * side)[:, :, None] + columns[:, None]
            canvas.scatter_reduce_(1, pixels.reshape(views, -1), values.reshape(views, -1), "amin")
        frame = slice(margin, -margin)
        nearest = canvas.view(views, side, side)[:, frame, frame]
        return torch.where(nearest.isinf(), -1.0, nearest)

    def _with_pytorch3d(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        from pytorch3d.renderer.points.rasterize_points import rasterize_points
        from pytorch3d.structures import Pointclouds

        clouds = Pointclouds(torch.stack(self._to_view(x, y, z), dim=-1))
        size, radius = self.spec.image_size, self.spec.point_radius
        _, zbuf, _ = rasterize_points(clouds, image_size=size, radius=radius, points_per_pixel=1)
        depth: Tensor = zbuf[..., 0]
        return depth


def normalise(zbuf: Tensor) -> Tensor:
    """Depth maps in [0, 200/255], background 1.0, of z-buffers [V, S, S]."""
    foreground = zbuf > 0
    painted = torch.where(foreground, zbuf, 1.0)
    nearest = painted.amin(dim=(1, 2), keepdim=True)
    depth = (painted - nearest) / zbuf.amax(dim=(1, 2), keepdim=True) * 200.0 / 255.0
    return torch.where(foreground, depth, 1.0)


class AuthorsPipeline:
    """Points to cosines: a dual-path model, step by step as the authors run it, a cloud at a time.

    dtype: float32, or what the encoders are autocast to. compiled: encoders and head by torch.compile.
    pytorch3d: rasterise with it.
    """

    def __init__(
        self,
        model: CLIP2Point,
        labels: LabelSet,
        views: ViewSet,
        spec: DepthSpec,
        *,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        compiled: bool = False,
        pytorch3d: bool = False,
    ) -> None:
        assert isinstance(model.depth_encoder, ClipEncoder) and isinstance(model.image_encoder, ClipEncoder)
        self.device, self.dtype = device, dtype
        model = model.to(device).eval()
        self._renderer = Renderer(views, spec, device, pytorch3d)
        self._mean, self._std = model.depth_encoder.mean, model.depth_encoder.std
        wrap: Callable[[torch.nn.Module], Callable[..., Tensor]] = (
            torch.compile if compiled else (lambda m: m)
        )
        self._encoders = [wrap(encoder.visual) for encoder in (model.depth_encoder, model.image_encoder)]
        self._head = wrap(model.head)
        self._text = torch.tensor(labels.text_features, device=device)  # [C, D], of unit length

    @torch.no_grad()  # as theirs; in inference_mode autocast copies weights anew and takes four times as long
    def __call__(self, points: npt.NDArray[np.floating]) -> Answer:
        """The answer for one cloud [N, 3], not yet in the unit sphere."""
        times = [perf_counter()]
        cloud = torch.from_numpy(unit_sphere(points)).to(self.device)
        times.append(self._now())
        depth = self._renderer(cloud)
        images = (depth[:, None].repeat(1, 3, 1, 1) - self._mean) / self._std  # [V, 3, S, S]
        times.append(self._now())
        with nullcontext() if self.dtype == torch.float32 else torch.autocast(self.device, self.dtype):
            features = [encode(images) for encode in self._encoders]  # each [V, D]
        times.append(self._now())
        feature = self._head(*(f.float()[None] for f in features))  # [1, D]
        scores = (feature @ self._text.T)[0].cpu().numpy()
        times.append(self._now())
        stages = ("prepare", "project", "encode", "head")
        ms = {
            stage: 1e3 * (end - start)
            for stage, start, end in zip(stages, times[:-1], times[1:], strict=True)
        }
        return Answer(feature[0].cpu().numpy(), scores, {**ms, "total": 1e3 * (times[-1] - times[0])})

    def _now(self) -> float:
        if self.device != "cpu":
            torch.cuda.synchronize()
        return perf_counter()
