"""Branches of a template by outcome: none can be missing, and none can be dead."""

import math
import re
from pathlib import Path

import pytest
from jinja2 import Environment

from cnnreport.errors import UsageError
from cnnreport.project import PACKAGE
from cnnreport.report.numbers.contrast import Contrast, contrast
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity, Source
from cnnreport.report.numbers.trend import trend
from cnnreport.report.numbers.verdict import exceeds
from cnnreport.report.page import templating
from cnnreport.report.page.ledger import Ledger
from cnnreport.report.page.outcomes import Outcomes

TEMPLATES = sorted((PACKAGE.parent / "templates").glob("**/*.html.j2"))
ALL_FOUR = 'lower="less", higher="more", open="perhaps", unknown="who knows"'


def rendered(folder: Path, template: str, **values: object) -> str:
    """Render a template alone."""
    (folder / "t.html.j2").write_text(template)
    return templating.open_templates([folder], Ledger(), {})("t.html.j2", **values)


def number(*values: float) -> Quantity:
    """Return a number with a value for each seed."""
    return Quantity(f"n{values}", "loss", dict(enumerate(values)), "loss", Source(("r",), "f", "x"))


def compared(left: float, right: float = 1.0) -> Contrast:
    """Return a contrast of two numbers of one seed."""
    return contrast("c", number(left), number(right), "A", "B")


@pytest.mark.parametrize(
    ("left", "says"), [(0.5, "less"), (1.5, "more"), (1.0, "perhaps"), (math.nan, "who knows")]
)
def test_the_outcome_picks_its_text(tmp_path: Path, left: float, says: str) -> None:
    """A short text for each outcome of a contrast."""
    assert rendered(tmp_path, f"{{{{ c | pick({ALL_FOUR}) }}}}", c=compared(left)) == says


def test_a_trend_has_outcomes_of_its_own(tmp_path: Path) -> None:
    """Each has its words, and one that is left out is named."""
    rising = trend("t", {size: number(size, size + 0.1) for size in (1.0, 2.0, 4.0, 8.0)}, "size")
    every = "downward='a', downward_unevenly='b', upward='c', upward_unevenly='d', bends='e', open='f'"
    assert rendered(tmp_path, f"{{{{ t | known | pick({every}) }}}}", t=rising) == "d"
    with pytest.raises(UsageError, match=r"unknown has no branch .the outcomes of a trend"):
        rendered(tmp_path, f"{{{{ t | pick({every}) }}}}", t=rising)


@pytest.mark.parametrize(("value", "says"), [(0.5, "holds"), (-0.5, "not so"), (math.nan, "not so")])
def test_a_case_has_markup_and_shares_branches(tmp_path: Path, value: float, says: str) -> None:
    """A longer text stands in a branch of its own, and two outcomes may have the same."""
    text = "{% case v %}\n{% when yes %}<b>holds</b>{% when no, open, unknown %}<b>not so</b>{% endcase %}"
    assert rendered(tmp_path, text, v=exceeds("it holds", number(value))) == f"<b>{says}</b>"


@pytest.mark.parametrize(
    ("template", "says"),
    [
        (
            "{{ c | pick(lower='a', higher='b', open='c') }}",
            "unknown has no branch .the outcomes of a contra",
        ),
        ("{{ c | pick(yes='a', no='b') }}", "open, unknown has no branch .the outcomes of a verdict"),
        ("{{ c | known | pick(lower='a', higher='b') }}", "open has no branch"),
        (f"{{{{ c | known | pick({ALL_FOUR}) }}}}", "the branch unknown can never occur"),
        (f"{{{{ c | pick({ALL_FOUR}, yes='a') }}}}", "the branch yes can never occur"),
        ("{{ c | pick(open='a', closed='b') }}", "branches of no contrast, trend or verdict: open, closed"),
        ("{{ c | pick() }}", "there are no branches"),
        ("{{ c | pick('a') }}", "pick takes its branches by name"),
        ("{% case c %}{% when lower %}{% when higher %}{% endcase %}", "open, unknown has no branch"),
        ("{% case c %}{% when a %}{% when b, a %}{% endcase %}", "a branch is named twice"),
        ("{% case c %}Said{% when a %}{% endcase %}", "words stand between a case and its first branch"),
    ],
)
def test_a_wrong_branch_is_refused_before_anything_is_known(tmp_path: Path, template: str, says: str) -> None:
    """The mistake is in the template, and is named with its line whatever the numbers say."""
    with pytest.raises(UsageError, match=f"t.html.j2:2: {says}"):
        rendered(tmp_path, f"{{# one #}}\n{{% if false %}}{template}{{% endif %}}")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (exceeds("it holds", number(1.0)), "yes, no has no branch .“it holds”"),
        (Decision("what", "left", ("left", "right")), "left, right has no branch .“what”"),
        ("sideways", "the outcome sideways has no branch"),
        (3, "3 has no outcome"),
    ],
)
def test_branches_of_another_kind_are_refused(tmp_path: Path, asked: object, says: str) -> None:
    """What is asked has other outcomes than the branches name."""
    with pytest.raises(UsageError, match=f"t.html.j2:1: {says}"):
        rendered(tmp_path, f"{{{{ c | pick({ALL_FOUR}) }}}}", c=asked)


def test_a_decision_wants_all_of_its_branches(tmp_path: Path) -> None:
    """One that did not occur this time is missed as well."""
    both = Decision("which is better", "left", ("left", "right", "neither"))
    assert rendered(tmp_path, "{{ d | pick(left='L', right='R', neither='N') }}", d=both) == "L"
    with pytest.raises(UsageError, match=r"t.html.j2:1: neither has no branch .“which is better”"):
        rendered(tmp_path, "{{ d | pick(left='L', right='R') }}", d=both)


def test_a_decision_is_one_of_its_outcomes() -> None:
    """Another one could have no words."""
    with pytest.raises(ValueError, match="which: left is none of right, neither"):
        Decision("which", "left", ("right", "neither"))


def test_what_is_said_to_be_known_has_to_be(tmp_path: Path) -> None:
    """A text that ruled it out wrongly stops the build instead of claiming something."""
    with pytest.raises(UsageError, match=r"t.html.j2:1: nothing is known of “loss”"):
        rendered(tmp_path, "{{ c | known | pick(lower='a', higher='b', open='c') }}", c=compared(math.nan))


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda f: f.name)
def test_each_template_has_words_for_each_outcome(file: Path) -> None:
    """Every case and every pick is complete: the template compiles, whatever it would print."""
    environment = Environment(extensions=[Outcomes])
    environment.filters |= dict.fromkeys(
        ("mean", "only", "span", "bare", "size", "power", "python", "shell"), str
    )
    environment.compile(file.read_text(), filename=str(file))


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda f: f.name)
def test_a_template_reads_as_prose(file: Path) -> None:
    """No long lines, no lists that are built up, no filters that decide: that is Python's work."""
    text = file.read_text()
    assert [line for line in text.splitlines() if len(line) > 200] == []
    assert not re.findall(r"\bset _\b|selectattr|rejectattr|groupby|\[\"values\"\]", text)
