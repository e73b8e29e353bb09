"""Parts A to C: colourization as classification of pixels."""

from cnnreport.runs.experiment import Experiment
from cnnreport.training.spec import Colourization

SMOKE = {"epochs": 2, "train_images": 500, "validation_images": 200}

EXPERIMENTS = (
    Experiment(
        name="pool-upsample",
        title="PoolUpsampleNet, trained as the handout asks",
        spec=Colourization(net="cnnreport.nets.colourization:PoolUpsampleNet"),
        smoke=SMOKE,
    ),
)
