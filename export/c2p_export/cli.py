"""`c2p-export`: a checkpoint becomes engines that are proven equal to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from c2p_deploy.console import CONTEXT, exit_on_error, run, shown
from c2p_deploy.manifest import PRECISIONS
from c2p_deploy.projection.spec import PREPARATIONS
from c2p_export.request import Options, resolve

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

_EPILOG = """
\b
Examples:
  c2p-export --ckpt model.pt                                  model.onnx and model.json, float16
  c2p-export --ckpt best.pth --labels chairs.json --verify my_clouds
  c2p-export --ckpt model.pt --target sm86,sm89               and a TensorRT-RTX plan, built without a GPU
  c2p-export --ckpt model.pt --int8 --calib my_clouds
  c2p-export --onnx model.onnx                                on the robot: the plan for its own GPU
  c2p-export --onnx model.onnx --triton models                points in, names out, for tritonserver
  c2p-export inspect model.onnx

NAME.onnx runs everywhere (c2p-run --engine NAME.onnx); NAME.plan is faster and fits one TensorRT and one
kind of GPU; NAME.json, the manifest, belongs to both: keep the three together. Every engine that can run on
this machine is run and compared with the checkpoint before the files get their names. docs/export.md tells
which machine builds what for which board.
"""


class _Command(click.Group):
    """Names the option to whoever gives a file without one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands:
            ctx.fail(
                f"{args[0]!r} stands without an option; give a checkpoint with --ckpt, an .onnx with --onnx"
            )
        return super().resolve_command(ctx, args)


@click.group(cls=_Command, invoke_without_command=True, epilog=_EPILOG, context_settings=CONTEXT)
@click.option(
    "--ckpt",
    type=_FILE,
    help="What to export: a checkpoint of c2p-train, of CLIP2Point's authors (best*.pth), or OpenAI's CLIP.",
)
@click.option("--onnx", type=_FILE, help="Instead: an exported .onnx, to build its plan on this machine.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="NAME",
    help="Where to write: NAME.onnx, NAME.json, NAME.plan.  [default: beside the checkpoint, under its name]",
)
@click.option("--fp32", is_flag=True, help="Compute in float32.")
@click.option(
    "--fp16",
    is_flag=True,
    help="Compute in float16, but norms and softmax in float32; half the size.  [default]",
)
@click.option("--int8", is_flag=True, help="Products with weights in int8; needs --calib.")
@click.option("--fp8", is_flag=True, help="The same in float8, for GPUs from SM89 on; needs --calib.")
@click.option("--calib", type=_FOLDER, help="Clouds to measure the ranges for int8 and fp8 on.")
@click.option(
    "--preparation",
    type=click.Choice(PREPARATIONS),
    help="Of clouds on the robot: robust removes stray points first, paper lets all count.  "
    "[default: robust]",
)
@click.option(
    "--labels",
    metavar="LABELS",
    help="Label set to put into the manifest: a .json of c2p-train labels, or names (separated by commas, or "
    "a file with one per line) that the checkpoint or --text-encoder knows.  [default: the checkpoint's]",
)
@click.option(
    "--text-encoder",
    metavar="FILE|MODEL:TAG",
    help="Also export the text tower of this CLIP (OpenAI's file, or MODEL:TAG of open_clip), so that the "
    "robot can be given any words as labels.",
)
@click.option(
    "--backend",
    type=click.Choice(["auto", "tensorrt", "tensorrt-rtx", "onnx"]),
    default="auto",
    show_default=True,
    help="What to build a plan with; onnx builds none, auto takes the TensorRT here that can.",
)
@click.option(
    "--target",
    metavar="SM,...",
    help="GPUs the plan is for: sm86,sm89 ... Jetson Orin is sm87, Thor sm110.  [default: this machine's]",
)
@click.option(
    "--max-batch",
    type=click.IntRange(1, 1024),
    help="Most clouds per call.  [default: 8, with --onnx what the manifest says]",
)
@click.option(
    "--workspace",
    type=click.IntRange(min=1),
    metavar="MIB",
    help="Scratch memory in MiB that the plan may use.  [default: no limit]",
)
@click.option(
    "--timing-cache",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Kernel timings that TensorRT keeps from build to build.  [default: in the user's cache]",
)
@click.option(
    "--verify",
    type=_FOLDER,
    help="Clouds on which checkpoint and engines must agree (at most 64 are used).  "
    "[default: 32 made-up things]",
)
@click.option(
    "--triton",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Also put it into this model repository of Triton Inference Server; with --onnx, just that where no "
    "plan can be built here.",
)
@click.option("--keep-failed", is_flag=True, help="Write the files even if an engine does not agree.")
@click.version_option(package_name="c2p-deploy")
@click.pass_context
def main(context: click.Context, /, **options: Any) -> None:
    """Turn a checkpoint into an engine: an ONNX file, a manifest and, where it can be built, a TensorRT plan.

    Nothing is written unless the engine gives what the checkpoint gives, on real clouds.
    """
    if context.invoked_subcommand is not None:
        if options["ckpt"] is not None or options["onnx"] is not None:
            raise click.UsageError(f"{context.invoked_subcommand} exports nothing: give it the file alone")
        return
    chosen = [precision for precision in PRECISIONS if options.pop(precision)]
    if len(chosen) > 1:
        raise click.UsageError(f"{' and '.join(f'--{name}' for name in chosen)} exclude each other")
    with exit_on_error("interrupted; nothing was written"):
        request = resolve(Options(**options, precision=chosen[0] if chosen else None))
        from c2p_export import export

        with shown():
            export.run(request)


@main.command(epilog="Example: c2p-export inspect model.plan", context_settings=CONTEXT)
@click.argument("file", type=click.Path(path_type=Path))
def inspect(file: Path) -> None:
    """Say what an engine is, and whether it can run on this machine.

    FILE: an .onnx, a .plan, or the manifest .json beside them.
    """
    with exit_on_error():
        from c2p_export.inspect_engine import print_engine

        print_engine(file)


if __name__ == "__main__":
    run(main)
