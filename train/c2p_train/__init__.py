"""Training of depth encoders (needs the extra `train`)."""
