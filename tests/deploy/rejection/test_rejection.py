"""What is stored of a rejection: it survives a file, and nothing else passes for one."""

import copy
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from c2p_deploy.errors import ManifestError
from c2p_deploy.rejection import Rejection

D = 6
RNG = np.random.default_rng(0)
REJECTION = Rejection(
    clutter=RNG.normal(size=D + 1).astype(np.float32),
    novelty=RNG.normal(size=D + 4).astype(np.float32),
    new_words=RNG.normal(size=4),
    confidence=RNG.normal(size=4),
    typical=RNG.normal(size=3),
)


def test_it_survives_json_to_the_last_bit() -> None:
    again = Rejection.from_dict(json.loads(json.dumps(REJECTION.to_dict())))
    for name in Rejection.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(again, name), getattr(REJECTION, name))
    assert again.dim == D


def test_one_of_width_512_takes_a_few_kilobytes() -> None:
    wide = replace(REJECTION, clutter=np.zeros(513, np.float32), novelty=np.zeros(516, np.float32))
    assert len(json.dumps(wide.to_dict())) < 10_000


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("dim", 0, "dim must be"),
        ("dim", 7, "bytes, not"),
        ("dim", 6.0, "dim must be"),
        ("signals", ["cosine"], "not those of this release"),
        ("clutter", "****", "not base64"),
        ("clutter", 3, "not base64"),
        ("novelty", "AAAA", "3 bytes"),
        ("confidence", [1, 2, 3], "4 numbers"),
        ("confidence", [1, 2, 3, "x"], "list of"),
        ("confidence", [1, 2, 3, True], "list of"),
        ("confidence", [1, 2, 3, 1e7], "beyond"),
        ("new_words", [1, 2, 3, 10**400], "float64"),
        ("typical", [], "list of"),
        ("typical", {}, "list of"),
    ],
)
def test_what_does_not_fit_is_refused(key: str, value: Any, says: str) -> None:
    values = copy.deepcopy(REJECTION.to_dict())
    values[key] = value
    with pytest.raises(ManifestError, match=says) as caught:
        Rejection.from_dict(values)
    assert "c2p-train calibrate" in caught.value.remedy


@pytest.mark.parametrize("key", REJECTION.to_dict())
def test_every_key_has_to_be_there(key: str) -> None:
    values = {name: value for name, value in REJECTION.to_dict().items() if name != key}
    with pytest.raises(ManifestError, match=f"no key '{key}'"):
        Rejection.from_dict(values)


def test_what_is_no_object_is_refused() -> None:
    with pytest.raises(ManifestError, match="JSON object"):
        Rejection.from_dict([1, 2])  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e7])
def test_a_weight_that_is_no_number_is_refused(value: float) -> None:
    broken = REJECTION.clutter.copy()
    broken[2] = value
    with pytest.raises(ManifestError, match="clutter holds a value"):
        replace(REJECTION, clutter=broken)


def test_with_other_labels_only_the_signals_tell_strangers() -> None:
    other = REJECTION.for_new_words()
    assert not other.novelty[:D].any()
    np.testing.assert_allclose(other.novelty[D:], REJECTION.new_words, rtol=1e-6)
    np.testing.assert_array_equal(other.clutter, REJECTION.clutter)
