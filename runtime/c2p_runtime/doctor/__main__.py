"""`c2p-doctor`, and `python -m c2p_runtime.doctor`: the command of `c2p_runtime.doctor.cli`."""

from c2p_deploy.start import start


def main() -> None:
    """Runs the command, and ends the process."""
    start("c2p_runtime.doctor.cli")


if __name__ == "__main__":
    main()
