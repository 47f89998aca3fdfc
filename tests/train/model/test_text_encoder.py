"""Labels from words: the text encoder equals the authors', stored features stay what they are."""

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from c2p_deploy import LabelSet
from c2p_deploy.errors import C2PError, LabelError
from c2p_train.commands.labels import labels
from c2p_train.model.clip_encoder import import_open_clip
from c2p_train.model.text_encoder import label_set_from_clip, label_set_from_file
from paths import GOLDEN
from training_data import write_text_features


def clip_file(folder: Path) -> str:
    return str(folder / "checkpoints" / "clip_tiny.pt")


def run(*options: object) -> tuple[int, str]:
    result = CliRunner().invoke(labels, [str(option) for option in options])
    return result.exit_code, result.output


def test_text_features_are_the_authors(golden_folder: Path, tmp_path: Path) -> None:
    with np.load(golden_folder / "models" / "tiny.npz") as golden:
        prompts, expected = [str(prompt) for prompt in golden["prompts"]], golden["text_norm"]
    names = [prompt.removeprefix("image of a ") for prompt in prompts]
    (tmp_path / "names.txt").write_text("\n".join(names[2:]) + "\n\n")
    options = [
        "--names",
        tmp_path / "names.txt",
        "--pretrained",
        clip_file(golden_folder),
        "--out",
        tmp_path / "l.json",
    ]
    code, output = run(*names[:2], *options)
    assert code == 0, output
    made = LabelSet.load(tmp_path / "l.json")
    assert list(made.names) == names and made.template == "image of a {}"
    np.testing.assert_allclose(made.text_features, expected, atol=1e-3)  # the file keeps float16
    made = label_set_from_clip(names, clip_name=None, pretrained=clip_file(golden_folder))
    np.testing.assert_allclose(made.text_features, expected, atol=1e-6)


def test_tokens_are_the_authors() -> None:
    with np.load(GOLDEN / "models.npz") as golden:
        tokens = import_open_clip().SimpleTokenizer()([str(prompt) for prompt in golden["prompts"]])
        np.testing.assert_array_equal(tokens, golden["tokens"])


def test_several_templates_are_averaged_as_unit_features(stand_in: Path) -> None:
    def of(*templates: str) -> np.ndarray:
        return label_set_from_clip(["mug"], templates, None, clip_file(stand_in)).text_features[0]

    mean = of("a {}") + of("{}, a thing")
    np.testing.assert_allclose(of("a {}", "{}, a thing"), mean / np.linalg.norm(mean), atol=1e-6)
    assert not np.allclose(of("openai"), of("a {}"), atol=1e-3)


@pytest.mark.parametrize("template", ["no place", "{} and {}", "{name}", "{} {x}"])
def test_templates_need_one_place_for_the_name(stand_in: Path, template: str) -> None:
    with pytest.raises(LabelError, match=r"write \{\} once"):
        label_set_from_clip(["mug"], [template], None, clip_file(stand_in))


def test_stored_features_are_taken_as_they_are(tmp_path: Path) -> None:
    features = np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32)
    np.savez(tmp_path / "f.npz", names=np.array(["mug", "cordless drill", "saw"]), text_features=features)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    chosen = label_set_from_file(["saw", "Cordless Drill"], tmp_path / "f.npz")
    np.testing.assert_allclose(chosen.text_features, unit[[2, 1]], atol=1e-6)
    chosen.save(tmp_path / "set.json")
    assert label_set_from_file([], tmp_path / "set.json").names == ("saw", "Cordless Drill")
    detic = label_set_from_file(["couch"], write_text_features(tmp_path / "detic"))
    assert detic.names == ("couch",) and detic.dim == 512
    with pytest.raises(LabelError, match=r"f\.npz: no text feature for label 'hammer'"):
        label_set_from_file(["hammer"], tmp_path / "f.npz")


def test_damaged_feature_files_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "f.npz", features=np.zeros((3, 8)))
    with pytest.raises(LabelError, match=r"f\.npz: not text features"):
        label_set_from_file([], tmp_path / "f.npz")
    code, output = run("mug", "--features", tmp_path / "f.npz", "--out", tmp_path / "l.json")
    assert code == 1 and output.startswith("error: ") and not (tmp_path / "l.json").exists()


def test_weights_without_a_known_shape_need_a_name(tmp_path: Path) -> None:
    torch.save({"visual.proj": torch.zeros(2, 2)}, tmp_path / "w.pt")
    with pytest.raises(C2PError, match=r"w\.pt: not OpenAI's own file; name its model too"):
        label_set_from_clip(["mug"], clip_name=None, pretrained=str(tmp_path / "w.pt"))


def test_options_that_do_not_go_together(tmp_path: Path) -> None:
    out = tmp_path / "l.json"
    assert run("--out", out)[0] == 2  # no name
    assert run("mug", "--features", tmp_path, "--clip", "ViT-B-32", "--out", out)[0] == 2
