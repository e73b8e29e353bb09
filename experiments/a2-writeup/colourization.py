"""Parts A to C: colourization as classification of pixels."""

from cnnreport.runs.experiment import Experiment
from cnnreport.training.spec import Colourization

SMOKE = {"epochs": 2, "train_images": 500, "validation_images": 200}

NETS = "cnnreport.nets.colourization"

BATCH_SIZES = (32, 64, 128, 256, 512)

EXPERIMENTS = (
    Experiment(
        name="pool-upsample",
        title="PoolUpsampleNet, trained as the handout asks",
        spec=Colourization(net=f"{NETS}:PoolUpsampleNet"),
        smoke=SMOKE,
    ),
    Experiment(
        name="conv-transpose",
        title="ConvTransposeNet, trained as the handout asks",
        spec=Colourization(net=f"{NETS}:ConvTransposeNet"),
        smoke=SMOKE,
    ),
    Experiment(
        name="unet",
        title="UNet, trained as the handout asks",
        spec=Colourization(net=f"{NETS}:UNet"),
        smoke=SMOKE,
    ),
    *(
        Experiment(
            name=f"batch-size-{size}",
            title=f"ConvTransposeNet, trained in batches of {size}",
            family="batch-size",
            spec=Colourization(net=f"{NETS}:ConvTransposeNet", batch_size=size),
            # How far seeds spread is known from conv-transpose, the same training in batches of 100.
            seeds=1,
            smoke=SMOKE,
        )
        for size in BATCH_SIZES
    ),
)
