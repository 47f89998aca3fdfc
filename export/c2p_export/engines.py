"""Engine files: measured against what they were made from, and put in place all at once.

No torch here: a robot builds and checks its own plan with `plan_from_onnx`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from time import perf_counter

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from c2p_deploy import Manifest
from c2p_deploy.errors import C2PError, EngineError, ManifestError, ParityError
from c2p_deploy.files import sha256_of
from c2p_deploy.manifest import QUANTISED
from c2p_deploy.projection.spec import FloatArray
from c2p_export.parity import LIMITS, Parity, Run, compare, run_at_batches, why_refused
from c2p_export.plan import PlanOptions, build_plan
from c2p_runtime.backends.base import run_from_host
from c2p_runtime.backends.choose import require_cuda
from c2p_runtime.backends.gpu import find_gpus
from c2p_runtime.backends.onnxruntime import OnnxRuntimeBackend
from c2p_runtime.backends.tensorrt import TensorRTBackend
from c2p_runtime.backends.tensorrt_install import installed_version, why_not_here

ONNX_RUNTIME = OnnxRuntimeBackend.name
_SUFFIXES = (".onnx", ".plan", ".text.onnx", ".tokenizer.json")  # of the files a manifest can name


def check_place(engine: Path) -> None:
    """Raises EngineError where the files of an export cannot be put beside `engine`.

    NAME.json may be a label set, or what training wrote there: only a manifest is replaced.
    """
    _check_folder(engine.parent)
    path = Manifest.path_for(engine)
    if path.exists():
        try:
            Manifest.load(path)
        except ManifestError as error:
            raise EngineError(
                f"{path}: would be replaced by the manifest, but is not one that this release reads; "
                "move it away, or choose another name with --out"
            ) from error


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise EngineError(f"{folder}: this folder does not exist; make it, or choose another with --out")


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A new folder inside `folder`, gone at the end with all that is still in it.

    Errors that come out of it speak of `folder`, and a full disk is an EngineError.
    """
    _check_folder(folder)
    work = folder
    try:
        with tempfile.TemporaryDirectory(
            dir=folder, prefix=".c2p-export-", ignore_cleanup_errors=True
        ) as made:
            work = Path(made)
            yield work
    except C2PError as error:
        error.args = (str(error).replace(str(work), str(folder)),)
        raise
    except OSError as error:
        raise EngineError(
            f"{folder}: cannot write there: {error.strerror or error}; make room or choose another folder"
        ) from error


def put_in_place(work: Path, engine: Path, manifest: Manifest) -> None:
    """Gives the files in `work` their final names beside `engine`, the manifest last.

    Until the manifest is there, a reader finds other hashes than it expects and says so. Files of
    a former export of this name that the new manifest does not list are removed; those that a
    manifest copied from another name lists are not its own.
    """
    path = Manifest.path_for(engine)
    former: set[str] = set()
    with suppress(ManifestError):
        former = {f"{engine.stem}{suffix}" for suffix in _SUFFIXES} & files_of(Manifest.load(path)).keys()
    manifest.save(work / path.name)
    for file in sorted(work.iterdir(), key=lambda file: file.name == path.name):
        file.replace(path.parent / file.name)
    for name in former - files_of(manifest).keys():
        (path.parent / name).unlink(missing_ok=True)


def files_of(manifest: Manifest) -> dict[str, str]:
    """Every file beside the manifest that it names, and its SHA-256."""
    files, text = dict(manifest.engines), manifest.text_encoder
    if text is not None:
        files |= {text.model: text.model_sha256, text.tokenizer: text.tokenizer_sha256}
    return files


def plan_from_onnx(
    onnx: Path, options: PlanOptions, depth: FloatArray, keep_failed: bool, console: Console
) -> Manifest:
    """Builds the plan of an exported `.onnx` beside it, and enters it into the manifest.

    depth: float32 [N, V, S, S], maps of the clouds on which the plan, where it can run here, must
    agree with the `.onnx`. Raises ManifestError, EngineError, or ParityError when it does not
    agree; then nothing is changed unless `keep_failed`.
    """
    manifest = Manifest.for_engine(onnx)
    with staged(onnx.parent) as work:
        with step("ran the ONNX file", console):
            backend = OnnxRuntimeBackend(onnx, manifest)
            expected = run_at_batches(backend.run, depth, options.batch.max)
        manifest = add_plan(
            onnx, work / onnx.with_suffix(".plan").name, manifest, options, depth, expected, console
        )
        settle(work, onnx, manifest, keep_failed, console)
    return manifest


def add_plan(
    onnx: Path,
    plan: Path,
    manifest: Manifest,
    options: PlanOptions,
    depth: FloatArray,
    expected: FloatArray,
    console: Console,
) -> Manifest:
    """Builds `plan` and returns the manifest with it: its hash, what it is for and, if it runs here, parity.

    expected: features [N, D] of the checkpoint, or of the `.onnx`, for the maps `depth`.
    """
    gpus = find_gpus()
    if gpus and (not options.targets or gpus[0].compute_capability in options.targets):
        require_cuda()  # what running the plan needs is not to be found missing after minutes of building
    started = perf_counter()
    target = build_plan(onnx, plan, options, console)
    note(f"built the plan in {perf_counter() - started:.1f} s", console)
    parity = {name: figures for name, figures in manifest.parity.items() if name == ONNX_RUNTIME}
    manifest = replace(
        manifest,
        engines={**manifest.engines, plan.name: sha256_of(plan)},
        target=target,
        batch=options.batch,
        parity=parity,
    )
    if reason := why_not_here(target, gpus, installed_version(target.flavour), onnx.name):
        note(f"the plan was not run here: {reason}", console)
        return manifest
    with step("ran the plan", console):
        backend = TensorRTBackend(plan, manifest)
        run = partial(run_from_host, backend, width=manifest.labels.dim)
        figures = measure(run, depth, expected, manifest)
    return replace(manifest, parity={**parity, target.flavour: asdict(figures)})


def measure(run: Run, depth: FloatArray, expected: FloatArray, manifest: Manifest) -> Parity:
    """Parity of one engine, run at batches of 1, 2, 7 and the largest of its profile."""
    got = run_at_batches(run, depth, manifest.batch.max)
    return compare(expected, got, manifest.labels, manifest.logit_scale)


def settle(work: Path, engine: Path, manifest: Manifest, keep_failed: bool, console: Console) -> None:
    """Shows the figures and puts the files in place; raises ParityError when a figure is too bad."""
    console.print(parity_table(manifest))
    complaint = complaint_of(manifest)
    if complaint is None or keep_failed:
        put_in_place(work, engine, manifest)
    if complaint is not None:
        outcome = (
            "written all the same (--keep-failed), do not rely on it"
            if keep_failed
            else "nothing was written"
        )
        raise ParityError(f"{engine}: {complaint}; {outcome}. {_advice(manifest.precision)}")


def complaint_of(manifest: Manifest) -> str | None:
    """What the engines measured so far do not keep to; None when all is well."""
    complaints = [
        f"{backend}: {reason}"
        for backend, parity in parities(manifest).items()
        if (reason := why_refused(parity, manifest.precision))
    ]
    return "; ".join(complaints) or None


def parities(manifest: Manifest) -> dict[str, Parity]:
    """The figures of each engine that was measured; without those that another release wrote otherwise."""
    read = {}
    for backend, figures in manifest.parity.items():
        with suppress(TypeError):
            read[backend] = Parity(**figures)
    return read


def parity_table(manifest: Manifest) -> Table:
    """The figures of all engines that ran, beside what they must keep to."""
    limits = LIMITS[manifest.precision]
    table = Table(title=f"parity of {manifest.precision} with the checkpoint", box=SIMPLE)
    table.add_column("engine", no_wrap=True)
    for heading in ("clouds", "cosine", "mean", "score diff", "same top-1", "NaN"):
        table.add_column(heading, justify="right", no_wrap=True)
    for backend, parity in parities(manifest).items():
        table.add_row(
            backend,
            str(parity.clouds),
            f"{parity.cosine_min:.6f}",
            f"{parity.cosine_mean:.6f}",
            f"{parity.score_max_abs:.2g}",
            f"{100 * parity.top1_agreement:.1f} %",
            str(parity.nan_count),
        )
    table.add_row("limit", "", f"{limits.cosine_min:g}", "", "", f"{100 * limits.top1_agreement:g} %", "0")
    return table


@contextmanager
def step(what: str, console: Console) -> Iterator[None]:
    """Shows that something is going on, and how long it took when it has ended well."""
    started = perf_counter()
    with console.status(f"{what} ..."):
        yield
    note(f"{what} in {perf_counter() - started:.1f} s", console)


def note(line: str, console: Console) -> None:
    """One plain line."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def size_of(path: Path) -> str:
    """The size of a file, for people."""
    size = path.stat().st_size
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{-(-size // 1000)} kB"


def _advice(precision: str) -> str:
    if precision in QUANTISED:
        return "Give --calib more clouds like those the robot sees, or export with --fp16."
    if precision == "fp16":
        return "Export with --fp32."
    return "Please report this with the checkpoint: float32 ought to agree."
