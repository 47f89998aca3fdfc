"""Whole models, from folders of data to engine and card (needs the `export` extra)."""
