"""Part D: fine-tuning the last layer of a segmentation net for flowers, on frozen features."""

from cnnreport.runs.experiment import Experiment
from cnnreport.training.specs.costs import FineTuningCosts
from cnnreport.training.specs.segmentation import Features, FineTuning, Pretraining

IMAGES = {"images": 24}
SMOKE = {**IMAGES, "epochs": 2, "batch_size": 8}

FEATURES = "flower-features"
RANDOM_FEATURES = "flower-features-random"

SEEDS = 5
"""Of the clean protocol: a last layer takes seconds, and in few epochs at a large step size it varies."""

LONG = 150
"""Epochs of the long trainings. The mean IoU under the soft IoU loss rises for about a hundred; how much
the last tenth of the epochs still changes says whether a training has converged."""

LOSSES = {"cross-entropy": "cross entropy", "iou": "the soft IoU loss"}

EXPERIMENTS = (
    Experiment(
        name=FEATURES,
        title="Features of the frozen net, once for each image",
        spec=Features(),
        seeds=1,
        smoke=IMAGES,
    ),
    Experiment(
        name=RANDOM_FEATURES,
        title="The same with random weights, as a control",
        spec=Features(start="random"),
        seeds=1,
        smoke=IMAGES,
    ),
    *(
        Experiment(
            name=f"fine-tune-{loss}",
            title=f"The last layer fine-tuned with {words}",
            family="fine-tune",
            spec=FineTuning(loss=loss),
            seeds=SEEDS,
            smoke=SMOKE,
            reads=FEATURES,
        )
        for loss, words in LOSSES.items()
    ),
    *(
        Experiment(
            name=f"fine-tune-{loss}-handout",
            title=f"The same with {words}, in the handout's protocol",
            family="fine-tune-handout",
            spec=FineTuning(loss=loss, protocol="handout"),
            smoke=SMOKE,
            reads=FEATURES,
        )
        for loss, words in LOSSES.items()
    ),
    # Beyond the handout: whether its ten epochs are enough for either loss.
    *(
        Experiment(
            name=f"fine-tune-{loss}-long",
            title=f"The last layer fine-tuned with {words} for many epochs",
            family="fine-tune-long",
            spec=FineTuning(loss=loss, epochs=LONG),
            smoke=SMOKE,
            reads=FEATURES,
        )
        for loss, words in LOSSES.items()
    ),
    Experiment(
        name="fine-tune-random",
        title="A last layer on random frozen features, as a control",
        spec=FineTuning(loss="cross-entropy"),
        seeds=SEEDS,
        smoke=SMOKE,
        reads=RANDOM_FEATURES,
    ),
    Experiment(
        name="fine-tuning-costs",
        title="Memory and operations of fine-tuning, counted",
        spec=FineTuningCosts(),
        seeds=1,
    ),
    # Beyond the handout's text, but what its starter does.
    Experiment(
        name="fine-tune-moving",
        title="The last layer fine-tuned with the frozen net left in train mode",
        spec=FineTuning(loss="cross-entropy", protocol="handout", features="moving"),
        seeds=1,
        smoke=SMOKE,
    ),
    # What the embedded weights come from; no report needs it.
    Experiment(
        name="pretrain",
        title="The embedded segmentation net, pre-trained on meadow scenes without flowers",
        spec=Pretraining(architecture="mobilenet_v3_small_embedded"),
        seeds=1,
        smoke={"scenes": 16, "validation_scenes": 4, "epochs": 2, "batch_size": 4},
    ),
)
