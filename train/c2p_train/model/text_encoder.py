"""Text features of any words, by the text encoder of a CLIP model.

A label's feature is the mean of the unit features of its prompts, one prompt per template,
at unit length again (Radford et al. 2021, section 3.1.4). The paper of CLIP2Point uses the
single template "image of a {}".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F

from c2p_deploy import LabelSet
from c2p_deploy.errors import C2PError, LabelError, reason_of
from c2p_deploy.labels import PAPER_TEMPLATE, is_template
from c2p_train.model.clip_encoder import (
    clip_from_openai,
    import_open_clip,
    is_from_openai,
    load_clip,
    read_clip_file,
)
from c2p_train.model.detic_features import read_detic_features
from c2p_train.numpy_files import load_arrays

if TYPE_CHECKING:
    import open_clip

_ENSEMBLE = "openai"  # stands for the eighty templates that OpenAI used on ImageNet
_PROMPTS_AT_ONCE = 256


def label_set_from_clip(
    names: Sequence[str],
    templates: Iterable[str] = (PAPER_TEMPLATE,),
    clip_name: str | None = "ViT-B-32-quickgelu",
    pretrained: str = "openai",
) -> LabelSet:
    """The label set of `names`, by the text encoder of a CLIP model.

    templates: each with `{}` where the name goes, or `openai` for OpenAI's ensemble of eighty;
    clip_name: a model of open_clip, or None when `pretrained` is a file in OpenAI's layout,
    whose shape can be read off its weights. Raises C2PError.
    """
    prompts = _expand(templates)
    clip, tokenizer = load_text_encoder(clip_name, pretrained)
    features = text_features(names, prompts, clip, tokenizer)
    return LabelSet(tuple(names), features, " | ".join(templates))


def load_text_encoder(
    clip_name: str | None, pretrained: str
) -> tuple[open_clip.CLIP, open_clip.SimpleTokenizer]:
    """A CLIP model and its tokenizer; the arguments are those of `label_set_from_clip`. Raises C2PError."""
    if clip_name is None:
        state = read_clip_file(Path(pretrained))
        if not is_from_openai(state):
            raise C2PError("not OpenAI's own file", "name its model too (--clip)", pretrained)
        clip = clip_from_openai(state)
        return clip, import_open_clip().SimpleTokenizer(context_length=clip.context_length)
    clip, _ = load_clip(clip_name, pretrained)
    return clip, import_open_clip().get_tokenizer(clip_name)


def text_features(
    names: Sequence[str], templates: Sequence[str], clip: open_clip.CLIP, tokenizer: open_clip.SimpleTokenizer
) -> np.ndarray:
    """Unit features float32 [C, D] of C names, the mean over the templates."""
    prompts = [template.format(name) for name in names for template in templates]
    unit = []
    with torch.inference_mode():
        for start in range(0, len(prompts), _PROMPTS_AT_ONCE):
            tokens = tokenizer(prompts[start : start + _PROMPTS_AT_ONCE])
            unit.append(F.normalize(clip.encode_text(tokens).float(), dim=-1))
    per_name = torch.cat(unit).reshape(len(names), len(templates), -1).mean(dim=1)
    return F.normalize(per_name, dim=-1).numpy()


def label_set_from_file(names: Sequence[str], file: Path) -> LabelSet:
    """The label set of `names` (all of the file's, when there are none) out of stored features.

    file: a label set (.json), an .npz with `names` [C] and `text_features` [C, D], or the folder
    of text features published with Detic. Raises LabelError that names the file.
    """
    if file.is_dir():
        found = read_detic_features(file)
        stored = LabelSet(tuple(found), np.stack(list(found.values())))
    elif file.suffix == ".npz":
        try:
            arrays = load_arrays(file)
            words = tuple(str(name) for name in arrays["names"].ravel())
            stored = LabelSet(words, arrays["text_features"])
        except (OSError, KeyError, ValueError, LabelError) as error:
            raise LabelError(
                f"not text features ({reason_of(error)})",
                "an .npz needs names [C] and text_features [C, D]",
                file,
            ) from error
    else:
        stored = LabelSet.load(file)
    try:
        return stored.subset(names) if names else stored
    except LabelError as error:
        raise error.at(file) from None


def _expand(templates: Iterable[str]) -> list[str]:
    """Every template with exactly one `{}`. Raises LabelError."""
    expanded: list[str] = []
    for template in templates:
        if template == _ENSEMBLE:
            # open_clip keeps them as functions of the name.
            expanded += [make("{}") for make in import_open_clip().OPENAI_IMAGENET_TEMPLATES]
        elif not is_template(template):
            raise LabelError(
                f"template {template!r}", f"write {{}} once, where the name goes, as in {PAPER_TEMPLATE!r}"
            )
        else:
            expanded.append(template)
    return expanded
