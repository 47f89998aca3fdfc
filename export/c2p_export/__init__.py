"""From a checkpoint to engine files (needs the extra `export`)."""
