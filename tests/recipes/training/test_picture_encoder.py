"""Batches of pictures: what the changes do to a picture, and that they follow seed and step."""

from dataclasses import replace

import numpy as np
import torch

from c2p_deploy import ViewSet
from c2p_recipes.training.picture_encoder import PictureBatchConfig, PictureBatches, change

STILL = PictureBatchConfig(zoom=0, shift=0, tilt=0, shade=0, views_per_object=2, batch_size=40)


class FakePairs:
    """Ten objects of class a and two of class b; picture `view` of object `row` is grey 10 row + view."""

    classes = ("a", "b")
    views = ViewSet.named("clip2point-6")
    digest = "d"

    def __len__(self) -> int:
        return 12

    def label(self, row: int) -> int:
        return int(row >= 10)

    def image(self, row: int, view: int) -> np.ndarray:
        return np.full((16, 16, 3), 10 * row + view, np.uint8)


def batches(config: PictureBatchConfig = STILL) -> PictureBatches:
    return PictureBatches([FakePairs()], {"a": 5, "b": 7}, config)  # type: ignore[list-item]


def blob() -> np.ndarray:
    """A dark square, right of the middle and low, on white: uint8 [1, 32, 32, 3]."""
    picture = np.full((1, 32, 32, 3), 255, np.uint8)
    picture[0, 20:26, 18:24] = 55
    return picture


def centre(picture: torch.Tensor) -> tuple[float, float]:
    """Row and column of the middle of what is dark in a picture [3, S, S]."""
    dark = (1 - picture[0]).numpy()
    rows, columns = np.indices(dark.shape)
    return float((rows * dark).sum() / dark.sum()), float((columns * dark).sum() / dark.sum())


def test_pictures_come_with_their_labels_and_follow_seed_and_step() -> None:
    pictures, label = batches().batch(3)
    assert pictures.shape == (40, 2, 3, 16, 16) and set(label.tolist()) == {5, 7}
    # An unchanged picture tells its object, apart from the mirror that a grey picture does not show.
    row = (pictures[:, :, 0, 0, 0] * 255).round().long() // 10
    assert torch.equal(row[:, 0], row[:, 1])
    assert torch.equal(torch.where(row[:, 0] >= 10, 7, 5), label)
    view = (pictures[:, :, 0, 0, 0] * 255).round().long() % 10
    assert (view[:, 0] != view[:, 1]).all()
    again, _ = batches().batch(3)
    assert torch.equal(pictures, again)
    assert not torch.equal(pictures, batches().batch(4)[0])
    assert not torch.equal(pictures, batches(replace(STILL, seed=1)).batch(3)[0])


def test_rare_classes_come_up_by_the_square_root_of_their_size() -> None:
    chance = batches().probability
    rare, common = chance[10:].sum(), chance[:10].sum()
    np.testing.assert_allclose(rare / common, np.sqrt(2) / np.sqrt(10))


def test_nothing_but_a_mirror_when_nothing_is_to_change() -> None:
    seen = set()
    for seed in range(12):
        changed = change(blob(), np.random.default_rng(seed), STILL)[0]
        row, column = centre(changed)
        assert abs(row - 22.5) < 0.1
        seen.add(round(column, 1))
    assert seen == {20.5, 31 - 20.5}


def test_changes_stay_within_their_bounds_and_the_background_white() -> None:
    config = replace(STILL, zoom=0.2, shift=0.1, shade=0.5)
    area = 36 * 200 / 255
    for seed in range(25):
        changed = change(blob(), np.random.default_rng(seed), config)[0]
        assert changed.min() >= 0 and changed.max() <= 1
        assert (changed[:, :4] == 1).all()  # far from the blob, and what came in from outside the frame
        dark = float((1 - changed[0]).sum())
        assert np.exp(-2 * 0.2 - 0.5) * 0.9 < dark / area < np.exp(2 * 0.2 + 0.5) * 1.1
        row, column = centre(changed)
        # Off centre by at most zoom x distance + shift, the frame being 2 wide.
        assert abs(row - 15.5) < (7 + 0.1 * 16) * np.exp(0.2) + 1
        assert abs(column - 15.5) < (5 + 0.1 * 16) * np.exp(0.2) + 1


def test_settings_name_the_data() -> None:
    assert batches().settings()["data"] == ["d"]
