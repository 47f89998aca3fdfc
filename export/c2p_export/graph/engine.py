"""The ONNX file of a checkpoint: folded, traced, in the precision asked for, written."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch

from c2p_deploy import progress
from c2p_deploy.errors import EngineError
from c2p_deploy.manifest import QUANTISED
from c2p_deploy.projection.spec import FloatArray
from c2p_export.graph.folding import fold
from c2p_export.graph.fp16 import to_fp16
from c2p_export.graph.onnx_file import trace, write_graph
from c2p_export.graph.quantise import quantise
from c2p_train.model.checkpoint import Checkpoint


def write_engine(checkpoint: Checkpoint, path: Path, precision: str, calibration: FloatArray | None) -> None:
    """Writes the ONNX file of a checkpoint; the same model gives the same bytes, whatever its labels.

    calibration: depth maps [N, V, S, S] to measure the ranges for int8 and fp8 on. Raises EngineError.
    """
    views, size = len(checkpoint.views), checkpoint.spec.image_size
    example = torch.rand(2, views, size, size)  # only its shape matters
    folded = fold(checkpoint.model, views)
    graph, in_float = trace(folded, example, ("depth", "features")), {}
    if precision in QUANTISED:
        if calibration is None or not len(calibration):
            raise EngineError(
                f"{precision} needs clouds to measure ranges on", "give a folder with --calib", path
            )
        graph, mended = quantise(graph, calibration, precision, path.parent)
        if mended is not None:
            few = f"{len(mended.kept)} of {mended.of} products stay in float"
            progress.say(f"{few}, for which eight bits are too few: {', '.join(mended.kept)}")
            in_float = {"c2p.in_float": f"{few}: {', '.join(mended.kept)}"}
    if precision != "fp32":
        try:
            to_fp16(graph)
        except EngineError as error:
            raise error.at(path) from error
    about = {
        "c2p.head": checkpoint.head,
        "c2p.encoders": ", ".join(encoder.config.name for encoder in checkpoint.model.used_encoders),
        "c2p.precision": precision,
        "c2p.views": f"{checkpoint.views.name} ({views})",
        "c2p.depth_spec": ", ".join(f"{name}={value}" for name, value in asdict(checkpoint.spec).items()),
        **in_float,
    }
    write_graph(graph, path, about)
    for parameter in folded.parameters():  # as in write_graph
        parameter.data = torch.empty(0)
