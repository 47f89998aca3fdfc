"""The pre-training loop: it learns, refuses what does not fit, and a resumed run is the run never stopped."""

import _thread
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import trimesh
from click.testing import CliRunner, Result

from c2p_deploy import DepthSpec, LabelSet, ViewSet, prepare_points, project_depth
from c2p_deploy.errors import C2PError, CheckpointError
from c2p_train.commands.pretrain import pretrain as command
from c2p_train.learn.pair_batches import PairBatches
from c2p_train.learn.pretrain import batch_loss, new_run, pretrain, schedule_of, train_step
from c2p_train.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.encoders import build_encoder, weights_digest
from c2p_train.model.heads import ZeroShot
from c2p_train.pairs.mesh_files import find_meshes
from c2p_train.pairs.render import render_pairs
from c2p_train.pairs.shards import RenderSettings
from interrupting import invoke, strike
from paths import REPOSITORY
from tiny_pretraining import ENCODER, TINY, Boxes, fresh, frozen, train


def assert_same(one: Checkpoint, other: Checkpoint) -> None:
    first, second = one.model.state_dict(), other.model.state_dict()
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name
    for about in ("history", "loss_weight", "steps"):
        assert one.training[about] == other.training[about]


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """Eight steps without interruption."""
    return train(tmp_path_factory.mktemp("straight"))


def test_it_learns_to_match_depth_maps_with_pictures(tmp_path: Path) -> None:
    """Of sixteen pictures a trained encoder finds that of a depth map far more often than by chance."""
    boxes, image = Boxes(16), frozen()
    config = replace(TINY, steps=80, batch_size=16, learning_rate=2e-2)

    def matched(model: CLIP2Point) -> float:
        found = []
        for view in range(10):
            one = ViewSet("one", boxes.views.rotations[[view]], np.ones(1, np.float32))
            depth = [project_depth(boxes.points(i)[1], one, DepthSpec(24, 0.15), "y") for i in range(16)]
            pictures = np.stack([boxes.image(i, view) for i in range(16)])
            with torch.inference_mode():
                seen = F.normalize(model(torch.from_numpy(np.stack(depth))), dim=-1)
                wanted = F.normalize(image(torch.from_numpy(pictures).permute(0, 3, 1, 2) / 255), dim=-1)
            found.append(((seen @ wanted.T).argmax(dim=1) == torch.arange(16)).float().mean().item())
        return float(np.mean(found))

    checkpoint = train(tmp_path, config, boxes, validate=lambda model: {"matched": matched(model)})
    untrained = matched(CLIP2Point(fresh().eval(), None, ZeroShot()))
    assert untrained < 0.15 < 0.3 < checkpoint.training["validation"]["matched"]
    history = checkpoint.training["history"]
    assert [row["step"] for row in history] == list(range(1, 81))
    assert history[-1]["image_loss"] < 0.5 * history[0]["image_loss"]


def test_the_file_holds_the_result(tmp_path: Path, straight: Checkpoint) -> None:
    given = train(tmp_path)
    kept = load_checkpoint(tmp_path / "model.pt")
    assert_same(given, straight)
    assert_same(kept, straight)
    assert (
        kept.spec.image_size == 24 and kept.views == Boxes.views and kept.training["data_digest"] == ["boxes"]
    )
    image = frozen()  # kept, and left as it was
    for name, value in image.state_dict().items():
        assert torch.equal(value, kept.model.image_encoder.state_dict()[name])


def test_by_default_the_depth_encoder_starts_as_the_image_encoder(tmp_path: Path) -> None:
    checkpoint = train(tmp_path, replace(TINY, steps=1, learning_rate=1e-9), depth_encoder=None)
    image = dict(checkpoint.model.image_encoder.named_parameters())
    for name, value in checkpoint.model.depth_encoder.named_parameters():
        torch.testing.assert_close(value, image[name], atol=1e-6, rtol=0)


def test_killed_and_run_again_is_the_same_as_never_killed(tmp_path: Path, straight: Checkpoint) -> None:
    """SIGKILL in the middle of a run, after its state was stored."""
    code = (
        "import tiny_pretraining as t, pathlib, sys; from c2p_train.learn import run; run.SAVE_EVERY = 0.0; "
        "t.train(pathlib.Path(sys.argv[1]), pairs=t.Boxes(slow=0.05))"
    )
    path = str(REPOSITORY / "tests" / "helpers")
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([path, *sys.path])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "run.pt").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    output, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, output.decode()
    assert not (tmp_path / "model.pt").exists()
    assert_same(train(tmp_path), straight)


def test_interrupted_and_run_again_is_the_same_as_never_interrupted(
    tmp_path: Path, straight: Checkpoint
) -> None:
    """Ctrl-C in the middle of step 5 lets the step end and stores it."""

    class Impatient(Boxes):
        def points(self, i: int) -> np.ndarray:
            self.calls = getattr(self, "calls", 0) + 1
            if self.calls == 16 * 5:  # each pair asks twice: once for its picture
                _thread.interrupt_main()  # a signal itself would strike torch's kernels, from this thread
            return super().points(i)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, pairs=Impatient())
    assert signal.getsignal(signal.SIGINT) is before
    assert (tmp_path / "run.pt").exists() and not (tmp_path / "model.pt").exists()
    assert 0 < torch.load(tmp_path / "run.pt", weights_only=True)["step"] < 8
    assert_same(train(tmp_path), straight)


def test_a_finished_run_is_not_trained_further(tmp_path: Path, straight: Checkpoint) -> None:
    assert_same(train(tmp_path), straight)
    assert_same(train(tmp_path), straight)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"config": replace(TINY, seed=1)}, "seed"),
        ({"config": replace(TINY, optimizer="lamb")}, "optimizer"),
        ({"depth_encoder": None}, "start of the depth encoder"),
    ],
)
def test_a_run_with_other_settings_is_refused(tmp_path: Path, change: dict[str, object], named: str) -> None:
    train(tmp_path, replace(TINY, steps=8))
    with pytest.raises(CheckpointError, match=rf"run\.pt: a run with other settings \({named}\)"):
        train(tmp_path, **change)


def test_other_data_is_refused_and_how_often_to_validate_may_change(
    tmp_path: Path, straight: Checkpoint
) -> None:
    train(tmp_path)
    assert_same(train(tmp_path, replace(TINY, validate_every=2)), straight)
    other = Boxes()
    other.digest = "other boxes"
    with pytest.raises(CheckpointError, match=r"other settings \(data\)"):
        train(tmp_path, pairs=other)


def test_a_damaged_state_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.pt").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(CheckpointError, match=r"run\.pt: "):
        train(tmp_path)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    wide = build_encoder(replace(ENCODER, embed_dim=48))
    fixed = frozen()
    fixed.image_size = 224
    large, twice = Boxes(), Boxes()
    large.image_size = 64
    for pairs, options, message in (
        ([Boxes()], {"depth_encoder": wide}, "features of 48, the image encoder of 32"),
        ([Boxes()], {"image_encoder": fixed}, "pictures of 32 px, but their encoder takes 224 px"),
        ([Boxes()], {"depth_encoder": fixed}, "depth maps of 24 px, but their encoder takes 224 px"),
        ([Boxes(), large], {}, "other views, picture size or number of points"),
        ([], {}, "no pairs"),
        ([Boxes(7)], {}, "7 pairs do not fill one step of 8"),
        ([twice], {"config": replace(TINY, batch_size=1)}, "at least 2"),
        ([twice], {"config": replace(TINY, optimizer="sgd")}, "no optimiser 'sgd'"),
        ([twice], {"config": replace(TINY, learning_rate=1e30)}, "loss is .* at step .*lower learning rate"),
    ):
        given = {"image_encoder": frozen(), "config": TINY, "depth_encoder": fresh(), **options}
        depth = given.pop("depth_encoder")
        with pytest.raises(C2PError, match=message):
            pretrain(pairs, out=tmp_path, depth_encoder=depth, **given)
    assert not (tmp_path / "model.pt").exists()


def batches(*pairs: Boxes, accumulate: int = 1) -> PairBatches:
    return PairBatches(pairs, DepthSpec(24, 0.15, 200), 8, accumulate)


def test_batches_follow_seed_and_step_whatever_the_threads_do() -> None:
    some = batches(Boxes(20), Boxes(25), accumulate=2)
    assert some.steps_per_epoch == 2  # of 16 pairs, 45 // 16
    whole = list(some.over(range(4)))
    assert len(whole) == 8
    later = batches(Boxes(20), Boxes(25), accumulate=2).over(range(2, 4))
    for one, again in zip(whole[4:], later, strict=True):
        assert torch.equal(one.image, again.image) and torch.equal(one.depth, again.depth)
    assert not torch.equal(whole[0].depth, whole[1].depth)
    assert not torch.equal(whole[0].depth[:, 0], whole[0].depth[:, 1])  # two distances


def test_every_pair_comes_up_once_in_an_epoch_from_one_side() -> None:
    drawn: list[tuple[int, int]] = []

    class Watched(Boxes):
        def image(self, i: int, view: int) -> np.ndarray:
            drawn.append((i, view))
            return super().image(i, view)

    some = batches(Watched(40))
    list(some.over(range(some.steps_per_epoch)))
    assert sorted(i for i, _ in drawn) == list(range(40))
    assert len({view for _, view in drawn}) >= 8


def test_depth_maps_show_the_side_of_the_picture() -> None:
    """A box fills as much of the frame in both, up to the discs of its points and 10 % of distance."""
    for pair in batches(Boxes(40)).over(range(2)):
        for picture, depth in zip(pair.image[..., 0].numpy(), pair.depth.numpy(), strict=True):
            box = (np.ptp(np.argwhere(picture < 255), axis=0) + 1) / 32
            for one in depth:
                seen = (np.ptp(np.argwhere(one < 1), axis=0) + 1) / 24 - 0.15
                np.testing.assert_allclose(seen, box, atol=0.2)


def test_an_error_of_the_data_reaches_the_caller() -> None:
    class Damaged(Boxes):
        def image(self, i: int, view: int) -> np.ndarray:
            raise C2PError("shard 3 is damaged")

    with pytest.raises(C2PError, match="shard 3"):
        list(batches(Damaged()).over(range(3)))


def test_learning_rates() -> None:
    adamw = schedule_of(replace(TINY, steps=100, warmup=0.1), 5, from_image_encoder=False)
    rates = [adamw.rate(step) for step in range(101)]
    assert rates[9] == 1e-3 == max(rates) and rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True) and rates[100] == pytest.approx(1e-5)
    assert schedule_of(replace(TINY, steps=None, epochs=3), 5, from_image_encoder=True).steps == 15
    # LAMB: torch's own schedule, two epochs of five steps.
    lamb = schedule_of(replace(TINY, steps=25, optimizer="lamb"), 5, from_image_encoder=True)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.006)
    schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=10, eta_min=1e-5)
    for step in range(25):
        assert lamb.rate(step) == pytest.approx(schedule.get_last_lr()[0], rel=1e-9)
        optimizer.step()
        schedule.step()


@pytest.mark.parametrize("optimizer", ["adamw", "lamb"])
def test_a_step_averages_batches_that_never_meet(optimizer: str) -> None:
    config = replace(TINY, accumulate=2, optimizer=optimizer)
    start, image = build_encoder(replace(ENCODER, dropout=0.0)), frozen()
    some = list(batches(Boxes(), accumulate=2).over(range(1)))
    wanted = new_run(start, config, torch.device("cpu"))
    total = 0.0
    for batch in some:
        picture = batch.image.permute(0, 3, 1, 2) / 255
        loss = batch_loss(wanted, image, picture, batch.depth, bfloat16=False).total / 2
        loss.backward()
        total += loss.item()
    run = new_run(start, config, torch.device("cpu"))
    found = train_step(run, image, iter(some), config, rate=1e-3)
    assert found.total.item() == pytest.approx(total, rel=1e-6)
    for one, other in zip(run.encoder.parameters(), wanted.encoder.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)
    moved = [not torch.equal(a, b) for a, b in zip(run.encoder.parameters(), start.parameters(), strict=True)]
    assert all(moved) and run.w != 1


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve boxes of two classes, rendered as `c2p-train render` does."""
    folder = tmp_path_factory.mktemp("rendered")
    rng = np.random.default_rng(3)
    for name, extent in (("plate", (1, 0.1, 1)), ("rod", (0.1, 1, 0.1))):
        (folder / "meshes" / name).mkdir(parents=True)
        for number in range(6):
            box = trimesh.creation.box(np.array(extent) * rng.uniform(0.7, 1.3, 3))
            box.export(folder / "meshes" / name / f"{number}.off")
            target = folder / "clouds" / name / "test" / f"{number}.npy"
            target.parent.mkdir(parents=True, exist_ok=True)
            np.save(target, np.asarray(box.sample(100, seed=number), np.float32))
    render_pairs(
        find_meshes(folder / "meshes"),
        folder / "pairs",
        RenderSettings(DepthSpec(32, 0.02, 128), samplings=2),
        workers=1,
    )
    return folder


def test_the_command_trains_on_rendered_pairs(rendered: Path, tmp_path: Path) -> None:
    labels = LabelSet(("plate", "rod"), np.eye(2, 32, dtype=np.float32))
    spec, views = DepthSpec(32, 0.1, 128), ViewSet.named("clip2point-10")
    teacher = CLIP2Point(fresh(), frozen(), ZeroShot())
    save_checkpoint(Checkpoint(teacher, views, spec, labels, 100.0, {}), tmp_path / "image.pt")
    save_checkpoint(
        Checkpoint(CLIP2Point(fresh(), None, ZeroShot()), views, spec, None, 100.0, {}), tmp_path / "blind.pt"
    )
    arguments = [str(rendered / "pairs"), "--image-encoder", str(tmp_path / "image.pt"), "--steps", "3"]
    arguments += ["--batch-size", "6", "--point-radius", "0.1", "--no-bf16", "--device", "cpu", "--seed", "4"]
    arguments += ["--val", str(rendered / "clouds"), "--val-up", "y", "--out", str(tmp_path / "run")]
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 0, done.output
    assert "3 steps in" in done.output and "peak memory" in done.output
    checkpoint = load_checkpoint(tmp_path / "run" / "model.pt")
    assert checkpoint.training["pairs"] == 12 and checkpoint.training["steps"] == 3
    assert checkpoint.labels.names == ("plate", "rod") and checkpoint.spec == DepthSpec(32, 0.1, 128)

    # The accuracy it reports is that of its model, cloud by cloud.
    right = []
    for name in labels.names:
        for file in sorted((rendered / "clouds" / name / "test").glob("*.npy")):
            maps = project_depth(prepare_points(np.load(file), spec), views, checkpoint.spec, "y")
            with torch.inference_mode():
                features = checkpoint.model(torch.from_numpy(maps[None]))
            right.append(labels.names[int((features.numpy() @ labels.text_features.T).argmax())] == name)
    assert checkpoint.training["validation"]["zero-shot top-1"] == pytest.approx(np.mean(right), abs=1e-6)

    for change, message in (
        (["--image-encoder", str(tmp_path / "blind.pt")], "blind.pt: holds no image encoder"),
        (["--batch-size", "13"], "12 pairs do not fill one step of 13"),
        (["--seed", "5"], "other settings (seed)"),
        (["--depth-encoder", "conv", "--seed", "4"], "other settings (start of the depth encoder)"),
    ):
        refused = CliRunner().invoke(command, [*arguments, *change])
        assert refused.exit_code == 1 and message in refused.stderr, refused.output
        assert refused.stderr.count("error: ") == 1
    for change in (["--clip", "ViT-B-32"], ["--epochs", "3"], ["--pretrained", "openai"]):
        assert CliRunner().invoke(command, [*arguments, *change]).exit_code == 2


@pytest.mark.parametrize(
    ("able", "options", "expected"),
    [(True, [], True), (False, [], False), (True, ["--no-bf16"], False), (False, ["--bf16"], True)],
)
def test_bfloat16_is_taken_where_it_is_no_imitation(
    able: bool,
    options: list[str],
    expected: bool,
    rendered: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    teacher = CLIP2Point(fresh(), frozen(), ZeroShot())
    checkpoint = Checkpoint(teacher, ViewSet.named("clip2point-10"), DepthSpec(32, 0.1, 128), None, 100.0, {})
    save_checkpoint(checkpoint, tmp_path / "image.pt")
    seen = []
    monkeypatch.setattr(
        "c2p_train.learn.pretrain.pretrain", lambda pairs, encoder, config, *a, **k: seen.append(config)
    )
    monkeypatch.setattr("c2p_train.model.device.has_bfloat16", lambda device: able)
    arguments = [str(rendered / "pairs"), "--image-encoder", str(tmp_path / "image.pt"), "--device", "cpu"]
    done = CliRunner().invoke(command, [*arguments, "--out", str(tmp_path / "run"), *options])
    assert done.exit_code == 0, done.output
    assert [config.bfloat16 for config in seen] == [expected]


@pytest.mark.usefixtures("ctrl_c")
def test_the_command_struck_anywhere_goes_on_as_if_it_had_not_been(rendered: Path, tmp_path: Path) -> None:
    labels = LabelSet(("plate", "rod"), np.eye(2, 32, dtype=np.float32))
    teacher = CLIP2Point(fresh(), frozen(), ZeroShot())
    given = Checkpoint(teacher, ViewSet.named("clip2point-10"), DepthSpec(32, 0.1, 128), labels, 100.0, {})
    save_checkpoint(given, tmp_path / "image.pt")

    def run(out: str) -> Result:
        options = ("--steps", 2, "--batch-size", 6, "--no-bf16", "--device", "cpu", "--out", tmp_path / out)
        return invoke(command, rendered / "pairs", "--image-encoder", tmp_path / "image.pt", *options)

    assert run("straight").exit_code == 0
    for at in count(1):
        if not strike(lambda: run("struck"), at):
            break
        assert {path.name for path in (tmp_path / "struck").glob("*")} <= {
            "run.pt",
            "model.pt",
            "tensorboard",
        }
    assert at > 3
    straight, struck = (load_checkpoint(tmp_path / out / "model.pt") for out in ("straight", "struck"))
    assert weights_digest(struck.model) == weights_digest(straight.model)
