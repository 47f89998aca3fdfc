"""What a device is called, and what it can."""

from __future__ import annotations

import pytest
import torch

from c2p_deploy.errors import C2PError
from c2p_train.model.device import has_bfloat16, pick_device


@pytest.mark.parametrize(
    ("able", "expected"),
    [
        ({"avx2": True, "avx512_bf16": False, "amx_bf16": False}, False),
        ({"avx2": True, "avx512_bf16": True, "amx_bf16": False}, True),
        ({"avx512_bf16": False, "amx_bf16": True}, True),
        ({"neon": True, "bf16": True}, True),
        ({"neon": True}, False),
    ],
)
def test_a_processor_has_bfloat16_where_it_multiplies_in_it(
    able: dict[str, bool], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able, raising=False)
    assert has_bfloat16(torch.device("cpu")) is expected


def test_an_older_torch_is_asked_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    for able in (True, False):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda able=able: able)
        assert has_bfloat16(torch.device("cpu")) is able


def test_devices_that_there_are_none_of_are_refused() -> None:
    assert pick_device("cpu") == torch.device("cpu")
    for name in ("cuda:99", "gpu"):
        with pytest.raises(C2PError, match="choose auto"):
            pick_device(name)
