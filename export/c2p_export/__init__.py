"""From a checkpoint to engine files (needs the `export` extra: `pip install "c2p-deploy[export]"`)."""
