"""The manifest: what survives a file, and what it takes."""

import base64
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from c2p_deploy import Manifest
from c2p_deploy.errors import ManifestError
from c2p_deploy.manifest import (
    MOST_CALL_BYTES,
    BatchProfile,
)
from c2p_deploy.rejection import Rejection


def test_every_field_survives_a_file(manifest: Manifest, tmp_path: Path) -> None:
    manifest.save(tmp_path / "tiny.json")
    again = Manifest.load(tmp_path / "tiny.json")
    for name in set(Manifest.__dataclass_fields__) - {"labels"}:
        assert getattr(again, name) == getattr(manifest, name), name
    assert again.labels.names == manifest.labels.names
    np.testing.assert_allclose(again.labels.text_features, manifest.labels.text_features, atol=1e-3)


def test_a_rejection_and_size_limits_survive_a_file(manifest: Manifest, tmp_path: Path) -> None:
    rejection = Rejection(
        clutter=np.arange(9, dtype=np.float32),
        novelty=np.arange(12, dtype=np.float32) / 3,
        new_words=np.array([0.1, 2, 3, 4]),
        confidence=np.array([1.0, -2, 3, 4]),
        typical=np.array([0.2, 5, 0.9]),
    )
    limits = {"chair": (0.3, 1.8)}
    replace(manifest, rejection=rejection, size_limits=limits).save(tmp_path / "tiny.json")
    again = Manifest.load(tmp_path / "tiny.json")
    assert again.rejection is not None and again.rejection.to_dict() == rejection.to_dict()
    assert again.size_limits == limits
    with pytest.raises(ManifestError, match="rejection is for features of 7"):
        narrow = replace(rejection, clutter=rejection.clutter[1:], novelty=rejection.novelty[1:])
        replace(manifest, rejection=narrow)


def test_a_manifest_of_schema_1_1_has_neither(manifest: Manifest) -> None:
    values = manifest.to_dict()
    del values["rejection"], values["size_limits"]
    again = Manifest.from_dict(values | {"schema": "1.1"})
    assert again.rejection is None and again.size_limits is None


def test_text_features_are_little_endian_float16(manifest: Manifest) -> None:
    stored = manifest.to_dict()["labels"]
    features = np.frombuffer(base64.b64decode(stored["text_features"]), "<f2").reshape(2, 8)
    np.testing.assert_allclose(features, manifest.labels.text_features, atol=1e-3)


def test_a_manifest_from_before_there_were_text_encoders_is_read(manifest: Manifest) -> None:
    values = manifest.to_dict() | {"schema": "1.0"}
    del values["text_encoder"]
    again = Manifest.from_dict(values)
    assert again.text_encoder is None
    assert replace(again, labels=manifest.labels) == replace(manifest, text_encoder=None)


def test_clouds_of_an_older_engine_are_prepared_as_they_were_when_it_was_exported(manifest: Manifest) -> None:
    values = replace(manifest, preparation="robust").to_dict() | {"schema": "1.1"}
    assert Manifest.from_dict(values).preparation == "robust"
    del values["preparation"]
    assert Manifest.from_dict(values).preparation == "paper"


def test_a_minor_schema_is_accepted(manifest: Manifest) -> None:
    assert Manifest.from_dict(manifest.to_dict() | {"schema": "1.7"}).head == "zeroshot"


def test_a_failed_write_leaves_the_old_file(manifest: Manifest, tmp_path: Path) -> None:
    manifest.save(tmp_path / "tiny.json")
    before = (tmp_path / "tiny.json").read_bytes()
    with pytest.raises(TypeError):
        replace(manifest, parity={"x": object()}).save(tmp_path / "tiny.json")
    assert (tmp_path / "tiny.json").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["tiny.json", "tiny.onnx"]


def test_one_call_has_a_sane_size(manifest: Manifest) -> None:
    spec = replace(manifest.spec, image_size=4096)
    one = replace(manifest, spec=spec, batch=BatchProfile(1, 1, 1))
    assert one.call_bytes == 4 * (6 * 4096 * 4096 + 8 + 2)
    most = MOST_CALL_BYTES // one.call_bytes
    assert replace(one, batch=BatchProfile(1, 1, most)).batch.max == most
    with pytest.raises(ManifestError, match=r"would take 8\..* GiB, more than 8 GiB; .*--max-batch"):
        replace(one, batch=BatchProfile(1, 1, most + 1))


@pytest.mark.parametrize("scale", [1e-6, 1, 100.0, 1e4])
def test_sane_logit_scales_are_taken(manifest: Manifest, scale: float) -> None:
    assert replace(manifest, logit_scale=scale).logit_scale == scale
