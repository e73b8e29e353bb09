"""Causes by derivation: what upsampling can draw, and what the narrowest place of each net holds."""

from collections.abc import Callable, Mapping

from cnnreport.report.answer import Answer, Runs
from cnnreport.report.say.formulas import capacity, phases

PHASES = "upsampling-phases"
POOL_UPSAMPLE = "pool-upsample"
NETS = (POOL_UPSAMPLE, "conv-transpose", "unet")


def causes(runs: Runs) -> Answer:
    """Answer what a block can be after upsampling, and whether a net has room for what is finer.

    Returns:
        ``parts``: ``phases``, and ``capacities`` by experiment; ``values``: ``chance``, and how unlike the
        phases are in each trained layer by the layer's name; ``facts``: ``spreads``, whether that is known.
    """
    derivation = runs[PHASES][0]
    found = phases.phases(derivation)
    held = {name: capacity.capacity(runs[f"{name}-capacity"][0]) for name in NETS}
    spreads = phases.spreads(found, runs.get(POOL_UPSAMPLE, ()))
    return Answer(
        values={"chance": phases.chance(found, derivation), **spreads},
        parts={"phases": found, "capacities": held},
        facts={"spreads": bool(spreads) and all(spread.finite for spread in spreads.values())},
    )


ANSWERS: Mapping[str, Callable[[Runs], Answer]] = {"phases": causes}
