"""`c2p-doctor`: one screen about this machine, on the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from c2p_deploy import console
from c2p_deploy.errors import one_line
from c2p_runtime.options import device_option

_EPILOG = """
\b
Examples:
  c2p-doctor
  c2p-doctor drill.plan
  c2p-doctor --device cuda --json > machine.json

Every problem has a line below it that says what to do. Nothing is sent anywhere. Exit code 1 when there
is a problem.
"""


@click.command(epilog=_EPILOG, context_settings=console.CONTEXT)
@click.argument("engine", required=False, type=click.Path(path_type=Path))
@device_option
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
@click.version_option(package_name="c2p-deploy")
def main(engine: Path | None, device: Any, as_json: bool) -> None:
    """Look at what engines need: Python, board, driver, CUDA, TensorRT, ONNX Runtime, OpenVINO, memory.

    Compiles and runs a kernel where there is a GPU, and classifies a cloud with ENGINE (an .onnx or .plan
    with its manifest beside it; the bundled model if none is given).
    """
    with console.exit_on_error("interrupted"):
        from c2p_runtime.backends.gpu import find_gpus
        from c2p_runtime.bench.environment import command, environment
        from c2p_runtime.doctor.checks import findings

        gpus = find_gpus()
        machine = {**environment(gpus), "command": command("c2p-doctor")}
        found = []
        for finding in findings(machine, gpus, engine, device):
            found.append(finding)
            if not as_json:
                console.answer(
                    f"{'ok' if finding.fine else 'NO':2}  {finding.name:14} {finding.found}".rstrip()
                )
                if not finding.fine:
                    remedy = f"; {finding.remedy}" if finding.remedy else ""
                    console.answer(f"    {'':14} -> {finding.problem}{remedy}")
        problems = sum(not finding.fine for finding in found)
        if as_json:
            report = {
                "schema": "c2p-doctor/1",
                "fine": problems == 0,
                "findings": [
                    {key: one_line(value) or None for key, value in vars(finding).items()}
                    for finding in found
                ],
                "machine": machine,
            }
            click.echo(json.dumps(report, indent=1))
        else:
            console.answer("everything works" if problems == 0 else f"{problems} to repair")
    sys.exit(0 if problems == 0 else 1)
