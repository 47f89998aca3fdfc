"""Size limits of labels: what is refused."""

from pathlib import Path
from typing import Any

import pytest

from c2p_deploy import Manifest
from c2p_deploy.errors import ManifestError
from c2p_deploy.manifest import (
    read_size_limits,
)


@pytest.mark.parametrize(
    "limits",
    [[], {"chair": [1]}, {"chair": [2, 1]}, {"chair": [-1, 1]}, {"chair": [0, 1e9]}, {"chair": "tall"}],
)
def test_size_limits_are_two_lengths(manifest: Manifest, limits: Any) -> None:
    with pytest.raises(ManifestError, match="size_limits"):
        Manifest.from_dict(manifest.to_dict() | {"size_limits": limits})


@pytest.mark.parametrize(
    ("text", "says"),
    [("nothing", "not valid JSON"), ('{"a": [3, 1]}', "size_limits of 'a'"), (None, "cannot read")],
)
def test_size_limits_of_a_file_are_refused_by_its_name(tmp_path: Path, text: str | None, says: str) -> None:
    path = tmp_path / "sizes.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ManifestError, match=says) as caught:
        read_size_limits(path)
    assert str(caught.value).startswith(str(path))
