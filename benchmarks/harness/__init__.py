"""What the scripts stand on: their frame, engines they make, the authors' pipeline, a part of scale.py."""
