"""What models are judged by: top-1 on validation clouds, and when they say "unknown"."""
