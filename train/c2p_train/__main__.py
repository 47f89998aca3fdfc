"""`c2p-train`, and `python -m c2p_train`, which torchrun needs: the command of `c2p_train.cli`."""

from c2p_deploy.start import start


def main() -> None:
    """Runs the command, and ends the process."""
    start("c2p_train.cli", computes=True)


if __name__ == "__main__":
    main()
