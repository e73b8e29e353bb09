"""What has to be run and what stands: decided from keys alone, before any work."""
