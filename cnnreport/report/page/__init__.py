"""Answers laid on a page."""
