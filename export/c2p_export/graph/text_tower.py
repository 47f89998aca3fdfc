"""The text tower of a CLIP model becomes an ONNX file and a tokenizer that need no torch.

NAME.text.onnx takes tokens int64 [N, L] and gives features float32 [N, D] of unit length, N free.
NAME.tokenizer.json is for the library `tokenizers`, which knows CLIP's byte-pair encoding; cutting
and padding to the context length L are part of the file. `c2p_runtime.text.encoder` uses both.

Its tokens are those of open_clip's SimpleTokenizer, except that of the clean-up that does there with
ftfy and html the file does a part: it composes accents (NFC), straightens curly quotes and drops
control characters, but it does not undo HTML entities (`&amp;`), wrongly decoded text (`cafÃ©`),
full-width letters and ligatures (`ﬁ`). Nor does it know the Greek final sigma, letters newer than its
tables of Unicode, or `<start_of_text>` and `<end_of_text>` in a prompt, which are words like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir
import torch
from torch import Tensor, nn

from c2p_deploy.errors import C2PError, ParityError
from c2p_deploy.files import atomic_path, sha256_of
from c2p_deploy.manifest import TextEncoderFiles
from c2p_export.graph.folding import unit
from c2p_export.graph.fp16 import to_fp16
from c2p_export.graph.onnx_file import trace, write_graph
from c2p_runtime.backends.onnxruntime import open_session
from c2p_runtime.text.encoder import import_tokenizers
from c2p_train.model.clip_encoder import import_open_clip

if TYPE_CHECKING:
    import open_clip

SMALLEST_COSINE = {"fp32": 0.99999, "fp16": 0.999}
_WITHOUT = "export without --text-encoder, and make label sets with c2p-train labels"
_MASKED = -1e4  # added to an attention score: nothing is left of it after the softmax
_START, _END = "<start_of_text>", "<end_of_text>"
_SENTENCE = (
    "image of a Chair with 4 legs & arms, it's the owner's own; they'll paint it “grün” -- at 12.50 EUR - or "
    "leave it in the night_stand corner!"
)
# Of every length from no word to all of them, and one that is longer than any context.
_WORDS = _SENTENCE.split()
_PROMPTS = [" ".join(_WORDS[:count]) for count in range(len(_WORDS) + 1)] + [20 * _SENTENCE]


class _TextTower(nn.Module):
    """Tokens int64 [N, L] -> unit features float32 [N, D]."""

    def __init__(self, clip: open_clip.CLIP) -> None:
        super().__init__()
        self.clip = clip

    def forward(self, tokens: Tensor) -> Tensor:
        return unit(self.clip.encode_text(tokens))


def export_text_encoder(
    clip: open_clip.CLIP, tokenizer: open_clip.SimpleTokenizer, stem: Path, *, fp16: bool
) -> TextEncoderFiles:
    """Writes `stem`.text.onnx and `stem`.tokenizer.json, for the manifest of an engine beside them.

    clip: in float32; tokenizer: the one it was trained with; fp16: weights and sums in float16, with
    LayerNorm, Softmax and the final norm in float32. The same tower gives the same bytes. Raises
    C2PError for a tokenizer that is not CLIP's, ParityError when the files differ from torch on prompts
    of many lengths; then nothing is left under the final names.
    """
    if not isinstance(tokenizer, import_open_clip().SimpleTokenizer):
        raise C2PError(
            f"the text tower reads words with {type(tokenizer).__name__}; only CLIP's own tokenizer "
            "(open_clip.SimpleTokenizer) can be exported",
            _WITHOUT,
            stem,
        )
    context: int = clip.context_length
    model_file = stem.with_name(f"{stem.name}.text.onnx")
    tokenizer_file = stem.with_name(f"{stem.name}.tokenizer.json")
    tower = _TextTower(clip).eval()
    with atomic_path(model_file) as model_path, atomic_path(tokenizer_file) as tokenizer_path:
        words = _tokenizer_of(tokenizer, context)
        tokenizer_path.write_text(words.to_str(), encoding="utf-8")
        tokens = tokenizer(_PROMPTS, context)
        drops_words = tokenizer.reduction_fn is not None  # which ones is drawn anew at every call
        if drops_words or [prompt.ids for prompt in words.encode_batch(_PROMPTS)] != tokens.tolist():
            raise C2PError(
                "this SimpleTokenizer cleans or cuts text unlike OpenAI's and cannot be exported",
                _WITHOUT,
                stem,
            )
        precision = "fp16" if fp16 else "fp32"
        graph = _graph_of(tower, tokens[:2], precision)
        try:
            write_graph(graph, model_path, {"c2p.tower": "text", "c2p.precision": precision})
            _check_parity(tower, model_path, tokens, precision)
        except C2PError as error:
            error.path = str(model_file)  # not the temporary one
            raise
    return TextEncoderFiles(
        model_file.name, sha256_of(model_file), tokenizer_file.name, sha256_of(tokenizer_file)
    )


def _tokenizer_of(tokenizer: open_clip.SimpleTokenizer, context: int) -> Any:
    """The `tokenizers.Tokenizer` with the words of open_clip's; prompts come out `context` tokens long."""
    tokenizers = import_tokenizers()
    models, normalizers = tokenizers.models, tokenizers.normalizers
    pre_tokenizers, regex = tokenizers.pre_tokenizers, tokenizers.Regex
    merges = sorted(tokenizer.bpe_ranks, key=tokenizer.bpe_ranks.__getitem__)
    made = tokenizers.Tokenizer(models.BPE(vocab=tokenizer.encoder, merges=merges, end_of_word_suffix="</w>"))
    made.normalizer = normalizers.Sequence(
        [
            # ftfy's choice of control characters and of quotes
            normalizers.Replace(
                regex(r"[\x00-\x08\x0b\x0e-\x1f\x7f\x{206a}-\x{206f}\x{feff}\x{fff9}-\x{fffc}]"), ""
            ),
            normalizers.Replace(regex(r"[\x{2bc}\x{2018}-\x{201b}]"), "'"),
            normalizers.Replace(regex(r"[\x{201c}-\x{201f}]"), '"'),
            normalizers.NFC(),
            normalizers.Lowercase(),
        ]
    )
    # CLIP's words: the matches, each then spelled in bytes; white space lies between them.
    words = regex(r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+")
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(words, behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single=f"{_START} $A {_END}",
        special_tokens=[(_START, tokenizer.sot_token_id), (_END, tokenizer.eot_token_id)],
    )
    made.enable_truncation(context)
    made.enable_padding(length=context, pad_id=0, pad_token="!")  # open_clip pads with 0, the token of "!"
    return made


def _graph_of(tower: _TextTower, tokens: Tensor, precision: str) -> ir.Model:
    """The graph of the tower; tokens: any [2, L]."""
    graph = trace(tower, tokens, ("tokens", "features"))
    if precision == "fp16":
        for weight in graph.graph.initializers.values():
            _make_finite(weight)
        to_fp16(graph)
    return graph


def _make_finite(weight: ir.Value) -> None:
    """-inf, with which CLIP masks the words to come, becomes a number that float16 holds."""
    assert weight.const_value is not None
    array = weight.const_value.numpy()
    if np.isneginf(array).any():
        weight.const_value = ir.tensor(np.maximum(array, _MASKED), name=weight.name)


def _check_parity(tower: _TextTower, path: Path, tokens: Tensor, precision: str) -> None:
    """Raises ParityError unless the file agrees with torch on tokens [N, L], one by one and all at once."""
    session = open_session(path)
    with torch.inference_mode():
        expected = tower(tokens).numpy()
    for size in (1, len(tokens)):
        rows: Sequence[np.ndarray] = [
            session.run(["features"], {"tokens": chunk.numpy()})[0] for chunk in torch.split(tokens, size)
        ]
        got = np.concatenate(rows)
        cosine = (got * expected).sum(axis=1) / np.linalg.norm(got, axis=1)
        if not cosine.min() >= SMALLEST_COSINE[precision]:  # true for NaN, too
            raise ParityError(
                f"text features differ from torch's, smallest cosine {cosine.min():.6f} at batch {size}, "
                f"{precision} needs {SMALLEST_COSINE[precision]}; nothing was written",
                "try --fp32" if precision == "fp16" else "report it with the name of the text tower",
            )
