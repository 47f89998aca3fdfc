"""The parts of a manifest: what each takes, up to its bounds, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from c2p_deploy.errors import ManifestError
from c2p_deploy.manifest import BatchProfile, EngineCost, EngineTarget


@pytest.mark.parametrize("sizes", [(1, 1, 1), (1, 1, 4096), (4096, 4096, 4096), (2, 3, 4)])
def test_profiles_that_rise_are_taken(sizes: tuple[int, int, int]) -> None:
    assert BatchProfile(*sizes).max == sizes[2]
    assert BatchProfile(max=2) == BatchProfile(1, 1, 2)


@pytest.mark.parametrize("sizes", [(0, 1, 1), (2, 1, 2), (1, 3, 2), (1, 1, 4097)])
def test_profiles_that_do_not_rise_are_refused(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(ManifestError, match="batch profile"):
        BatchProfile(*sizes)


@pytest.mark.parametrize("value", [0, 1, (1 << 63) - 1])
def test_costs_are_what_an_int64_holds(value: int) -> None:
    assert EngineCost(value, value).weight_bytes == value
    with pytest.raises(ManifestError, match="weight_bytes must be a whole number"):
        EngineCost(value, -1 - value)
    with pytest.raises(ManifestError, match="flops_per_cloud must be a whole number"):
        EngineCost(value + (1 << 63), 0)


@pytest.mark.parametrize(
    ("flavour", "version", "capabilities", "gpu"),
    [
        (None, "10.3", ("8.7",), None),
        ("tensorrt", 10.3, ("8.7",), None),
        ("tensorrt", "10.3", ["8.7"], None),
        ("tensorrt", "10.3", (8.7,), None),
        ("tensorrt", "10.3", ("8.7",), 1),
    ],
)
def test_targets_are_told_by_texts(flavour: Any, version: Any, capabilities: Any, gpu: Any) -> None:
    assert EngineTarget("tensorrt", "10.3", ("8.7", "9.0")).gpu is None
    with pytest.raises(ManifestError, match="target must be described by texts"):
        EngineTarget(flavour, version, capabilities, gpu)
