"""Features of views: what is computed, what is kept, and what is found when it is damaged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from c2p_deploy import DepthSpec, ViewSet
from c2p_deploy.errors import C2PError
from c2p_deploy.projection.reference import project_depth_reference
from c2p_train.datasets.labelled_clouds import LabelledClouds
from c2p_train.evaluate import features
from c2p_train.evaluate.features import cached_view_features, model_features, view_features
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.conv_encoder import ConvConfig, ConvEncoder
from c2p_train.model.heads import ZeroShot
from heard import heard_lines

VIEWS = ViewSet.named("clip2point-6")
SPEC = DepthSpec(image_size=32, point_radius=0.06, num_points=64)


@pytest.fixture
def encoder() -> ConvEncoder:
    return encoder_of(seed=0)


@pytest.fixture
def clouds() -> LabelledClouds:
    return clouds_of(11)


def encoder_of(seed: int, channels: int = 1) -> ConvEncoder:
    torch.manual_seed(seed)
    return ConvEncoder(ConvConfig(channels=channels, stem=8, widths=(8, 16), blocks=(1, 1), embed_dim=12))


def clouds_of(count: int, seed: int = 0) -> LabelledClouds:
    points = np.random.default_rng(seed).normal(size=(count, 64, 3)).astype(np.float32)
    points /= np.sqrt((points**2).sum(axis=2)).max(axis=1)[:, None, None]
    label = np.arange(count) % 3
    files = tuple(f"{n}.npy" for n in range(count))
    return LabelledClouds("made", points, label, ("a", "b", "c"), files)


class Counting:
    """Counts the clouds that an encoder sees, and can stop it as a kill would."""

    def __init__(self, encoder: ConvEncoder, stop_after: int | None = None) -> None:
        self.seen = 0

        def count(module: ConvEncoder, inputs: tuple[torch.Tensor]) -> None:
            self.seen += len(inputs[0]) // len(VIEWS)
            if stop_after is not None and self.seen > stop_after:
                raise KeyboardInterrupt

        self.hook = encoder.register_forward_pre_hook(count)


def test_features_are_those_of_the_reference_projection(encoder: ConvEncoder, clouds: LabelledClouds) -> None:
    encoder.train()
    found = view_features(encoder, clouds.points, VIEWS, SPEC, batch_size=4)
    assert encoder.training  # as it was
    encoder.eval()
    for points, row in zip(clouds.points, found, strict=True):
        depth = torch.from_numpy(project_depth_reference(points, VIEWS, SPEC, "y"))
        with torch.no_grad():
            expected = encoder(depth[:, None]).numpy()
        np.testing.assert_allclose(row, expected, atol=1e-5)


def test_second_call_reads_what_the_first_stored(
    encoder: ConvEncoder, clouds: LabelledClouds, tmp_path: Path
) -> None:
    first = cached_view_features(encoder, clouds, VIEWS, SPEC, tmp_path)
    counting = Counting(encoder)
    second = cached_view_features(encoder, clouds, VIEWS, SPEC, tmp_path)
    assert counting.seen == 0
    np.testing.assert_array_equal(second, first)
    np.testing.assert_array_equal(first, view_features(encoder, clouds.points, VIEWS, SPEC))
    (file,) = tmp_path.iterdir()  # and nothing of the parts
    np.testing.assert_array_equal(np.load(file), first)  # a .npy like any other


Inputs = tuple[ConvEncoder, LabelledClouds, ViewSet, DepthSpec]
CHANGES: dict[str, Callable[[ConvEncoder, LabelledClouds], Inputs]] = {
    "weights": lambda e, c: (encoder_of(seed=1), c, VIEWS, SPEC),
    "clouds": lambda e, c: (e, clouds_of(11, seed=5), VIEWS, SPEC),
    "radius": lambda e, c: (e, c, VIEWS, replace(SPEC, point_radius=0.1)),
    "poses": lambda e, c: (e, c, ViewSet(VIEWS.name, VIEWS.rotations[::-1], VIEWS.distances), SPEC),
    "distances": lambda e, c: (e, c, ViewSet(VIEWS.name, VIEWS.rotations, VIEWS.distances * 1.1), SPEC),
}


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_out_of_date_is_read(
    change: str, encoder: ConvEncoder, clouds: LabelledClouds, tmp_path: Path
) -> None:
    before = cached_view_features(encoder, clouds, VIEWS, SPEC, tmp_path)
    encoder, clouds, views, spec = CHANGES[change](encoder, clouds)
    found = cached_view_features(encoder, clouds, views, spec, tmp_path)
    np.testing.assert_array_equal(found, view_features(encoder, clouds.points, views, spec))
    assert np.abs(found - before).max() > 1e-4


def test_killed_run_goes_on_with_the_first_missing_chunk(
    encoder: ConvEncoder, clouds: LabelledClouds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "_CHUNK", 4)
    whole = cached_view_features(encoder, clouds, VIEWS, SPEC, tmp_path / "a", batch_size=2)
    killed = Counting(encoder, stop_after=7)
    with pytest.raises(KeyboardInterrupt):
        cached_view_features(encoder, clouds, VIEWS, SPEC, tmp_path / "b", batch_size=2)
    killed.hook.remove()
    resumed = Counting(encoder)
    found = cached_view_features(encoder, clouds, VIEWS, SPEC, tmp_path / "b", batch_size=2)
    assert resumed.seen == 11 - 4  # only the second chunk was under way
    np.testing.assert_array_equal(found, whole)


def flip(data: bytes) -> bytes:
    return data[:-100] + bytes([data[-100] ^ 1]) + data[-99:]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "flipped bit": flip,
    "cut off": lambda data: data[:-50],
    "empty": lambda data: b"",
    "zeros": lambda data: bytes(len(data)),
    "header": lambda data: data[:20] + b"x" + data[21:],
    "something else": lambda data: b"not an array",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_file_is_reported_and_made_again(
    damage: str, encoder: ConvEncoder, clouds: LabelledClouds, tmp_path: Path
) -> None:
    expected = cached_view_features(encoder, clouds, VIEWS, SPEC, tmp_path)
    (file,) = tmp_path.iterdir()
    good = file.read_bytes()
    file.write_bytes(DAMAGES[damage](good))
    with heard_lines() as lines:
        found = cached_view_features(encoder, clouds, VIEWS, SPEC, tmp_path)
    assert any(line.startswith(f"{file}: damaged") for line in lines)
    np.testing.assert_array_equal(found, expected)
    assert file.read_bytes() == good


def test_damaged_chunk_is_made_again(
    encoder: ConvEncoder, clouds: LabelledClouds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "_CHUNK", 4)
    killed = Counting(encoder, stop_after=8)
    with pytest.raises(KeyboardInterrupt):
        cached_view_features(encoder, clouds, VIEWS, SPEC, tmp_path, batch_size=4)
    killed.hook.remove()
    first, _ = sorted(tmp_path.glob("*.parts/*"))
    first.write_bytes(flip(first.read_bytes()))
    found = cached_view_features(encoder, clouds, VIEWS, SPEC, tmp_path, batch_size=4)
    np.testing.assert_array_equal(found, view_features(encoder, clouds.points, VIEWS, SPEC, batch_size=4))


def test_paths_of_a_model_are_not_mixed_up(clouds: LabelledClouds, tmp_path: Path) -> None:
    depth, image = encoder_of(seed=0), encoder_of(seed=1, channels=3)
    for _ in range(2):  # computed, then read
        both = model_features(CLIP2Point(depth, image, ZeroShot()), clouds, VIEWS, SPEC, tmp_path)
        np.testing.assert_array_equal(both.depth, view_features(depth, clouds.points, VIEWS, SPEC))
        np.testing.assert_array_equal(both.image, view_features(image, clouds.points, VIEWS, SPEC))
    assert model_features(CLIP2Point(depth, None, ZeroShot()), clouds, VIEWS, SPEC, tmp_path).image is None


def test_broken_weights_leave_nothing_in_the_cache(
    encoder: ConvEncoder, clouds: LabelledClouds, tmp_path: Path
) -> None:
    with torch.no_grad():
        encoder.proj.weight[0, 0] = torch.nan
    with pytest.raises(C2PError, match="not finite"):
        cached_view_features(encoder, clouds, VIEWS, SPEC, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_encoder_of_another_size_is_refused(
    encoder: ConvEncoder, clouds: LabelledClouds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "image_size", 224)
    with pytest.raises(C2PError, match="32 px do not fit an encoder of 224 px"):
        view_features(encoder, clouds.points, VIEWS, SPEC)
