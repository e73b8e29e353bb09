"""What other tools count, explained: what is claimed adds up, and nothing else is claimed."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
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


def connections(number: int, parts: Mapping[str, int] | None = None) -> Explanation:
    """Explain a number of connections of the report's net."""
    return explain(number, "connections", pool_upsample(), NUMBERS, parts)


@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: reading.what)
def test_every_number_of_the_report_is_explained_and_adds_up(reading: Reading) -> None:
    """The choice, counted by itself, and the additions, counted by hand, give the number of the tool."""
    found = explain(reading.number, reading.quantity, pool_upsample(), NUMBERS, dict(reading.parts))
    added = sum(term.times * BY_HAND[term.name] for term in found.additions)
    assert found.exact
    for name in found.matches:
        assert found.factor * (by_choice(reading.quantity, name) + added) == reading.number


@pytest.mark.parametrize(
    ("quantity", "name"), [(quantity, choice.name) for quantity in CHOICES for choice in CHOICES[quantity]]
)
def test_what_a_choice_gives_needs_no_additions(quantity: str, name: str) -> None:
    """The simplest explanation comes first: a choice that gives the number by itself."""
    found = explain(by_choice(quantity, name), quantity, pool_upsample(), NUMBERS)
    assert name in found.matches
    assert (found.exact, found.factor, found.additions) == (True, 1, ())


def test_a_choice_can_be_counted_twice() -> None:
    """A tool that counts a multiply-add as two operations has a factor of two."""
    found = connections(2 * MULTIPLY_ADDS)
    assert (found.matches[0], found.factor, found.additions) == ("convolutions", 2, ())


def test_a_number_that_fits_by_chance_names_every_choice() -> None:
    """With these numbers of filters there are as many biases as pairs of pooling and upsampling: the
    number alone fits both choices.
    """
    assert BIASES == 4 * POOLED + UPSAMPLED
    assert connections(MULTIPLY_ADDS + BIASES).matches == ("convolutions, with biases", "layers")


def test_parts_tell_apart_what_the_number_does_not() -> None:
    """Where the parts are known, only a choice that gives each of them is named."""
    with_biases = connections(MULTIPLY_ADDS + BIASES, {"convolution": MULTIPLY_ADDS + BIASES})
    parts = {"convolution": MULTIPLY_ADDS, "pooling": 4 * POOLED, "upsampling": UPSAMPLED}
    layers = connections(MULTIPLY_ADDS + BIASES, parts)
    assert (with_biases.matches, layers.matches) == (("convolutions, with biases",), ("layers",))


def test_a_right_total_with_wrong_parts_is_not_explained() -> None:
    """Nothing is exact when the number is right and one of its parts is not."""
    found = connections(MULTIPLY_ADDS, {"convolution": MULTIPLY_ADDS - 1, "activation": 1})
    assert not found.exact
    assert "differs by −1 (convolution), +1 (activation)" in found.sentence


def test_what_fits_nothing_gets_the_nearest_choice_and_the_difference() -> None:
    """A number that no explanation gives is said to differ, from what and by how much."""
    found = explain(1_049_249, "weights", pool_upsample(), NUMBERS)
    assert not found.exact
    assert found.factor * found.base + found.remainder == 1_049_249
    assert found.sentence.startswith("Not explained; nearest: twice the weights counted as “learnable”")


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(number=st.integers(0, 60_000_000), quantity=st.sampled_from(sorted(CHOICES)))
def test_whatever_the_number_an_explanation_adds_up(number: int, quantity: str) -> None:
    """Factor, choice, additions and remainder give the number; exact ones have no remainder."""
    found = explain(number, quantity, pool_upsample(), NUMBERS)
    assert found.value(pool_upsample(), NUMBERS) + found.remainder == number
    assert found.value(pool_upsample(), NUMBERS) == found.factor * (
        found.base + sum(term.number for term in found.additions)
    )
    assert found.exact == (found.remainder == 0)


@settings(max_examples=40, deadline=None)
@given(
    factor=st.sampled_from((1, 2)),
    choice=st.sampled_from(CONNECTIONS),
    normalised=st.sampled_from((0, 1, 2, 5)),
    upsampled=st.sampled_from((0, 1, 4)),
)
def test_any_sum_of_known_additions_is_explained(
    factor: int, choice: Connections, normalised: int, upsampled: int
) -> None:
    """What a tool makes of a choice and of additions it may count finds an exact explanation."""
    base = by_choice("connections", choice.name)
    assert connections(factor * (base + normalised * NORMALISED + upsampled * UPSAMPLED)).exact


def test_the_sentence_names_choice_additions_and_their_numbers() -> None:
    """A reader is told what is added up, and each summand."""
    number = MULTIPLY_ADDS + 2 * NORMALISED + UPSAMPLED
    parts = {"convolution": MULTIPLY_ADDS, "normalisation": 2 * NORMALISED, "upsampling": UPSAMPLED}
    assert connections(number, parts).sentence.replace("\u00a0", "") == (
        f"Connections counted as “convolutions” ({MULTIPLY_ADDS}), two for each output of a normalisation "
        f"({2 * NORMALISED}) and one for each output of an upsampling ({UPSAMPLED})."
    )


def test_a_kernel_used_at_each_pixel_of_the_output() -> None:
    """A transposed convolution counted as an ordinary one is explained by the pixels that it adds."""
    derivation = derive(Enlarging, size=target.read_size("NF,8,8"))
    pairs = 9 * 5 * 7
    found = explain(pairs * 16 * 16, "connections", derivation, {"NF": 5})
    assert [(term.name, term.number) for term in found.additions] == [("enlarged", pairs * (16 * 16 - 8 * 8))]


@pytest.mark.parametrize(
    ("quantity", "numbers", "parts", "message"),
    [
        ("flops", NUMBERS, None, "no quantity 'flops'"),
        ("weights", {"NIC": 1, "NF": 32}, None, "NC, k without a value"),
        ("weights", NUMBERS, {"attention": 7}, "no kind of layer 'attention'"),
        ("weights", NUMBERS, {"convolution": 6}, "add up to 6, not 7"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    quantity: str, numbers: dict[str, int], parts: dict[str, int] | None, message: str
) -> None:
    """Unknown quantities and kinds, letters without numbers and parts that do not add up are errors."""
    with pytest.raises(UsageError, match=message):
        explain(7, quantity, pool_upsample(), numbers, parts)


def test_the_run_keeps_each_number_with_its_explanation() -> None:
    """The measures are plain data, a row for each reading, and the history says how many points prove."""
    task = ComparisonTask(DECLARED.spec, 0, {}, "cpu")
    row, measures = task.run_epoch(), task.results().measures
    assert json.loads(json.dumps(measures)) == measures
    assert row == {"points": float(measures["points"])}
    assert [(r["tool"], r["number"], r["exact"]) for r in measures["rows"]] == [
        (reading.tool, reading.number, True) for reading in READINGS
    ]


def test_the_spec_is_plain_data() -> None:
    """A spec can be told apart from another by its fields alone, the readings too."""
    spec = DECLARED.spec
    assert isinstance(spec, Comparison)
    assert asdict(spec)["readings"][0]["number"] == READINGS[0].number
    assert isinstance(hash(spec), int)
