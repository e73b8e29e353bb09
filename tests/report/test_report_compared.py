import html
import re

import pytest
from fake_derivations import MakeDerivation, comparison_measures

from cnnreport.errors import UsageError
from cnnreport.project import Project
from cnnreport.report.page import compose, outline
from cnnreport.report.say.formulas import tool_counts

TOOLS = "other-tools"


def words(project: Project, make: MakeDerivation, unexplained: tuple[int, ...]) -> str:
    """The words of the section on other tools."""
    runs = {TOOLS: [make(comparison_measures(unexplained), TOOLS)]}
    made = compose.compose(project, outline.load(project, "a2-writeup"), runs, compose.Context()).page
    body = re.sub("<[^>]*>", " ", made[made.index('id="tools"') :])
    return re.sub(r"\s+", " ", html.unescape(body).replace("\u00a0", " "))


@pytest.mark.parametrize(
    ("unexplained", "said"),
    [
        ((), "All the numbers are made up of derived counts without a rest."),
        ((1,), "1 of the numbers could not be made up of derived counts without a rest"),
        ((0, 1, 2), "3 of the numbers could not be made up of derived counts without a rest"),
    ],
)
def test_what_is_not_explained_is_said(
    project: Project, make_derivation: MakeDerivation, unexplained: tuple[int, ...], said: str
) -> None:
    """Each number is ticked or not as its explanation adds up, and the text counts those that do not."""
    told = words(project, make_derivation, unexplained)
    assert said in re.sub(r" (?=of the numbers)", " ", told)
    assert told.count("× Nearly") == len(unexplained)
    assert told.count("✓ Just") == 3 - len(unexplained)


def test_tools_and_calls_are_named(project: Project, make_derivation: MakeDerivation) -> None:
    """Tool, version and call stand beside the number; what is no HTML is escaped."""
    told = words(project, make_derivation, ())
    assert "torchinfo 9.9 count(weights) < all 49 728" in told
    assert "has what 2 of them say" in told


def test_numbers_of_tools_have_an_origin(make_derivation: MakeDerivation) -> None:
    """Each number knows the run, file and field in which it was read."""
    found = tool_counts.comparison(make_derivation(comparison_measures(), TOOLS))
    assert [r.number.source.field for r in found.readings] == [f"rows / {n} / number" for n in range(3)]
    assert {r.number.source.file for r in found.readings} == {"measures.json"}


def test_a_run_of_another_kind_is_refused(make_derivation: MakeDerivation) -> None:
    """Measures that are no comparison's are told with the run's folder."""
    run = make_derivation()
    with pytest.raises(UsageError, match=rf"{run.folder.name} does not fit .* has no .rows.*run the exper"):
        tool_counts.comparison(run)
