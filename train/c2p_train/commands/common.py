"""What the subcommands of training share: types of options, and the word on an interruption."""

from __future__ import annotations

from pathlib import Path

import click

# What `exit_on_error` says of work that is broken off: all of it goes on.
INTERRUPTED = "interrupted; the same command goes on where this one stopped"

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_FILE = click.Path(dir_okay=False, path_type=Path)
NEW_FOLDER = click.Path(file_okay=False, path_type=Path)
INTERRUPTED = "interrupted; the same command goes on where this one stopped"

device_option = click.option(
    "--device",
    default="auto",
    show_default=True,
    metavar="DEVICE",
    help="Where to compute: auto (a GPU if there is one), cpu, cuda or cuda:N.",
)
seed_option = click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of every random choice: the same seed gives the same result.",
)
cache_option = click.option(
    "--cache", type=NEW_FOLDER, help="Folder for what can be used again.  [default: the user's cache]"
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print the report as JSON, nothing else, on stdout."
)


def percent(value: float | None) -> str:
    """A figure in percent as tables show it; "-" where there is none."""
    return "-" if value is None else f"{value:.2f}"
