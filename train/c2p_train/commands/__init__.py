"""The subcommands of `c2p-train`, one module each. None imports torch before it runs."""
