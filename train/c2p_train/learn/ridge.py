"""The head `ridge`: a linear classifier of all views and paths, in closed form, as a correction of zero-shot.

`c2p_deploy.fewshot` fits the classifier, which starts from the text features and leaves them as far as the
shots justify. Here it sees more than a robot that learns has at hand: not the mean of the views but each of
them, and the image encoder's beside the depth encoder's. (ModelNet10, 16 shots: 82 % on the mean, 87 % on the
views, 89 % on those of both; benchmarks/answers/fewshot.py.) It is written as a head whose scores with the
text features are the classifier's, so that labels stay outside the engine as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from c2p_deploy.errors import C2PError
from c2p_deploy.fewshot import fit_ridge
from c2p_deploy.projection.spec import FloatArray
from c2p_train.evaluate.features import ViewFeatures
from c2p_train.model.heads import Ridge


@dataclass(frozen=True)
class RidgeConfig:
    """What there is to choose: nothing, the shots do. `seed` draws them."""

    head: str = Ridge.name
    seed: int = 0


@dataclass(frozen=True)
class RidgeHead:
    """A fitted head, the scale that makes scores of its cosines, and what it says of clouds left out.

    left_out: float64 [n, C], as in `c2p_deploy.fewshot.RidgeFit`.
    """

    head: Ridge
    logit_scale: float
    left_out: npt.NDArray[np.float64]


def fit_head(
    features: ViewFeatures, text_features: FloatArray, wordless: npt.NDArray[np.bool_] | None = None
) -> RidgeHead:
    """A head from labelled clouds, in evaluation mode.

    text_features: float32 [C, D], unit length; wordless: bool [C], labels whose rows there mean nothing,
    because they have no text feature. Image features are used where there are some.
    Raises C2PError for features of another width than the text features, for a single label, from which
    nothing can be told, and what `fit_ridge` raises.
    """
    n, views, dim = features.depth.shape
    if dim != text_features.shape[1]:
        raise C2PError(
            f"features {features.depth.shape} and text features {text_features.shape} do not fit",
            "take encoders and labels of one CLIP",
        )
    if len(text_features) == 1:
        raise C2PError("one class alone cannot be told from anything", "give clouds of two classes or more")
    paths = 1 if features.image is None else 2
    text = text_features.astype(np.float64)
    # Zero-shot is a linear classifier of the views, too: each gets the same row, the image path none.
    by_words = np.zeros((len(text), paths * views * dim))
    by_words[:, : views * dim] = np.tile(text, (1, views)) / np.sqrt(views)
    if wordless is not None:
        by_words[wordless] = np.nan
    flat = unit_views(features)
    fit = fit_ridge(by_words, flat, features.label)

    middle = text - text.mean(axis=0)
    back = np.linalg.pinv(middle)  # [D, C]
    text_weight = fit.text_weight / np.sqrt(paths)  # flat has P·V unit views, zero-shot means V of them
    correction = fit.weights / np.sqrt(paths * views)  # for flat, whose length that is
    correction[:, : views * dim] -= text_weight * np.tile(middle, (1, views)) / views
    zero_shot = flat[:, : views * dim].reshape(n, views, dim).mean(axis=1)
    raw = text_weight * zero_shot + flat @ correction.T @ back.T
    scale = float(np.linalg.norm(raw, axis=1).mean())

    head = Ridge(views, dim, paths, len(text))
    with torch.no_grad():
        head.text_weight.fill_(text_weight / scale)
        head.correction.weight.copy_(torch.from_numpy(correction / scale))
        head.back.weight.copy_(torch.from_numpy(back))
    return RidgeHead(head.eval(), scale, fit.left_out)


def unit_views(features: ViewFeatures) -> FloatArray:
    """All views of all paths, at unit length each: float32 [n, P·V·D]."""
    paths = [features.depth] if features.image is None else [features.depth, features.image]
    unit = [path / np.maximum(np.linalg.norm(path, axis=2, keepdims=True), 1e-12) for path in paths]
    return np.concatenate([path.reshape(len(path), -1) for path in unit], axis=1)
