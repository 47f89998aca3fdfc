"""Readers of meshes, one file a format, and the points that stand for a mesh."""
