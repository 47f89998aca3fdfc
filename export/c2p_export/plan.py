"""From an `.onnx` to a TensorRT plan, by one code path for TensorRT 10.3 … 11 and TensorRT-RTX.

Needs neither torch nor onnx, so it runs on the robot as it is. TensorRT builds for the GPU
it runs on, and for no other; TensorRT-RTX builds for the compute capabilities it is told,
and needs no GPU to do so. The precision is in the ONNX graph: networks are strongly typed.

The path through `tensorrt` itself was not run on hardware yet; that through TensorRT-RTX is
what the tests run.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rich.console import Console

from c2p_deploy.errors import C2PError, EngineError, MissingDependencyError
from c2p_deploy.files import atomic_path, user_cache, write_atomic
from c2p_deploy.manifest import BatchProfile, EngineTarget
from c2p_export.plan_progress import BuildBars, monitor_of
from c2p_runtime.backends.gpu import Gpu, find_gpus, sm_name
from c2p_runtime.backends.tensorrt_install import TITLES, import_tensorrt, logger_of, rebuild_command

KNOWN_TARGETS: Mapping[str, str] = MappingProxyType(
    {
        "7.5": "RTX 20xx, T4",
        "8.0": "A100",
        "8.6": "RTX 30xx, RTX A2000-A6000, A10",
        "8.7": "Jetson Orin",
        "8.9": "RTX 40xx, L4, L40",
        "9.0": "H100, H200",
        "10.0": "B200",
        "11.0": "Jetson Thor",
        "12.0": "RTX 50xx, RTX PRO Blackwell",
        "12.1": "DGX Spark",
    }
)
_JETSONS = ("8.7", "11.0")

MEMINFO, SWAPS = Path("/proc/meminfo"), Path("/proc/swaps")


@dataclass(frozen=True)
class PlanOptions:
    """How a plan is built."""

    flavour: str  # "tensorrt" or "tensorrt-rtx"
    targets: tuple[str, ...] = ()  # compute capabilities, "8.6"; () is this machine's GPU
    batch: BatchProfile = field(default_factory=BatchProfile)
    workspace: int | None = None  # bytes of scratch memory at most; None is TensorRT's own default
    # Kernel timings of earlier builds, read and written; None keeps none. TensorRT-RTX has no
    # use for one, and asking for it would demand a GPU (its "Timing Cache Migration" page).
    timing_cache: Path | None = None


def parse_targets(text: str) -> tuple[str, ...]:
    """("8.6", "8.9") of "sm86,sm89"; "86", "8.6" and "sm_86" are the same. Raises C2PError."""
    targets = []
    for word in text.split(","):
        match = re.fullmatch(r"(?:sm_?)?(\d{1,2})\.?(\d)", word.strip().lower())
        target = f"{match[1]}.{match[2]}" if match else ""
        if target not in KNOWN_TARGETS:
            known = ", ".join(f"{sm_name(name).lower()} ({what})" for name, what in KNOWN_TARGETS.items())
            raise C2PError(f"{word.strip()!r} is not a GPU to build a plan for; known are {known}")
        targets.append(target)
    return tuple(dict.fromkeys(targets))


def rtx_targets() -> tuple[str, ...]:
    """The compute capabilities the installed TensorRT-RTX builds for. Raises MissingDependencyError."""
    return tuple(_rtx_members(import_tensorrt("tensorrt-rtx")))


def why_cannot_build(flavour: str, targets: tuple[str, ...], gpus: tuple[Gpu, ...]) -> str | None:
    """Why a plan for these targets cannot be built on this machine, and what to do; None when it can.

    targets: compute capabilities, () is the first of `gpus`, the GPUs of this machine.
    """
    if not targets and not gpus:
        hint = "; name the GPU it is for with --target, or" if flavour == "tensorrt-rtx" else ";"
        return f"this machine has no NVIDIA GPU to build a plan for{hint}{_elsewhere(())[1:]}"
    wished = targets or (gpus[0].compute_capability,)
    if flavour == "tensorrt":
        here = f"{gpus[0].name}, {sm_name(gpus[0].compute_capability)}" if gpus else "none"
        if not gpus or wished != (gpus[0].compute_capability,):
            return (
                f"TensorRT builds for the GPU it runs on, here {here}, not for {_names(wished)}"
                f"{_elsewhere(wished)}"
            )
    try:
        import_tensorrt(flavour)
        possible = wished if flavour == "tensorrt" else rtx_targets()
    except MissingDependencyError as error:
        return str(error)
    foreign = tuple(target for target in wished if target not in possible)
    if foreign:
        return (
            f"TensorRT-RTX builds for {', '.join(map(sm_name, possible))}, not for {_names(foreign)}; "
            f"TensorRT does, on that GPU itself{_elsewhere(foreign)}"
        )
    return None


def default_timing_cache(flavour: str, version: str, gpu: Gpu) -> Path:
    """Where the kernel timings of one GPU and one release of TensorRT are kept from build to build."""
    card = re.sub(r"[^a-z0-9]+", "-", gpu.name.lower()).strip("-")
    name = f"{flavour}-{version}-{card}-{sm_name(gpu.compute_capability).lower()}.cache"
    return user_cache() / "timing" / name


def memory_needed(onnx: Path, options: PlanOptions) -> int:
    """Bytes of memory that building a plan takes at most, estimated from the size of the graph."""
    # Peak resident memory beyond that before parsing, TensorRT-RTX 1.7.1, transformer blocks of
    # width 768, MiB: 173 for a graph of 23, 388 for 90, 484 for 126 (fp32), 667 for 171; two or
    # three targets and a batch of 1 or 32 change it by less than 2 %. A line of 96 + 3.3 times
    # the graph; rounded up here.
    needed = (128 << 20) + 4 * onnx.stat().st_size
    if options.flavour == "tensorrt":
        # Not measured on hardware yet: CUDA context and kernel libraries, the weights twice more
        # on the GPU (on a Jetson the same memory), and the activations of a ViT-B/32 with two
        # towers and ten views, with which kernels are timed.
        needed += (768 << 20) + 2 * onnx.stat().st_size + options.batch.max * (16 << 20)
        needed += options.workspace or 0
    return needed


def check_memory(onnx: Path, options: PlanOptions) -> None:
    """Raises EngineError when building would not fit the free memory: an 8 GB board would hang.

    On a Jetson the GPU uses the same memory. Nothing is checked where Linux does not tell.
    """
    free = _free_memory()
    needed = memory_needed(onnx, options)
    if free is None or needed <= free:
        return
    smaller = " or a smaller --workspace or --max-batch" if options.flavour == "tensorrt" else ""
    raise EngineError(
        f"{onnx}: building a plan needs about {needed / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are free; "
        f"close other programs (on a Jetson the desktop too), add swap on a disk{smaller}"
    )


def build_plan(onnx: Path, plan: Path, options: PlanOptions, console: Console | None) -> EngineTarget:
    """Builds `plan`, the pure bytes of a serialised TensorRT engine, and says what it is for.

    console: shows progress and notes; None is silent. Raises EngineError; Ctrl-C is a
    KeyboardInterrupt as soon as TensorRT's present step ends. In either case no file is left.
    """
    gpus = find_gpus()
    if reason := why_cannot_build(options.flavour, options.targets, gpus):
        raise EngineError(f"{plan}: {reason}")
    trt = import_tensorrt(options.flavour)
    if not onnx.is_file():
        raise EngineError(f"{onnx}: no such file; give an .onnx made by c2p-export")
    if not plan.parent.is_dir():
        raise EngineError(f"{plan}: its folder does not exist; make it first")
    check_memory(onnx, options)

    logger = logger_of(options.flavour)
    logger.forget()
    try:
        builder = trt.Builder(logger)
    except TypeError as error:  # how the binding says that there is none
        raise EngineError(
            f"{plan}: {TITLES[options.flavour]} {trt.__version__} cannot start: {logger.told()}; "
            "bring driver and TensorRT to releases that fit"
        ) from error
    # TensorRT 11 knows no other networks; it still has the flag, and ignores it.
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)  # owns the weights: needed until the build has ended
    _parse(parser, onnx)
    config = builder.create_builder_config()
    if options.workspace is not None:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace)
    _set_profile(builder, network, config, options.batch, onnx)
    targets = options.targets or (gpus[0].compute_capability,)
    timing_cache = None
    if options.flavour == "tensorrt-rtx":
        members = _rtx_members(trt)
        config.num_compute_capabilities = len(targets)
        for place, target in enumerate(targets):
            config.set_compute_capability(members[target], place)
    else:
        timing_cache = options.timing_cache
    if timing_cache is not None:
        use_timing_cache(config, timing_cache, logger, console)

    logger.forget()
    reason = ""
    try:
        serialised = _build(trt, builder, network, config, console)
    except Exception as error:  # what C++ throws, for instance when memory is exhausted
        serialised, reason = None, repr(error)
    if serialised is None:
        raise EngineError(
            f"{onnx}: {TITLES[options.flavour]} {trt.__version__} cannot build a plan from it: "
            f"{logger.told() or reason or 'it gives no reason'}"
        )
    if timing_cache is not None:
        keep_timing_cache(config, timing_cache, console)
    try:
        with atomic_path(plan) as temporary, temporary.open("wb") as file:
            file.write(serialised)
    except OSError as error:
        raise EngineError(
            f"{plan}: cannot write {serialised.nbytes / 1e6:.0f} MB: {error.strerror or error}; "
            "make room there or choose another folder"
        ) from error
    off_board = options.flavour == "tensorrt-rtx" and options.targets
    return EngineTarget(options.flavour, trt.__version__, targets, None if off_board else gpus[0].name)


def use_timing_cache(config: Any, path: Path, logger: Any, console: Console | None) -> None:
    """Lets a build reuse and extend the kernel timings in `path`; one that TensorRT refuses starts empty."""
    try:
        kept = path.read_bytes() if path.is_file() else b""
    except OSError:
        kept = b""
    logger.forget()
    cache = config.create_timing_cache(kept)
    # A damaged cache comes back empty, with a line in the log; one of another GPU is refused.
    taken = cache is not None and config.set_timing_cache(cache, ignore_mismatch=False)
    if taken and not (kept and logger.told()):
        return
    _note(console, f"{path}: these timings are not of this TensorRT and GPU; measuring again")
    config.set_timing_cache(config.create_timing_cache(b""), ignore_mismatch=False)


def keep_timing_cache(config: Any, path: Path, console: Console | None) -> None:
    """Writes the timings a build has used to `path`. A failure costs the next build time, not this one."""
    cache = config.get_timing_cache()
    if cache is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, bytes(cache.serialize()))
    except OSError as error:
        _note(console, f"{path}: cannot keep the kernel timings: {error.strerror or error}")


def _note(console: Console | None, text: str) -> None:
    if console is not None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)


def _parse(parser: Any, onnx: Path) -> None:
    if parser.parse_from_file(str(onnx)):
        return
    errors = [" ".join(str(parser.get_error(place)).split()) for place in range(parser.num_errors)]
    raise EngineError(f"{onnx}: TensorRT cannot read it: {'; '.join(errors)}; export it again")


def _set_profile(builder: Any, network: Any, config: Any, batch: BatchProfile, onnx: Path) -> None:
    """One profile: the batch sizes between which the plan is tuned; the other dimensions are the graph's."""
    if network.num_inputs != 1:
        raise EngineError(f"{onnx}: has {network.num_inputs} inputs, an engine has one; export it again")
    tensor = network.get_input(0)
    first, *others = tuple(tensor.shape)
    if first != -1 or any(size < 1 for size in others):
        raise EngineError(
            f"{onnx}: its input has the shape {[first, *others]}, where only the first size, the batch, "
            "must be open (-1); export it again"
        )
    profile = builder.create_optimization_profile()
    profile.set_shape(tensor.name, *((size, *others) for size in (batch.min, batch.opt, batch.max)))
    config.add_optimization_profile(profile)


def _build(trt: Any, builder: Any, network: Any, config: Any, console: Console | None) -> Any:
    """The serialised engine, None when TensorRT fails; in a thread, so that Ctrl-C is heard meanwhile."""
    stop, bars, outcome = threading.Event(), BuildBars(console), Future[Any]()
    monitor = config.progress_monitor = monitor_of(trt, bars, stop)

    def work() -> None:
        try:
            outcome.set_result(builder.build_serialized_network(network, config))
        except Exception as error:
            outcome.set_exception(error)

    worker = threading.Thread(target=work)
    with bars.progress:
        try:
            worker.start()
            serialised = outcome.result()
        except KeyboardInterrupt:
            stop.set()
            if worker.is_alive():
                worker.join()  # until TensorRT has asked the monitor and given up
            raise
    del monitor  # kept so far because TensorRT does not keep it
    return serialised


def _rtx_members(trt: Any) -> dict[str, Any]:
    """TensorRT-RTX's name of each compute capability: "8.6" -> ComputeCapability.SM86."""
    members = sorted(trt.ComputeCapability.__members__.items(), key=lambda member: int(member[1]))
    return {f"{name[2:-1]}.{name[-1]}": member for name, member in members if re.fullmatch(r"SM\d+", name)}


def _names(targets: tuple[str, ...]) -> str:
    return ", ".join(
        f"{sm_name(target)} ({KNOWN_TARGETS[target]})" if target in KNOWN_TARGETS else sm_name(target)
        for target in targets
    )


def _elsewhere(targets: tuple[str, ...]) -> str:
    """What to do where a plan can only be built on the GPU that shall run it."""
    place = "the Jetson" if set(targets) & set(_JETSONS) else "the machine with that GPU"
    return f"; copy the .onnx and its .json to {place} and run there: {rebuild_command('NAME.onnx')}"


def _free_memory() -> int | None:
    """Bytes a new program can use: available memory, and free swap on disks.

    Not swap in memory (zram, the default on a Jetson): weights do not compress.
    """
    try:
        available = re.search(r"^MemAvailable:\s+(\d+) kB$", MEMINFO.read_text(), re.MULTILINE)
        swaps = [line.split() for line in SWAPS.read_text().splitlines()[1:]] if SWAPS.exists() else []
    except OSError:
        return None
    if available is None:
        return None
    on_disk = sum(int(swap[2]) - int(swap[3]) for swap in swaps if not swap[0].startswith("/dev/zram"))
    return (int(available[1]) + on_disk) << 10
