"""Beyond the handout: small experiments that tell reasons apart (``build --full``)."""

from cnnreport.runs.experiment import Experiment
from cnnreport.training.spec import Colourization

SMOKE = {"epochs": 2, "train_images": 500, "validation_images": 200}

BATCH_SIZES = (32, 64, 128, 256, 512)

UPDATES = 500
"""As many as a training of 25 epochs makes in batches of 256."""

WIDENED = 35
"""The least NF with which ConvTransposeNet has as many weights as UNet has with NF = 32."""

EXPERIMENTS = (
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
        name="conv-transpose-widened",
        title="UNet with its skips cut, widened to as many weights",
        spec=Colourization(net="cnnreport.nets.colourization:ConvTransposeNet", num_filters=WIDENED),
        smoke=SMOKE,
    ),
    *(
        Experiment(
            name=f"same-updates-{size}",
            title=f"ConvTransposeNet, {UPDATES} updates in batches of {size}",
            family="same-updates",
            spec=Colourization(
                net="cnnreport.nets.colourization:ConvTransposeNet", batch_size=size, updates=UPDATES
            ),
            seeds=1,
            smoke={**SMOKE, "updates": 20},
        )
        for size in BATCH_SIZES
    ),
)
