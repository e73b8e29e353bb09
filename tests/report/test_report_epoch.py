"""SOURCE_DATE_EPOCH, which libraries of the report read."""

import pytest

from cnnreport.commands.build import check_epoch
from cnnreport.errors import EnvironmentFailure


@pytest.mark.parametrize("epoch", ["yesterday", "", "1.5"])
def test_a_date_that_is_no_number_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, epoch: str) -> None:
    """Else an import of scipy fails, and the blame falls on the answers of the report."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    with pytest.raises(EnvironmentFailure, match=r"SOURCE_DATE_EPOCH is .* give it a whole number"):
        check_epoch()


@pytest.mark.parametrize("epoch", ["0", "1700000000"])
def test_a_number_of_seconds_passes(monkeypatch: pytest.MonkeyPatch, epoch: str) -> None:
    """Nothing is said of it."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    check_epoch()
