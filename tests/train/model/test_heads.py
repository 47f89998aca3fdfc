"""Heads: their arithmetic written out in NumPy, and what a GDPA starts from."""

import numpy as np
import pytest
import torch

from c2p_deploy.errors import C2PError
from c2p_train.model.heads import DPA, GDPA, Aggregator, build_head
from paths import GOLDEN

B, V, D = 5, 6, 16


def seen(module: torch.nn.Module) -> torch.nn.Module:
    """Evaluation mode, with statistics and scalars that are not the initial ones."""
    torch.manual_seed(1)
    for name, value in module.state_dict().items():
        if value.is_floating_point() and "gate" not in name:
            value.copy_(torch.rand_like(value) + 0.2 if "var" in name else 0.5 * torch.randn_like(value))
    return module.eval()


def views(seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(B, V, D)).astype(np.float32))


def aggregated(module: Aggregator, features: np.ndarray) -> np.ndarray:
    """The rule of the authors' adapter, step by step (golden step 14)."""
    w = {name: value.numpy().astype(np.float64) for name, value in module.state_dict().items()}

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        unit = (x - w[f"{name}.running_mean"]) / np.sqrt(w[f"{name}.running_var"] + 1e-5)
        return unit * w[f"{name}.weight"] + w[f"{name}.bias"]

    x = norm(features * w["view_weight"][:, None], "view_norm").reshape(B, V * D)
    x = np.maximum(norm(x @ w["squeeze.weight"].T + w["squeeze.bias"], "norm"), 0)
    return x @ w["out.weight"].T + w["out.bias"]


def test_an_aggregator_sees_all_views_at_once() -> None:
    module = seen(Aggregator(V, D))
    with torch.inference_mode():
        got = module(views(0)).numpy()
    np.testing.assert_allclose(got, aggregated(module, views(0).numpy()), atol=1e-5)


@pytest.mark.parametrize(("kind", "gate"), [(DPA, None), (GDPA, 0.0), (GDPA, 0.7), (GDPA, -3.0)])
def test_dual_paths_are_fused_and_scaled_to_unit_length(kind: type[DPA], gate: float | None) -> None:
    head = seen(kind(V, D))
    if isinstance(head, GDPA):
        torch.nn.init.constant_(head.gate.bias, gate)
    with torch.inference_mode():
        got = head(views(0), views(1)).numpy()
    g = 1 / (1 + np.exp(-(gate or 0.0)))
    fused = g * aggregated(head.depth_path, views(0).numpy())
    fused += (1 - g) * aggregated(head.image_path, views(1).numpy())
    np.testing.assert_allclose(got, fused / np.linalg.norm(fused, axis=1, keepdims=True), atol=1e-5)


def test_a_gate_looks_at_both_paths() -> None:
    head = seen(GDPA(V, D))
    torch.manual_seed(2)
    torch.nn.init.normal_(head.gate.weight)
    depth, image = torch.randn(B, D), torch.randn(B, D)
    g = torch.sigmoid(torch.cat([depth, image], dim=1) @ head.gate.weight.T)
    with torch.inference_mode():
        torch.testing.assert_close(head.fuse(depth, image), g * depth + (1 - g) * image)


def test_zero_shot_is_the_mean_of_unit_view_features() -> None:
    features = views(3).numpy()
    unit = features / np.linalg.norm(features, axis=-1, keepdims=True)
    got = build_head("zeroshot", V, D)(views(3)).numpy()
    np.testing.assert_allclose(got, unit.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("views", [10, 6])
@pytest.mark.parametrize("encoder", ["pre", "clip"])
def test_zero_shot_gives_the_authors_logits_from_the_authors_features(encoder: str, views: int) -> None:
    with np.load(GOLDEN / "models.npz") as golden:
        rows, text = golden["feature_rows"], golden["text_norm"]
        expected = {kind: golden[f"zs_{encoder}_v{views}_{kind}"] for kind in ("logits", "probs", "pred")}
        raw, per_view = (golden[f"zs_{encoder}_v{views}_{kind}"] for kind in ("feat_raw", "logits_view"))
    got = build_head("zeroshot", views, 512)(torch.from_numpy(raw)).numpy()
    logits = views * got @ text.T  # theirs is the sum over the views
    np.testing.assert_allclose(logits, expected["logits"][rows], atol=1e-5)
    np.testing.assert_allclose(logits, per_view.sum(axis=1), atol=1e-5)
    probabilities = torch.from_numpy(logits).softmax(dim=1).numpy()
    np.testing.assert_allclose(probabilities, expected["probs"][rows], atol=1e-6)
    np.testing.assert_array_equal(logits.argmax(axis=1), expected["pred"][rows])


@pytest.mark.parametrize("kind", [DPA, GDPA])  # a new gate is the mean
def test_the_authors_adapters_are_fused_to_the_authors_logits(kind: type[DPA]) -> None:
    class Given(torch.nn.Module):
        """In place of an adapter: its output for the cloud whose number is the feature."""

        def __init__(self, outputs: np.ndarray) -> None:
            super().__init__()
            self.outputs = torch.from_numpy(outputs)

        def forward(self, features: torch.Tensor) -> torch.Tensor:
            return self.outputs[features[:, 0, 0].long()]

    head = kind(10, 512)
    with np.load(GOLDEN / "models.npz") as golden:
        head.depth_path, head.image_path = Given(golden["dpa_adapter1"]), Given(golden["dpa_adapter2"])
        clouds = torch.arange(14).view(14, 1, 1)
        with torch.inference_mode():
            got = head(clouds, clouds).numpy()
        np.testing.assert_allclose(got, golden["dpa_feat_norm"], atol=1e-6)
        np.testing.assert_allclose(got @ golden["text_norm"].T, golden["dpa_logits"], atol=1e-6)


def test_what_training_starts_from() -> None:
    """As the authors have it: each view counts half, and a new gate gives the mean of the paths."""
    dpa, gdpa = build_head("dpa", V, D), build_head("gdpa", V, D)
    assert (dpa.depth_path.view_weight == 0.5).all() and dpa.depth_path.view_weight.shape == (V,)
    assert dpa.image_path.dropout.p == 0.075
    depth, image = torch.randn(2, B, D, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(dpa.fuse(depth, image), (depth + image) / 2)
    torch.testing.assert_close(gdpa.fuse(depth, image), (depth + image) / 2)


def test_an_unknown_head_is_refused() -> None:
    with pytest.raises(C2PError, match="no head 'voting'; there are zeroshot, ridge, dpa and gdpa"):
        build_head("voting", V, D)
