"""What `c2p-export` was asked for: does it make sense, what is to be built, and the running of it.

Light to import, for --help; torch and onnx come in only where a checkpoint is exported.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from c2p_deploy.errors import C2PError, EngineError, MissingDependencyError, UnknownLabelError
from c2p_deploy.manifest import QUANTISED, BatchProfile
from c2p_export.plan import PlanOptions, default_timing_cache, parse_targets, why_cannot_build
from c2p_runtime.backends.gpu import Gpu, find_gpus, sm_name
from c2p_runtime.backends.tensorrt_install import FLAVOURS, import_tensorrt, installed_version

if TYPE_CHECKING:
    from rich.console import Console

    from c2p_deploy import LabelSet, Manifest
    from c2p_deploy.projection.spec import FloatArray
    from c2p_train.model.checkpoint import Checkpoint

_FIRST_FP8 = (8, 9)  # compute capability
_PRECISION, _MAX_BATCH = "fp16", 8  # unless others are asked for


@dataclass(frozen=True)
class ExportRequest:
    """The options of the command; None where one was not given."""

    ckpt: Path | None
    onnx: Path | None
    out: Path | None
    precision: str | None
    calib: Path | None
    labels: str | None
    text_encoder: str | None
    backend: str
    target: str | None
    max_batch: int | None
    workspace: int | None  # MiB
    timing_cache: Path | None
    verify: Path | None
    keep_failed: bool

    @property
    def targets(self) -> tuple[str, ...]:
        """Compute capabilities asked for. Raises C2PError for a name that is none."""
        return parse_targets(self.target) if self.target is not None else ()

    def check(self) -> None:
        """Raises C2PError where options contradict one another."""
        targets = self.targets
        quantised = self.precision in QUANTISED
        if self.out is not None and not self.out.name:
            raise C2PError("--out needs a name for the files")
        if self.onnx is not None:
            if self.onnx.suffix != ".onnx":
                raise C2PError(f"--onnx {self.onnx}: a plan is built from the .onnx that c2p-export wrote")
            for name in ("out", "precision", "calib", "labels", "text_encoder"):
                if getattr(self, name) is not None:
                    option = self.precision if name == "precision" else name.replace("_", "-")
                    raise C2PError(
                        f"--{option} cannot go with --onnx: its graph is settled; export the checkpoint again"
                    )
            if self.backend == "onnx":
                raise C2PError("--onnx builds a plan, --backend onnx builds none")
        elif quantised and self.calib is None:
            raise C2PError(f"--{self.precision} needs --calib DIR, clouds to measure ranges on")
        elif self.calib is not None and not quantised:
            raise C2PError("--calib goes with --int8 or --fp8")
        if self.backend == "onnx":
            for name in ("target", "workspace", "timing_cache"):
                if getattr(self, name) is not None:
                    raise C2PError(f"--{name.replace('_', '-')} is about plans, --backend onnx builds none")
        if self.precision == "fp8" and (reason := why_no_fp8(targets)):
            raise C2PError(reason)
        self.check_timing_cache(self.backend)

    def check_timing_cache(self, flavour: str) -> None:
        """Raises C2PError where timings were to be kept and are not."""
        if self.timing_cache is not None and flavour == "tensorrt-rtx":
            raise C2PError("--timing-cache: TensorRT-RTX keeps no timings, it times nothing while it builds")


def why_no_fp8(targets: tuple[str, ...]) -> str | None:
    """Which of these GPUs does not know float8, and what to do; None when all do."""
    for target in targets:
        if tuple(map(int, target.split("."))) < _FIRST_FP8:
            return (
                f"fp8 needs a GPU of SM89 or later (Ada, Hopper, Thor), which {sm_name(target)} is not; "
                "export with --fp16 or --int8"
            )
    return None


def run_request(request: ExportRequest, console: Console) -> Manifest:
    """Does what was asked for, and says what was written. Raises C2PError."""
    from c2p_deploy import Manifest
    from c2p_export.engines import check_place, files_of, note, plan_from_onnx, size_of
    from c2p_export.verify_clouds import depth_maps

    gpus = find_gpus()
    if request.onnx is not None:
        engine = request.onnx
        manifest = Manifest.for_engine(engine)
        plan, reason = choose_plan(request, manifest.precision, engine, gpus)
        if plan is None:
            raise EngineError(f"{engine}: {reason}")
        batch = BatchProfile(1, 1, request.max_batch or manifest.batch.max)
        depth = depth_maps(clouds_to_verify(request), manifest.views, manifest.spec)
        manifest = plan_from_onnx(engine, replace(plan, batch=batch), depth, request.keep_failed, console)
        written = [engine.with_suffix(".plan").name]
    else:
        engine = engine_path(request)
        check_place(engine)
        plan, reason = choose_plan(request, request.precision or _PRECISION, engine, gpus)
        manifest = _export(request, engine, plan, console)
        written = [*files_of(manifest)]
    for name in (*written, Manifest.path_for(engine).name):
        note(f"wrote {engine.with_name(name)} ({size_of(engine.with_name(name))})", console)
    note(f"try it: c2p-run --engine {engine} CLOUD", console)
    if reason is not None:
        note(f"no plan was built: {reason}", console)
    return manifest


def choose_plan(
    request: ExportRequest, precision: str, engine: Path, gpus: tuple[Gpu, ...]
) -> tuple[PlanOptions | None, str | None]:
    """How to build the plan asked for; or None, and why none can be built here.

    precision: of the graph; engine: the .onnx, for the command that is recommended. Raises
    MissingDependencyError when the backend named is not installed: no machine for the target will
    help then, as one for a Jetson does.
    """
    if request.backend == "onnx":
        return None, None
    if request.backend == "auto":
        candidates = [flavour for flavour in FLAVOURS if installed_version(flavour)] or [FLAVOURS[0]]
    else:
        import_tensorrt(request.backend)
        candidates = [request.backend]
    reason = None
    for flavour in candidates:
        reason = why_cannot_build(flavour, request.targets, gpus)
        if reason is None and precision == "fp8":
            reason = why_no_fp8(request.targets or (gpus[0].compute_capability,))
        if reason is None:
            return _plan_options(request, flavour, gpus), None
        reason = reason.replace("NAME.onnx", engine.name)
    return None, reason


def _plan_options(request: ExportRequest, flavour: str, gpus: tuple[Gpu, ...]) -> PlanOptions:
    request.check_timing_cache(flavour)
    timing_cache = request.timing_cache
    if flavour == "tensorrt" and timing_cache is None:
        timing_cache = default_timing_cache(flavour, installed_version(flavour) or "", gpus[0])
    return PlanOptions(
        flavour,
        request.targets,
        BatchProfile(1, 1, request.max_batch or _MAX_BATCH),
        request.workspace << 20 if request.workspace else None,
        timing_cache,
    )


def clouds_to_verify(request: ExportRequest) -> list[FloatArray]:
    """The user's clouds, or made-up ones."""
    from c2p_export.verify_clouds import clouds_in, made_up_clouds

    return made_up_clouds() if request.verify is None else clouds_in(request.verify)


def _export(request: ExportRequest, engine: Path, plan: PlanOptions | None, console: Console) -> Manifest:
    """Exports the checkpoint to `engine` and what belongs to it."""
    try:
        from c2p_export.export import ExportOptions, export_checkpoint
        from c2p_train.model.import_official import open_checkpoint
        from c2p_train.model.text_encoder import load_text_encoder
    except ImportError as error:
        raise MissingDependencyError(
            f"exporting a checkpoint needs {error.name}; pip install 'c2p-deploy[export]'. "
            "A plan for an .onnx that is exported already needs none of it: c2p-export --onnx"
        ) from error
    from c2p_deploy.files import sha256_of
    from c2p_export.engines import step
    from c2p_export.verify_clouds import clouds_in, depth_maps

    assert request.ckpt is not None
    with step("read the checkpoint", console):
        checkpoint = open_checkpoint(request.ckpt)
        digest = sha256_of(request.ckpt)
    text = None
    if request.text_encoder is not None:
        with step("read the text encoder", console):
            text = load_text_encoder(*_clip_named(request.text_encoder))
        _check_text_encoder(request.text_encoder, text, checkpoint)
    labels = _labels(request, checkpoint, text)
    if labels is None:
        raise C2PError(
            f"{request.ckpt}: has no labels yet; give some: --labels LABELS.json (of c2p-train labels), or "
            "--labels NAMES with --text-encoder"
        )
    try:
        checkpoint = replace(checkpoint, labels=labels)
    except C2PError as error:  # a label set made with another CLIP
        raise C2PError(f"{request.labels}: {error}") from error
    options = ExportOptions(
        request.precision or _PRECISION, request.max_batch or _MAX_BATCH, plan, request.keep_failed
    )
    views, spec = checkpoint.views, checkpoint.spec
    calibration = None
    with step("drew the depth maps", console):
        depth = depth_maps(clouds_to_verify(request), views, spec)
        if request.calib is not None:
            calibration = depth_maps(clouds_in(request.calib), views, spec)
    write_text = None
    if text is not None:
        from c2p_export.text_export import export_text_encoder

        clip, tokenizer = text

        def write_text(stem: Path) -> Any:
            return export_text_encoder(clip, tokenizer, stem, half=options.precision != "fp32")

    return export_checkpoint(
        checkpoint,
        digest,
        engine,
        depth,
        options,
        calibration=calibration,
        text_encoder=write_text,
        console=console,
    )


def engine_path(request: ExportRequest) -> Path:
    """NAME.onnx of --out NAME, or of the checkpoint's name."""
    assert request.ckpt is not None
    if request.out is None:
        return request.ckpt.with_suffix(".onnx")
    if request.out.suffix in (".onnx", ".plan", ".json"):
        return request.out.with_suffix(".onnx")
    return request.out.with_name(f"{request.out.name}.onnx")


def _clip_named(text: str) -> tuple[str | None, str]:
    """Model and weights of `--text-encoder`: a file that says itself what it is, or MODEL:TAG."""
    if Path(text).is_file():
        return None, text
    model, colon, tag = text.partition(":")
    if not colon or not tag:
        raise C2PError(
            f"--text-encoder {text}: neither a file nor MODEL:TAG, as in ViT-B-32-quickgelu:openai"
        )
    return model, tag


def _check_text_encoder(named: str, text: Any, checkpoint: Checkpoint) -> None:
    """Raises C2PError for a text tower whose features the model's cannot be compared with."""
    from c2p_train.model.text_encoder import text_features

    dim, wanted = text_features(("thing",), ("{}",), *text).shape[1], checkpoint.model.depth_encoder.embed_dim
    if dim != wanted:
        raise C2PError(
            f"--text-encoder {named}: gives features of {dim}, which do not fit a model of {wanted}; "
            "give the CLIP that the model was trained with"
        )


def _labels(request: ExportRequest, checkpoint: Checkpoint, text: Any) -> LabelSet | None:
    """The label set for the manifest: the checkpoint's, one from a file, or names put into features."""
    from c2p_deploy import LabelSet
    from c2p_deploy.labels import PAPER_TEMPLATE, choose_labels, label_names, templates_of
    from c2p_train.model.text_encoder import text_features

    wanted, known = request.labels, checkpoint.labels
    if wanted is None:
        return known
    if Path(wanted).suffix.lower() == ".json":
        return LabelSet.load(wanted)
    names = label_names(wanted)
    if not names:
        raise C2PError(f"--labels {wanted!r}: holds no name; give names separated by commas, or a file")
    if known is not None:
        try:
            return choose_labels(known, wanted)
        except UnknownLabelError as error:
            if text is None:
                raise C2PError(f"{error}, or let --text-encoder make one") from error
    if text is None:
        raise C2PError(
            f"--labels {wanted}: {request.ckpt} knows no words; add --text-encoder, or give a label set .json"
        )
    templates = (PAPER_TEMPLATE,) if known is None else templates_of(known)
    return LabelSet(names, text_features(names, templates, *text), " | ".join(templates))
