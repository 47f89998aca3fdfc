"""Training of the dual-path head against the authors' code: three AdamW steps on real projections."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from c2p_deploy.projection.spec import turn_up
from c2p_train.evaluate.features import view_features
from c2p_train.learn.fewshot import PAPER, new_optimizer, train_step
from c2p_train.model.heads import DPA
from c2p_train.model.import_official import import_official
from paths import GOLDEN

# The golden's names (of the authors' modules) -> ours.
_NAMES = {
    "fusion": "view_weight",
    "bn0_weight": "view_norm.weight",
    "bn0_mean": "view_norm.running_mean",
    "bn0_var": "view_norm.running_var",
    "bn1_mean": "norm.running_mean",
    "bn1_var": "norm.running_var",
    "lin1_bias": "out.bias",
}
_PATHS = {"adapter1": "depth_path", "adapter2": "image_path"}


@dataclass(frozen=True)
class Trained:
    golden: dict[str, np.ndarray]
    losses: list[float]
    logits: np.ndarray  # before the first step
    gradients: dict[str, torch.Tensor]  # of the first step
    head: DPA  # after three


@pytest.fixture(scope="module")
def trained(golden_folder: Path) -> Trained:
    with np.load(golden_folder / "loss/fewshot_tiny.npz") as stored:
        golden = dict(stored)
    with np.load(golden_folder / "models/tiny.npz") as stored:
        text = torch.from_numpy(stored["text_norm"])
    checkpoint = import_official(golden_folder / "checkpoints/fewshot_best_tiny.pth")
    points = np.stack([turn_up(cloud, "z") for cloud in golden["points"]])
    assert checkpoint.model.image_encoder is not None
    depth, image = (
        torch.from_numpy(view_features(encoder, points, checkpoint.views, checkpoint.spec))
        for encoder in (checkpoint.model.depth_encoder, checkpoint.model.image_encoder)
    )
    head = checkpoint.model.head
    assert isinstance(head, DPA)
    head.train()
    for path in (head.depth_path, head.image_path):
        path.dropout.p = 0.0
    optimizer = new_optimizer(head, PAPER)
    label = torch.from_numpy(golden["labels"])
    with torch.no_grad():
        before = {name: value.clone() for name, value in head.state_dict().items()}
        logits = (head(depth, image) @ text.T).numpy()
        head.load_state_dict(before)  # a look in training mode moves the running statistics
    losses, gradients = [], {}
    for step in range(3):
        loss = train_step(head, optimizer, depth, image, label, text, PAPER.logit_scale)
        losses.append(loss.item())
        if step == 0:
            gradients = {name: p.grad.clone() for name, p in head.named_parameters() if p.grad is not None}
    return Trained(golden, losses, logits, gradients, head)


def test_the_loss_follows_from_the_authors_logits() -> None:
    """The very numbers that the authors' adapters gave, in place of a head's."""

    class Given(torch.nn.Module):
        def __init__(self, logits: torch.Tensor) -> None:
            super().__init__()
            self.logits = torch.nn.Parameter(logits)

        def forward(self, depth: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
            return self.logits

    with np.load(GOLDEN / "training.npz") as golden:
        head, label = Given(torch.from_numpy(golden["fewshot_logits_step0"])), golden["fewshot_labels"]
        optimizer, unused = new_optimizer(head, PAPER), torch.zeros(0)
        loss = train_step(
            head, optimizer, unused, unused, torch.from_numpy(label), torch.eye(40), PAPER.logit_scale
        )
        assert loss.item() == pytest.approx(float(golden["fewshot_loss"][0]), rel=1e-6)


def test_losses_are_the_authors(trained: Trained) -> None:
    np.testing.assert_allclose(trained.losses, trained.golden["loss"], rtol=1e-5)


def test_logits_are_the_authors(trained: Trained) -> None:
    np.testing.assert_allclose(trained.logits, trained.golden["logits_step0"], atol=1e-5)


def test_first_gradients_are_the_authors(trained: Trained) -> None:
    compared = 0
    for key, expected in trained.golden.items():
        if key.startswith("grad0_"):
            found = trained.gradients[our_name(key.removeprefix("grad0_"))].numpy()
            np.testing.assert_allclose(
                found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max(), err_msg=key
            )
            compared += 1
    assert compared == 3


def test_state_after_three_steps_is_the_authors(trained: Trained) -> None:
    state, compared = trained.head.state_dict(), 0
    for key, expected in trained.golden.items():
        if key.startswith("after3_"):
            found = state[our_name(key.removeprefix("after3_"))].numpy()
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4, err_msg=key)
            compared += 1
    assert compared == 6


def our_name(key: str) -> str:
    """For instance adapter1_bn0_mean -> depth_path.view_norm.running_mean."""
    adapter, _, name = key.partition("_")
    return f"{_PATHS[adapter]}.{_NAMES[name]}"
