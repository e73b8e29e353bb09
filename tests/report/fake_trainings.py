"""Fake runs of Parts A to C by how well they colour: what a text is tried with."""

from collections.abc import Sequence
from typing import Any

from fake_runs import MakeRun

from cnnreport.runs.artefact import Run

NETS = {
    "pool-upsample": "cnnreport.nets.colourization:PoolUpsampleNet",
    "strided-upsample": "cnnreport.nets.ablation:StridedUpsampleNet",
    "resize-conv": "cnnreport.nets.ablation:ResizeConvNet",
    "conv-transpose": "cnnreport.nets.colourization:ConvTransposeNet",
    "conv-transpose-widened": "cnnreport.nets.colourization:ConvTransposeNet",
    "input-skip": "cnnreport.nets.ablation:InputSkipNet",
    "inner-skip": "cnnreport.nets.ablation:InnerSkipNet",
    "unet": "cnnreport.nets.colourization:UNet",
}
WEIGHTS = {"unet": 56856, "conv-transpose-widened": 57675}
SIZES = (32, 64, 128, 256, 512)


def trained(make_run: MakeRun, experiment: str, seeds: int = 3, **chosen: Any) -> list[Run]:
    """Return fake runs of an experiment; the seeds' results spread a little, and differently in each."""
    measures = {"parameters": WEIGHTS.get(experiment, 49728), **chosen.pop("measures", {})}
    start, end = chosen.pop("loss", (2.13, 1.583))
    return [
        make_run(
            seed,
            experiment=experiment,
            net=NETS[experiment],
            measures=measures,
            loss=(start, end + 0.003 * ((seed + len(experiment)) % 3)),
            **chosen,
        )
        for seed in range(seeds)
    ]


def better(make_run: MakeRun, experiment: str, seeds: int = 3, **chosen: Any) -> list[Run]:
    """Return runs of a net that colours well."""
    looks = {"edge_share_predicted": 0.40, "lab_distance": 12.0, "colour_share_predicted": 23 / 24}
    return trained(make_run, experiment, seeds, accuracy=0.58, loss=(1.9, 1.05), measures=looks, **chosen)


def worse(make_run: MakeRun, experiment: str, seeds: int = 3, **chosen: Any) -> list[Run]:
    """Return runs of a net that colours badly."""
    looks = {"edge_share_predicted": 0.20, "lab_distance": 18.0, "colour_share_predicted": 12 / 24}
    return trained(make_run, experiment, seeds, accuracy=0.41, loss=(2.1, 1.58), measures=looks, **chosen)


def path_runs(make_run: MakeRun, losses: Sequence[float]) -> list[Run]:
    """Return the runs of the four nets of the path, with these final losses."""
    names = ("pool-upsample", "strided-upsample", "resize-conv", "conv-transpose")
    return [
        run
        for name, loss in zip(names, losses, strict=True)
        for run in trained(make_run, name, loss=(loss, loss))
    ]


def unet_runs(make_run: MakeRun, last: Any, before: Any, **chosen: Any) -> list[Run]:
    """Return the runs of C3."""
    return [
        *worse(make_run, "pool-upsample", **chosen),
        *before(make_run, "conv-transpose", **chosen),
        *last(make_run, "unet", **chosen),
    ]


def sweep_runs(
    make_run: MakeRun, losses: Sequence[float], prefix: str = "batch-size", **chosen: Any
) -> list[Run]:
    """Return a run for each batch size, with these final losses."""
    net = NETS["conv-transpose"]
    return [
        make_run(experiment=f"{prefix}-{size}", net=net, batch_size=size, loss=(2.1, loss), **chosen)
        for size, loss in zip(SIZES, losses, strict=True)
    ]


def skip_runs(
    make_run: MakeRun, widened: Any, unet: Any, outer: Any = worse, inner: Any = worse
) -> list[Run]:
    """Return the runs that tell skips and weights apart, and one skip from the other."""
    wide = widened(make_run, "conv-transpose-widened", filters=35)
    single = [*outer(make_run, "input-skip"), *inner(make_run, "inner-skip")]
    return [*worse(make_run, "conv-transpose"), *wide, *single, *unet(make_run, "unet")]


RISING = (1.0, 1.1, 1.2, 1.4, 1.7)
"""Losses of five batch sizes."""
