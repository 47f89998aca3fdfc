"""What the scripts stand on: their frame, engines they make, the authors' pipeline; and a part of scale.py."""
