"""What the runs of a kind of training say, as values, verdicts and pictures."""
