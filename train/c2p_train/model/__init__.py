"""Encoders, heads and the checkpoint that holds them; published weights and words."""
