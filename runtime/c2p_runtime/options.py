"""Options that the commands of the runtime share: which engine runs, where, and with what."""

from __future__ import annotations

import click

from c2p_runtime.backends import BACKENDS, DEVICES

engine_option = click.option(
    "--engine",
    metavar="ENGINE",
    help="An .onnx or .plan with its manifest beside it, or the name of a bundled one "
    "(c2p-run --list-engines).  [default: the bundled model]",
)
device_option = click.option(
    "--device",
    type=click.Choice(DEVICES),
    default="auto",
    show_default=True,
    help="Where to run; auto takes the GPU if there is one that can.",
)
backend_option = click.option(
    "--backend",
    type=click.Choice(BACKENDS),
    default="auto",
    show_default=True,
    help="What to run with: onnxruntime or, on a CPU, openvino for an .onnx; the TensorRT that built it "
    "for a .plan.",
)
