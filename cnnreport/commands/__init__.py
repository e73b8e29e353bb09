"""Whole commands and what they show."""
