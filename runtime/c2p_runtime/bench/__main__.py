"""`c2p-bench`, and `python -m c2p_runtime.bench`: the command of `c2p_runtime.bench.cli`."""

from c2p_deploy.start import start


def main() -> None:
    """Runs the command, and ends the process."""
    start("c2p_runtime.bench.cli")


if __name__ == "__main__":
    main()
