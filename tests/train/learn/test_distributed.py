"""Two processes train what one process trains: as torchrun starts them, on the CPU, against this process."""

import os
import socket
import subprocess
import sys
import traceback
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from c2p_train.learn.distributed import (
    GlobalBatchNorm2d,
    average_gradients,
    gather,
    process_group,
    rank,
    world_size,
)
from c2p_train.learn.losses import pretrain_loss
from c2p_train.learn.pretrain import PretrainConfig, pretrain
from c2p_train.model.encoders import build_encoder
from heard import heard_lines
from paths import REPOSITORY
from tiny_pretraining import ENCODER, TINY, Boxes, frozen

RUNS: dict[str, PretrainConfig] = {
    "adamw": replace(TINY, steps=5, accumulate=2),
    "lamb": replace(TINY, steps=5, optimizer="lamb"),
}


def encoder() -> torch.nn.Module:
    """With batch norms, which need the statistics of both processes, and without dropout."""
    torch.manual_seed(5)
    return build_encoder(replace(ENCODER, dropout=0.0))


def loss_and_gradients() -> dict[str, torch.Tensor]:
    """Of the pre-training loss of eight rows behind a linear layer, of which each process has its share."""
    rng = np.random.default_rng(0)
    rows = torch.from_numpy(rng.normal(size=(8, 3, 5))).chunk(world_size())[rank()]
    weight = torch.from_numpy(rng.normal(size=(5, 4))).requires_grad_()
    w = torch.tensor(0.9, dtype=torch.float64, requires_grad=True)
    f1, f2, image = gather(rows @ weight).unbind(dim=1)
    loss = pretrain_loss(f1, f2, image, w).total
    loss.backward()
    average_gradients([weight, w])
    return {"loss": loss.detach(), "weight": weight.grad, "w": w.grad}


def normalised() -> dict[str, torch.Tensor]:
    """A batch norm that is trained, and what goes back through it."""
    rng = np.random.default_rng(1)
    x = torch.from_numpy(rng.normal(3, 2, (6, 4, 3, 3))).float().chunk(world_size())[rank()].requires_grad_()
    norm = (GlobalBatchNorm2d if world_size() > 1 else torch.nn.BatchNorm2d)(4)
    out = gather(norm(x))
    (out**3).mean().backward()
    average_gradients(norm.parameters())
    # `gather` multiplies by the number of processes, which averaging undoes; x is not averaged.
    return {
        "out": out.detach(),
        "x": gather(x.grad) / world_size(),
        "weight": norm.weight.grad,
        "mean": norm.running_mean,
        "variance": norm.running_var,
    }


def run(folder: Path) -> None:
    """All that is compared; files of rank 0 in `folder`."""
    for name, values in (("loss", loss_and_gradients()), ("norm", normalised())):
        if rank() == 0:
            torch.save(values, folder / f"{name}.pt")
    for name, config in RUNS.items():
        pretrain([Boxes()], frozen(), config, folder / name, depth_encoder=encoder())


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Where one process, and where two processes, wrote."""
    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    path = os.pathsep.join([str(REPOSITORY / "tests" / "helpers"), *sys.path])  # what this process imports
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run(
        [sys.executable, __file__, str(two)],
        env={**os.environ, **meeting, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    run(one)
    return one, two


def assert_near(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor], tolerance: float) -> None:
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        error = (found[name] - value).abs().max() / value.abs().max().clamp(min=1)
        assert error <= tolerance, f"{name}: off by {error:.2g}"


def test_loss_and_gradients_are_those_of_the_whole_batch(folders: tuple[Path, Path]) -> None:
    one, two = (torch.load(folder / "loss.pt", weights_only=True) for folder in folders)
    assert_near(two, one, 1e-13)  # float64


def test_batch_norms_see_the_whole_batch(folders: tuple[Path, Path]) -> None:
    one, two = (torch.load(folder / "norm.pt", weights_only=True) for folder in folders)
    assert_near(two, one, 1e-5)


@pytest.mark.parametrize("name", RUNS)
def test_training_goes_the_same_way(folders: tuple[Path, Path], name: str) -> None:
    """Losses of every step, and the weights and running statistics at the end."""
    one, two = (torch.load(folder / name / "model.pt", weights_only=True) for folder in folders)
    for ours, theirs in zip(two["training"]["history"], one["training"]["history"], strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5)
    states = (values["encoders"]["depth"]["state"] for values in (two, one))
    assert_near(*states, 1e-5)


def work(number: int, folder: Path) -> None:
    """What torchrun would have a process do."""
    os.environ |= {"RANK": str(number), "LOCAL_RANK": str(number), "WORLD_SIZE": "2"}
    with heard_lines() as lines, process_group(torch.device("cpu")):
        assert world_size() == 2 and rank() == number
        run(folder)
        assert bool(lines) == (rank() == 0)


def fork_two(folder: Path) -> int:
    """Both processes out of one, so that torch is imported once; 0 when both have ended well."""

    children = []
    for number in range(2):
        if (child := os.fork()) == 0:
            try:
                work(number, folder)
                os._exit(0)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        children.append(child)
    return max(os.waitpid(child, 0)[1] for child in children)


if __name__ == "__main__":
    sys.exit(fork_two(Path(sys.argv[1])) != 0)
