"""Labels from any words on the robot: the features of the text tower, the templates of the engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tokenizers import Tokenizer, models, pre_tokenizers

from c2p_deploy import LabelSet, Manifest
from c2p_deploy.errors import EngineError, LabelError, ManifestError, MissingDependencyError
from c2p_deploy.files import sha256_of
from c2p_deploy.labels import templates_of
from c2p_deploy.manifest import TextEncoderFiles
from c2p_runtime import Classifier
from c2p_runtime.text.encoder import TextEncoder
from engines import LABELS, VIEWS, write_engine

WORDS = {"image": 0, "of": 1, "a": 2, "cup": 3, "rod": 4, "crate": 5, "photo": 6, "bowl": 7, "?": 8}
LENGTH = 4
CLOUD = np.random.default_rng(0).normal(size=(64, 3))


def write_text_encoder(
    engine: Path, table: np.ndarray | None = None, template: str = "image of a {}", dim: int = len(VIEWS)
) -> np.ndarray:
    """A text tower beside a tiny engine, named in its manifest; returns its table [9, D].

    A prompt's feature is the row of its last word, at unit length; prompts are LENGTH words long.
    """
    if table is None:
        table = np.random.default_rng(3).normal(size=(len(WORDS), dim))
    table = (table / np.linalg.norm(table, axis=1, keepdims=True)).astype(np.float32)
    model_file, tokenizer_file = engine.with_suffix(".text.onnx"), engine.with_suffix(".tokenizer.json")
    nodes = [
        helper.make_node("Gather", ["tokens", "last"], ["word"], axis=1),
        helper.make_node("Gather", ["table", "word"], ["features"]),
    ]
    graph = helper.make_graph(
        nodes,
        "text",
        [helper.make_tensor_value_info("tokens", TensorProto.INT64, ["prompts", LENGTH])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["prompts", dim])],
        [
            helper.make_tensor("last", TensorProto.INT64, [], [LENGTH - 1]),
            helper.make_tensor("table", TensorProto.FLOAT, table.shape, table.reshape(-1)),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    model_file.write_bytes(model.SerializeToString())
    tokenizer = Tokenizer(models.WordLevel(WORDS, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.enable_padding(direction="left", length=LENGTH)
    tokenizer.enable_truncation(LENGTH)
    tokenizer_file.write_text(tokenizer.to_str())
    change_manifest(
        engine,
        labels=LabelSet(LABELS.names, LABELS.text_features, template),
        text_encoder=TextEncoderFiles(
            model_file.name, sha256_of(model_file), tokenizer_file.name, sha256_of(tokenizer_file)
        ),
    )
    return table


def change_manifest(engine: Path, **changes: object) -> Manifest:
    path = Manifest.path_for(engine)
    manifest = replace(Manifest.load(path), **changes)  # type: ignore[arg-type]
    manifest.save(path)
    return manifest


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    return write_engine(tmp_path)


def encoder_of(engine: Path) -> TextEncoder:
    return TextEncoder(engine, Manifest.for_engine(engine))


def test_the_exported_tower_gives_the_label_sets_of_training(golden_folder: Path, tmp_path: Path) -> None:
    from c2p_export.graph.text_tower import export_text_encoder
    from c2p_train.model.clip_encoder import clip_from_openai, import_open_clip, read_clip_file
    from c2p_train.model.text_encoder import label_set_from_clip

    file = golden_folder / "checkpoints" / "clip_tiny.pt"
    clip = clip_from_openai(read_clip_file(file))
    files = export_text_encoder(clip, import_open_clip().SimpleTokenizer(), tmp_path / "tiny", fp16=False)
    engine = write_engine(tmp_path)
    wide = LabelSet(("cup",), np.ones((1, 512)))
    manifest = change_manifest(engine, labels=wide, text_encoder=files)
    names, templates = ["mug", "Cordless Drill", "tape measure {12 m}"], ["a {}", "{}, it's a thing"]
    made = TextEncoder(engine, manifest).label_set(names, templates)
    expected = label_set_from_clip(names, templates, None, str(file))
    assert (made.names, made.template) == (expected.names, expected.template)
    np.testing.assert_allclose(made.text_features, expected.text_features, atol=1e-6)
    with np.load(golden_folder / "models" / "tiny.npz") as golden:
        names = [str(prompt).removeprefix("image of a ") for prompt in golden["prompts"]]
        # 40 names: more than are encoded at once
        np.testing.assert_allclose(
            TextEncoder(engine, manifest).label_set(names).text_features, golden["text_norm"], atol=1e-6
        )


def test_words_never_seen_are_picked_when_they_fit(engine: Path) -> None:
    seen = Classifier(engine)(CLOUD).features
    table = np.random.default_rng(3).normal(size=(len(WORDS), len(VIEWS)))
    table[WORDS["crate"]] = seen  # the text feature of this word is the feature of the cloud
    write_text_encoder(engine, table)
    for labels in (["bowl", "crate", "cup"], "bowl, crate,cup"):
        prediction = Classifier(engine, labels)(CLOUD)
        assert prediction.labels == ("bowl", "crate", "cup") and prediction.label == "crate"
    (engine.parent / "mine.txt").write_text("\ufeffcrate\n\nbowl\n", encoding="utf-8")
    assert Classifier(engine, engine.parent / "mine.txt")(CLOUD).labels == ("crate", "bowl")
    np.save(engine.parent / "cloud.npy", CLOUD)
    command = [sys.executable, "-m", "c2p_runtime.cli", "--json", "--engine", str(engine)]
    command += ["--labels", "bowl,crate", str(engine.parent / "cloud.npy")]
    out = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    assert json.loads(out)["label"] == "crate"


def test_one_unknown_name_makes_all_of_them_anew(engine: Path) -> None:
    table = write_text_encoder(engine)
    np.testing.assert_allclose(
        Classifier(engine, ["rod", "cup"]).labels.text_features, LABELS.text_features[[2, 0]], atol=1e-3
    )
    mixed = Classifier(engine, ["rod", "bowl"]).labels
    np.testing.assert_allclose(mixed.text_features, table[[WORDS["rod"], WORDS["bowl"]]], atol=1e-6)


def test_templates_are_those_of_the_engines_labels(engine: Path) -> None:
    write_text_encoder(engine, template="a {} | photo of a {}")
    assert Classifier(engine, ["bowl"]).labels.template == "a {} | photo of a {}"
    write_text_encoder(engine, template="openai")
    assert Classifier(engine, ["bowl"]).labels.template == "image of a {}"
    for template in ("a {} | openai", "a {} of {}", "{name}", "{} }", "a thing"):
        assert templates_of(LabelSet(("x",), np.ones((1, 2)), template)) == ("image of a {}",)


def test_several_templates_are_averaged_as_unit_features(engine: Path) -> None:
    table = write_text_encoder(engine)
    made = encoder_of(engine).label_set(["bowl", "crate"], ["a {}", "{} photo"])
    mean = table[[WORDS["bowl"], WORDS["crate"]]] + table[WORDS["photo"]]
    np.testing.assert_allclose(
        made.text_features, mean / np.linalg.norm(mean, axis=1, keepdims=True), atol=1e-6
    )


@pytest.mark.parametrize(
    ("names", "templates", "complaint"),
    [
        (["bowl"], ["a thing"], r"template 'a thing' has .*; write \{\} once"),
        (["bowl"], ["{} }"], r"write \{\} once"),
        ([], ["a {}"], "at least one name"),
        (["bowl"], [], "one template"),
        (["bowl", "bowl"], ["a {}"], "occur twice: bowl"),
    ],
)
def test_what_makes_no_label_set_is_refused(
    engine: Path, names: list[str], templates: list[str], complaint: str
) -> None:
    write_text_encoder(engine)
    with pytest.raises(LabelError, match=complaint):
        encoder_of(engine).label_set(names, templates)


def test_without_a_text_encoder_the_error_names_every_way_out(engine: Path) -> None:
    with pytest.raises(LabelError, match=r"near: cup.*label-set file.*exported with --text-encoder"):
        Classifier(engine, ["cupp"])
    (engine.parent / "mine.txt").write_text("crate")
    with pytest.raises(LabelError, match=r"mine\.txt: no text feature for label 'crate'"):
        Classifier(engine, engine.parent / "mine.txt")
    with pytest.raises(ManifestError, match=r"tiny\.onnx: has no text encoder; export it with"):
        encoder_of(engine)


def test_a_text_file_that_is_not_there_is_no_label(engine: Path) -> None:
    write_text_encoder(engine)
    for labels in ("gone.txt", Path("gone")):
        with pytest.raises(LabelError, match=r"gone.*: cannot read labels: .*No such file"):
            Classifier(engine, labels)


@pytest.mark.parametrize("suffix", [".text.onnx", ".tokenizer.json"])
def test_damaged_and_missing_files_are_refused_by_name(engine: Path, suffix: str) -> None:
    write_text_encoder(engine)
    file = engine.with_suffix(suffix)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(
        ManifestError, match=r": SHA-256 differs from the one in tiny\.json.*copy tiny"
    ) as caught:
        Classifier(engine, ["bowl"])
    assert str(caught.value).startswith(f"{file}: ")
    assert Classifier(engine, ["cup"])(CLOUD).label == "cup"  # not needed, so not looked at
    file.unlink()
    with pytest.raises(ManifestError, match=r": cannot read it: No such file.*copy tiny") as caught:
        Classifier(engine, ["bowl"])
    assert str(caught.value).startswith(f"{file}: ")


@pytest.mark.parametrize(("suffix", "part"), [(".text.onnx", "model"), (".tokenizer.json", "tokenizer")])
def test_files_that_cannot_be_loaded_are_refused_by_name(engine: Path, suffix: str, part: str) -> None:
    write_text_encoder(engine)
    file = engine.with_suffix(suffix)
    file.write_bytes(b"{}")
    files = Manifest.for_engine(engine).text_encoder
    assert files is not None
    change_manifest(engine, text_encoder=replace(files, **{f"{part}_sha256": sha256_of(file)}))
    with pytest.raises(EngineError, match=r"cannot (load|read) it") as caught:
        Classifier(engine, ["bowl"])
    assert str(caught.value).startswith(f"{file}: ")


def test_features_of_another_space_are_refused(engine: Path) -> None:
    write_text_encoder(engine, dim=5)
    with pytest.raises(EngineError, match=rf"features \[1, 5\], finite numbers \[1, {len(VIEWS)}\]"):
        Classifier(engine, ["bowl"])
    write_text_encoder(engine, np.full((len(WORDS), len(VIEWS)), np.nan))
    with pytest.raises(EngineError, match=r"tiny\.text\.onnx: gives"):
        Classifier(engine, ["bowl"])


@pytest.mark.parametrize("scale", [1e-3, 3.0, 1e38])
def test_features_far_from_unit_length_are_refused(engine: Path, scale: float) -> None:
    write_text_encoder(engine)
    encoder = encoder_of(engine)

    class Session:
        def run(self, names: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
            return [np.full((1, len(VIEWS)), scale, np.float32)]

    encoder._session = Session()
    with pytest.raises(EngineError, match=r"tiny\.text\.onnx: gives .*of unit length"):
        encoder.label_set(["bowl"])


def write_tokenizer(engine: Path, change: dict[str, object]) -> Path:
    """Another tokenizer, rightly entered into the manifest."""
    file = engine.with_suffix(".tokenizer.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    files = Manifest.for_engine(engine).text_encoder
    assert files is not None
    change_manifest(engine, text_encoder=replace(files, tokenizer_sha256=sha256_of(file)))
    return file


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"padding": None, "truncation": None}, "gives 4 to 5 tokens for a prompt"),
        (
            {
                "padding": {
                    "strategy": {"Fixed": 10**9},
                    "direction": "Left",
                    "pad_to_multiple_of": None,
                    "pad_id": 0,
                    "pad_type_id": 0,
                    "pad_token": "?",
                }
            },
            "pads prompts to more than 4096 tokens",
        ),
        ({"model": {"type": "WordLevel", "vocab": {}, "unk_token": "?"}}, "cannot"),
    ],
)
def test_tokenizers_that_would_hurt_are_refused(
    engine: Path, change: dict[str, object], complaint: str
) -> None:
    write_text_encoder(engine)
    file = write_tokenizer(engine, change)
    with pytest.raises(EngineError, match=complaint) as caught:
        Classifier(engine, ["bowl", "image bowl"])
    assert str(caught.value).startswith(f"{file}: ")


class Panic(BaseException):
    """What Rust's panics become; the library's own cannot be imported."""


@pytest.mark.parametrize("where", ["from_file", "encode_batch"])
@pytest.mark.parametrize(
    ("raised", "seen"), [(Panic("at the disco"), EngineError), (KeyboardInterrupt(), None)]
)
def test_a_panic_is_an_error_and_ctrl_c_is_not(
    engine: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    raised: BaseException,
    seen: type[BaseException] | None,
) -> None:
    write_text_encoder(engine)

    class Stub:
        padding = None

        @classmethod
        def from_file(cls, path: str) -> Stub:
            if where == "from_file":
                raise raised
            return cls()

        def encode_batch(self, prompts: list[str]) -> list[object]:
            raise raised

    monkeypatch.setattr("tokenizers.Tokenizer", Stub)
    with pytest.raises(seen or type(raised)) as caught:
        Classifier(engine, ["bowl"])
    assert seen is None or "at the disco" in str(caught.value)


@pytest.mark.parametrize("suffix", [".text.onnx", ".tokenizer.json"])
def test_a_pipe_in_place_of_a_file_is_refused_at_once(engine: Path, suffix: str) -> None:
    write_text_encoder(engine)
    file = engine.with_suffix(suffix)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(ManifestError, match="cannot read it: it is a pipe"):
        Classifier(engine, ["bowl"])


def test_a_huge_tokenizer_is_not_read(engine: Path) -> None:
    write_text_encoder(engine)
    with engine.with_suffix(".tokenizer.json").open("r+b") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(ManifestError, match="larger than 64 MiB"):
        Classifier(engine, ["bowl"])


def test_without_tokenizers_the_extra_is_named(engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text_encoder(engine)
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingDependencyError, match=r"pip install .*\[text\]'"):
        Classifier(engine, ["bowl"])
    assert Classifier(engine, ["cup"])(CLOUD).label == "cup"


def test_tokenizers_and_torch_stay_out_unless_used(engine: Path) -> None:
    write_text_encoder(engine)
    code = (
        "import sys; from c2p_runtime import Classifier\n"
        f"Classifier({str(engine)!r}, ['cup']); print('tokenizers' in sys.modules)\n"
        f"Classifier({str(engine)!r}, ['bowl']); print('torch' in sys.modules or 'onnx' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["False", "False"]
