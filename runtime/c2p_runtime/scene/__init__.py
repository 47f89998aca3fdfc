"""From the points of a whole scene to things with names."""
