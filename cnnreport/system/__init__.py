"""What lies below every room: files that last, locks, streams, sources, what this machine has."""
