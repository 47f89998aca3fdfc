"""The training loop: it learns, and a resumed run is the run that was never interrupted."""

import _thread
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from c2p_deploy import DepthSpec, LabelSet
from c2p_deploy.errors import CheckpointError
from c2p_recipes.clouds import Clouds, load_clouds
from c2p_recipes.data import Source
from c2p_recipes.training.align import AlignConfig, align, new_run, schedule_of, settings_of, train_step
from c2p_recipes.training.cloud_batches import CloudBatchConfig, CloudBatches
from c2p_recipes.validation.judge import top1, validation_results
from c2p_train.learn.run import RunFile
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.conv_encoder import ConvConfig, ConvEncoder
from c2p_train.model.detic_features import label_set_of, read_detic_features
from c2p_train.model.heads import ZeroShot
from training_data import write_clouds, write_text_features

TINY = AlignConfig(
    encoder=ConvConfig(stem=8, widths=(8, 16), blocks=(1, 1)), steps=6, warmup=2, validate_every=3, ema=0.9
)
BATCH = CloudBatchConfig(
    spec=DepthSpec(image_size=32, point_radius=0.08, num_points=128), views_per_cloud=2, batch_size=8
)
CPU = torch.device("cpu")


@dataclass
class Data:
    clouds: Clouds
    batches: CloudBatches
    labels: LabelSet


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    folder = tmp_path_factory.mktemp("training")
    sources = [Source("mine", write_clouds(folder / "data"), "z", samplings=1)]
    clouds, _ = load_clouds(sources, BATCH.spec, folder / "c.npz", val_fraction=0.25, seed=0)
    vocabulary = read_detic_features(write_text_features(folder / "text"))
    labels = label_set_of(clouds.labels, vocabulary)
    return Data(clouds, CloudBatches(clouds, sources, BATCH), labels)


def train(
    data: Data, config: AlignConfig, run_file: Path
) -> tuple[dict[str, torch.Tensor], dict[str, float]]:
    """The weights at the end, with the scale among them, and the last accuracies."""

    def validate(encoder: ConvEncoder) -> dict[str, float]:
        batches = data.batches
        results = validation_results(
            CLIP2Point(encoder, None, ZeroShot()),
            data.clouds,
            data.labels,
            data.labels,
            BATCH.spec,
            batches.views,
        )
        return top1(results)

    encoder, scale, accuracy = align(data.batches, data.labels, config, run_file, validate, CPU)
    return {**encoder.state_dict(), "scale": torch.tensor(scale)}, dict(accuracy)


def test_it_learns_to_tell_plates_from_rods(data: Data, tmp_path: Path) -> None:
    config = replace(TINY, steps=60, validate_every=60, learning_rate=5e-3)
    _, accuracy = train(data, config, tmp_path / "run.pt")
    assert accuracy == {"mine": 1.0}  # six clouds it never saw


def test_killed_and_resumed_is_the_same_as_never_killed(data: Data, tmp_path: Path) -> None:
    straight, _ = train(data, TINY, tmp_path / "straight.pt")
    run = new_run(TINY, CPU)
    file = RunFile(tmp_path / "killed.pt", settings_of(data.batches, data.labels, TINY, run.encoder))
    text = torch.from_numpy(data.labels.text_features.copy())
    for step in range(5):  # killed in the middle of a step that `store` has not seen
        train_step(run, data.batches.batch(step), text, TINY, schedule_of(TINY).rate(step))
        if run.step == 3:
            file.store(run)
    resumed, _ = train(data, TINY, tmp_path / "killed.pt")
    assert straight.keys() == resumed.keys()
    for name, value in straight.items():
        assert torch.equal(value, resumed[name]), name


def test_asked_to_stop_and_resumed_is_the_same_as_never_stopped(data: Data, tmp_path: Path) -> None:
    """Ctrl-C lets the step end and stores it."""
    straight, _ = train(data, TINY, tmp_path / "straight.pt")

    class Impatient(CloudBatches):
        def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
            if step == 3:
                _thread.interrupt_main()
            return super().batch(step)

    impatient = Impatient(data.clouds, data.batches.sources, BATCH)
    with pytest.raises(KeyboardInterrupt):
        train(replace(data, batches=impatient), TINY, tmp_path / "run.pt")
    # Batches are drawn one ahead: whether the step before it had ended then is chance.
    assert torch.load(tmp_path / "run.pt", weights_only=True)["step"] in (3, 4)
    resumed, _ = train(data, TINY, tmp_path / "run.pt")
    assert all(torch.equal(value, resumed[name]) for name, value in straight.items())


def test_a_finished_run_is_not_trained_further(data: Data, tmp_path: Path) -> None:
    first, _ = train(data, TINY, tmp_path / "run.pt")
    again, _ = train(data, TINY, tmp_path / "run.pt")
    assert all(torch.equal(value, again[name]) for name, value in first.items())


@pytest.mark.parametrize("what", ["training", "batches"])
def test_an_unfinished_run_with_other_settings_is_refused(data: Data, tmp_path: Path, what: str) -> None:
    run = new_run(TINY, CPU)
    settings = settings_of(data.batches, data.labels, TINY, run.encoder)
    RunFile(tmp_path / "run.pt", settings).store(run)
    other = {**settings, what: {**settings[what], "seed": 1}}
    with pytest.raises(CheckpointError, match=rf"run\.pt: a run with other settings \({what}\)"):
        RunFile(tmp_path / "run.pt", other).restore(new_run(TINY, CPU))


def test_batches_follow_seed_and_step_and_leave_validation_out(data: Data) -> None:
    batches = data.batches
    assert not data.clouds.validation[batches.training].any()
    depth, label = batches.batch(4)
    assert depth.shape == (8, 2, 1, 32, 32) and depth.dtype == torch.float32 and label.dtype == torch.int64
    assert torch.equal(depth, CloudBatches(data.clouds, batches.sources, BATCH).batch(4)[0])
    assert not torch.equal(depth, batches.batch(5)[0])


def test_rare_classes_come_up_more_often_than_their_share(data: Data) -> None:
    clouds = data.clouds
    few = clouds.validation | ((clouds.label == 0) & (np.arange(len(clouds.label)) % 3 > 0))
    batches = CloudBatches(replace(clouds, validation=few), data.batches.sources, BATCH)
    label = clouds.label[batches.training]
    share, probability = (label == 0).mean(), batches.probability[label == 0].sum()
    assert probability == pytest.approx(np.sqrt(share) / (np.sqrt(share) + np.sqrt(1 - share)))
    assert share < probability < 0.5


def test_learning_rate_rises_then_falls_to_one_percent() -> None:
    config = replace(TINY, steps=100, warmup=10)
    rates = [schedule_of(config).rate(step) for step in range(101)]
    assert rates[9] == config.learning_rate == max(rates)
    assert rates[:10] == sorted(rates[:10]) and rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[100] == pytest.approx(0.01 * config.learning_rate)
