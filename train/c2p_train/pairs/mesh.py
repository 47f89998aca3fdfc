"""`load_mesh`: a mesh file with its colours, as flat arrays that a ray caster can use."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import trimesh
from PIL import Image

from c2p_deploy.errors import CloudFileError, reason_of
from c2p_deploy.projection.spec import FloatArray

NEUTRAL_GREY = (180, 180, 180)
_TEXTURE_SIZE = 1024  # pixels: larger textures are reduced, a picture shows no more of them

# It reports what it does with every odd file; what matters is said in our own words.
logging.getLogger("trimesh").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class ColouredMesh:
    """F triangles over N vertices, coloured per corner, each with at most one texture.

    vertices: float64 [N, 3], finite wherever a face uses them; faces: int64 [F, 3], valid indices;
    colours: uint8 [F, 3, 3], RGB of each corner; uv: float32 [F, 3, 2], texture coordinates of each
    corner, v up; texture: int64 [F], index into `textures`, or -1 where `colours` count;
    textures: uint8 [H, W, 3] each.
    """

    vertices: npt.NDArray[np.float64]
    faces: npt.NDArray[np.int64]
    colours: npt.NDArray[np.uint8]
    uv: FloatArray
    texture: npt.NDArray[np.int64]
    textures: tuple[npt.NDArray[np.uint8], ...]


def load_mesh(path: Path) -> ColouredMesh:
    """Reads a mesh; all parts of a scene become one, where its graph puts them.

    A part has the colours of its texture, vertices, faces or material, whichever it has in this
    order, else it is neutral grey. Faces with a corner that is not finite are left out. Raises
    CloudFileError, which names the file, for one that cannot be read or has no face.
    """
    if not path.is_file():
        raise CloudFileError("no such file", "fetch it again or leave it out", path)
    try:
        parts = _load_parts(path)
    except Exception as error:  # whatever the library did not foresee is a fault of the file to the user
        problem = f"cannot be read ({type(error).__name__}: {_reason(error)})"
        raise CloudFileError(problem, "repair it or leave it out", path) from error
    if not parts:
        raise CloudFileError("has no faces", "a picture needs a surface, so leave it out", path)
    first = np.cumsum([0, *(len(part.vertices) for part in parts)])
    textures = [texture for part in parts for texture in part.textures]
    has_texture = np.cumsum([0, *(len(part.textures) for part in parts)])
    mesh = ColouredMesh(
        vertices=np.concatenate([part.vertices for part in parts]),
        faces=np.concatenate([part.faces + first[i] for i, part in enumerate(parts)]),
        colours=np.concatenate([part.colours for part in parts]),
        uv=np.concatenate([part.uv for part in parts]),
        texture=np.concatenate(
            [np.where(part.texture < 0, -1, part.texture + has_texture[i]) for i, part in enumerate(parts)]
        ),
        textures=tuple(textures),
    )
    if not len(mesh.faces):
        raise CloudFileError("has no face with finite corners", "repair it or leave it out", path)
    return mesh


def _reason(error: Exception) -> str:
    """What went wrong, without the paths of this machine that the system adds to its own words."""
    return error.strerror if isinstance(error, OSError) and error.strerror else reason_of(error)


def _load_parts(path: Path) -> list[ColouredMesh]:
    with np.errstate(all="ignore"):  # overflowing values end up as faces that are left out
        loaded = trimesh.load_scene(str(path), process=False)
        meshes = [mesh for mesh in loaded.dump() if isinstance(mesh, trimesh.Trimesh)]
        return [_part(mesh) for mesh in meshes if len(mesh.faces)]


def _part(mesh: Any) -> ColouredMesh:
    """One part of a scene; `mesh` is a trimesh.Trimesh, whose visuals are typed too loosely to check."""
    vertices = np.asarray(mesh.vertices, dtype=np.float64)
    faces = np.asarray(mesh.faces, dtype=np.int64)
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise ValueError(f"a face refers to vertex {faces.max()} of {len(vertices)}")
    finite = np.isfinite(vertices[faces]).all(axis=(1, 2))
    colours = np.empty((len(faces), 3, 3), dtype=np.uint8)
    colours[:] = NEUTRAL_GREY
    uv = np.zeros((len(faces), 3, 2), dtype=np.float32)
    textures: tuple[npt.NDArray[np.uint8], ...] = ()

    visual = mesh.visual
    if visual.kind == "texture":
        material = visual.material
        picture = getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
        if picture is not None and visual.uv is not None and len(visual.uv) == len(vertices):
            # glTF ignores what is in the alpha channel unless the material says otherwise.
            opaque = getattr(material, "alphaMode", "BLEND") in (None, "OPAQUE")
            textures = (_texture(picture, opaque, getattr(material, "baseColorFactor", None)),)
            uv = np.nan_to_num(np.asarray(visual.uv, dtype=np.float32)[faces], posinf=0, neginf=0)
        else:
            colours[:] = np.asarray(material.main_color)[:3]
    elif visual.kind == "vertex":
        colours = np.asarray(visual.vertex_colors)[:, :3][faces].astype(np.uint8)
    elif visual.kind == "face":
        colours[:] = np.asarray(visual.face_colors)[:, None, :3]
    texture = np.full(len(faces), len(textures) - 1, dtype=np.int64)
    return ColouredMesh(vertices, faces[finite], colours[finite], uv[finite], texture[finite], textures)


def _texture(picture: Image.Image, opaque: bool, factor: Any) -> npt.NDArray[np.uint8]:
    """uint8 [H, W, 3]: over white where it is transparent, times the RGBA factor of glTF."""
    picture = picture.convert("RGBA")
    if opaque:
        picture.putalpha(255)
    shrink = -(-max(picture.size) // _TEXTURE_SIZE)
    if shrink > 1:
        picture = picture.reduce(shrink)
    white = Image.new("RGBA", picture.size, "white")
    pixels = np.asarray(Image.alpha_composite(white, picture).convert("RGB"))
    if factor is None:
        return pixels
    scale = np.asarray(factor, dtype=np.float32)[:3] / 255  # trimesh gives it as uint8
    return np.rint(pixels * scale).clip(0, 255).astype(np.uint8)
