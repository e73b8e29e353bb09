"""Data sets: real loaders, the embedded default and the colour palette."""
