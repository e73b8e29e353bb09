"""Formulas as people write them, read into expressions."""
