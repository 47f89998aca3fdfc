"""The text tower outside torch: the tokens and features of the authors' CLIP, or no files."""

from __future__ import annotations

import html
import sys
from pathlib import Path
from typing import Any

import ftfy
import numpy as np
import onnx
import onnx_ir
import onnxruntime as ort
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from c2p_deploy.errors import C2PError, MissingDependencyError, ParityError
from c2p_deploy.files import sha256_of
from c2p_deploy.manifest import TextEncoderFiles
from c2p_export.graph import text_tower
from c2p_export.graph.text_tower import export_text_encoder
from c2p_train.model.clip_encoder import clip_from_openai, import_open_clip, read_clip_file

SIMPLE = import_open_clip().SimpleTokenizer()


@pytest.fixture(scope="module")
def clip(golden_folder: Path) -> Any:
    return clip_from_openai(read_clip_file(golden_folder / "checkpoints" / "clip_tiny.pt"))


@pytest.fixture(scope="module")
def golden(golden_folder: Path) -> dict[str, Any]:
    with np.load(golden_folder / "models" / "tiny.npz") as arrays:
        return {key: arrays[key] for key in ("prompts", "tokens", "text_norm")}


@pytest.fixture(scope="module")
def single(clip: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stem of the files in float32."""
    stem = tmp_path_factory.mktemp("single") / "tiny"
    export_text_encoder(clip, SIMPLE, stem, fp16=False)
    return stem


@pytest.fixture(scope="module")
def float16(clip: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    stem = tmp_path_factory.mktemp("float16") / "tiny.v2"  # a dot in a name is no suffix
    export_text_encoder(clip, SIMPLE, stem, fp16=True)
    return stem


@pytest.fixture(scope="module")
def tokenizer(single: Path) -> Tokenizer:
    return Tokenizer.from_file(f"{single}.tokenizer.json")


def features(stem: Path, tokens: np.ndarray) -> np.ndarray:
    session = ort.InferenceSession(f"{stem}.text.onnx", providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["features"], {"tokens": tokens.astype(np.int64)})[0])


def test_tokens_are_the_authors(tokenizer: Tokenizer, golden: dict[str, Any]) -> None:
    encoded = tokenizer.encode_batch([str(prompt) for prompt in golden["prompts"]])
    np.testing.assert_array_equal([prompt.ids for prompt in encoded], golden["tokens"])


@pytest.mark.parametrize("batch", [1, 3, 40])
def test_features_are_the_authors_at_any_batch(single: Path, golden: dict[str, Any], batch: int) -> None:
    got = features(single, golden["tokens"][-batch:])
    np.testing.assert_allclose(got, golden["text_norm"][-batch:], atol=1e-6)


def test_features_in_float16_are_near_the_authors(float16: Path, golden: dict[str, Any]) -> None:
    got = features(float16, golden["tokens"])
    assert got.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(got, axis=1), 1, atol=1e-6)  # the final norm is float32
    assert (got * golden["text_norm"]).sum(axis=1).min() >= 0.9999
    assert (
        Path(f"{float16}.text.onnx").stat().st_size < 0.55 * 4 * (49408 + 5 * 512) * 64
    )  # two bytes a weight


def test_float16_spares_what_it_would_spoil(float16: Path) -> None:
    graph = onnx.shape_inference.infer_shapes(onnx.load(f"{float16}.text.onnx")).graph
    types = {value.name: value.type.tensor_type.elem_type for value in (*graph.value_info, *graph.output)}
    kinds = {node.op_type: types[node.output[0]] for node in graph.node}
    for kind in ("LayerNormalization", "Softmax", "ReduceL2", "Div"):
        assert kinds[kind] == onnx.TensorProto.FLOAT, kind
    for kind in ("MatMul", "Gemm", "GatherND"):
        assert kinds[kind] == onnx.TensorProto.FLOAT16, kind


def assert_same_tokens(tokenizer: Tokenizer, texts: list[str]) -> None:
    for text in texts:
        assert tokenizer.encode(text).ids == SIMPLE([text])[0].tolist(), repr(text)


# Accents, quotes and spaces of every kind.
LETTERS = (
    "abcxyzABCXYZ0129éèÉüßñçøłžŞİжДαΩ日本語한국ก½²Ⅻ \t\n\u00a0\u3000'`’‘“”\"-_.,;:!?()[]{}<>/\\|@#$%^*+=~€°§"
)


@settings(max_examples=300)
@given(st.text(LETTERS, max_size=60))
def test_tokens_of_varied_text_are_open_clips(tokenizer: Tokenizer, text: str) -> None:
    # What only these repair; ftfy takes even some accents next to signs for wrongly decoded text, by lines.
    assume(all(ftfy.fix_encoding(line) == line for line in text.splitlines(keepends=True)))
    assume(html.unescape(text) == text)
    assert_same_tokens(tokenizer, [text])


WORDS = ["chair's", "WE'LL", "12.50", "mug", "naïve", "---", "don't", "«x»", "電話", "xylophonist"]


@settings(max_examples=30)
@given(st.lists(st.sampled_from(WORDS), min_size=60))
def test_tokens_beyond_the_context_are_cut_as_open_clip_does(tokenizer: Tokenizer, words: list[str]) -> None:
    assert_same_tokens(tokenizer, [" ".join(words), "".join(words)])


def test_tokens_of_corner_cases_are_open_clips(tokenizer: Tokenizer) -> None:
    texts = [
        "", " ", "x" * 400, "!" * 400, "e\u0301", "😀 👍🏽", "a\u200bb", "a\x00b\x1fc\x7fd", "\ufeffmug",
        "the robot‘s “arm”", "I’M, I'VE", "a'''s 'S 's", "\u212a \u212b", "\u2028x", "night_stand", "a\\b",
    ]  # fmt: skip
    assert_same_tokens(tokenizer, texts)


def test_what_the_docstring_leaves_out(tokenizer: Tokenizer) -> None:
    for text in ("cup &amp; saucer", "cafÃ©", "ＦＵＬＬ", "ﬁne", "ΣΑΣ", "<end_of_text> mug"):
        assert tokenizer.encode(text).ids != SIMPLE([text])[0].tolist(), text
    # A label can name the marks of start and end, but not set them.
    ids = tokenizer.encode("<end_of_text> mug").ids
    assert ids.count(SIMPLE.eot_token_id) == 1


def test_the_same_tower_gives_the_same_bytes_and_no_traces(clip: Any, float16: Path, tmp_path: Path) -> None:
    files = export_text_encoder(clip, import_open_clip().SimpleTokenizer(), tmp_path / "again", fp16=True)
    assert files == TextEncoderFiles(
        "again.text.onnx", sha256_of(Path(f"{float16}.text.onnx")),
        "again.tokenizer.json", sha256_of(Path(f"{float16}.tokenizer.json")),
    )  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == [files.model, files.tokenizer]
    for path in tmp_path.iterdir():
        assert str(Path(text_tower.__file__).parents[3]).encode() not in path.read_bytes()


class OtherTokenizer:
    """As those of SigLIP and Hugging Face are: another class."""


@pytest.mark.parametrize(
    ("tokenizer", "complaint"),
    [
        (OtherTokenizer(), r"tiny: .* reads words with OtherTokenizer; only CLIP's own"),
        (import_open_clip().SimpleTokenizer(clean="canonicalize"), r"tiny: .*cleans or cuts text unlike"),
        (import_open_clip().SimpleTokenizer(reduction_mask="simple"), r"tiny: .*cleans or cuts text unlike"),
    ],
)
def test_other_tokenizers_are_refused(clip: Any, tmp_path: Path, tokenizer: Any, complaint: str) -> None:
    with pytest.raises(C2PError, match=complaint):
        export_text_encoder(clip, tokenizer, tmp_path / "tiny", fp16=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("spoil", [0.5, float("nan")])
def test_without_parity_there_are_no_files(
    clip: Any, single: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: float
) -> None:
    model = onnx.load(f"{single}.text.onnx")
    (weight,) = (w for w in model.graph.initializer if w.name.endswith("ln_final.bias"))
    weight.raw_data = (np.frombuffer(weight.raw_data, np.float32) + np.float32(spoil)).tobytes()
    monkeypatch.setattr(text_tower, "_graph_of", lambda *_: onnx_ir.from_proto(model))
    with pytest.raises(ParityError, match=r"/tiny\.text\.onnx: text features differ.*nothing was written"):
        export_text_encoder(clip, SIMPLE, tmp_path / "tiny", fp16=False)
    assert list(tmp_path.iterdir()) == []


def test_without_tokenizers_the_extra_is_named(
    clip: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingDependencyError, match=r"pip install .*\[text\]'"):
        export_text_encoder(clip, SIMPLE, tmp_path / "tiny", fp16=False)
    assert list(tmp_path.iterdir()) == []
