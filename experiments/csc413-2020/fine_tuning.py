"""What fine-tuning costs in nets of n equal layers.

The trainings of Part C, and the costs of the real net, are declared by the report a2-writeup.
"""

from cnnreport.runs.experiment import Experiment

from .depth.spec import DepthCosts, PeakMemory

EXPERIMENTS = (
    Experiment(
        name="depth-costs",
        title="Memory and operations of n equal layers, all learning or the last",
        spec=DepthCosts(),
        seeds=1,
    ),
    Experiment(
        name="depth-peaks",
        title="Peak memory of the same updates, where the device tells it",
        spec=PeakMemory(),
        seeds=1,
    ),
)
