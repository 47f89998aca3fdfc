"""Everyday shapes made by rule, with proportions drawn at random, where open packs have too few examples."""
