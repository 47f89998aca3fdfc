"""The losses against lightly's (which the authors used) and the authors' own values and gradients."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from c2p_deploy import DepthSpec, ViewSet, project_depth
from c2p_train.learn.losses import nt_xent, pretrain_loss
from c2p_train.learn.optimizers import Lamb
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.encoders import encode_views
from c2p_train.model.import_official import import_official
from paths import GOLDEN, SHARED


@pytest.mark.parametrize("case", range(4))
def test_nt_xent_equals_lightly(case: int) -> None:
    with np.load(GOLDEN / "ntxent.npz") as golden:
        a, b = (torch.tensor(golden[f"ntx{case}_out{k}"], requires_grad=True) for k in (0, 1))
        loss = nt_xent(a, b)
        loss.backward()
        np.testing.assert_allclose(loss.item(), golden[f"ntx{case}_loss"], rtol=1e-5)
        for features, k in ((a, 0), (b, 1)):
            wanted = golden[f"ntx{case}_grad{k}"]
            np.testing.assert_allclose(
                features.grad.numpy(), wanted, rtol=0, atol=1e-4 * max(np.abs(wanted).max(), 1e-12)
            )


def test_nt_xent_is_what_its_definition_says() -> None:
    """Spelled out in float64: the mean over all rows of -log softmax of the partner among the others."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 5, 7))
    z = np.concatenate([a, b])
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    losses = []
    for i in range(10):
        others = [j for j in range(10) if j != i]
        scores = np.array([z[i] @ z[j] / 0.2 for j in others])
        losses.append(np.log(np.exp(scores).sum()) - scores[others.index((i + 5) % 10)])
    found = nt_xent(torch.from_numpy(a), torch.from_numpy(b), temperature=0.2)
    assert found.item() == pytest.approx(np.mean(losses), rel=1e-12)


def test_pre_training_loss_follows_from_the_authors_features() -> None:
    with np.load(GOLDEN / "training.npz") as golden:
        first, second = torch.from_numpy(golden["pretrain_depth_feat_raw"])
        w = torch.tensor(golden["pretrain_weights"][0], requires_grad=True)
        loss = pretrain_loss(first, second, torch.from_numpy(golden["pretrain_image_feat_raw"]), w)
        loss.total.backward()
        for value, name in zip(loss, ("loss", "image_loss", "depth_loss"), strict=True):
            assert value.item() == pytest.approx(float(golden[f"pretrain_{name}"][0]), rel=1e-6)
        assert w.grad.item() == pytest.approx(float(golden["pretrain_grad_weights"][0]), rel=1e-6)


def test_lamb_follows_the_authors_gradients() -> None:
    """Three steps of the one weight whose every gradient is at hand: that of the loss itself."""
    with np.load(GOLDEN / "training.npz") as golden:
        w = torch.nn.Parameter(torch.tensor(golden["pretrain_weights"][0]))
        optimizer = Lamb([w], lr=0.006, weight_decay=1e-4)
        for step, gradient in enumerate(golden["pretrain_grad_weights"]):
            assert w.item() == pytest.approx(float(golden["pretrain_weights"][step]), rel=1e-6)
            w.grad = torch.tensor(gradient)
            optimizer.step()
        assert w.item() == pytest.approx(float(golden["pretrain_lamb_after3_weights"]), rel=1e-6)


@pytest.fixture(scope="module")
def official(golden_folder: Path) -> CLIP2Point:
    return import_official(golden_folder / "checkpoints/pretrain_best_val_tiny.pth").model.train()


def test_three_steps_of_pre_training_equal_the_authors(golden_folder: Path, official: CLIP2Point) -> None:
    """Projection, both encoders, loss, gradients and three steps of LAMB."""
    # The weights drawn for the stand-in let float32's rounding grow faster than the authors' do.
    slack = 1 if golden_folder == SHARED / "golden" else 20
    encoder, w = official.depth_encoder, torch.nn.Parameter(torch.tensor(0.875))
    optimizer = Lamb([*encoder.parameters(), w], lr=0.006, weight_decay=1e-4)
    ten = ViewSet.named("clip2point-10").rotations[[0, 1, 3, 5, 6, 9]]  # by the azim and elev of the golden
    with np.load(golden_folder / "loss/pretrain_tiny.npz") as golden:
        picture = F.interpolate(
            torch.from_numpy(golden["image14"]), size=224, mode="bilinear", align_corners=False
        )
        with torch.no_grad():
            image = official.image_encoder(picture)
        np.testing.assert_allclose(image, golden["image_feat_raw"], atol=slack * 1e-5)
        for step in range(3):
            assert w.item() == pytest.approx(float(golden["weights"][step]), rel=1e-6)
            depth = np.stack(
                [
                    project_depth(points, ViewSet("one", ten[[b, b]], distances), DepthSpec(), "y")
                    for b, (points, distances) in enumerate(
                        zip(golden["points"], golden["aug_dist"][step], strict=True)
                    )
                ]
            )
            optimizer.zero_grad()
            features = encode_views(encoder, torch.from_numpy(depth))
            loss = pretrain_loss(features[:, 0], features[:, 1], image, w)
            loss.total.backward()
            # Rounding grows from step to step: the first is nearly exact, the third good to 1e-5.
            for value, name in zip(loss, ("loss", "image_loss", "depth_loss"), strict=True):
                rel = slack * (1e-6, 3e-6, 3e-5)[step]
                assert value.item() == pytest.approx(float(golden[name][step]), rel=rel)
            assert w.grad.item() == pytest.approx(float(golden["grad_weights"][step]), rel=slack * 1e-4)
            total = sum(p.grad.square().sum() for p in [*encoder.parameters(), w]) ** 0.5
            assert total.item() == pytest.approx(float(golden["grad_total_norm"][step]), rel=slack * 2e-4)
            if step == 0:
                visual = encoder.visual
                for name, gradient in (
                    ("point_proj", visual.proj.grad[:64]),
                    ("class_embedding", visual.class_embedding.grad),
                    ("ln_post_weight", visual.ln_post.weight.grad),
                ):
                    wanted = golden[f"grad_{name}"]
                    np.testing.assert_allclose(gradient, wanted, rtol=0, atol=1e-4 * np.abs(wanted).max())
                first = features.detach()[:, 0]
                np.testing.assert_allclose(first, golden["depth_feat_raw"][0], atol=slack * 1e-5)
            optimizer.step()
        np.testing.assert_allclose(
            encoder.visual.proj.detach()[:64], golden["lamb_after3_proj"], rtol=0, atol=slack * 1e-5
        )
        np.testing.assert_allclose(
            encoder.visual.ln_post.bias.detach(),
            golden["lamb_after3_ln_post_bias"],
            rtol=0,
            atol=slack * 1e-5,
        )
        assert w.item() == pytest.approx(float(golden["lamb_after3_weights"]), rel=1e-6)
