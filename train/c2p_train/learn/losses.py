"""The contrastive losses of pre-training (CLIP2Point, arXiv 2210.01055, section 3.3).

Two depth maps of one cloud must agree with each other (depth loss), and their mean with
CLIP's features of the picture taken from the same side (image loss). A learned weight w
balances the two. Tested against the authors' values and gradients.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class PretrainLoss(NamedTuple):
    """Scalars, float32: what is minimised and its two parts before they are weighted."""

    total: Tensor
    image: Tensor
    depth: Tensor


def nt_xent(a: Tensor, b: Tensor, temperature: float = 0.07) -> Tensor:
    """Normalised temperature-scaled cross-entropy of B pairs (SimCLR, arXiv 2002.05709).

    a, b: [B, D], row i of one belongs to row i of the other. Every row must find its
    partner among the 2B - 1 other rows of both. 0 for a single pair: it has no choice.
    """
    rows = F.normalize(torch.cat([a, b]), dim=1)  # [2B, D]
    scores = rows @ rows.T / temperature  # [2B, 2B]
    scores.fill_diagonal_(-torch.inf)  # nothing is its own partner
    partner = torch.arange(len(rows), device=rows.device).roll(len(a))
    return F.cross_entropy(scores, partner)


def pretrain_loss(f1: Tensor, f2: Tensor, fi: Tensor, w: Tensor) -> PretrainLoss:
    """`image + depth / w² + log(w + 1)` of features that are not normalised, all [B, D].

    f1, f2: of two depth maps of each cloud, at different distances; fi: of its picture;
    w: learned scalar, 1 at the start.
    """
    depth = nt_xent(f1, f2)
    image = nt_xent((f1 + f2) / 2, fi)
    return PretrainLoss(image + depth / w**2 + torch.log(w + 1), image, depth)
