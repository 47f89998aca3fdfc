"""Training of depth encoders (needs the `train` extra: `pip install "c2p-deploy[train]"`)."""
