"""`c2p-export inspect`: what an engine is, and whether it can run on this machine."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from c2p_deploy import Manifest
from c2p_deploy.errors import C2PError, ManifestError, one_line
from c2p_deploy.extras import install
from c2p_deploy.files import sha256_of
from c2p_deploy.manifest import EngineTarget
from c2p_export.parity import Parity, parities, why_refused
from c2p_export.report import size_of
from c2p_export.staging import files_of
from c2p_runtime.backends.gpu import find_gpus, sm_name
from c2p_runtime.backends.tensorrt_install import TITLES, installed_version, why_not_here

_FEW = 12  # labels shown by name
_MISSING_ONNX_RUNTIME = "cannot run here: ONNX Runtime is not installed; pip install onnxruntime"


def print_engine(file: Path) -> None:
    """Prints the manifest of FILE, and the state of every file it names.

    Raises C2PError for a FILE without a manifest, and, after printing, where a file beside the
    manifest is not the one that was exported.
    """
    path, manifest = _manifest_for(file)
    console = Console()
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in describe(manifest):
        table.add_row(Text(one_line(name)), Text(one_line(value)))
    console.print(table)
    changed = []
    for name, digest in files_of(manifest).items():
        beside = path.parent / name
        if not beside.is_file():
            state = "is not here; copy it beside its manifest"
        elif sha256_of(beside) != digest:
            state = f"{size_of(beside)}, cannot be used: its SHA-256 is not the manifest's"
            changed.append(name)
        else:
            state = f"{size_of(beside)}, {state_of(beside, manifest)}"
        console.print(one_line(f"{name}: {state}"), markup=False, highlight=False, soft_wrap=True)
    if changed:
        raise ManifestError(
            f"SHA-256 differs for {', '.join(changed)}; damaged or from another export",
            "copy the files of one export together again",
            path,
        )


def _manifest_for(file: Path) -> tuple[Path, Manifest]:
    """The manifest that belongs to FILE, or that FILE is, and where it lies."""
    if not file.is_file():
        raise C2PError("no such file", "give an .onnx, a .plan, or the .json beside them", file)
    if file.suffix == ".json":
        return file, Manifest.load(file)
    return Manifest.path_for(file), Manifest.beside(file)


def describe(manifest: Manifest) -> list[tuple[str, str]]:
    """What the manifest says, a line per thing."""
    spec, batch, labels = manifest.spec, manifest.batch, manifest.labels
    names = ", ".join(labels.names[:_FEW]) + (" ..." if len(labels) > _FEW else "")
    lines = [
        ("head", manifest.head),
        ("encoders", ", ".join(manifest.encoders)),
        ("precision", manifest.precision),
        (
            "depth maps",
            f"{manifest.views.name}, {len(manifest.views)} views of {spec.image_size} px, point radius "
            f"{spec.point_radius:g}, {spec.num_points} points",
        ),
        ("batch", f"{batch.min} to {batch.max} clouds, tuned for {batch.opt}"),
        ("labels", f"{len(labels)}, features of {labels.dim}, prompt {labels.template!r}: {names}"),
        ("logit scale", f"{manifest.logit_scale:g}"),
        ("other words", _words(manifest)),
        ("opset", str(manifest.opset)),
        ("plan", _target(manifest.target)),
    ]
    read = parities(manifest)
    lines += [
        (
            f"parity, {backend}",
            _parity(read[backend], manifest.precision) if backend in read else str(figures),
        )
        for backend, figures in manifest.parity.items()
    ]
    return [
        *lines,
        ("checkpoint", f"SHA-256 {manifest.checkpoint_sha256}"),
        ("made with", ", ".join(f"{tool} {version}" for tool, version in manifest.tools.items())),
        ("made", manifest.created),
    ]


def state_of(file: Path, manifest: Manifest) -> str:
    """Whether a file of an export can be used here; if not, why and what to do."""
    if file.suffix == ".json":
        installed = _version_of("tokenizers")
        return (
            f"read here by tokenizers {installed}" if installed else f"cannot be read here: {install('text')}"
        )
    if file.suffix != ".plan":
        installed = _version_of("onnxruntime")
        return f"runs here with ONNX Runtime {installed}" if installed else _MISSING_ONNX_RUNTIME
    if manifest.target is None:
        return "cannot be used: the manifest does not say what it was built for; export again"
    version = installed_version(manifest.target.flavour)
    onnx = file.with_suffix(".onnx").name
    if reason := why_not_here(manifest.target, find_gpus(), version, onnx):
        return f"cannot run here: {reason}"
    return f"fits this machine ({TITLES[manifest.target.flavour]} {version})"


def _target(target: EngineTarget | None) -> str:
    if target is None:
        return "none"
    capabilities = ", ".join(map(sm_name, target.compute_capabilities))
    where = f", built on {target.gpu}" if target.gpu else ", built without a GPU"
    return f"{TITLES.get(target.flavour, target.flavour)} {target.version} for {capabilities}{where}"


def _parity(parity: Parity, precision: str) -> str:
    verdict = why_refused(parity, precision)
    return (
        f"{parity.clouds} clouds, cosine {parity.cosine_min:.6f} at least, {parity.cosine_mean:.6f} in the "
        f"mean, scores differ by {parity.score_max_abs:.2g} at most, same answer on "
        f"{100 * parity.top1_agreement:g} %" + (f"; FAILED: {verdict}" if verdict else "")
    )


def _words(manifest: Manifest) -> str:
    text = manifest.text_encoder
    return (
        f"any, by {text.model} and {text.tokenizer}" if text else "none (no text encoder was exported along)"
    )


def _version_of(module: str) -> str | None:
    try:
        return str(import_module(module).__version__)
    except ImportError:
        return None
