"""What fine-tuning costs in nets of n equal layers.

The trainings of Part C, and the costs of the real net, are declared by the report a2-writeup.
"""

from cnnreport.runs.experiment import Experiment

from .depth.spec import DepthCosts

EXPERIMENTS = (
    Experiment(
        name="depth-costs",
        title="Memory and operations of n equal layers, all learning or the last",
        spec=DepthCosts(),
        seeds=1,
    ),
)
