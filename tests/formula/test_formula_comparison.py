"""What other tools count, explained: what is claimed adds up, and nothing else is claimed."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import cache
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from thinned import examples, thinned
from torch import nn

from cnnreport.errors import UsageError
from cnnreport.formula import target
from cnnreport.formula.comparison import ComparisonTask, Explanation, explain
from cnnreport.formula.convention import CHOICES, CONNECTIONS, Connections, total
from cnnreport.formula.spec import Comparison, Reading
from cnnreport.formula.tasks import evaluate
from cnnreport.formula.tracing.derive import Derivation, derive
from cnnreport.nets.colourization import PoolUpsampleNet
from cnnreport.project import PACKAGE, load_file

NUMBERS = {"NIC": 1, "NF": 32, "NC": 24, "k": 3}

BIASES = 1600 * 32 + 1280 * 24
NORMALISED = 640 * 32 + 1024 * 24
POOLED = 384 * 32
UPSAMPLED = 256 * 32 + 1024 * 24
BY_HAND = {
    "scale and shift": 2 * (4 * 32 + 24),
    "normalised outputs": NORMALISED,
    "upsampled outputs": UPSAMPLED,
}
"""Of PoolUpsampleNet, added up by hand from Figure 1a of the handout."""

MULTIPLY_ADDS = 9 * (1024 * 32 + 640 * 32**2 + 256 * 32 * 24 + 1024 * 24**2)

(DECLARED,) = load_file(PACKAGE.parent / "experiments" / "a2-writeup" / "other_tools.py").EXPERIMENTS

READINGS: tuple[Reading, ...] = DECLARED.spec.readings


class Enlarging(nn.Module):
    """A transposed convolution that doubles height and width."""

    def __init__(self, num_filters: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(num_filters, 7, 3, stride=2, padding=1, output_padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Enlarge."""
        return self.up(x)  # type: ignore[no-any-return]


@cache
def pool_upsample() -> Derivation:
    """The report's net."""
    return derive(PoolUpsampleNet, size=target.read_size("NIC,32,32"))


def by_choice(quantity: str, name: str) -> int:
    """What a choice gives for the report's net."""
    choice = next(choice for choice in CHOICES[quantity] if choice.name == name)
    return evaluate(total(choice, pool_upsample()), NUMBERS)


def reading(parts: Mapping[str, int], convention: str = "convolutions", **fields: Any) -> Reading:
    """A tool that counts some connections, by kind of layer, under a convention."""
    whole = {"quantity": "connections", "number": sum(parts.values()), "factor": 1, "additions": (), **fields}
    return Reading(
        "tool", "9.9", "count()", counts="", parts=tuple(parts.items()), convention=convention, **whole
    )


def explained(parts: Mapping[str, int], convention: str = "convolutions", **fields: Any) -> Explanation:
    """Explain what it counts of the report's net."""
    return explain(reading(parts, convention, **fields), pool_upsample(), NUMBERS)


@pytest.mark.parametrize("kept", READINGS, ids=lambda kept: kept.what)
def test_every_number_of_the_report_is_explained_and_adds_up(kept: Reading) -> None:
    """The choice, counted by itself, and the additions, counted by hand, give the number of the tool."""
    explanation = explain(kept, pool_upsample(), NUMBERS)
    added = sum(times * BY_HAND[name] for name, times in kept.additions)
    assert explanation.exact
    assert kept.factor * (by_choice(kept.quantity, kept.convention) + added) == kept.number


@pytest.mark.parametrize(
    ("quantity", "name"),
    thinned([(quantity, choice.name) for quantity in CHOICES for choice in CHOICES[quantity]], 4),
)
def test_a_convention_alone_gives_what_its_choice_gives(quantity: str, name: str) -> None:
    """Without factor and additions, the parts add up to what the choice counts by itself."""
    explanation = explained({}, name, quantity=quantity)
    assert explanation.value == explanation.base == by_choice(quantity, name)


def test_a_number_that_fits_by_chance_is_not_explained() -> None:
    """With these numbers of filters there are as many biases as pairs of pooling and upsampling: the
    number fits both conventions, the parts only one.
    """
    assert BIASES == 4 * POOLED + UPSAMPLED
    parts = {"convolution": MULTIPLY_ADDS, "pooling": 4 * POOLED, "upsampling": UPSAMPLED}
    layers, with_biases = explained(parts, "layers"), explained(parts, "convolutions, with biases")
    assert layers.value == with_biases.value == MULTIPLY_ADDS + BIASES
    assert (layers.exact, with_biases.exact) == (True, False)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"convention": "layers"}, "differs by −49152 (pooling), −32768 (upsampling)."),
        ({"factor": 2}, "by −13271040 (convolution), −32768 (upsampling), −225280 (normalisation)."),
        ({"additions": (("upsampled outputs", 1),)}, "differs by +225280 (normalisation)."),
        (
            {"additions": (("normalised outputs", 4), ("upsampled outputs", 1))},
            "differs by +45056 (normalisation).",
        ),
        (
            {"additions": (("normalised outputs", 5), ("upsampled outputs", 4))},
            "differs by −98304 (upsampling).",
        ),
    ],
)
def test_what_is_written_down_and_does_not_hold_is_a_finding(fields: dict[str, Any], wrong: str) -> None:
    """Another convention, factor or addition than the tool's is not exact; the sentence says what is off."""
    kept = next(each for each in READINGS if "train" in each.what)
    explanation = explain(replace(kept, **fields), pool_upsample(), NUMBERS)
    assert not explanation.exact
    assert explanation.sentence.startswith("Not explained; nearest: ")
    assert wrong in explanation.sentence.replace("\u00a0", "")


def test_a_right_total_with_wrong_parts_is_not_explained() -> None:
    """Nothing is exact when the number is right and one of its parts is not."""
    explanation = explained({"convolution": MULTIPLY_ADDS - 1, "activation": 1})
    assert not explanation.exact
    assert "differs by −1 (convolution), +1 (activation)" in explanation.sentence


@settings(max_examples=examples(40), deadline=None)
@given(
    factor=st.sampled_from((1, 2, 3)),
    choice=st.sampled_from(CONNECTIONS),
    normalised=st.integers(0, 6),
    upsampled=st.integers(0, 6),
)
def test_factor_choice_and_additions_add_up(
    factor: int, choice: Connections, normalised: int, upsampled: int
) -> None:
    """What a convention comes to is factor × (choice + additions), each counted by itself."""
    additions = (("normalised outputs", normalised), ("upsampled outputs", upsampled))
    explanation = explained({}, choice.name, factor=factor, additions=additions)
    base = by_choice("connections", choice.name)
    assert explanation.value == factor * (base + normalised * NORMALISED + upsampled * UPSAMPLED)


def test_the_sentence_names_choice_additions_and_their_numbers() -> None:
    """A reader is told what is added up, and each summand."""
    parts = {"convolution": MULTIPLY_ADDS, "normalisation": 2 * NORMALISED, "upsampling": UPSAMPLED}
    explanation = explained(parts, additions=(("normalised outputs", 2), ("upsampled outputs", 1)))
    assert explanation.sentence.replace("\u00a0", "") == (
        f"Connections counted as “convolutions” ({MULTIPLY_ADDS}), two for each output of a normalisation "
        f"({2 * NORMALISED}) and one for each output of an upsampling ({UPSAMPLED})."
    )


def test_a_kernel_used_at_each_pixel_of_the_output() -> None:
    """A transposed convolution counted as an ordinary one is explained by the pixels that it adds."""
    derivation = derive(Enlarging, size=target.read_size("NF,8,8"))
    pairs = 9 * 5 * 7
    kept = reading({"transposed convolution": pairs * 16 * 16}, additions=(("enlarged", 1),))
    explanation = explain(kept, derivation, {"NF": 5})
    assert explanation.exact
    assert explanation.additions == {"enlarged": pairs * (16 * 16 - 8 * 8)}


@pytest.mark.parametrize(
    ("fields", "numbers", "message"),
    [
        ({"quantity": "flops"}, NUMBERS, "no quantity 'flops'; choose from: weights, outputs, connections"),
        ({"convention": "all"}, NUMBERS, "no convention 'all'; choose from: "),
        ({"additions": (("biases", 1),)}, NUMBERS, "no addition 'biases'; choose from: scale and shift"),
        ({}, {"NIC": 1, "NF": 32}, "NC, k without a value"),
        ({"parts": (("attention", 7),)}, NUMBERS, "no kind of layer 'attention'"),
        ({"parts": (("convolution", 6),)}, NUMBERS, "add up to 6, not 7"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    fields: dict[str, Any], numbers: dict[str, int], message: str
) -> None:
    """Unknown names, letters without numbers and parts that do not add up are errors."""
    with pytest.raises(UsageError, match=message):
        explain(replace(reading({"convolution": 7}), **fields), pool_upsample(), numbers)


@pytest.mark.slow
def test_the_run_keeps_each_number_with_its_explanation() -> None:
    """The measures are plain data, a row for each reading, and the history says how many points prove."""
    task = ComparisonTask(DECLARED.spec, 0, {}, "cpu")
    row, measures = task.run_epoch(), task.results().measures
    assert json.loads(json.dumps(measures)) == measures
    assert row == {"points": float(measures["points"])}
    assert [(r["tool"], r["number"], r["exact"]) for r in measures["rows"]] == [
        (kept.tool, kept.number, True) for kept in READINGS
    ]


def test_the_spec_is_plain_data() -> None:
    """A spec can be told apart from another by its fields alone, the readings too."""
    spec = DECLARED.spec
    assert isinstance(spec, Comparison)
    assert asdict(spec)["readings"][0]["number"] == READINGS[0].number
    assert isinstance(hash(spec), int)
