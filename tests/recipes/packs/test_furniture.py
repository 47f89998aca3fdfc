"""The Debian package is read as Sweet Home 3D shows it, and what is no such package is refused."""

from pathlib import Path

import numpy as np
import pytest

from c2p_deploy.errors import C2PError
from c2p_recipes.packs.furniture import read_catalogues, read_furniture
from open_objects import write_package


def test_pieces_stand_upright_in_metres(tmp_path: Path) -> None:
    package = write_package(
        tmp_path / "furniture.deb", [("Shelf", "scopia/a/a.obj"), ("Box", "scopia/b/b.obj")]
    )
    (mesh,) = read_furniture(package, {"scopia/b/b.obj"})
    assert mesh.piece.name == "Box" and mesh.piece.creator == "Zoë" and mesh.piece.pack == "Scopia"
    assert np.ptp(mesh.vertices, axis=0) == pytest.approx([0.8, 0.4, 0.2])  # width, height, depth
    assert mesh.faces.shape == (12, 3)
    assert [piece.name for piece in read_catalogues(package)] == ["Shelf", "Box"]


@pytest.mark.parametrize("content", [b"", b"!<arch>\n", b"!<arch>\n" + b"x" * 200, b"PK\x03\x04"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.deb"
    path.write_bytes(content)
    with pytest.raises(C2PError, match="not the Debian package"):
        list(read_furniture(path))


def test_a_damaged_package_is_refused(tmp_path: Path) -> None:
    package = write_package(tmp_path / "furniture.deb", [("Shelf", "scopia/a/a.obj")])
    data = bytearray(package.read_bytes())
    data[400:420] = b"\0" * 20
    package.write_bytes(bytes(data))
    with pytest.raises(C2PError, match="not the Debian package"):
        list(read_furniture(package))
