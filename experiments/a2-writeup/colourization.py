"""Parts A to C: colourization as classification of pixels."""

from cnnreport.runs.experiment import Experiment
from cnnreport.training.specs.colourization import Colourization

SMOKE = {"epochs": 2, "train_images": 500, "validation_images": 200}

NETS = "cnnreport.nets.colourization"

BATCH_SIZES = (32, 64, 128, 256, 512)

UPDATES = 500
"""Of the trainings with a fixed number of updates: as many as 25 epochs make in batches of 256."""

WIDENED = 35
"""The least NF with which ConvTransposeNet has as many weights as UNet has with NF = 32."""

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
            smoke=SMOKE,
        )
        for size in BATCH_SIZES
    ),
    # Beyond the handout: small experiments that tell reasons apart.
    Experiment(
        name="strided-upsample",
        title="PoolUpsampleNet with strided convolutions in place of pooling",
        spec=Colourization(net="cnnreport.nets.ablation:StridedUpsampleNet"),
        smoke=SMOKE,
    ),
    Experiment(
        name="resize-conv",
        title="ConvTransposeNet with nearest upsampling and convolutions in place of transposed ones",
        spec=Colourization(net="cnnreport.nets.ablation:ResizeConvNet"),
        smoke=SMOKE,
    ),
    Experiment(
        name="input-skip",
        title="ConvTransposeNet with UNet's skip from the input alone",
        spec=Colourization(net="cnnreport.nets.ablation:InputSkipNet"),
        smoke=SMOKE,
    ),
    Experiment(
        name="inner-skip",
        title="ConvTransposeNet with UNet's skip between its inner levels alone",
        spec=Colourization(net="cnnreport.nets.ablation:InnerSkipNet"),
        smoke=SMOKE,
    ),
    Experiment(
        name="conv-transpose-widened",
        title="UNet with its skips cut, widened to as many weights",
        spec=Colourization(net=f"{NETS}:ConvTransposeNet", num_filters=WIDENED),
        smoke=SMOKE,
    ),
    *(
        Experiment(
            name=f"same-updates-{size}",
            title=f"ConvTransposeNet, {UPDATES} updates in batches of {size}",
            family="same-updates",
            spec=Colourization(net=f"{NETS}:ConvTransposeNet", batch_size=size, updates=UPDATES),
            smoke={**SMOKE, "updates": 20},
        )
        for size in BATCH_SIZES
    ),
)
