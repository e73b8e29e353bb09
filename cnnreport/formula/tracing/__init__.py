"""A net's own code, run with letters in place of sizes, and what it counts."""
