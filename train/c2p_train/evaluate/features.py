"""Raw features of the views of many clouds, computed once and kept on disk.

With frozen encoders the features of a cloud never change, yet projecting and encoding it is
all that few-shot training waits for. `cached_view_features` therefore does it once for each
pair of data and encoder, goes on where a killed run stopped, and trusts a file only after
checking it.

A cache file is `KEY.npy`, float32 [N, V, D] as NumPy writes it, followed by the SHA-256 of
all that stands before (32 bytes that `numpy.load` does not look at). KEY names everything
the features depend on, so nothing in the folder is ever out of date, and it may be deleted
at any time. `KEY.parts` holds the chunks of a run that is not finished, in the same format.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from c2p_deploy import DepthSpec, ViewSet, progress, project_depth
from c2p_deploy.errors import C2PError
from c2p_deploy.files import atomic_path, user_cache
from c2p_deploy.projection.spec import FloatArray
from c2p_train.datasets.labelled_clouds import LabelledClouds
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.encoders import Encoder, check_image_size, config_to_dict, encode_views, weights_digest

_CHUNK = 128  # clouds: the most that an interruption can lose, a minute or two of ViT-B/32 on two cores
_AHEAD = 2  # batches drawn while one is encoded
_HASH_SIZE = 32  # bytes of a SHA-256


@dataclass(frozen=True)
class ViewFeatures:
    """What the heads see of N labelled clouds.

    depth, image: float32 [N, V, D], raw features of the depth encoder and of the image
    encoder, None when the model has none; label: int64 [N].
    """

    depth: FloatArray
    image: FloatArray | None
    label: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.label)

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> ViewFeatures:
        """These clouds only."""
        image = None if self.image is None else self.image[rows]
        return ViewFeatures(self.depth[rows], image, self.label[rows])


def model_features(
    model: CLIP2Point,
    clouds: LabelledClouds,
    views: ViewSet,
    spec: DepthSpec,
    cache: Path | None = None,
    *,
    device: torch.device | str = "cpu",
) -> ViewFeatures:
    """Cached features of both paths of a model, as `cached_view_features` makes them."""
    depth, image = (
        None if encoder is None else cached_view_features(encoder, clouds, views, spec, cache, device=device)
        for encoder in (model.depth_encoder, model.image_encoder)
    )
    assert depth is not None  # every model has a depth encoder
    return ViewFeatures(depth, image, clouds.label)


def cached_view_features(
    encoder: Encoder,
    clouds: LabelledClouds,
    views: ViewSet,
    spec: DepthSpec,
    cache: Path | None = None,
    *,
    batch_size: int = 16,
    device: torch.device | str = "cpu",
    bfloat16: bool = False,
) -> FloatArray:
    """`view_features` of labelled clouds, from `cache` (by default `default_cache()`) if they are there.

    Otherwise they are computed and stored, in chunks: a run that was killed goes on with the
    first missing one. A damaged file is reported and made again. Raises what `view_features`
    raises, and OSError when the folder cannot be written.
    """
    cache = default_cache() if cache is None else cache
    key = _key(encoder, clouds, views, spec, bfloat16)
    whole, parts = cache / f"{key}.npy", cache / f"{key}.parts"
    stored = _load(whole, (len(clouds.points), len(views), encoder.embed_dim))
    if stored is not None:
        return stored

    parts.mkdir(parents=True, exist_ok=True)
    features = np.empty((len(clouds.points), len(views), encoder.embed_dim), dtype=np.float32)
    with progress.task(f"encoding {clouds.name}", len(features)) as task:
        for start in range(0, len(features), _CHUNK):
            part = parts / f"{start // _CHUNK:06}.npy"
            rows = slice(start, start + _CHUNK)
            chunk = _load(part, features[rows].shape)
            if chunk is None:
                points = clouds.points[rows]
                chunk = _encode(encoder, points, views, spec, batch_size, device, bfloat16, task)
                _store(part, chunk)
            else:
                task.advance(len(chunk))
            features[rows] = chunk
    _store(whole, features)
    shutil.rmtree(parts, ignore_errors=True)  # another process may just have done so
    return features


def view_features(
    encoder: Encoder,
    points: FloatArray,
    views: ViewSet,
    spec: DepthSpec,
    *,
    batch_size: int = 16,
    device: torch.device | str = "cpu",
    bfloat16: bool = False,
) -> FloatArray:
    """Raw features float32 [N, V, D] of prepared clouds [N, P, 3] whose y axis is up.

    The encoder is moved to `device` and runs in evaluation mode, on `batch_size` clouds at a
    time, while the next ones are drawn; bfloat16: in that precision, where a GPU or the
    processor has it. Raises C2PError when depth maps of this size do not fit the encoder, or
    when it gives a feature that is not finite.
    """
    with progress.task("encoding", len(points)) as task:
        return _encode(encoder, points, views, spec, batch_size, device, bfloat16, task)


def default_cache() -> Path:
    """The folder for features in the user's cache."""
    return user_cache() / "features"


def array_digest(*arrays: npt.NDArray[Any] | None) -> str:
    """SHA-256, in hex, of the shapes, types and contents of arrays; None counts too."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(b"none" if array is None else f"{array.dtype} {array.shape}".encode())
        if array is not None:
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


# --- encoding -----------------------------------------------------------------------------


def _encode(
    encoder: Encoder,
    points: FloatArray,
    views: ViewSet,
    spec: DepthSpec,
    batch_size: int,
    device: torch.device | str,
    bfloat16: bool,
    task: progress.Task,
) -> FloatArray:
    """See `view_features`; task: one of its steps is a cloud."""
    check_image_size(encoder, spec)
    device = torch.device(device)
    features = np.empty((len(points), len(views), encoder.embed_dim), dtype=np.float32)
    was_training = encoder.training
    encoder.to(device).eval()
    try:
        done = 0
        for depth in depth_batches(points, views, spec, batch_size):
            with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
                encoded = encode_views(encoder, torch.from_numpy(depth).to(device))
            features[done : done + len(depth)] = encoded.cpu().numpy()
            done += len(depth)
            task.advance(len(depth))
    finally:
        encoder.train(was_training)
    if not np.isfinite(features).all():
        raise C2PError("the encoder gives features that are not finite", "its weights are damaged")
    return features


def depth_batches(
    points: FloatArray, views: ViewSet, spec: DepthSpec, batch_size: int
) -> Iterator[FloatArray]:
    """Depth maps [b, V, S, S], batch by batch; the next ones are drawn while the caller works on one."""

    def draw(start: int) -> FloatArray:
        batch = points[start : start + batch_size]
        depth = np.empty((len(batch), len(views), spec.image_size, spec.image_size), dtype=np.float32)
        for cloud, maps in zip(batch, depth, strict=True):
            project_depth(cloud, views, spec, "y", out=maps)
        return depth

    waiting: deque[Future[FloatArray]] = deque()
    with ThreadPoolExecutor(_AHEAD) as pool:
        for start in range(0, len(points), batch_size):
            waiting.append(pool.submit(draw, start))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


# --- the cache ----------------------------------------------------------------------------


def _key(encoder: Encoder, clouds: LabelledClouds, views: ViewSet, spec: DepthSpec, bfloat16: bool) -> str:
    """Changes with anything the features depend on: the name of the cache file."""
    settings = {
        "clouds": clouds.digest,
        "encoder": config_to_dict(encoder.config),
        "spec": asdict(spec),
        "bfloat16": bfloat16,
    }
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    digest.update(views.rotations.tobytes() + views.distances.tobytes())
    digest.update(weights_digest(encoder).encode())
    return digest.hexdigest()


def _store(path: Path, features: FloatArray) -> None:
    header, data = _header(features.shape), features.data
    digest = hashlib.sha256(header)
    digest.update(data)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        for piece in (header, data, digest.digest()):
            file.write(piece)


def _load(path: Path, shape: tuple[int, ...]) -> FloatArray | None:
    """What `_store` wrote, or None if there is nothing usable; a damaged file gets a line."""
    header = _header(shape)
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except FileNotFoundError:
        return None
    content, digest = data[:-_HASH_SIZE], data[-_HASH_SIZE:].tobytes()
    if hashlib.sha256(content.data).digest() == digest and content[: len(header)].tobytes() == header:
        return content[len(header) :].view("<f4").reshape(shape)
    progress.say(f"{path}: damaged; its features are computed again")
    return None


def _header(shape: tuple[int, ...]) -> bytes:
    """What a .npy file of little-endian float32 of this shape begins with."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return file.getvalue()
