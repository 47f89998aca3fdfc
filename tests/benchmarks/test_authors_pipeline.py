"""The authors' pipeline in PyTorch computes what ours does: a comparison with anything else says nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from c2p_deploy import DepthSpec, ViewSet, project_depth_reference
from c2p_deploy.projection.prepare import prepare_points
from harness.authors_pipeline import AuthorsPipeline, Renderer, unit_sphere
from paths import GOLDEN
from small_models import checkpoint

TEN = ViewSet.named("clip2point-10")


@pytest.mark.parametrize("cloud", ["chair", "rod", "n2", "n1_direct", "n1_norm"])
def test_the_plain_torch_renderer_equals_the_authors(cloud: str) -> None:
    compared = 0
    with np.load(GOLDEN / f"{cloud}.npz") as golden:
        points = torch.from_numpy(golden["points"])
        for setting in (name[8:] for name in golden if name.startswith("depth01_")):
            views = ViewSet.named("clip2point-" + setting[1 : setting.index("_")])
            renderer = Renderer(views, DepthSpec(), pytorch3d=False)
            up = "z" if setting.endswith("rot1") else "y"
            zbuf = golden.get(f"zbuf_{setting}")
            if zbuf is not None:
                np.testing.assert_array_equal(renderer.z_buffers(points, up).numpy(), zbuf)
            np.testing.assert_array_equal(renderer(points, up).numpy(), golden[f"depth01_{setting}"])
            compared += 1
    assert compared


@pytest.mark.parametrize(
    "spec", [DepthSpec(), DepthSpec(64, 0.03), DepthSpec(33, 0.2), DepthSpec(112, 0.005)]
)
@pytest.mark.parametrize("spread", [0.3, 0.8])  # well inside the frame, and far beyond it on all sides
def test_the_plain_torch_renderer_equals_the_reference(spec: DepthSpec, spread: float) -> None:
    points = np.random.default_rng(0).normal(0, spread, (5000, 3)).astype(np.float32)  # more than one part
    jittered = ViewSet("jittered", TEN.rotations, np.linspace(0.9, 1.1, 10, dtype=np.float32))
    depth = Renderer(jittered, spec, pytorch3d=False)(torch.from_numpy(points)).numpy()
    np.testing.assert_array_equal(depth, project_depth_reference(points, jittered, spec))


def test_their_preparation_is_ours_but_for_rounding(chair: np.ndarray) -> None:
    np.testing.assert_allclose(
        unit_sphere(chair * 3 + 5), prepare_points(chair * 3 + 5, DepthSpec()), atol=1e-5
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_their_answer_is_that_of_our_model(chair: np.ndarray, dtype: torch.dtype) -> None:
    small = checkpoint("dpa", "clip")
    assert small.labels is not None
    cloud = unit_sphere(chair)[: small.spec.num_points]
    pipeline = AuthorsPipeline(small.model, small.labels, small.views, small.spec, dtype=dtype)
    answer = pipeline(cloud)
    depth = project_depth_reference(unit_sphere(cloud), small.views, small.spec)
    with torch.inference_mode():
        feature = small.model(torch.from_numpy(depth)[None])[0].numpy()
    tolerance = 1e-5 if dtype == torch.float32 else 0.03
    np.testing.assert_allclose(answer.feature, feature, atol=tolerance)
    np.testing.assert_allclose(answer.scores, feature @ small.labels.text_features.T, atol=tolerance)
    assert sum(answer.ms[stage] for stage in ("prepare", "project", "encode", "head")) == pytest.approx(
        answer.ms["total"]
    )
