"""Fake runs of Parts A and B of 2020: learning rates, the UNet and its control, batch sizes."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from fake_runs import MakeRun

from cnnreport.runs.artefact import Run

NETS = "experiments.csc413-2020.nets"
CNN = "six-block-cnn"
PUBLISHED = "six-block-cnn-published"
WIDENED = "six-block-cnn-widened"
UNET = "six-block-unet"
SIZES = (1, 5, 10, 100, 500, 1000)

BLURRED = {"edge_share_predicted": 0.21, "speck_share": 0.012}
SHARP = {
    "edge_share_predicted": 0.43,
    "speck_share": 0.07,
    "lab_distance": 12.0,
    "colour_share_predicted": 23 / 24,
}

WEIGHTS = {"six-block-unet": 112_344, WIDENED: 112_839}


def trained(make_run: MakeRun, experiment: str, loss: float, seeds: int = 3, **chosen: Any) -> list[Run]:
    """Return fake runs of an experiment with this final loss; seeds spread a little, differently in each."""
    net = "UNet" if experiment.startswith(UNET) else "CNN"
    measures = {"parameters": WEIGHTS.get(experiment, 86_784), **chosen.pop("measures", {})}
    start = chosen.pop("start", 2.4)
    return [
        make_run(
            seed,
            experiment=experiment,
            net=f"{NETS}:{net}",
            measures=measures,
            loss=(start, loss + 0.003 * ((seed + len(experiment)) % 3)),
            **chosen,
        )
        for seed in range(seeds)
    ]


def at_rates(
    make_run: MakeRun, losses: Mapping[float, float], published: int = 3, **chosen: Any
) -> list[Run]:
    """Return the runs of A2 with these final losses by the learning rate, one run between the ends."""
    named, seeds = {0.001: CNN, 0.3: PUBLISHED}, {0.001: 3, 0.3: published}
    return [
        run
        for rate, loss in losses.items()
        for run in trained(
            make_run,
            named.get(rate, f"{CNN}-rate-{str(rate).replace('.', '-')}"),
            loss,
            seeds.get(rate, 1),
            learning_rate=rate,
            accuracy=max(0.05, 0.7 - 0.2 * loss),
            **chosen,
        )
    ]


def in_batches(
    make_run: MakeRun,
    losses: Sequence[float],
    prefix: str = f"{UNET}-batch",
    rises: Sequence[float] = (),
    **chosen: Any,
) -> list[Run]:
    """Return a run for each batch size with these final losses, and these largest rises between epochs.

    A loss that is no number is that of a run that diverged.
    """
    made = []
    for place, (size, loss) in enumerate(zip(SIZES, losses, strict=True)):
        if rises:
            chosen["validation"] = [loss + 1, loss + 0.5, loss + 0.5 + rises[place], loss + 0.2, loss]
        lost = math.isnan(loss)
        made += trained(
            make_run,
            f"{prefix}-{size}",
            1.1 if lost else loss,
            1,
            **{**chosen, "batch_size": size, "diverged": lost},
        )
    return made
