"""Training: loops, losses, metrics and exact rewrites for speed; no files, no prints."""
