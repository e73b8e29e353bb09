"""A folder of answer sheets: a row for each, whatever is wrong with it."""

import unicodedata
from pathlib import Path
from typing import Any

import pytest

from cnnreport.errors import UsageError, VerificationError
from cnnreport.formula.audit import marking
from cnnreport.formula.audit.marking import KEYS, Marking, mark

NET = """
from torch import nn

class Tiny(nn.Module):
    def __init__(self, num_filters: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, num_filters, 3, padding=1)
        self.second = nn.Conv2d(num_filters, 1, 3, padding=1)

    def forward(self, x):
        return self.second(self.first(x))

def vectors(num_inputs: int):
    return nn.Linear(num_inputs, 10)
"""

RIGHT = {
    "weights": "19NF + 1",
    "outputs": "64NF + 64",
    "connections": "1152NF",
    "2 weights": "19NF + 1",
    "2 outputs": "256NF + 256",
    "2 connections": "4608NF",
}


def sheet(net: str, formulas: dict[str, str]) -> str:
    """An answer sheet; formulas whose name begins with 2 are for the doubled input."""
    lines = [f"net = '{net}'", "input_size = 8", "[original]"]
    lines += [f"{name} = '{text}'" for name, text in formulas.items() if not name.startswith("2")]
    lines += ["[doubled]"]
    lines += [f"{name[2:]} = '{text}'" for name, text in formulas.items() if name.startswith("2")]
    return "\n".join(lines)


@pytest.fixture
def net(tmp_path: Path) -> str:
    """A small net in a file of its own."""
    (tmp_path / "net.py").write_text(NET)
    return f"{tmp_path}/net.py:Tiny"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder."""
    made = tmp_path / "sheets"
    made.mkdir()
    return made


def row(marked: Marking, name: str) -> marking.Sheet:
    """What was found about one sheet."""
    return next(one for one in marked.sheets if one.name == name)


def test_each_sheet_has_a_row_whatever_is_wrong_with_it(folder: Path, net: str) -> None:
    """Right, wrong, not whole, ambiguous, no TOML, no such net, no letters: none ends the others."""
    contents = {
        "ada": sheet(net, RIGHT),
        "ben": sheet(net, {**RIGHT, "connections": "576NF", "2 connections": "2304NF"}),
        "cy": sheet(net, {"weights": "19NF + 1"}),
        "di": sheet(net, {**RIGHT, "weights": "19NF2 + 1"}),
        "ed": "net = ",
        "flo": sheet("nowhere:Net", RIGHT),
        "gus": sheet(net, dict.fromkeys(RIGHT, "19XY")),
        "hal": "net = 'a:B'\ninput_size = 8\n",
    }
    for name, text in contents.items():
        (folder / f"{name}.toml").write_text(text)
    marked = mark(folder)
    signs = {one.name: "".join(one.row()[1:7]) for one in marked.sheets}
    assert signs == {
        "ada": "✓✓✓✓✓✓",
        "ben": "✓✓✗✓✓✗",
        "cy": "✓–––––",
        "di": "?✓✓✓✓✓",
        "ed": "??????",
        "flo": "??????",
        "gus": "??????",
        "hal": "??????",
    }
    assert [one.name for one in marked.sheets if one.passed] == ["ada"]
    assert row(marked, "ben").remark == ("one of first (Conv2d) and second (Conv2d) had been left out")
    assert "'NF2' can be read as 'NF^(2)' or as 'NF·2'" in row(marked, "di").remark
    assert row(marked, "ed").remark.startswith("ed.toml is not valid TOML")
    assert "there is no module nowhere" in row(marked, "flo").remark
    assert "'XY' is no known name" in row(marked, "gus").remark
    assert "has no formula" in row(marked, "hal").remark
    assert marked.exit_code == VerificationError.exit_code
    assert marked.summary() == "1 of 8 answer sheets hold; 5 cannot be read, or not whole."


def test_all_right_ends_with_zero(folder: Path, net: str) -> None:
    """The exit code is that of a single sheet: 0 only if everything holds."""
    for name in ("a", "b"):
        (folder / f"{name}.toml").write_text(sheet(net, RIGHT))
    marked = mark(folder)
    assert (marked.exit_code, marked.summary()) == (0, "2 of 2 answer sheets hold.")


def test_a_net_is_derived_and_proved_once(folder: Path, net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty sheets about one net and size take one proof, with or without doubled formulas."""
    for number in range(20):
        formulas = RIGHT if number % 2 else {"weights": RIGHT["weights"]}
        (folder / f"{number}.toml").write_text(sheet(net, formulas))
    made: list[Any] = []
    real = marking.judge_of

    def judge_of(*arguments: Any, **options: Any) -> Any:
        made.append((arguments, options))
        return real(*arguments, **options)

    monkeypatch.setattr(marking, "judge_of", judge_of)
    mark(folder)
    assert len(made) == 1


def test_a_net_that_cannot_be_derived_is_tried_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error stands in each row, and is not found out again for each."""
    for number in range(5):
        (folder / f"{number}.toml").write_text(sheet("nowhere:Net", {"weights": "1"}))
    tried: list[str] = []
    monkeypatch.setattr(marking, "judge_of", lambda net, *_, **__: tried.append(net) or _refuse())
    marked = mark(folder)
    assert [one.remark for one in marked.sheets] == ["it cannot be derived; try another"] * 5
    assert tried == ["nowhere:Net"]


def _refuse() -> None:
    raise UsageError("it cannot be derived", "try another")


def test_doubled_formulas_for_a_net_of_vectors_spoil_no_other_sheet(folder: Path, net: str) -> None:
    """Where there is nothing to double, only the sheet that does so has an error."""
    vectors = net.replace("Tiny", "vectors")
    (folder / "one.toml").write_text(sheet(vectors, {"weights": "10num_inputs + 10"}))
    (folder / "two.toml").write_text(sheet(vectors, {"weights": "10num_inputs + 10", "2 weights": "1"}))
    one, two = mark(folder).sheets
    assert one.row()[1] == "✓"
    assert "has no height and width" in two.remark


def test_names_are_in_natural_order_and_leftovers_are_passed_over(folder: Path, net: str) -> None:
    """Student 10 comes after student 9; hidden files, folders and other files are no sheets."""
    names = ["student10", "Student9", "student2", "zoë", "Zora"]
    for name in names:
        (folder / f"{name}.toml").write_text(sheet(net, RIGHT))
    for leftover in ("._student2.toml", "notes.txt"):
        (folder / leftover).write_text("nothing")
    (folder / "old.toml").mkdir()
    listed = [unicodedata.normalize("NFC", one.name) for one in mark(folder).sheets]
    assert listed == ["student2", "Student9", "student10", "Zora", "zoë"]


def test_a_folder_without_sheets_is_a_mistake(folder: Path) -> None:
    """Nothing to judge is no success."""
    with pytest.raises(UsageError, match=r"has no answer sheet; put files such as ada\.toml there"):
        mark(folder)


def test_json_has_verdicts_slips_and_the_whole_audit(folder: Path, net: str) -> None:
    """Everything that a row says, and what a single sheet's audit says."""
    (folder / "ben.toml").write_text(sheet(net, {**RIGHT, "weights": "18NF"}))
    (told,) = (one.to_json() for one in mark(folder).sheets)
    assert told.keys() == {"name", "passed", "verdicts", "slips", "problems", "audit"}
    assert told["verdicts"] == {f"{size} {quantity}": "right" for size, quantity in KEYS}
    assert told["slips"] == ["weights: original as “kernels”, doubled as “kernels and biases”"]
    assert len(told["audit"]["findings"]) == 6
