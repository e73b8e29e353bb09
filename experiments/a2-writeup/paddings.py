"""Question B4: the paddings that keep the shapes of Figure 1b for other kernel sizes."""

from cnnreport.formula.spec import Paddings
from cnnreport.runs.experiment import Experiment

EXPERIMENTS = (
    Experiment(
        name="conv-transpose-paddings",
        title="ConvTransposeNet, its paddings derived and tried",
        spec=Paddings(net="cnnreport.nets.colourization:ConvTransposeNet", kernels=(3, 4, 5)),
        seeds=1,
    ),
)
