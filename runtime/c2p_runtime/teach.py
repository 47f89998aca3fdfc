"""What `c2p-run` does with labels before it looks at clouds: learn, merge, forget, list, save."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from c2p_deploy import console, progress
from c2p_deploy.errors import C2PError, LabelError
from c2p_deploy.io import find_clouds, read_cloud
from c2p_deploy.labels import LabelSet, TaughtLabels, load_labels
from c2p_deploy.labels.taught import merged
from c2p_deploy.projection.spec import FloatArray
from c2p_runtime.classifier import Classifier
from c2p_runtime.learn import learned

_NUMBERED = re.compile(r"[\s_.-]*\(?\d+\)?$")  # "my drill 2", "my_drill-02", "my drill (3)"


def changed(
    classifier: Classifier,
    learn: Sequence[str],
    forget: Sequence[str],
    save: Path | None,
    *,
    seed: int,
    columns: int | None,
) -> tuple[Classifier, bool]:
    """The classifier with what `learn` shows and without what `forget` names, and whether all could be read.

    learn: folders of clouds, or files of taught labels. Raises C2PError; then nothing is saved.
    """
    complete = True
    for source in learn:
        if source.lower().endswith(".json"):
            classifier = classifier.with_labels(_with_file(classifier, Path(source)))
        else:
            features, read_all = _shown(classifier, Path(source), seed, columns)
            complete &= read_all
            more = learned(classifier.engine, classifier.manifest, classifier.labels, features)
            classifier = classifier.with_labels(more)
    if forget:
        labels = classifier.labels
        if not isinstance(labels, TaughtLabels):
            gone = labels.subset(forget).names
            raise LabelError(f"was never taught {', '.join(gone)}", "give the file to forget it in: --labels")
        classifier = classifier.with_labels(labels.forget(forget))
    if save is not None:
        classifier.labels.save(save)
        click.echo(f"wrote {save}: {_summary(classifier.labels)}", err=True)
    return classifier, complete


def listing(classifier: Classifier) -> list[str]:
    """A line per label: the name, and what is known of it."""
    labels, untried = classifier.labels, set(classifier.untried_labels)
    taught = labels if isinstance(labels, TaughtLabels) else None
    lines = []
    for row, name in enumerate(labels.names):
        known = []
        if taught is not None and taught.clouds()[row]:
            known.append(_counted(int(taught.clouds()[row]), "cloud"))
        if taught is None or taught.worded[row]:
            known.append("word, never tried" if name in untried else "word")
        lines.append(f"{name}: {', '.join(known)}")
    return lines


def examples_in(folder: Path) -> dict[str, list[Path]]:
    """The cloud files of every thing: a folder for each, or files of its name ("my_drill_1.ply").

    Underscores in a name stand for spaces. Raises C2PError where there is none.
    """
    if not folder.is_dir():
        raise C2PError("no such folder", "give a folder of clouds, or a .json that --save wrote", folder)
    found: dict[str, list[Path]] = {}
    inside = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    for entry in inside:
        if entry.is_dir():
            found.setdefault(entry.name.replace("_", " ").strip(), []).extend(find_clouds(str(entry)))
    if not found:
        for path in find_clouds(str(folder)):
            name = _NUMBERED.sub("", path.stem) or path.stem
            found.setdefault(name.replace("_", " ").strip(), []).append(path)
    return found


def _shown(
    classifier: Classifier, folder: Path, seed: int, columns: int | None
) -> tuple[dict[str, FloatArray], bool]:
    """Features [n, D] of the clouds of every thing; those that cannot be used are told, and left out."""
    examples, complete = examples_in(folder), True
    features: dict[str, FloatArray] = {}
    with progress.task("learning", total=sum(map(len, examples.values()))) as task:
        for name, paths in examples.items():
            rows = []
            for path in paths:
                try:
                    rows.append(classifier(read_cloud(path, seed=seed, columns=columns)).features)
                except C2PError as error:
                    console.print_error(error.at(path))
                    complete = False
                task.advance()
            if not rows:
                raise C2PError(f"no cloud of {name!r} can be used", "show it at least one", folder)
            features[name] = np.stack(rows)
    return features, complete


def _with_file(classifier: Classifier, path: Path) -> TaughtLabels:
    """The classifier's labels, and those of a file."""
    other = load_labels(path)
    if not isinstance(other, TaughtLabels):
        raise LabelError("holds no clouds", "give plain label sets to --labels", path)
    try:
        return merged(classifier.labels, other)
    except LabelError as error:
        raise error.at(path) from error


def _summary(labels: LabelSet) -> str:
    """What a file holds, in a clause."""
    text = _counted(len(labels), "label")
    if isinstance(labels, TaughtLabels):
        clouds = labels.clouds()
        text += f", {int((clouds > 0).sum())} of them taught from {_counted(int(clouds.sum()), 'cloud')}"
    return text


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"
