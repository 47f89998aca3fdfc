"""`render_pairs`: meshes become image–depth pairs, pictures beside the clouds that a robot would see.

A pair is what pre-training contrasts (paper section 3.3): a picture of an object and the depth map of
a cloud of the same object from the same camera. The clouds go through exactly what the robot does
(sampling by area, `prepare_points`), and the mesh is moved as they were, so that pictures lie on depth
maps pixel by pixel. Depth maps are not stored: they follow from the clouds in a millisecond, with
whatever radius, jitter and augmentation training wants.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from PIL import Image

from c2p_deploy import ViewSet, prepare_points, progress
from c2p_deploy.errors import C2PError, CloudError, PairsError, reason_of
from c2p_deploy.io.common import narrow
from c2p_deploy.io.meshes.sample import sample_mesh
from c2p_deploy.projection.prepare import finite_points, sample_points
from c2p_deploy.projection.reference import pixel_centres, to_view
from c2p_deploy.projection.spec import FloatArray, turn_up
from c2p_train.pairs.mesh import ColouredMesh, load_mesh
from c2p_train.pairs.mesh_files import MeshFile
from c2p_train.pairs.shards import (
    WHOLE,
    RenderSettings,
    Sample,
    ShardRecord,
    Share,
    Skipped,
    canonical_json,
    open_folder,
    plan_fingerprint,
)

_MESH_POINTS = 8192  # drawn from a surface before preparation, as read_cloud does
_OVERSAMPLING = 2  # rays per pixel and axis
_FARTHEST = 1e6  # what lies farther out, in radii of the cloud, is in no picture

# Light that a surface of white reflects: from everywhere, from the camera, and from a lamp that stays
# above and in front of the object (x right, y up, z towards the viewer of an upright object).
_AMBIENT, _HEADLIGHT, _LAMP = (np.float32(part) for part in (0.4, 0.35, 0.4))
_LAMP_DIRECTION = np.array([0.35, 0.8, 0.5], dtype=np.float32) / np.float32(np.sqrt(1.0125))


@dataclass(frozen=True)
class RenderResult:
    """What a folder holds now, and what the call did for it."""

    pairs: int
    skipped: tuple[Skipped, ...]
    rendered: int  # meshes that this call worked at; the others were there already
    missing: int  # shards that other shares have to make before the folder is complete


def render_pairs(
    files: list[MeshFile],
    out: Path,
    settings: RenderSettings,
    *,
    workers: int,
    on_model: Callable[[], None] | None = None,
    share: Share = WHOLE,
) -> RenderResult:
    """Renders `files` into the folder `out`, in an order shuffled by the seed, or goes on with it.

    What an earlier, interrupted call with the same files and settings finished is kept; the bytes in
    the folder do not depend on interruptions nor on `workers`. With a `share`, only its shards are made, and
    others may make theirs in the same folder at the same time, or in folders of their own that are copied
    together; who finds all shards there writes dataset.json. A mesh that cannot be rendered is
    listed in dataset.json and told to `c2p_deploy.progress`. `on_model` is called after every mesh.
    Workers are spawned, so a script needs the usual `if __name__ == "__main__":`. Raises PairsError
    when the folder holds something else, when another process is at work in it, for keys that are
    not unique, or when no mesh gives a pair.
    """
    if len({file.key for file in files}) < len(files):
        raise PairsError("two of its meshes have the same key", "give every mesh a key of its own", out)
    order = np.random.default_rng(settings.seed).permutation(len(files))
    files = [files[i] for i in order]  # shards of mixed classes, for readers that go shard by shard
    paths = {file.key: file.path for file in files}
    chunks = [files[i : i + settings.shard_size] for i in range(0, len(files), settings.shard_size)]
    mine = [number for number in range(len(chunks)) if share.has(number)]
    if not mine:
        raise PairsError(
            f"there are {len(chunks)} shards, none for part {share.number} of {share.of}",
            "take fewer parts, or a smaller shard size",
            out,
        )
    with open_folder(out, plan_fingerprint(files, settings), share) as folder:
        records: dict[int, ShardRecord] = {}

        def look_for(numbers: Iterable[int]) -> None:
            with progress.task("checking", len(files)) as task:
                for number in numbers:
                    if record := folder.record(number):
                        records[number] = record
                    task.advance(len(chunks[number]))

        look_for(mine)
        if records:
            progress.say(f"{out}: {len(records)} of {len(mine)} shards are already there")
        missing = [number for number in mine if number not in records]
        todo = [file for number in missing for file in chunks[number]]

        def outcomes() -> Generator[Sample | Skipped, None, None]:
            with progress.task("rendering", len(todo)) as task:
                for outcome in _rendered(todo, settings, workers):
                    task.advance()
                    if on_model is not None:
                        on_model()
                    if isinstance(outcome, Skipped):
                        progress.say(f"skipped {paths[outcome.key]}: {outcome.reason}")
                    yield outcome

        with closing(outcomes()) as stream:  # closing ends the workers
            for number in missing:
                records[number] = folder.write_shard(number, islice(stream, len(chunks[number])))
        look_for(number for number in range(len(chunks)) if number not in records)
        skipped = tuple(entry for number in sorted(records) for entry in records[number].skipped)
        pairs = sum(record.count for record in records.values())
        complete = len(records) == len(chunks)
        if complete and pairs == 0:
            first = f"the first: {paths[skipped[0].key]}: {skipped[0].reason}" if skipped else ""
            raise PairsError(f"none of {len(files)} meshes could be rendered", first, out)
        if complete:
            classes = {file.class_name for file in files}
            folder.write_dataset(settings, classes, [records[number] for number in sorted(records)])
    return RenderResult(pairs, skipped, len(todo), len(chunks) - len(records))


def render_mesh(file: MeshFile, settings: RenderSettings) -> Sample | Skipped:
    """One sample, or why there is none. Never raises for what is wrong with a file."""
    try:
        pictures, points, facts = make_pair(load_mesh(file.path), settings)
    except C2PError as error:
        return Skipped(file.key, str(C2PError(error.problem, error.remedy)))  # no paths of this machine
    except MemoryError:
        return Skipped(file.key, "needs more memory than there is; simplify it or leave it out")
    except Exception as error:  # one odd mesh must not end a rendering of hours; the reason is listed
        reason = f"{type(error).__name__}: {reason_of(error)}"
        return Skipped(file.key, f"cannot be rendered ({reason}); repair it or leave it out")
    array = io.BytesIO()
    np.save(array, points)
    description = {"key": file.key, "class": file.class_name, "file": file.path.name, **facts}
    return Sample(
        file.key,
        (
            ("json", canonical_json(description)),
            ("points.npy", array.getvalue()),
            *((f"{view:02}.png", _png(picture)) for view, picture in enumerate(pictures)),
        ),
    )


def make_pair(
    mesh: ColouredMesh, settings: RenderSettings
) -> tuple[npt.NDArray[np.uint8], FloatArray, dict[str, object]]:
    """Pictures uint8 [V, S, S, 3], clouds float32 [K, P, 3] (y up, unit sphere), and how the mesh was moved.

    The clouds are what `read_cloud` and `prepare_points` give with the seeds seed ... seed + K - 1;
    pictures overlay the depth maps of the first (the others differ in centre and scale by the noise of
    sampling). Raises CloudError for a mesh without surface or with coordinates beyond 1e18.
    """
    spec, seeds = settings.spec, range(settings.seed, settings.seed + settings.samplings)
    count = max(_MESH_POINTS, spec.num_points)
    drawn = []
    for seed in seeds:
        surface = sample_mesh(mesh.vertices, mesh.faces, count, seed)
        if surface is mesh.vertices:
            raise CloudError("its faces have no area", "repair it or leave it out")
        drawn.append(narrow(surface))
    clouds = [prepare_points(points, spec, seed) for points, seed in zip(drawn, seeds, strict=True)]
    if len(clouds[0]) < spec.num_points:
        raise CloudError("too few finite points on its surface", "repair it or leave it out")

    # The centre and radius that to_unit_sphere used for the first cloud.
    kept = sample_points(finite_points(drawn[0]), spec.num_points, settings.seed).astype(np.float64)
    centre = kept.mean(axis=0)
    radius = float(np.sqrt(((kept - centre) ** 2).sum(axis=1).max()))
    with np.errstate(over="ignore"):
        moved = np.clip((mesh.vertices - centre) / radius, -_FARTHEST, _FARTHEST)
    vertices = turn_up(moved.astype(np.float32), settings.up)
    pictures = draw(mesh, vertices, ViewSet.named(settings.view_set), spec.image_size)
    facts = {"faces": len(mesh.faces), "centre": centre.tolist(), "radius": radius}
    return pictures, np.stack([turn_up(cloud, settings.up) for cloud in clouds]), facts


def draw(mesh: ColouredMesh, vertices: FloatArray, views: ViewSet, image_size: int) -> npt.NDArray[np.uint8]:
    """Pictures uint8 [V, S, S, 3] on white of a mesh that was moved to `vertices` [N, 3], y up.

    The cameras are those of the projection (`to_view` of its reference): a ray through every quarter of a
    pixel, parallel to the camera's forward axis.
    """
    corners = vertices[mesh.faces]  # [F, 3, 3]
    with np.errstate(all="ignore"):  # faces without area have no normal, and no ray hits them
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    scene = EmbreeScene()
    TriangleMesh(scene, np.nan_to_num(vertices), mesh.faces.astype(np.int32))
    surface = _Surface(scene, mesh, normals, vertices[np.unique(mesh.faces)])
    pictures = np.full((len(views), image_size, image_size, 3), 255, dtype=np.uint8)
    for picture, rotation, distance in zip(pictures, views.rotations, views.distances, strict=True):
        _draw_view(surface, rotation, distance, picture)
    return pictures


@dataclass(frozen=True)
class _Surface:
    """What rays hit. normals: [F, 3], of length 1 or NaN; used: [U, 3], vertices that faces have."""

    scene: EmbreeScene
    mesh: ColouredMesh
    normals: FloatArray
    used: FloatArray


def _draw_view(
    surface: _Surface, rotation: FloatArray, distance: np.float32, picture: npt.NDArray[np.uint8]
) -> None:
    """Draws into a white picture [S, S, 3]."""
    # Rays only where the object is: rows and columns of the finer grid, whole pixels.
    size = len(picture)
    frame = to_view(surface.used, rotation, distance)[:, :2]
    low, high = np.clip(frame.min(axis=0), -1, 1), np.clip(frame.max(axis=0), -1, 1)
    first = np.floor((1 - high) * size / 2).astype(int).clip(0, size - 1)  # column, row
    last = np.floor((1 - low) * size / 2).astype(int).clip(0, size - 1) + 1
    centres = pixel_centres(size * _OVERSAMPLING)
    x, y = (centres[_OVERSAMPLING * first[k] : _OVERSAMPLING * last[k]] for k in range(2))
    shape = (len(y), len(x), 3)
    x, y = np.tile(x, len(y)), np.repeat(y, len(x))  # [R]

    # (x, y, z) in the frame is ((x, y, z) - (0, 0, d)) @ R.T * d in the world. Rays begin a radius
    # before the camera plane: the cloud is in the unit sphere, but corners of the mesh reach out of it.
    z = np.float32(-1) - distance
    origins = np.empty((len(x), 3), dtype=np.float32)
    for k in range(3):
        origins[:, k] = (x * rotation[k, 0] + y * rotation[k, 1] + z * rotation[k, 2]) * distance
    forward = rotation[:, 2]
    directions = np.ascontiguousarray(np.broadcast_to(forward, origins.shape))
    hits = surface.scene.run(origins, directions, output=True)
    ray = np.flatnonzero(hits["primID"] >= 0)
    face = hits["primID"][ray]

    u, v = hits["u"][ray], hits["v"][ray]
    colours = _colours(surface.mesh, face, np.stack([1 - u - v, u, v], axis=1))
    normal = surface.normals[face]
    facing = _dot(normal, forward)
    lamp = _dot(normal, _LAMP_DIRECTION)
    lamp = np.where(facing > 0, -lamp, lamp)  # the side that the camera sees, whichever way it is wound
    light = _AMBIENT + _HEADLIGHT * np.abs(facing) + _LAMP * np.maximum(lamp, 0)
    fine = np.full((len(x), 3), 255, dtype=np.float32)
    fine[ray] = np.minimum(colours * light[:, None], 255)
    fine = fine.reshape(shape)
    steps = range(_OVERSAMPLING)
    total = sum(fine[i::_OVERSAMPLING, j::_OVERSAMPLING] for i in steps for j in steps)
    box = (slice(first[1], last[1]), slice(first[0], last[0]))
    picture[box] = np.rint(total / np.float32(_OVERSAMPLING**2)).astype(np.uint8)


def _dot(vectors: FloatArray, axis: FloatArray) -> FloatArray:
    """[H] of vectors [H, 3]; spelled out, because a BLAS would be free to reorder the sums."""
    dot: FloatArray = vectors[:, 0] * axis[0] + vectors[:, 1] * axis[1] + vectors[:, 2] * axis[2]
    return dot


def _colours(mesh: ColouredMesh, face: npt.NDArray[np.integer], weights: FloatArray) -> FloatArray:
    """Colour [H, 3], 0 ... 255, of points on faces [H] with corner weights [H, 3]."""
    colours = _blend(mesh.colours, face, weights)
    for number, texture in enumerate(mesh.textures):
        here = np.flatnonzero(mesh.texture[face] == number)
        uv = _blend(mesh.uv, face[here], weights[here])
        uv -= np.floor(uv)  # textures repeat
        height, width = texture.shape[:2]
        row = np.minimum(((1 - uv[:, 1]) * height).astype(np.int64), height - 1)
        column = np.minimum((uv[:, 0] * width).astype(np.int64), width - 1)
        colours[here] = texture[row, column]
    return colours


def _blend(
    corners: npt.NDArray[np.generic], face: npt.NDArray[np.integer], weights: FloatArray
) -> FloatArray:
    """float32 [H, c]: values of corners [F, 3, c] on faces [H], weighted [H, 3]."""
    values = corners[face].astype(np.float32)
    a, b, c = (values[:, k] * weights[:, k : k + 1] for k in range(3))
    blended: FloatArray = a + b + c
    return blended


def _png(picture: npt.NDArray[np.uint8]) -> bytes:
    data = io.BytesIO()
    Image.fromarray(picture).save(data, format="PNG")
    return data.getvalue()


def _rendered(files: list[MeshFile], settings: RenderSettings, workers: int) -> Iterator[Sample | Skipped]:
    """The outcome of every file, in order; no more than a few files ahead are held in memory.

    A file that kills its worker (out of memory, a fault in a library) is skipped; the others it
    took along are rendered again.
    """
    if workers == 1:
        yield from (render_mesh(file, settings) for file in files)
        return
    upcoming = iter(files)
    waiting: deque[tuple[MeshFile, Future[Sample | Skipped]]] = deque()
    pool = _new_pool(min(workers, len(files)))
    try:
        while True:
            for file in islice(upcoming, 4 * workers - len(waiting)):
                waiting.append((file, _submit(pool, file, settings)))
            if not waiting:
                return
            file, future = waiting.popleft()
            try:
                outcome = future.result()
            except BrokenProcessPool:
                outcome = _rendered_alone(file, settings)
                pool.shutdown()
                pool = _new_pool(workers)
                waiting = deque((other, _submit(pool, other, settings)) for other, _ in waiting)
            yield outcome
    finally:
        pool.shutdown(cancel_futures=True)


def _rendered_alone(file: MeshFile, settings: RenderSettings) -> Sample | Skipped:
    with _new_pool(1) as pool:
        try:
            return _submit(pool, file, settings).result()
        except BrokenProcessPool:
            return Skipped(file.key, "crashed the renderer (out of memory?); simplify it or leave it out")


def _new_pool(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")  # forking a process with threads of torch is not safe
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_parent)
    try:
        with _without_interrupts():
            ready = pool.submit(os.getpid)
        ready.result()
    except BrokenProcessPool as error:
        raise PairsError(
            "render workers do not start", "in a script, render under `if __name__ == '__main__':`"
        ) from error
    return pool


def _submit(pool: ProcessPoolExecutor, file: MeshFile, settings: RenderSettings) -> Future[Sample | Skipped]:
    with _without_interrupts():  # a pool starts its workers when it is given work
        return pool.submit(render_mesh, file, settings)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Processes started in here never see Ctrl-C, not even while they start: it is the parent's to handle."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent() -> None:
    """Run in a worker: ends it when the parent ends, even by SIGKILL."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
