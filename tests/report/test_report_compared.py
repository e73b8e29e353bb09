import pytest
from fake_derivations import MakeDerivation, comparison_measures

from cnnreport.errors import UsageError
from cnnreport.report.say.formulas import tool_counts

TOOLS = "other-tools"


def test_numbers_of_tools_have_an_origin(make_derivation: MakeDerivation) -> None:
    """Each number knows the run, file and field in which it was read."""
    found = tool_counts.comparison(make_derivation(comparison_measures(), TOOLS))
    assert [r.number.source.field for r in found.readings] == [f"rows / {n} / number" for n in range(3)]
    assert {r.number.source.file for r in found.readings} == {"measures.json"}


def test_a_run_of_another_kind_is_refused(make_derivation: MakeDerivation) -> None:
    """Measures that are no comparison's are told with the run's folder."""
    run = make_derivation()
    with pytest.raises(UsageError, match=rf"{run.folder.name} is not that of .* comparison.*run the exper"):
        tool_counts.comparison(run)
