"""Training: pre-training, adapters, and what every long run needs."""
