"""Parts A and B: the six-block net and its UNet, learning rates, weights and batch sizes."""

from cnnreport.runs.experiment import Experiment
from cnnreport.training.specs.colourization import Colourization

SMOKE = {"epochs": 2, "train_images": 200, "validation_images": 100}
"""The same images as in all other smoke runs of this report, so that they are prepared once."""

CNN = "experiments.csc413-2020.nets:CNN"
UNET = "experiments.csc413-2020.nets:UNet"

PUBLISHED = 0.3
"""The learning rate of Part A in published solutions; later years of the course have 0.001."""

RATES = (0.003, 0.01, 0.03, 0.1)
"""Between the two, about half a power of ten apart; all but 0.03 are left to the full build."""

WIDENED = 37
"""The least NF with which the CNN has as many weights as the UNet has with NF = 32."""

BATCH_SIZES = (1, 5, 10, 100, 500, 1000)

EPOCHS = 4
"""Of the trainings with several batch sizes. An update of a single image takes about 5 ms on one core of
2.9 GHz, so the 125,000 of 25 epochs take ten minutes: they are left to the full build."""

UPDATES = 50
"""Of the trainings with a fixed number of updates: a batch of 1000 then sees each image ten times."""

EXPERIMENTS = (
    Experiment(
        name="six-block-cnn",
        title="The six-block CNN with the learning rate of later years",
        spec=Colourization(net=CNN),
        smoke=SMOKE,
    ),
    Experiment(
        name="six-block-cnn-published",
        title="The six-block CNN with the published learning rate",
        spec=Colourization(net=CNN, learning_rate=PUBLISHED),
        seeds=1,
        full_seeds=3,
        smoke=SMOKE,
    ),
    *(
        Experiment(
            name=f"six-block-cnn-rate-{str(rate).replace('.', '-')}",
            title=f"The six-block CNN with a learning rate of {rate}",
            family="six-block-cnn-rate",
            spec=Colourization(net=CNN, learning_rate=rate),
            seeds=1,
            smoke=SMOKE,
        )
        for rate in RATES
    ),
    Experiment(
        name="six-block-unet",
        title="The UNet of 2020 in batches of 100",
        spec=Colourization(net=UNET),
        smoke=SMOKE,
    ),
    Experiment(
        name="six-block-cnn-widened",
        title="The UNet of 2020 with its skips cut, widened to as many weights",
        spec=Colourization(net=CNN, num_filters=WIDENED),
        smoke=SMOKE,
    ),
    *(
        Experiment(
            name=f"six-block-unet-batch-{size}",
            title=f"The UNet of 2020, {EPOCHS} epochs in batches of {size}",
            family="six-block-unet-batch",
            spec=Colourization(net=UNET, batch_size=size, epochs=EPOCHS),
            seeds=1,
            smoke=SMOKE,
        )
        for size in BATCH_SIZES
    ),
    *(
        Experiment(
            name=f"six-block-unet-updates-{size}",
            title=f"The UNet of 2020, {UPDATES} updates in batches of {size}",
            family="six-block-unet-updates",
            spec=Colourization(net=UNET, batch_size=size, updates=UPDATES),
            seeds=1,
            smoke={**SMOKE, "updates": 2},
        )
        for size in BATCH_SIZES
    ),
    # With --full alone: as long as the trainings of A2 and B2.
    *(
        Experiment(
            name=f"six-block-unet-long-{size}",
            title=f"The UNet of 2020, 25 epochs in batches of {size}",
            family="six-block-unet-long",
            spec=Colourization(net=UNET, batch_size=size),
            seeds=1,
            smoke=SMOKE,
        )
        for size in BATCH_SIZES
        if size != 100  # that is B2's
    ),
)
