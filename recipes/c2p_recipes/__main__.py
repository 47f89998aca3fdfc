"""`c2p-recipe`, and `python -m c2p_recipes`: the command of `c2p_recipes.cli`."""

from c2p_deploy.start import start


def main() -> None:
    """Runs the command, and ends the process."""
    start("c2p_recipes.cli", computes=True)


if __name__ == "__main__":
    main()
