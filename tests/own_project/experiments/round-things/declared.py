"""The experiments of this project."""

from cnnreport.runs.experiment import Experiment

from .spec import Telling

EXPERIMENTS = (
    Experiment("few-filters", "Few filters", Telling(filters=2), seeds=2),
    Experiment("many-filters", "Many filters", Telling(filters=8), seeds=2),
)
