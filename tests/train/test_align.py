"""The training loop: it learns, and a resumed run is the run that was never interrupted."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from c2p_deploy import DepthSpec, LabelSet
from c2p_train.align import AlignConfig, Sampler, align, learning_rate, new_run, restore, store, train_step
from c2p_train.checkpoint import CheckpointError
from c2p_train.dataset import Clouds, Source, load_clouds
from c2p_train.encoder import EncoderConfig
from c2p_train.text_features import label_set_of, read_detic_features
from training_data import write_clouds, write_text_features

TINY = AlignConfig(
    encoder=EncoderConfig(stem=8, widths=(8, 16), blocks=(1, 1)),
    spec=DepthSpec(image_size=32, point_radius=0.08, num_points=128),
    views_per_cloud=2,
    batch_size=8,
    steps=6,
    warmup=2,
    validate_every=3,
    ema=0.9,
)
Data = tuple[Clouds, list[Source], LabelSet]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    folder = tmp_path_factory.mktemp("training")
    sources = [Source("mine", write_clouds(folder / "data"), "z", samplings=1)]
    clouds, _ = load_clouds(sources, TINY.spec, folder / "c.npz", val_fraction=0.25, seed=0)
    return (
        clouds,
        sources,
        label_set_of(clouds.labels, read_detic_features(write_text_features(folder / "text"))),
    )


def train(data: Data, config: AlignConfig, run_file: Path) -> dict[str, torch.Tensor]:
    clouds, sources, labels = data
    checkpoint = align(clouds, sources, labels, labels, config, run_file, Console(file=io.StringIO()))
    return {**checkpoint.encoder.state_dict(), "scale": torch.tensor(checkpoint.logit_scale)}


def test_it_learns_to_tell_plates_from_rods(data: Data, tmp_path: Path) -> None:
    clouds, sources, labels = data
    config = replace(TINY, steps=60, validate_every=60, learning_rate=5e-3)
    checkpoint = align(
        clouds, sources, labels, labels, config, tmp_path / "run.pt", Console(file=io.StringIO())
    )
    assert checkpoint.training["validation"] == {"mine": 1.0}  # six clouds it never saw


def test_killed_and_resumed_is_the_same_as_never_killed(data: Data, tmp_path: Path) -> None:
    straight = train(data, TINY, tmp_path / "straight.pt")
    clouds, sources, labels = data
    run, sampler = new_run(TINY), Sampler(clouds, sources, TINY)
    text = torch.from_numpy(labels.text_features.copy())
    for step in range(5):  # killed in the middle of a step that `store` has not seen
        train_step(run, sampler.batch(step), text, TINY)
        if run.step == 3:
            store(run, tmp_path / "killed.pt", TINY)
    resumed = train(data, TINY, tmp_path / "killed.pt")
    assert straight.keys() == resumed.keys()
    for name, value in straight.items():
        assert torch.equal(value, resumed[name]), name


def test_a_finished_run_is_not_trained_further(data: Data, tmp_path: Path) -> None:
    first = train(data, TINY, tmp_path / "run.pt")
    again = train(data, TINY, tmp_path / "run.pt")
    assert all(torch.equal(value, again[name]) for name, value in first.items())


def test_an_unfinished_run_with_other_settings_is_refused(data: Data, tmp_path: Path) -> None:
    store(new_run(TINY), tmp_path / "run.pt", TINY)
    other = replace(TINY, seed=1)
    with pytest.raises(CheckpointError, match=r"run\.pt: an unfinished run with other settings"):
        restore(new_run(other), tmp_path / "run.pt", other)


def test_batches_follow_seed_and_step_and_leave_validation_out(data: Data) -> None:
    clouds, sources, _ = data
    sampler = Sampler(clouds, sources, TINY)
    assert not clouds.held_out[sampler.training].any()
    depth, label = sampler.batch(4)
    assert depth.shape == (8, 2, 32, 32) and depth.dtype == torch.float32 and label.dtype == torch.int64
    assert torch.equal(depth, Sampler(clouds, sources, TINY).batch(4)[0])
    assert not torch.equal(depth, sampler.batch(5)[0])


def test_rare_classes_come_up_more_often_than_their_share(data: Data) -> None:
    clouds, sources, _ = data
    few = clouds.held_out | ((clouds.label == 0) & (np.arange(len(clouds.label)) % 3 > 0))
    sampler = Sampler(replace(clouds, held_out=few), sources, TINY)
    label = clouds.label[sampler.training]
    share, probability = (label == 0).mean(), sampler.probability[label == 0].sum()
    assert probability == pytest.approx(np.sqrt(share) / (np.sqrt(share) + np.sqrt(1 - share)))
    assert share < probability < 0.5


def test_learning_rate_rises_then_falls_to_one_percent() -> None:
    config = replace(TINY, steps=100, warmup=10)
    rates = [learning_rate(step, config) for step in range(101)]
    assert rates[9] == config.learning_rate == max(rates)
    assert rates[:10] == sorted(rates[:10]) and rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[100] == pytest.approx(0.01 * config.learning_rate)
