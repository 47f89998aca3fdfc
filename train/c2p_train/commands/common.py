"""What the subcommands share: types of options, and errors that end in one line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from c2p_deploy.errors import C2PError

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
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


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Turns a deliberate refusal, or a file system that refuses, into one line and exit code 1."""
    try:
        yield
    except (C2PError, OSError) as error:
        click.echo(f"error: {' '.join(str(error).split())}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("interrupted; the same command goes on where this one stopped", err=True)
        sys.exit(130)
