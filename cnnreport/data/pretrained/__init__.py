"""Weights that a net begins with."""
