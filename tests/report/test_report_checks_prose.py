"""What the checks say, word by word: hand-written formulas that were audited, and counts of other tools."""

from collections.abc import Callable

import pytest
from composed import prose_of
from fake_derivations import AUDIT, MakeDerivation, audit_measures, comparison_measures, finding
from sentences import outcomes

from cnnreport.project import Project

TOOLS = "other-tools"

Golden = Callable[[str, str], None]


def test_the_audit_as_it_came_out(project: Project, make_derivation: MakeDerivation, golden: Golden) -> None:
    """Whether all, some or none of the formulas hold, the text says that."""
    three = [finding(quantity, "doubled") for quantity in ("weights", "outputs", "connections")]
    measures = {
        "one is wrong": audit_measures((2,)),
        "all hold, under several conventions": audit_measures(common=False),
        "all but one are wrong": audit_measures(range(5)),
        "all are wrong": audit_measures(range(6)),
        "incomplete": audit_measures(complete=False, findings=three),
    }
    usual = prose_of(project, [make_derivation(audit_measures(), AUDIT)], "audit")
    cases = {
        what: prose_of(project, [make_derivation(each, AUDIT)], "audit") for what, each in measures.items()
    }
    golden("audit", usual)
    golden("audit-outcomes", outcomes(usual, cases))


@pytest.mark.parametrize("wrong", [(), (2,), (0, 1, 2, 3, 4), range(6)])
def test_each_formula_is_ticked_or_crossed_as_it_holds(
    project: Project, make_derivation: MakeDerivation, wrong: tuple[int, ...]
) -> None:
    """The table has as many ticks as formulas hold, and the right formula beside each that does not."""
    text = prose_of(project, [make_derivation(audit_measures(wrong), AUDIT)], "audit")
    holding = 6 - len(wrong)
    assert (text.count("✓ holds"), text.count("× wrong")) == (holding, len(wrong))
    assert text.count("Holds under “learnable”.") == holding
    assert text.count("nearest is “learnable”. It is 7NC too small.") == len(wrong)
    assert text.count("{minus 7 NC}") == len(wrong)


def test_the_counts_of_other_tools(project: Project, make_derivation: MakeDerivation, golden: Golden) -> None:
    """Tool, version and call beside each number, and how many of these nothing makes up."""
    measures = {"one is not explained": (1,), "none is explained": (0, 1, 2)}
    usual = prose_of(project, [make_derivation(comparison_measures(), TOOLS)], "tools")
    cases = {
        what: prose_of(project, [make_derivation(comparison_measures(which), TOOLS)], "tools")
        for what, which in measures.items()
    }
    golden("tools", usual)
    golden("tools-outcomes", outcomes(usual, cases))
    assert [text.count("× Nearly") for text in (usual, *cases.values())] == [0, 1, 3]
    assert [text.count("✓ Just") for text in (usual, *cases.values())] == [3, 2, 0]
