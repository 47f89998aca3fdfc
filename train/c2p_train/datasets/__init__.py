"""Labelled clouds: what a folder holds, and one split of it, prepared."""
