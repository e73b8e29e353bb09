"""Whole figures laid out on one sheet: rows of pictures, errors by colour, how sure a net may be."""
