"""`c2p-run`, and `python -m c2p_runtime`: the command of `c2p_runtime.cli`."""

from c2p_deploy.start import start


def main() -> None:
    """Runs the command, and ends the process."""
    start("c2p_runtime.cli")


if __name__ == "__main__":
    main()
