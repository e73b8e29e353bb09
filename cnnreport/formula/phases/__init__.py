"""What doubling a grid can draw: the effective kernel of each of its four phases."""
