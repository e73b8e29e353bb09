"""Pages written to files."""
