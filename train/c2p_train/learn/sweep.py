"""A head for every number of shots and every seed, and how well each does beside the simplest methods."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import mean
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from c2p_deploy import LabelSet, progress
from c2p_deploy.errors import C2PError
from c2p_deploy.fewshot import folds
from c2p_deploy.files import write_atomic
from c2p_deploy.json_file import parse_json, read_small
from c2p_deploy.rejection import Rejection
from c2p_train.datasets.shots import sample_shots, short_classes
from c2p_train.evaluate.features import ViewFeatures, array_digest
from c2p_train.learn.fewshot import FewShotConfig, accuracy, steps_of, train_head
from c2p_train.learn.ridge import RidgeConfig, RidgeHead, fit_head, unit_views
from c2p_train.learn.run_report import RunReport
from c2p_train.learn.simple import METHODS, simple_predictions
from c2p_train.model.heads import Head, ZeroShot

RESULTS = "results.json"
MODEL = "model.pt"
_RUN = "run.pt"  # of a training that is not finished


@dataclass(frozen=True)
class Learnt:
    """What a training made: the head, its logit scale, and when it says "unknown", where that is known."""

    head: Head
    logit_scale: float
    rejection: Rejection | None = None


# Fits the rejection of a ridge head on the clouds it was made of; None for too few of them.
Doubt = Callable[[ViewFeatures, RidgeHead], Rejection | None]


@dataclass(frozen=True)
class ShotRun:
    """One training: from how many clouds, and the accuracy in [0, 1] on the test clouds.

    others: that of the simplest methods on the same clouds and features, by name (`simple.METHODS`).
    """

    shots: int | None  # per class; None: all clouds
    seed: int
    clouds: int
    accuracy: float
    seconds: float
    others: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Sweep:
    """zero_shot: accuracy of the depth encoder alone, the point at 0 shots; runs: by shots, then seed."""

    zero_shot: float
    runs: tuple[ShotRun, ...]


def few_shot_sweep(
    train: ViewFeatures,
    test: ViewFeatures | None,
    labels: LabelSet,
    shots: Sequence[int | None],
    seeds: Sequence[int],
    config: FewShotConfig | RidgeConfig,
    out: Path,
    save: Callable[[Learnt, ShotRun, Path], None],
    *,
    wordless: npt.NDArray[np.bool_] | None = None,
    doubt: Doubt | None = None,
    device: torch.device | str = "cpu",
) -> Sweep:
    """Trains one head for each of `shots` and `seeds`, and measures all of them on `test`.

    test: None judges the head `ridge` by the clouds it learns from, each left out in turn; of other heads
    that would be as many trainings. labels: what the labels of train and test are rows of; wordless: bool
    [C], those whose text features mean nothing; config: its seed is not looked at; save: writes the model
    of a run to the path it is given, OUT/shots-K/seed-S/model.pt; doubt: of the head `ridge`.
    Every finished run is written to OUT/results.json at once: called again, the sweep goes
    on, inside the run that was interrupted, and further shots or seeds may join. Raises
    C2PError when OUT holds the results of other settings or data, and what `train_head` and `fit_head` raise.
    """
    if test is None and not isinstance(config, RidgeConfig):
        raise C2PError(f"the head {config.head} is judged on test clouds, and there are none", "give some")
    out.mkdir(parents=True, exist_ok=True)
    text = labels.text_features
    settings = {name: value for name, value in asdict(config).items() if name != "seed"}
    data = (None if f is None else array_digest(f.depth, f.image, f.label) for f in (train, test))
    settings |= dict(
        zip(
            ("train", "test", "text"),
            (*data, array_digest(text, *(() if wordless is None else (wordless,)))),
            strict=True,
        )
    )
    known = _read(out / RESULTS, settings)
    zero_shot = accuracy(ZeroShot(), train if test is None else test, text, device)
    plan = [(k, seed) for k in shots for seed in seeds]
    work = {
        k: 1 if isinstance(config, RidgeConfig) else steps_of(config, len(sample_shots(train.label, k, 0)))
        for k in shots
    }
    for k in shots:
        for c, count in short_classes(train.label, k):
            progress.say(f"{labels.names[c]}: only {count} clouds for {k} shots")

    def learn(k: int | None, seed: int, folder: Path) -> ShotRun:
        """One training, its model written into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        started = perf_counter()
        chosen = train.take(sample_shots(train.label, k, seed))
        head: Head
        if isinstance(config, RidgeConfig):
            fitted = fit_head(chosen, text, wordless)
            head, scale = fitted.head, fitted.logit_scale
        else:
            head = train_head(
                chosen.depth,
                chosen.image,
                chosen.label,
                text,
                replace(config, seed=seed),
                run_file=folder / _RUN,
                device=device,
            )
            scale = config.logit_scale
        seconds = round(perf_counter() - started, 3)
        rejection = None if doubt is None else doubt(chosen, fitted)
        if test is None:
            right = float((fitted.left_out.argmax(axis=1) == chosen.label).mean())
            others = _others_left_out(chosen)
        else:
            right = accuracy(head, test, text, device)
            others = _others(chosen, test)
        run = ShotRun(k, seed, len(chosen), right, seconds, others)
        save(Learnt(head.cpu(), scale, rejection), run, folder / MODEL)
        return run

    done = []
    what = "training" if len(plan) == 1 else f"{len(plan)} trainings"
    with RunReport("training") as report, progress.task(what, sum(work[k] for k, _ in plan)) as task:
        for k, seed in plan:
            folder = folder_of(out, k, seed)
            run = next((r for r in known if (r.shots, r.seed) == (k, seed)), None)
            if run is None or not (folder / MODEL).exists():
                run = learn(k, seed, folder)
                known = [r for r in known if (r.shots, r.seed) != (k, seed)] + [run]
                _write(out / RESULTS, settings, Sweep(zero_shot, tuple(known)))
                (folder / _RUN).unlink(missing_ok=True)
                report.steps += 1
            done.append(run)
            task.advance(work[k])
    return Sweep(zero_shot, tuple(done))


def best_run(sweep: Sweep) -> ShotRun | None:
    """The best run of the number of shots that is best on average; None where zero-shot is better."""
    # Of equals the most shots.
    best = max(reversed(runs_by_shots(sweep).values()), key=lambda runs: mean(run.accuracy for run in runs))
    if mean(run.accuracy for run in best) < sweep.zero_shot:
        return None
    return max(best, key=lambda run: run.accuracy)


def runs_by_shots(sweep: Sweep) -> dict[int | None, list[ShotRun]]:
    """The runs of every number of shots, in the order of the sweep."""
    found: dict[int | None, list[ShotRun]] = {}
    for run in sweep.runs:
        found.setdefault(run.shots, []).append(run)
    return found


def folder_of(out: Path, shots: int | None, seed: int) -> Path:
    """Where a run leaves its model."""
    return out / f"shots-{name_of(shots)}" / f"seed-{seed}"


def name_of(shots: int | None) -> str:
    """As folders, files and tables call it: a number, or `full`."""
    return "full" if shots is None else str(shots)


def _others(train: ViewFeatures, test: ViewFeatures) -> dict[str, float]:
    """Accuracy of the simplest methods on test clouds."""
    found = simple_predictions(unit_views(train), train.label, unit_views(test))
    return {name: float((guess == test.label).mean()) for name, guess in found.items()}


def _others_left_out(clouds: ViewFeatures) -> dict[str, float]:
    """The same on the clouds they learn from, a fold by the others; nothing where no class has two."""
    right = dict.fromkeys(METHODS, 0)
    turns = folds(clouds.label)
    if len(turns) == 1:
        return {}
    views = unit_views(clouds)
    for rows in turns:
        rest = np.setdiff1d(np.arange(len(clouds)), rows)
        for name, guess in simple_predictions(views[rest], clouds.label[rest], views[rows]).items():
            right[name] += int((guess == clouds.label[rows]).sum())
    return {name: count / len(clouds) for name, count in right.items()}


def _write(path: Path, settings: dict[str, Any], sweep: Sweep) -> None:
    runs = [{**asdict(run), "shots": run.shots or name_of(None)} for run in sweep.runs]
    values = {"settings": settings, "zero_shot": sweep.zero_shot, "runs": runs}
    write_atomic(path, (json.dumps(values, indent=1) + "\n").encode())


def _read(path: Path, settings: dict[str, Any]) -> list[ShotRun]:
    """The runs that `_write` left. Raises C2PError when they were made with other settings."""
    try:
        values = parse_json(read_small(path))
        runs = [
            ShotRun(**{**r, "shots": None if r["shots"] == name_of(None) else r["shots"]})
            for r in values["runs"]
        ]
        found = values["settings"]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError) as error:
        raise C2PError("not the results of a sweep", "delete it or choose another --out", path) from error
    if found != settings:
        raise C2PError("results of other settings or data", "choose another --out", path)
    return runs
