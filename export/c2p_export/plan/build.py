"""From an `.onnx` to a TensorRT plan, by one code path for TensorRT 10.3 … 11 and TensorRT-RTX.

The precision is in the ONNX graph: networks are strongly typed.

The path through `tensorrt` itself was not run on hardware yet; that through TensorRT-RTX is
what the tests run.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from c2p_deploy.errors import EngineError, reason_of
from c2p_deploy.files import atomic_path
from c2p_deploy.manifest import BatchProfile, EngineTarget
from c2p_export.plan.memory import check_memory
from c2p_export.plan.monitor import monitor_of, told_phases
from c2p_export.plan.options import PlanOptions, rtx_targets, why_cannot_build
from c2p_export.plan.timing_cache import kept_timings
from c2p_runtime.backends.gpu import find_gpus
from c2p_runtime.backends.tensorrt_install import TITLES, import_tensorrt, logger_of

_AGAIN = "export it again"


def build_plan(onnx: Path, plan: Path, options: PlanOptions) -> EngineTarget:
    """Builds `plan`, the pure bytes of a serialised TensorRT engine, and says what it is for.

    Raises EngineError; Ctrl-C is a KeyboardInterrupt as soon as TensorRT's present step ends. In
    either case no file is left.
    """
    gpus = find_gpus()
    if refusal := why_cannot_build(options.flavour, options.targets, gpus, onnx.name):
        raise refusal.at(plan)
    trt = import_tensorrt(options.flavour)
    if not onnx.is_file():
        raise EngineError("no such file", "give an .onnx made by c2p-export", onnx)
    if not plan.parent.is_dir():
        raise EngineError("its folder does not exist", "make it first", plan)
    check_memory(onnx, options)

    title = f"{TITLES[options.flavour]} {trt.__version__}"
    logger = logger_of(options.flavour)
    logger.forget()
    try:
        builder = trt.Builder(logger)
    except TypeError as error:  # how the binding says that there is none
        raise EngineError(
            f"{title} cannot start: {logger.told()}", "bring driver and TensorRT to releases that fit", plan
        ) from error
    # TensorRT 11 knows no other networks; it still has the flag, and ignores it.
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)  # owns the weights: needed until the build has ended
    _parse(parser, onnx)
    config = builder.create_builder_config()
    flags = trt.BuilderFlag
    # What the parity gate compares with is float32: TF32, on by default, moves features by up to 1e-3.
    config.clear_flag(flags.TF32)
    if hasattr(flags, "REQUIRE_USER_ALLOCATION"):  # TensorRT-RTX: without it no run can be captured
        config.set_flag(flags.REQUIRE_USER_ALLOCATION)
    if options.workspace is not None:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace)
    _set_profile(builder, network, config, options.batch, onnx)
    targets = options.targets or (gpus[0].compute_capability,)
    timings: AbstractContextManager[None] = nullcontext()
    if options.flavour == "tensorrt-rtx":
        members = rtx_targets()
        config.num_compute_capabilities = len(targets)
        for index, target in enumerate(targets):
            config.set_compute_capability(members[target], index)
    elif options.timing_cache is not None:
        timings = kept_timings(config, options.timing_cache, logger)
    with timings:
        logger.forget()
        reason = ""
        try:
            serialised = _build(trt, builder, network, config)
        except Exception as error:  # what C++ throws, for instance when memory is exhausted
            serialised, reason = None, reason_of(error)
        if serialised is None:
            told = logger.told() or reason or "it gives no reason"
            raise EngineError(f"{title} cannot build a plan from it: {told}", path=onnx)
    try:
        with atomic_path(plan) as temporary, temporary.open("wb") as file:
            file.write(serialised)
    except OSError as error:
        raise EngineError(
            f"cannot write {serialised.nbytes / 1e6:.0f} MB: {error.strerror or reason_of(error)}",
            "make room there or choose another folder",
            plan,
        ) from error
    off_board = options.flavour == "tensorrt-rtx" and options.targets
    return EngineTarget(options.flavour, trt.__version__, targets, None if off_board else gpus[0].name)


def _parse(parser: Any, onnx: Path) -> None:
    if parser.parse_from_file(str(onnx)):
        return
    errors = [" ".join(str(parser.get_error(index)).split()) for index in range(parser.num_errors)]
    raise EngineError(f"TensorRT cannot read it: {'; '.join(errors)}", _AGAIN, onnx)


def _set_profile(builder: Any, network: Any, config: Any, batch: BatchProfile, onnx: Path) -> None:
    """One profile: the batch sizes between which the plan is tuned; the other dimensions are the graph's."""
    if network.num_inputs != 1:
        raise EngineError(f"has {network.num_inputs} inputs, an engine has one", _AGAIN, onnx)
    tensor = network.get_input(0)
    first, *others = tuple(tensor.shape)
    if first != -1 or any(size < 1 for size in others):
        raise EngineError(
            f"its input has the shape {[first, *others]}, where only the first size, the batch, must be open "
            "(-1)",
            _AGAIN,
            onnx,
        )
    profile = builder.create_optimization_profile()
    profile.set_shape(tensor.name, *((size, *others) for size in (batch.min, batch.opt, batch.max)))
    config.add_optimization_profile(profile)


def _build(trt: Any, builder: Any, network: Any, config: Any) -> Any:
    """The serialised engine, None when TensorRT fails; in a thread, so that Ctrl-C is heard meanwhile."""
    stop, outcome = threading.Event(), Future[Any]()

    def work() -> None:
        try:
            outcome.set_result(builder.build_serialized_network(network, config))
        except Exception as error:
            outcome.set_exception(error)

    worker = threading.Thread(target=work)
    with told_phases() as phases:
        monitor = config.progress_monitor = monitor_of(trt, phases, stop)
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
