"""How right models are: few shots, things taught, strangers and clutter, what a robot meets, sampling.

    python benchmarks/quality.py robustness --modelnet10 DIR --meshes DIR

Each is a module of `answers`, with options of its own (--help).
"""

from __future__ import annotations

from importlib import import_module

import click

from c2p_deploy.console import CONTEXT

_NAMES = ("fewshot", "rejection", "robustness", "sampling", "teach")


class Answers(click.Group):
    """The measurements by name; each is imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*_NAMES]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _NAMES:
            return None
        command: click.Command = import_module(f"answers.{cmd_name}").main
        return command


@click.group(cls=Answers, context_settings=CONTEXT)
def main() -> None:
    """Measure how right models are."""


if __name__ == "__main__":
    main()
