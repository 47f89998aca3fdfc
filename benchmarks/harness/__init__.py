"""What the scripts stand on: their frame, engines they make, the authors' pipeline, parts of scale.py."""
