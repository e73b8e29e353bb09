"""What skip connections change: a net with them against the same net without, by numbers and by images."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cnnreport.report.answer import Answer
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.contrast import Contrast, balance
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity, Source
from cnnreport.report.numbers.verdict import Verdict
from cnnreport.report.say import colourization, training
from cnnreport.report.say.colourization import versus
from cnnreport.report.say.colours import by_colour, in_colour
from cnnreport.report.say.colours.mistaken import mistaken
from cnnreport.report.say.colours.pictured import Changed, Pictured, changed, pictured, shared
from cnnreport.runs import artefact
from cnnreport.runs.artefact import Run

REPORTED = ("loss", "accuracy")
"""What the question names ("did skip connections improve the validation loss and accuracy?"), so that
both are primary; and what others report."""

_APPEARANCE = ("lab_distance", "rgb_distance")
"""How far the predicted colours are from the right ones; how rough pictures are is no better or worse."""

_IMPROVED = (
    "both",
    "loss_not_accuracy",
    "loss_alone",
    "accuracy_not_loss",
    "accuracy_alone",
    "neither",
    "unclear",
)
# The nets that are better than a table; ``each``: they differ, or it is open, so each is named.
_OVER_TABLE = ("all", "none", "each")

_CAUSES = ("unknown_losses", "worse", "no_gain", "weights_left", "skips", "weights", "undecided")
"""What the loss of a net without skips that has as many weights can say about the gain of the skips."""


def with_skips(left: Sequence[Run], right: Sequence[Run]) -> Answer:
    """Return what a section about skip connections prints.

    Args:
        left: The runs of the net with skips (CSC413 2020, question B3; 2021 and 2022, question C3).
        right: Those of the net without.

    Returns:
        What `colourization.versus` says; ``decisions``: ``improved`` (loss and accuracy), ``images``,
        ``over_table``; ``pictures``: rows of the same images; ``grids``: ``colours``; ``parts``: the colours
        that are ``gaining`` and ``losing``, the most ``unsure`` one, the most frequent mistakes, which nets
        are better ``colouring`` than a table, and, where both nets were trained to their end, what can be
        said of single images.
    """
    compared = versus(left, right, primary=REPORTED)
    rows = colourization.picture_rows(right, training.net_name(right))
    pictures = {
        "grey": rows["grey"],
        "truth": rows["truth"],
        "right": rows["prediction"],
        "left": colourization.prediction_row(left, training.net_name(left), right),
    }
    c = compared.contrasts
    kept, wrong = by_colour.by_colour(left, right), mistaken(left)
    return replace(
        compared,
        decisions={
            "improved": Decision("what skips improved", _improved(c["loss"], c["accuracy"]), _IMPROVED),
            "images": balance("whether the images are better with skips", [c[name] for name in _APPEARANCE]),
            "over_table": over_table((beats_table(left), beats_table(right))),
        },
        pictures=pictures,
        grids={"colours": by_colour.table(kept, left, right)} if kept else {},
        parts={
            "gaining": [colour for colour in kept if colour.gain.higher],
            "losing": [colour for colour in kept if colour.gain.lower],
            "unsure": _unsure(kept),
            "mistaken": wrong,
            "colouring": in_colour.colouring(left, right),
            "mistaken_right": wrong and mistaken(right, wrong),
            **_pictured(left, right),
        },
        facts={**compared.facts, "colours_tested": any(colour.gain.adjusted for colour in kept)},
    )


def _unsure(kept: Sequence[by_colour.Kept]) -> by_colour.Kept | None:
    """Return the colour of which the difference has the widest interval; None where none has one."""
    tested = [colour for colour in kept if colour.gain.p is not None]
    return max(tested, key=lambda colour: colour.gain.difference.half_width or 0.0, default=None)


def beats_table(runs: Sequence[Run]) -> Verdict:
    """Judge whether a net is better than a table from grey level to colour."""
    return colourization.beats_table(runs, colourization.numbers(runs)["over_table"])


def over_table(verdicts: Sequence[Verdict]) -> Decision:
    """Decide which nets are better than the table, by the verdict of each."""
    outcomes = {verdict.outcome for verdict in verdicts}
    outcome = "all" if outcomes == {"yes"} else "none" if outcomes == {"no"} else "each"
    return Decision("which nets are better than a table from grey level to colour", outcome, _OVER_TABLE)


def _pictured(left: Sequence[Run], right: Sequence[Run]) -> dict[str, object]:
    """Return what can be said of images by their numbers; nothing where a net was not trained to its end."""
    mine, theirs = pictured(left), pictured(right)
    if mine is None or theirs is None:
        return {}
    return {
        "pictured": mine,
        "changed": changed(mine, theirs),
        "shared": shared(mine, theirs),
        **_gained(left, right, mine, theirs),
    }


@dataclass(frozen=True)
class Gained:
    """In how many validation images a net has more right pixels than another, and in how many fewer.

    Args:
        more: The share of the images with more, by the means over the seeds of each net.
        fewer: The share of those with fewer.
        worse: Of the images of a figure those with fewer, in the runs that the figure shows.
    """

    more: Quantity
    fewer: Quantity
    worse: tuple[Changed, ...]


def _gained(left: Sequence[Run], right: Sequence[Run], mine: Pictured, theirs: Pictured) -> dict[str, Gained]:
    """Return what the images gain; nothing where a run kept no accuracy of each image."""
    kept = [reading.of_images(runs, "image_accuracy") for runs in (left, right)]
    if kept[0] is None or kept[1] is None:
        return {}
    gain = kept[0].mean(0) - kept[1].mean(0)
    source = Source(tuple(run.folder.name for run in (*left, *right)), artefact.SAMPLES, "")
    names = training.net_name(left), training.net_name(right)

    def share(word: str, value: float) -> Quantity:
        field = f"image_accuracy, mean over seeds: images with {word} for {names[0]} than for {names[1]}"
        name = f"{training.experiment_of(left)}.{field}"
        return Quantity(
            name,
            f"images with {word} right pixels",
            {left[0].seed: value},
            "share",
            replace(source, field=field),
        )

    pairs = zip(mine.images, theirs.images, strict=True)
    worse = tuple(
        Changed(a.number, a.accuracy, b.accuracy) for a, b in pairs if a.accuracy.mean < b.accuracy.mean
    )
    shares = share("more", float((gain > 0).mean())), share("fewer", float((gain < 0).mean()))
    return {"gained": Gained(*shares, worse)}


def _improved(loss: Contrast, accuracy: Contrast) -> str:
    """Say what the skips improved, of the loss and the accuracy."""
    if loss.lower and accuracy.higher:
        return "both"
    if loss.lower:
        return "loss_not_accuracy" if accuracy.lower else "loss_alone"
    if accuracy.higher:
        return "accuracy_not_loss" if loss.higher else "accuracy_alone"
    return "neither" if loss.higher or accuracy.lower else "unclear"


def cause(gain: Contrast, over_widened: Contrast, weights: Contrast) -> Decision:
    """Decide whether more weights explain what skips gain.

    Args:
        gain: The loss of the net with skips against that of the net without.
        over_widened: The same against the net without skips that was widened to as many weights.
        weights: The weights of the net with skips against those of the widened one.
    """
    return Decision("what the gain of the skips comes from", _cause(gain, over_widened, weights), _CAUSES)


def _cause(gain: Contrast, over_widened: Contrast, weights: Contrast) -> str:
    if gain.unknown or over_widened.unknown:
        return "unknown_losses"
    if not gain.lower:
        return "worse" if gain.higher else "no_gain"
    if over_widened.lower:
        return "weights_left" if weights.difference.mean > 0 else "skips"
    return "weights" if over_widened.higher else "undecided"
