"""When does the model `research` say "unknown", is it right to, and how sure should its answers be?

    python benchmarks/quality.py rejection --modelnet10 DIR --meshes DIR --posed-meshes DIR --objects DIR \\
        --scenes DIR --scans DIR

Known things and strangers are those that `c2p-recipe calibrate` held back. Real clutter, which nothing was
fitted to, is cut out of scenes; AUROC and false positives of its detectors stand beside those of the simplest
scores one could take. The folders but the last two are those given to the recipe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from c2p_deploy import prepare_points, progress, read_cloud
from c2p_deploy.errors import C2PError
from c2p_deploy.projection.spec import FloatArray, turn_up
from c2p_deploy.rejection import Judge
from c2p_deploy.scores import label_scores, softmax
from c2p_recipes.data import SEED, sources_of
from c2p_recipes.validation.rejection import rejection_groups
from c2p_runtime import Classifier
from c2p_train.evaluate.calibrate import (
    CLUTTER,
    STRANGER,
    Group,
    clutter_of,
    engine_encoder,
    measure_rejection,
    split_groups,
)
from c2p_train.evaluate.rejection_figures import auroc, false_positive_rate
from harness.frame import Results, benchmark, folder_option

Points = npt.NDArray[np.floating]
_LEAST_POINTS = 100  # of a piece of a scene
_PIECES = 12  # of each scene
_RADII = {"z": (0.3, 3.0), "-y": (0.04, 0.35)}  # metres: of pieces of streets and rooms, of table tops
# Simple scores, high where something looks unknown: of cosines [N, C] and features [N, D].
SIMPLE: dict[str, Callable[[FloatArray, FloatArray, float], npt.NDArray[np.floating]]] = {
    "largest softmax": lambda cosines, features, scale: -softmax(scale * cosines).max(axis=1),
    "largest cosine": lambda cosines, features, scale: -cosines.max(axis=1),
    "margin of the cosines": lambda cosines, features, scale: -np.diff(np.sort(cosines)[:, -2:]).ravel(),
    "energy": lambda cosines, features, scale: -np.log(np.exp(scale * cosines).sum(axis=1)),
}


def pieces(folder: Path, pattern: str, up: str, seed: int) -> Iterator[Points]:
    """Balls of random size cut out of the scenes of a folder, y up."""
    files = sorted(folder.rglob(pattern))
    if not files:
        raise C2PError(f"no {pattern} in it", "give the folder of the scenes", folder)
    for number, path in enumerate(files):
        try:
            scene = read_cloud(path)
        except C2PError:
            continue  # a raw file whose columns cannot be told
        scene = scene[np.isfinite(scene).all(axis=1)]
        # A camera looks along z, its y points down.
        scene = scene * (1, -1, -1) if up == "-y" else turn_up(scene, "z")
        rng = np.random.default_rng((seed, number))
        for _ in range(_PIECES):
            centre, radius = scene[rng.integers(len(scene))], rng.uniform(*_RADII[up])
            piece = scene[((scene - centre) ** 2).sum(axis=1) < radius**2]
            if len(piece) >= _LEAST_POINTS:
                yield piece


def clutter_group(name: str, some: Iterator[Points], clf: Classifier) -> Group:
    """Pieces as clouds; prepared as all others are, but for stray points, which a piece keeps."""
    spec = clf.manifest.spec
    points = np.stack([np.resize(prepare_points(piece, spec), (spec.num_points, 3)) for piece in some])
    return Group(name, points, np.full(len(points), CLUTTER), np.arange(len(points)))


@benchmark(
    "rejection",
    folder_option("--modelnet10", "As given to the recipe."),
    folder_option("--meshes", "As given to the recipe."),
    folder_option("--posed-meshes", "As given to the recipe."),
    folder_option("--objects", "As given to the recipe."),
    folder_option("--scenes", "Organised .pcd of table tops, in a camera's frame."),
    folder_option("--scans", "Raw .bin of LiDARs and rooms, z up."),
    bundled="research",
)
def main(
    modelnet10: Path, meshes: Path, posed_meshes: Path, objects: Path, scenes: Path, scans: Path
) -> Results:
    """Measure when the model `research` rejects, and how well its confidence is calibrated."""
    sources = sources_of(modelnet10, meshes, posed_meshes)
    with Classifier("research", device="cpu") as clf:
        manifest, labels, scale = clf.manifest, clf.labels, clf.manifest.logit_scale
        if manifest.rejection is None:
            raise C2PError("the model `research` has no rejection", "run c2p-recipe calibrate", clf.engine)
        _, groups = split_groups(rejection_groups(sources, objects, labels, manifest.spec, SEED), SEED)
        groups.append(clutter_of(groups, 2 * SEED + 1))
        groups.append(clutter_group("pieces of table tops", pieces(scenes, "*.pcd", "-y", SEED), clf))
        groups.append(clutter_group("pieces of streets and rooms", pieces(scans, "*.bin", "z", SEED), clf))
        encode = engine_encoder(clf.engine, manifest)
        features = [encode(group.points, group.name) for group in groups]
    figures = measure_rejection(manifest.rejection, groups, features, labels, scale)
    progress.say(f"measured {sum(len(group.label) for group in groups)} clouds")

    label, every = np.concatenate([group.label for group in groups]), np.concatenate(features)
    cosines = every @ labels.text_features.T
    judge = Judge(manifest.rejection, labels.text_features, labels.text_features, scale)
    _, clutter, novel = judge.measure(every, label_scores(every, labels.text_features, scale))
    scores = {name: score(cosines, every, scale) for name, score in SIMPLE.items()}
    scores |= {"clutter detector": clutter, "novelty detector": novel}
    detectors = {
        name: {
            kind: {
                "auroc": round(auroc(score[label >= 0], score[label == value]), 4),
                "fpr95": round(false_positive_rate(score[label >= 0], score[label == value]), 4),
            }
            for kind, value in (("strangers", STRANGER), ("clutter", CLUTTER))
        }
        for name, score in scores.items()
    }
    return {"figures": [asdict(row) for row in figures], "detectors": detectors}


if __name__ == "__main__":
    main()
