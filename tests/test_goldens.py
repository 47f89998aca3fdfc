"""What other tests compare with: excerpts are excerpts, the restatement does what the authors' code does.

Needs the full goldens; a clone without them has tests/data/golden, whose README.md explains.
"""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

import restated
from paths import GOLDEN


def load(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def golden(shared: Path) -> Path:
    return shared / "golden"


def test_the_excerpts_are_what_the_script_makes_of_the_full_goldens(golden: Path, tmp_path: Path) -> None:
    runpy.run_path(str(GOLDEN / "make_excerpts.py"))["main"](golden, tmp_path)
    names = {path.name for path in GOLDEN.iterdir() if path.suffix in (".npz", ".json")}
    assert names == {path.name for path in tmp_path.iterdir()}
    for name in names:
        if name.endswith(".json"):
            assert (GOLDEN / name).read_bytes() == (tmp_path / name).read_bytes()
            continue
        kept, made = load(GOLDEN / name), load(tmp_path / name)
        assert kept.keys() == made.keys(), name
        for key, values in kept.items():
            assert values.dtype == made[key].dtype
            np.testing.assert_array_equal(values, made[key], err_msg=f"{name} {key}")


def test_the_excerpts_stay_small() -> None:
    assert sum(path.stat().st_size for path in GOLDEN.iterdir()) < 2_000_000


def test_restated_models_are_the_authors(golden: Path) -> None:
    """Features and logits of three clouds, by every encoder and head, at 10 and 6 views."""
    expected = load(golden / "models/tiny.npz")
    names = ["chair", "n2", "offset_dup"]
    rows = [expected["clouds"].tolist().index(name) for name in names]
    points = [load(golden / "render" / f"{name}.npz")["points"] for name in names]
    depth = {views: restated.depth_maps(points, views) for views in (10, 6)}
    found = restated.models(golden / "checkpoints", depth, expected["tokens"])
    assert set(expected) - set(found) == {"clouds", "prompts", "tokens"}
    for key, values in found.items():
        wanted = expected[key] if key.startswith("text") or key == "logit_scale" else expected[key][rows]
        assert values.dtype == wanted.dtype
        np.testing.assert_allclose(values, wanted, rtol=0, atol=3e-5, err_msg=key)


@pytest.mark.parametrize(
    ("kind", "train", "left_out"),
    [
        (
            "pretrain",
            restated.pretraining,
            {"grad_conv1", "names", "azim", "elev", "dist"},
        ),
        ("fewshot", restated.fewshot_training, set()),
    ],
)
def test_restated_trainings_are_the_authors(golden: Path, kind: str, train, left_out: set[str]) -> None:  # type: ignore[no-untyped-def]
    """Losses, logits, gradients and weights, up to the authors' rounding over three steps."""
    expected = load(golden / "loss" / f"{kind}_tiny.npz")
    tokens = load(golden / "models/tiny.npz")["tokens"]
    found = train(golden / "checkpoints", expected | {"tokens": tokens})
    given = {"points", "labels", "image14", "aug_dist"} & set(expected)
    assert set(expected) - set(found) == left_out | given
    for key, values in found.items():
        size = np.abs(expected[key]).max()
        np.testing.assert_allclose(values, expected[key], rtol=0, atol=1e-4 * size, err_msg=key)


def test_the_stand_in_has_all_that_is_read_of_the_full_goldens(golden: Path, stand_in: Path) -> None:
    for kind in restated.CHECKPOINTS.values():
        ours, theirs = (torch.load(f / "checkpoints" / kind, weights_only=True) for f in (stand_in, golden))
        assert list(ours) == list(theirs)
        assert all(ours[k].shape == theirs[k].shape and ours[k].dtype == theirs[k].dtype for k in ours)
        assert all(torch.equal(ours[k], theirs[k]) for k in ours if k.rpartition(".")[2].startswith("views_"))
    for name in ("models/tiny.npz", "loss/fewshot_tiny.npz"):
        assert load(stand_in / name).keys() == load(golden / name).keys()
