"""The command `python -m benchmarks.report`."""

from __future__ import annotations

import sys

import click

from c2p_deploy.console import CONTEXT, exit_on_error

from .documents import disagreements, write_all


@click.command(context_settings=CONTEXT)
@click.option("--check", is_flag=True, help="Change nothing; name what does not agree with the results.")
def main(check: bool) -> None:
    """Write every table and draw every plot of the documentation from benchmarks/results."""
    with exit_on_error():
        failed = [] if check else write_all()
        left = dict.fromkeys([*failed, *disagreements()])
    for line in left:
        click.echo(line, err=True)
    if left and check:
        click.echo("`python -m benchmarks.report` writes what the results say", err=True)
    sys.exit(bool(left))


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.report")
