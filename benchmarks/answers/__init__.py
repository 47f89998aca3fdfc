"""What models answer, and how right they are: the measurements of `benchmarks/quality.py`."""
