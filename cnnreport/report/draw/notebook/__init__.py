"""Drawings as cells of a notebook make them."""
