"""Published files become checkpoints that give the authors' features, logits and answers."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from c2p_deploy import LabelSet, ViewSet
from c2p_deploy.errors import C2PError, CheckpointError
from c2p_train.commands.import_ import import_
from c2p_train.model.checkpoint import Checkpoint, load_checkpoint
from c2p_train.model.clip_encoder import (
    ClipConfig,
    ClipEncoder,
    clip_from_openai,
    import_open_clip,
    load_clip,
    read_clip_file,
)
from c2p_train.model.encoders import encode_views
from c2p_train.model.import_official import import_official

FEWSHOT, PRETRAINED, CLIP = "fewshot_best_tiny.pth", "pretrain_best_val_tiny.pth", "clip_tiny.pt"


@pytest.fixture(scope="module")
def goldens(golden_folder: Path) -> dict[str, np.ndarray]:
    with np.load(golden_folder / "models" / "tiny.npz") as arrays:
        return dict(arrays)


def clouds(folder: Path, goldens: dict[str, np.ndarray], views: int) -> tuple[list[int], torch.Tensor]:
    """Rows of the goldens whose depth maps are at hand, and these [n, V, S, S]."""
    rows, maps = [], []
    for row, name in enumerate(goldens["clouds"]):
        file = folder / "render" / f"{name}.npz"
        if file.exists():
            with np.load(file) as render:
                rows.append(row)
                maps.append(render[f"depth01_v{views}_rot1"])
    assert len(rows) >= 10
    return rows, torch.from_numpy(np.stack(maps))


def load(folder: Path, name: str) -> Checkpoint:
    return import_official(folder / "checkpoints" / name)


@pytest.mark.parametrize(("file", "kind"), [(PRETRAINED, "pre"), (CLIP, "clip")])
@pytest.mark.parametrize("count", [10, 6])
def test_zero_shot_files_give_the_authors_features_and_answers(
    golden_folder: Path, goldens: dict[str, np.ndarray], file: str, kind: str, count: int
) -> None:
    checkpoint = load(golden_folder, file)
    assert checkpoint.head == "zeroshot" and checkpoint.spec.image_size == 224
    rows, depth = clouds(golden_folder, goldens, count)
    with torch.inference_mode():
        raw = encode_views(checkpoint.model.depth_encoder, depth).numpy()
        features = checkpoint.model(depth).numpy()
    np.testing.assert_allclose(raw, goldens[f"zs_{kind}_v{count}_feat_raw"][rows], atol=1e-4)
    logits = count * features @ goldens["text_norm"].T  # theirs is the sum over views
    np.testing.assert_allclose(logits, goldens[f"zs_{kind}_v{count}_logits"][rows], atol=1e-4)
    np.testing.assert_array_equal(logits.argmax(axis=1), goldens[f"zs_{kind}_v{count}_pred"][rows])


def test_few_shot_files_give_the_authors_features_and_answers(
    golden_folder: Path, goldens: dict[str, np.ndarray]
) -> None:
    checkpoint = load(golden_folder, FEWSHOT)
    assert checkpoint.head == "dpa" and checkpoint.views == ViewSet.named("clip2point-10")
    rows, depth = clouds(golden_folder, goldens, 10)
    with torch.inference_mode():
        features = checkpoint.model(depth).numpy()
    np.testing.assert_allclose(features, goldens["dpa_feat_norm"][rows], atol=1e-4)
    logits = features @ goldens["text_norm"].T
    np.testing.assert_allclose(logits, goldens["dpa_logits"][rows], atol=1e-4)
    np.testing.assert_array_equal(logits.argmax(axis=1), goldens["dpa_logits"][rows].argmax(axis=1))


def test_a_pretraining_file_brings_its_image_encoder_along(
    golden_folder: Path, goldens: dict[str, np.ndarray]
) -> None:
    checkpoint = load(golden_folder, PRETRAINED)
    rows, depth = clouds(golden_folder, goldens, 10)
    assert checkpoint.model.image_encoder is not None
    with torch.inference_mode():
        raw = encode_views(checkpoint.model.image_encoder, depth[:3]).numpy()
    np.testing.assert_allclose(raw, goldens["dpa_ori_feat_raw"][rows[:3]], atol=1e-4)
    assert checkpoint.training["loss_weight"] == 0.875


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")  # of writing one, for the test
def test_a_torchscript_archive_is_read_like_a_state_dict(stand_in: Path, tmp_path: Path) -> None:
    """OpenAI's ViT-B-32.pt is an archive that holds the state dict as the attributes of a module."""
    state = torch.load(stand_in / "checkpoints" / CLIP, weights_only=True)
    torch.jit.save(torch.jit.script(holder_of(state)), str(tmp_path / "jit.pt"))
    again = read_clip_file(tmp_path / "jit.pt")
    assert again.keys() == state.keys()
    assert all(torch.equal(again[key], state[key]) for key in state)
    depth = torch.rand(1, 10, 224, 224)
    with torch.inference_mode():
        features = import_official(tmp_path / "jit.pt").model(depth)
        torch.testing.assert_close(features, load(stand_in, CLIP).model(depth))


def holder_of(state: dict[str, torch.Tensor]) -> torch.nn.Module:
    """A module whose state dict is `state`."""

    class Empty(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    root = Empty()
    for key, value in state.items():
        *path, last = key.split(".")
        module: torch.nn.Module = root
        for name in path:
            if name not in module._modules:
                module.add_module(name, Empty())
            module = module._modules[name]  # type: ignore[assignment]
        module.register_buffer(last, value)
    return root


def test_the_command_writes_a_checkpoint_with_labels(
    golden_folder: Path, tmp_path: Path, goldens: dict[str, np.ndarray]
) -> None:
    names = tuple(str(prompt).removeprefix("image of a ") for prompt in goldens["prompts"])
    LabelSet(names, goldens["text_norm"], "image of a {}").save(tmp_path / "m40.json")
    source = golden_folder / "checkpoints" / FEWSHOT
    options = [str(source), "--labels", str(tmp_path / "m40.json"), "--out", str(tmp_path / "model.pt")]
    result = CliRunner().invoke(import_, options)
    assert result.exit_code == 0, result.output
    assert "head dpa, 10 views of 224 px, features of 512, encoders: depth and image" in result.output
    checkpoint = load_checkpoint(tmp_path / "model.pt")
    assert checkpoint.labels is not None and checkpoint.labels.names == names
    with torch.inference_mode():
        depth = torch.rand(1, 10, 224, 224)
        assert torch.equal(checkpoint.model(depth), load(golden_folder, FEWSHOT).model(depth))


def test_what_is_not_theirs_is_refused(stand_in: Path, tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match=r"other\.pth: neither a checkpoint of CLIP2Point nor a CLIP"):
        import_official(tmp_path / "other.pth")
    state = torch.load(stand_in / "checkpoints" / FEWSHOT, weights_only=True)
    for change, complaint in (
        ({"adapter1.global_f.7.bias": torch.zeros(3)}, "depth_path.out.bias is [3] instead of [512]"),
        ({"selector.view_selector.views_elev": torch.zeros(10)}, "neither clip2point-10 nor clip2point-6"),
    ):
        torch.save(state | change, tmp_path / "changed.pth")
        with pytest.raises(CheckpointError, match=r"changed\.pth: cannot be imported") as caught:
            import_official(tmp_path / "changed.pth")
        assert complaint in str(caught.value)
    del state["adapter2.fusion_ratio"]
    torch.save(state, tmp_path / "part.pth")
    with pytest.raises(CheckpointError, match=r"part\.pth: cannot be imported"):
        import_official(tmp_path / "part.pth")


@pytest.mark.parametrize("contents", [{1: 2}, {"state_dict": 5}])
def test_a_file_without_named_weights_is_refused(tmp_path: Path, contents: dict[object, object]) -> None:
    torch.save(contents, tmp_path / "odd.pth")
    with pytest.raises(CheckpointError, match=r"odd\.pth: holds no weights by name"):
        import_official(tmp_path / "odd.pth")


def test_damaged_archives_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.pt", "w") as archive:
        archive.writestr("bad/constants.pkl", b"nothing")
    with pytest.raises(CheckpointError, match=r"bad\.pt: damaged TorchScript archive"):
        import_official(tmp_path / "bad.pt")


def test_weights_with_quickgelu_are_refused_by_a_tower_without(stand_in: Path) -> None:
    with pytest.raises(C2PError, match=r"QuickGELU.*use ViT-B-32-quickgelu"):
        load_clip("ViT-B-32", "openai")
    # OpenAI's own file tells without its name.
    with pytest.raises(C2PError, match="use ViT-B-32-quickgelu"):
        load_clip("ViT-B-32", str(stand_in / "checkpoints" / CLIP))


@pytest.mark.parametrize(
    "vision",
    [
        {"layers": 2, "width": 128, "patch_size": 8, "image_size": 24},
        {"layers": (1, 2, 1, 1), "width": 16, "patch_size": None, "image_size": 64},  # a residual network
    ],
)
def test_the_shape_of_a_clip_is_read_off_its_weights(vision: dict[str, object]) -> None:
    torch.manual_seed(0)
    text = {"context_length": 12, "vocab_size": 30, "width": 128, "heads": 2, "layers": 3}
    clip = import_open_clip().CLIP(64, vision, text, quick_gelu=True).eval()
    again = clip_from_openai({**clip.state_dict(), "input_resolution": torch.tensor(vision["image_size"])})
    size = vision["image_size"]
    images, tokens = torch.rand(2, 3, size, size), torch.randint(30, (2, 12))
    with torch.inference_mode():
        torch.testing.assert_close(again.encode_image(images), clip.encode_image(images))
        torch.testing.assert_close(again.encode_text(tokens), clip.encode_text(tokens))
    with pytest.raises(C2PError, match="not a CLIP model in OpenAI's layout"):
        clip_from_openai({"visual.proj": torch.zeros(2, 2)})


def test_unknown_names_and_tags_are_refused() -> None:
    with pytest.raises(C2PError, match="no model 'ViT-Z-1'"):
        load_clip("ViT-Z-1", "openai")
    with pytest.raises(C2PError, match=r"'nothing' is neither a file nor .* open_clip has: .*laion2b"):
        load_clip("ViT-B-32", "nothing")


@pytest.mark.parametrize("quick", [True, False])
def test_the_activation_is_the_one_asked_for(quick: bool) -> None:
    vision = {"layers": 1, "width": 64, "patch_size": 16, "image_size": 32}
    torch.manual_seed(0)
    encoder = ClipEncoder(ClipConfig("small", 32, vision, quick_gelu=quick)).eval()
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    activation = encoder.visual.transformer.resblocks[0].mlp.gelu
    activation.register_forward_hook(lambda module, inputs, output: seen.append((inputs[0], output)))
    with torch.inference_mode():
        encoder(torch.rand(2, 1, 32, 32))
    ((x, y),) = seen
    torch.testing.assert_close(y, x * torch.sigmoid(1.702 * x) if quick else torch.nn.functional.gelu(x))


def test_mean_and_deviation_of_clip_are_taken_off_inside() -> None:
    vision = {"layers": 1, "width": 64, "patch_size": 16, "image_size": 32}
    torch.manual_seed(0)
    encoder = ClipEncoder(ClipConfig("small", 32, vision, quick_gelu=True)).eval()
    grey = torch.rand(2, 1, 32, 32)
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(3, 1, 1)
    std = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(3, 1, 1)
    with torch.inference_mode():
        expected = encoder.visual((grey.repeat(1, 3, 1, 1) - mean) / std)
        torch.testing.assert_close(encoder(grey), expected)
        torch.testing.assert_close(encoder(grey.repeat(1, 3, 1, 1)), expected)
