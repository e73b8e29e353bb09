"""Answers to part 2 of KU Advanced Deep Learning 2022, assignment 1: lungs in chest radiographs."""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np

from cnnreport.report.answer import Answer, Runs
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.contrast import Contrast
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.family import family
from cnnreport.report.numbers.images import contrast_over_images
from cnnreport.report.numbers.quantity import Quantity, Source, over_all
from cnnreport.report.say import training
from cnnreport.report.say.formulas import derived
from cnnreport.report.say.formulas.derived import Derivation, Shape
from cnnreport.runs.artefact import Run

from ..findings.mask_errors import deeper, mask_errors
from ..lung_pictures import Array, begins, pictures
from ..ranking import Ranking, ranking, room

VARIANTS = {"bilinear": "bilinear", "nearest": "nearest", "elu": "ELU", "transposed": "transposed"}
"""What the text calls each U-Net, by the end of its experiment's name."""

BASELINE = VARIANTS["bilinear"]

PLAIN, WIDE = "lungs-", "lungs-wide-"
"""How the names of the trainings begin, and of those as wide as the course's."""

UP = "up"
"""How the names of what a U-Net has on its way up begin."""

PUBLISHED = Path(__file__).parents[1] / "published.toml"

CLAIMED = ("only", "more", "as_much", "lost")
"""Whether comparisons are clear for the nets that were trained that are not clear for other trials."""


@dataclass(frozen=True)
class Block:
    """A part of a net, and what goes into it and comes out.

    Args:
        name: What the class calls it.
        inputs: The shapes of what it takes from other parts, those from the part before first.
        output: The shape of what its last one gives.
    """

    name: str
    inputs: tuple[Shape, ...]
    output: Shape


@dataclass(frozen=True)
class Pair:
    """Two trainings, the one with the higher mean F1 first, compared in three ways.

    Args:
        trials: Over the trials of both, on these test images: about other trials.
        cases: Over the test images, each with its mean over the trials: about other images, for these nets.
        both: Over trials and images: about other trials on other images.
        reversed: How often two single trials stand in the other order.
    """

    trials: Contrast
    cases: Contrast | None
    both: Contrast | None
    reversed: Quantity


def unet(runs: Runs) -> Answer:
    """Answer 2.1: what the U-Net is, what shapes it makes, and how many parameters each variant has."""
    trained = _variants(runs, PLAIN)
    derivations = {
        who: derived.derivation(runs[f"{PLAIN}{name}-formulas"][0]) for name, who in VARIANTS.items()
    }
    first = trained[BASELINE]
    nets = {who: training.net_name(of) for who, of in trained.items()}
    counted = {who: training.numbers(of)["parameters"] for who, of in trained.items()}
    more = _more(counted[VARIANTS["transposed"]], counted[BASELINE])
    return Answer(
        values={**training.numbers(first), "more_parameters": more},
        decisions={"transposed": _sign("parameters of transposed beside the baseline", more)},
        listings={
            "blocks": reading.listing(first, "DoubleConv"),
            "up": reading.listing(first, "Up"),
            "net": reading.listing(first, nets[BASELINE]),
            **{
                name: reading.listing(trained[who], nets[who])
                for name, who in VARIANTS.items()
                if who != BASELINE
            },
        },
        parts={
            "nets": derivations,
            "blocks": _blocks(derivations[BASELINE]),
            "classes": nets,
            "trained": counted,
        },
    )


def _more(left: Quantity, right: Quantity) -> Quantity:
    """Return by how many parameters a variant exceeds another."""
    return over_all(
        "lungs.more_parameters", "parameters of transposed above those of bilinear", left.mean - right.mean,
        "{} minus {}", left, right, form="count",
    )  # fmt: skip


def _sign(what: str, more: Quantity) -> Decision:
    outcome = "same" if more.mean == 0 else "more" if more.mean > 0 else "fewer"
    return Decision(what, outcome, ("more", "fewer", "same"))


def layers(runs: Runs) -> Answer:
    """Answer with all layers of the U-Net, for the supplement."""
    net = derived.derivation(runs[f"{PLAIN}bilinear-formulas"][0])
    up = [layer.path.startswith(UP) for layer in net.layers].index(True)
    ways = {"down": net.layers[:up], "up": net.layers[up:]}
    return Answer(parts={way: replace(net, layers=of) for way, of in ways.items()})


def _blocks(net: Derivation) -> tuple[Block, ...]:
    """Join what belongs together: layers that follow each other in one attribute of the net."""
    joined = groupby(enumerate(net.layers), lambda each: each[1].path.partition(".")[0])
    blocks = []
    for name, of in joined:
        numbered = list(of)
        first = numbered[0][0]
        taken = {
            source: shape
            for _, layer in numbered
            for source, shape in zip(layer.sources, layer.inputs, strict=True)
            if source < first
        }
        inputs = tuple(taken[source] for source in sorted(taken, reverse=True))
        blocks.append(Block(name, inputs, numbered[-1][1].output))
    return tuple(blocks)


def variants(runs: Runs) -> Answer:
    """Answer 2.2: what the variants make of the test images, and which of them the trials tell apart."""
    return _compared(runs, PLAIN)


def as_wide(runs: Runs) -> Answer:
    """Answer what comes of the course's own width and size, and whether it is near what was reported."""
    return _compared(runs, WIDE)


def _compared(runs: Runs, begin: str) -> Answer:
    trained = _variants(runs, begin)
    values = {who: training.numbers(of) for who, of in trained.items()}
    made = ranking(begin.rstrip("-"), {who: each["test_f1"] for who, each in values.items()})
    pairs = _pairs(begin.rstrip("-"), made, trained)
    clear = _clear(begin.rstrip("-"), pairs)
    best = trained[made.ranked[0].name]
    spread = _spread(begin.rstrip("-"), [each.number for each in made.ranked])
    reported = _published()
    published = ranking("published.lungs", reported)
    found = mask_errors(training.shown_run(best))
    losses = {who: each["loss"] for who, each in values.items()}
    return Answer(
        values={
            **values[BASELINE],
            **spread,
            **clear,
            **found,
            **_losses(begin.rstrip("-"), losses),
            "room": room(begin.rstrip("-"), made),
            "published_room": room("published.lungs", published),
            "published": reported[BASELINE],
            **{
                f"published_{name}": each for name, each in _spread("published", [*reported.values()]).items()
            },
        },
        verdicts={"baseline": made.against(VARIANTS["elu"], BASELINE).verdict},
        decisions={
            "supported": made.supported,
            "claimed": _claimed(pairs, clear),
            "deeper": deeper(found),
            "lowest_loss": _beside(made, losses),
            "largest": _within("the largest difference between variants", spread),
            "published": published.supported,
            "published_largest": _within(
                "the largest reported difference", _spread("published", [*reported.values()])
            ),
        },
        pictures=pictures(trained, made.ranked[0].name),
        parts={
            "ranking": made,
            "pairs": pairs,
            "numbers": {who: values[who] for who in trained},
            "published": published,
            "data": reading.datasets(best),
        },
        facts={
            **training.facts(best),
            "best": made.ranked[0].name,
            "lowest_loss": _lowest(losses),
            "highest_loss": _highest(losses),
            "begun_late": begins(trained) is not None,
            "several": min(map(len, trained.values())) > 1,
            "stand_in": any(each.stand_in for each in reading.datasets(best)),
        },
    )


def _variants(runs: Runs, begin: str) -> dict[str, Sequence[Run]]:
    return {who: runs[begin + name] for name, who in VARIANTS.items()}


def _pairs(name: str, made: Ranking, trained: Mapping[str, Sequence[Run]]) -> tuple[Pair, ...]:
    """Compare each two trainings in three ways, each of them a family of comparisons."""
    kept = {who: _case_scores(of) for who, of in trained.items()}
    ways: dict[str, Callable[[Array], Array]] = {
        "cases": lambda scores: scores.mean(0, keepdims=True),
        "both": lambda scores: scores,
    }
    judged: dict[str, dict[str, Contrast]] = {}
    for way, of in ways.items():
        found = {}
        for pair in made.pairs:
            left, right = pair.contrast.names
            if min(kept[left].shape[0], kept[right].shape[0], kept[left].shape[-1] - 1) < 1:
                continue
            found[left + right] = contrast_over_images(
                f"{name}.{way}.{left}.less.{right}",
                (pair.contrast.left, pair.contrast.right),
                (left, right),
                (of(kept[left]), of(kept[right])),
            )
        judged[way] = family(found)
    return tuple(
        Pair(
            pair.contrast,
            judged["cases"].get("".join(pair.contrast.names)),
            judged["both"].get("".join(pair.contrast.names)),
            pair.reversed,
        )
        for pair in made.pairs
    )


def _case_scores(runs: Sequence[Run]) -> Array:
    """Return the F1 of each test image in each run that did not diverge, (S, N)."""
    scores = [run.samples()["case_f1"] for run in runs if not run.diverged]
    return np.stack(scores) if scores else np.zeros((0, 0))


def _clear(name: str, pairs: Sequence[Pair]) -> dict[str, Quantity]:
    """Return how many comparisons are clear over the test images, and how many of these over them alone."""
    by_images = [pair for pair in pairs if pair.cases and (pair.cases.higher or pair.cases.lower)]
    alone = [pair for pair in by_images if not (pair.trials.higher or pair.trials.lower)]
    parts = [side for pair in pairs for side in (pair.trials.left, pair.trials.right)]
    how = "comparisons over the test images that are clear{}: {{}}"
    return {
        "by_images": over_all(
            f"{name}.by_images", "comparisons clear over the test images", len(by_images), how.format(""),
            *parts, form="count",
        ),
        "by_images_alone": over_all(
            f"{name}.by_images_alone", "comparisons clear over the test images, but not over the trials",
            len(alone), how.format(", but not over the trials"), *parts, form="count",
        ),
    }  # fmt: skip


def _claimed(pairs: Sequence[Pair], clear: Mapping[str, Quantity]) -> Decision:
    """Say whether images alone would claim more than the trials support."""
    lost = any(pair.cases is None for pair in pairs)
    alone = clear["by_images_alone"].mean
    only = alone == clear["by_images"].mean == len(pairs)
    outcome = "lost" if lost else "only" if only else "more" if alone else "as_much"
    return Decision("whether images alone would claim more", outcome, CLAIMED)


def _losses(name: str, losses: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """Return the lowest mean validation loss of a variant, and the highest one of a single trial."""
    every = [value for loss in losses.values() for value in loss.finite]
    means = [loss.mean for loss in losses.values() if loss.finite]
    return {
        "lowest_loss": over_all(
            f"{name}.lowest_loss", "lowest mean validation loss", min(means, default=np.nan),
            "lowest mean of {}", *losses.values(), form="loss",
        ),
        "highest_loss": over_all(
            f"{name}.highest_loss", "highest validation loss of a trial", max(every, default=np.nan),
            "highest of {}", *losses.values(), form="loss",
        ),
    }  # fmt: skip


def _lowest(losses: Mapping[str, Quantity]) -> str:
    return min(losses, key=lambda who: losses[who].mean if losses[who].finite else np.inf)


def _highest(losses: Mapping[str, Quantity]) -> str:
    return max(losses, key=lambda who: max(losses[who].finite, default=-np.inf))


def _beside(made: Ranking, losses: Mapping[str, Quantity]) -> Decision:
    """Say where the variant with the lowest validation loss stands by its F1."""
    who = _lowest(losses)
    means = [loss.mean for loss in losses.values()]
    places = {made.ranked[0].name: "first", made.ranked[-1].name: "last"}
    outcome = places.get(who, "between")
    if not all(loss.finite for loss in losses.values()) or means.count(min(means)) > 1:
        outcome = "none"
    return Decision(
        "where the variant with the lowest loss stands by its F1", outcome,
        ("first", "last", "between", "none"),
    )  # fmt: skip


def _spread(name: str, numbers: Sequence[Quantity]) -> dict[str, Quantity]:
    """Return the largest difference between two variants' means, and between two trials of one variant."""
    means = [number.mean for number in numbers if number.finite]
    within = [max(number.finite) - min(number.finite) for number in numbers if number.finite]
    apart = max(means) - min(means) if means else np.nan
    widest = max(within) if within else np.nan
    return {
        "largest": over_all(
            f"{name}.largest", "largest difference between variants", apart,
            "highest minus lowest mean of {}", *numbers, form="score",
        ),
        "spread": over_all(
            f"{name}.spread", "largest difference between trials of a variant", widest,
            "largest range over the trials of {}", *numbers, form="score",
        ),
    }  # fmt: skip


def _within(what: str, spread: Mapping[str, Quantity]) -> Decision:
    """Say whether a difference is larger than trials of one variant differ."""
    largest, between = spread["largest"], spread["spread"]
    if not largest.finite:
        outcome = "lost"
    elif between.mean == 0:
        outcome = "alone"
    else:
        outcome = "within" if largest.mean <= between.mean else "beyond"
    return Decision(f"{what} beside that between trials", outcome, ("within", "beyond", "alone", "lost"))


def _published() -> dict[str, Quantity]:
    """Return the F1 that a finished write-up reported of each variant, a value for each of its trials."""
    reported = tomllib.loads(PUBLISHED.read_text(encoding="utf-8"))["lungs"]
    file = f"experiments/{PUBLISHED.parent.name}/{PUBLISHED.name}"
    return {
        who: Quantity(
            f"published.lungs.{name}",
            f"published: F1, test, {who}",
            dict(enumerate(reported[name]["mean"])),
            "score",
            Source((), file, f"lungs, {name}, mean"),
        )
        for name, who in VARIANTS.items()
        if name in reported
    }


ANSWERS: Mapping[str, Callable[[Runs], Answer]] = {
    "s21": unet,
    "s22": variants,
    "slayers": layers,
    "swide": as_wide,
}
