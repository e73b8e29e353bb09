"""cnnreport: from a set of deep-learning experiments to a finished, honest lab report."""

from cnnreport import sources

sources.follow(sources.PACKAGE)  # before any other module is imported, so that all are what they say
