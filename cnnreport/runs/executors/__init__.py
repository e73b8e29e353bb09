"""Where, in which order and by how many workers runs are computed."""
