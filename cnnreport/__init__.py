"""cnnreport: from a set of deep-learning experiments to a finished, honest lab report."""
