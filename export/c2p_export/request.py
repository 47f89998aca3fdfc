"""What `c2p-export` is asked for: options, checked once, become a request that leaves nothing open.

Light to import, for --help; neither torch nor onnx is needed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from c2p_deploy import Manifest
from c2p_deploy.errors import C2PError, EngineError, OptionError
from c2p_deploy.manifest import QUANTISED, BatchProfile
from c2p_deploy.projection.spec import Preparation
from c2p_export.plan.options import PlanOptions, parse_targets, why_cannot_build, why_no_fp8
from c2p_export.plan.timing_cache import default_timing_cache
from c2p_export.staging import check_place
from c2p_export.triton.repository import check_repository
from c2p_runtime.backends.gpu import Gpu, find_gpus
from c2p_runtime.backends.tensorrt_install import FLAVOURS, import_tensorrt, installed_version


@dataclass(frozen=True)
class Options:
    """The options of the command; None where one was not given."""

    ckpt: Path | None
    onnx: Path | None
    out: Path | None
    precision: str | None
    calib: Path | None
    preparation: Preparation | None
    labels: str | None
    text_encoder: str | None
    backend: str
    target: str | None
    max_batch: int | None
    workspace: int | None  # MiB
    timing_cache: Path | None
    verify: Path | None
    keep_failed: bool
    triton: Path | None = None

    @property
    def targets(self) -> tuple[str, ...]:
        """Compute capabilities asked for. Raises OptionError for a name that is none."""
        return parse_targets(self.target) if self.target is not None else ()


@dataclass(frozen=True)
class ExportOptions:
    """What is made of a checkpoint."""

    precision: str = "fp16"  # "fp32", "fp16", "int8" or "fp8"
    max_batch: int = 8  # clouds per call
    plan: PlanOptions | None = None  # None: no plan, the ONNX file and the manifest only
    keep_failed: bool = False  # write the files even without parity
    preparation: Preparation = "robust"  # of clouds, as the manifest then says


@dataclass(frozen=True)
class ExportRequest:
    """What is to be built: every default is taken, and what this machine can do is known."""

    source: Path | Manifest  # the checkpoint's file; or the manifest of an .onnx that gets its plan
    engine: Path  # NAME.onnx: to be written, or with a manifest there already
    options: ExportOptions
    why_no_plan: EngineError | None  # where one was wanted; None also where none was
    labels: str | None  # as `--labels` has them; None is the checkpoint's own
    text_encoder: tuple[str | None, str] | None  # model name, None where the file says it, and weights
    calib: Path | None  # folder of clouds to measure ranges on
    verify: Path | None  # folder of clouds on which parity is measured; None is made-up things
    triton: Path | None = None  # folder of the model repository to be written


def resolve(options: Options) -> ExportRequest:
    """Checks the options, and takes every decision that needs no checkpoint.

    Raises OptionError where they contradict one another, EngineError or ManifestError where the files
    cannot be put in their place, or no plan can be built here of the .onnx, or for the targets that are
    asked for; MissingDependencyError.
    """
    check(options)
    source: Path | Manifest
    if options.onnx is not None:
        source, engine = Manifest.for_engine(options.onnx), options.onnx
        precision, max_batch = source.precision, source.batch.max
        preparation = source.preparation
    else:
        assert options.ckpt is not None  # of the two, check wants one
        source, engine = options.ckpt, engine_path(options.ckpt, options.out)
        check_place(engine)
        precision, max_batch = options.precision or ExportOptions.precision, ExportOptions.max_batch
        preparation = options.preparation or ExportOptions.preparation
    if options.triton is not None:
        check_repository(options.triton, engine)
    made = ExportOptions(
        precision,
        options.max_batch or max_batch,
        keep_failed=options.keep_failed,
        preparation=preparation,
    )
    plan, why_no_plan = choose_plan(options, made, engine, find_gpus())
    if why_no_plan is not None and isinstance(source, Manifest) and options.triton is None:
        raise why_no_plan.at(engine)
    if why_no_plan is not None and options.target is not None:  # now, not after minutes of exporting
        remedy = f"leave out --target to export {engine.name}, then {why_no_plan.remedy}"
        raise EngineError(why_no_plan.problem, remedy, options.ckpt)
    return ExportRequest(
        source=source,
        engine=engine,
        options=replace(made, plan=plan),
        why_no_plan=why_no_plan,
        labels=options.labels,
        text_encoder=None if options.text_encoder is None else _clip_named(options.text_encoder),
        calib=options.calib,
        verify=options.verify,
        triton=options.triton,
    )


def check(options: Options) -> None:
    """Raises OptionError where options contradict one another."""
    if (options.ckpt is None) == (options.onnx is None):
        raise OptionError("give either --ckpt FILE or --onnx FILE", "--help has examples")
    if options.out is not None and not options.out.name:
        raise OptionError("--out needs a name for the files")
    quantised = options.precision in QUANTISED
    if options.onnx is not None:
        _check_onnx(options, options.onnx)
    elif quantised and options.calib is None:
        raise OptionError(f"--{options.precision} needs --calib DIR", "give clouds to measure ranges on")
    elif options.calib is not None and not quantised:
        raise OptionError("--calib goes with --int8 or --fp8", "add one, or leave it out")
    if options.backend == "onnx":
        for name in ("target", "workspace", "timing_cache"):
            if getattr(options, name) is not None:
                raise OptionError(
                    f"--{name.replace('_', '-')} is about plans, --backend onnx builds none",
                    "leave out either",
                )
    targets = options.targets
    if options.precision == "fp8" and (refusal := why_no_fp8(targets)):
        raise OptionError(refusal.problem, refusal.remedy)
    _check_timing_cache(options, options.backend)


def _check_onnx(options: Options, onnx: Path) -> None:
    """Raises OptionError for what cannot go with `--onnx`."""
    if onnx.suffix != ".onnx":
        raise OptionError("a plan is built from the .onnx that c2p-export wrote", "give that", onnx)
    for name in ("out", "precision", "calib", "preparation", "labels", "text_encoder"):
        if getattr(options, name) is not None:
            option = options.precision if name == "precision" else name.replace("_", "-")
            raise OptionError(
                f"--{option} cannot go with --onnx, whose graph is settled", "export the checkpoint again"
            )
    if options.backend == "onnx":
        raise OptionError("--onnx builds a plan, --backend onnx builds none", "leave out either")


def _check_timing_cache(options: Options, flavour: str) -> None:
    """Raises OptionError where timings were to be kept and are not."""
    if options.timing_cache is not None and flavour == "tensorrt-rtx":
        raise OptionError(
            "--timing-cache: TensorRT-RTX keeps no timings, it times nothing while it builds", "leave it out"
        )


def engine_path(ckpt: Path, out: Path | None) -> Path:
    """NAME.onnx of `--out NAME`, or of the checkpoint's name."""
    if out is None:
        return ckpt.with_suffix(".onnx")
    if out.suffix in (".onnx", ".plan", ".json"):
        return out.with_suffix(".onnx")
    return out.with_name(f"{out.name}.onnx")


def choose_plan(
    options: Options, made: ExportOptions, engine: Path, gpus: tuple[Gpu, ...]
) -> tuple[PlanOptions | None, EngineError | None]:
    """How to build the plan asked for; or None, and why none can be built here.

    made: the graph that it is built of; engine: the .onnx, for the command that is recommended. Raises
    MissingDependencyError when the backend named is not installed: no machine for the target will
    help then, as one for a Jetson does.
    """
    if options.backend == "onnx":
        return None, None
    if options.backend == "auto":
        candidates = [flavour for flavour in FLAVOURS if installed_version(flavour)] or [FLAVOURS[0]]
    else:
        import_tensorrt(options.backend)
        candidates = [options.backend]
    targets, refusal = options.targets, None
    for flavour in candidates:
        refusal = why_cannot_build(flavour, targets, gpus, engine.name)
        if refusal is None and made.precision == "fp8":
            refusal = why_no_fp8(targets or (gpus[0].compute_capability,))
        if refusal is None:
            return _plan_options(options, flavour, made.max_batch, gpus), None
    return None, refusal


def _plan_options(options: Options, flavour: str, max_batch: int, gpus: tuple[Gpu, ...]) -> PlanOptions:
    _check_timing_cache(options, flavour)
    timing_cache = options.timing_cache
    if flavour == "tensorrt" and timing_cache is None:
        timing_cache = default_timing_cache(flavour, installed_version(flavour) or "", gpus[0])
    return PlanOptions(
        flavour,
        options.targets,
        BatchProfile(1, 1, max_batch),
        options.workspace << 20 if options.workspace else None,
        timing_cache,
    )


def _clip_named(text: str) -> tuple[str | None, str]:
    """Model and weights of `--text-encoder`: a file that says itself what it is, or MODEL:TAG."""
    if Path(text).is_file():
        return None, text
    model, colon, tag = text.partition(":")
    if not colon or not tag:
        raise C2PError(
            f"--text-encoder {text}: neither a file nor MODEL:TAG", "write it as ViT-B-32-quickgelu:openai"
        )
    return model, tag
