"""The parity gate: does the engine give what the checkpoint gives? Measured, compared, judged.

No torch here: the gate is also held on the robot, where a plan is compared with the ONNX file it
was built from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

import numpy as np

from c2p_deploy import LabelSet, Manifest
from c2p_deploy.errors import ParityError
from c2p_deploy.json_file import is_number
from c2p_deploy.manifest import QUANTISED
from c2p_deploy.projection.spec import FloatArray
from c2p_deploy.scores import softmax

Run = Callable[[FloatArray], FloatArray]  # depth float32 [B, V, S, S] -> features float32 [B, D]

CHECKED_BATCHES = (1, 2, 7)  # and the largest of the profile
# Two labels that the checkpoint itself scores this close are one answer: which of them is ahead
# is decided by rounding, and says nothing of the engine.
TIE = 0.01


@dataclass(frozen=True)
class Parity:
    """How far an engine is from its checkpoint, over `clouds` clouds."""

    clouds: int
    cosine_min: float  # of features
    cosine_mean: float
    feature_max_abs: float
    score_max_abs: float  # scores after the softmax
    top1_agreement: float  # part of the clouds with the same answer (TIE)
    nan_count: int = 0  # features that are not finite


@dataclass(frozen=True)
class Limits:
    """What an engine must keep to."""

    cosine_min: float
    top1_agreement: float
    feature_max_abs: float = np.inf


# float32 against float32 differs by the order of sums only; float16 holds three digits; eight
# bits are a trade of accuracy for speed, and the last word on them has a measured accuracy.
LIMITS: Mapping[str, Limits] = {
    "fp32": Limits(cosine_min=0.9999, top1_agreement=1.0, feature_max_abs=1e-4),
    "fp16": Limits(cosine_min=0.999, top1_agreement=1.0),
    "int8": Limits(cosine_min=0.97, top1_agreement=0.9),
    "fp8": Limits(cosine_min=0.97, top1_agreement=0.9),
}


def run_at_batches(run: Run, depth: FloatArray, max_batch: int) -> FloatArray:
    """Features [N, D] of depth maps [N, V, S, S], by calls of 1, 2, 7 and `max_batch` clouds.

    Every cloud is in the result once; the last of the largest batches is filled up with the first clouds.
    """
    sizes = [size for size in CHECKED_BATCHES if size < max_batch]
    parts: list[FloatArray] = []
    done = 0
    for size in sizes:
        if done + size > len(depth):
            break
        parts.append(run(depth[done : done + size]))
        done += size
    while done < len(depth):
        rows = np.arange(done, done + max_batch) % len(depth)
        features = run(np.ascontiguousarray(depth[rows]))
        new = min(max_batch, len(depth) - done)
        parts.append(features[:new])
        done += new
    return np.concatenate(parts)


def with_parity(manifest: Manifest, backend: str, expected: FloatArray, got: FloatArray) -> Manifest:
    """The manifest with the figures of one engine, under the name of what ran it."""
    figures = compare(expected, got, manifest.labels, manifest.logit_scale)
    return replace(manifest, parity={**manifest.parity, backend: asdict(figures)})


def compare(expected: FloatArray, got: FloatArray, labels: LabelSet, logit_scale: float) -> Parity:
    """The figures for features [N, D] of the checkpoint and of the engine, on the same clouds."""
    broken = int((~np.isfinite(got)).sum())
    got = np.nan_to_num(got, nan=0.0, posinf=0.0, neginf=0.0)
    lengths = np.linalg.norm(expected, axis=1) * np.linalg.norm(got, axis=1)
    cosine = (expected * got).sum(axis=1) / np.maximum(lengths, 1e-12)
    scale, text = np.float32(logit_scale), labels.text_features.T
    before, after = softmax(scale * (expected @ text)), softmax(scale * (got @ text))
    rows = np.arange(len(before))
    same = before[rows, after.argmax(axis=1)] >= before.max(axis=1) - TIE
    return Parity(
        clouds=len(expected),
        cosine_min=float(cosine.min()),
        cosine_mean=float(cosine.mean()),
        feature_max_abs=float(np.abs(expected - got).max()),
        score_max_abs=float(np.abs(before - after).max()),
        top1_agreement=float(same.mean()),
        nan_count=broken,
    )


def why_refused(parity: Parity, precision: str) -> str | None:
    """What of the figures does not keep to the limits of the precision; None when all do."""
    limits = LIMITS[precision]
    complaints = []
    if parity.nan_count:
        complaints.append(f"{parity.nan_count} features are not finite")
    # Written so that a NaN is a complaint.
    if not parity.cosine_min >= limits.cosine_min:
        complaints.append(f"smallest cosine {parity.cosine_min:.6f}, at least {limits.cosine_min} wanted")
    if not parity.feature_max_abs <= limits.feature_max_abs:
        complaints.append(
            f"features differ by up to {parity.feature_max_abs:.2g}, at most {limits.feature_max_abs} allowed"
        )
    if not parity.top1_agreement >= limits.top1_agreement:
        complaints.append(
            f"same answer on {100 * parity.top1_agreement:.1f} % of {parity.clouds} clouds, "
            f"at least {100 * limits.top1_agreement:.0f} % wanted"
        )
    return "; ".join(complaints) or None


def parities(manifest: Manifest) -> dict[str, Parity]:
    """The figures of each engine that was measured; without those that another release wrote otherwise."""
    read = {}
    for backend, figures in manifest.parity.items():
        with suppress(TypeError):
            parity = Parity(**figures)
            if all(map(is_number, asdict(parity).values())):
                read[backend] = parity
    return read


def refusal_of(manifest: Manifest) -> ParityError | None:
    """The refusal of the engines measured so far, to be raised; None when all keep to their limits."""
    complaints = [
        f"{backend}: {reason}"
        for backend, parity in parities(manifest).items()
        if (reason := why_refused(parity, manifest.precision))
    ]
    if not complaints:
        return None
    if manifest.precision in QUANTISED:
        remedy = "give --calib more clouds like those the robot sees, or export with --fp16"
    elif manifest.precision == "fp16":
        remedy = "export with --fp32"
    else:
        remedy = "please report this with the checkpoint: float32 ought to agree"
    return ParityError("; ".join(complaints), remedy)
