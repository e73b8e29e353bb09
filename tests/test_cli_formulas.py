"""The commands formulas and check, run in this process: what they print and how they end."""

import csv
import io
import json
from pathlib import Path

import pytest
import sympy
from command_line import run
from thinned import thinned

POOL = "cnnreport.nets.colourization:PoolUpsampleNet"

WEIGHTS = """
net = "{net}"
input_size = 32
[original]
weights = "{weights}"
"""

DISHONEST = """
from torch import nn

class Dishonest(nn.Module):
    \"\"\"A net that is another one where its width is no number.\"\"\"

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, width, 3, padding=1 if type(width) is int else 0)

    def forward(self, x):
        return self.conv(x)
"""


SMALL = """
from torch import nn

class Small(nn.Module):
    def __init__(self, kernel: int, num_in_channels: int, num_filters: int):
        super().__init__()
        self.first = nn.Conv2d(num_in_channels, num_filters, kernel, padding=kernel // 2)
        self.pool = nn.MaxPool2d(2)
        self.last = nn.Conv2d(num_filters, 1, kernel, padding=kernel // 2)

    def forward(self, x):
        return self.last(self.pool(self.first(x)))
"""

RIGHT = """
net = "{net}"
input_size = 8
[original]
weights = "k^2(NIC NF + NF) + NF + 1"
outputs = "80NF + 16"
connections = "k^2(64NIC NF + 16NF) + 64NF"
[doubled]
weights = "k^2(NIC NF + NF) + NF + 1"
outputs = "4(80NF + 16)"
connections = "4k^2(64NIC NF + 16NF) + 256NF"
"""


@pytest.fixture
def small(tmp_path: Path) -> str:
    """A net whose counts are proved in no time."""
    (tmp_path / "small.py").write_text(SMALL)
    return f"{tmp_path}/small.py:Small"


@pytest.fixture
def sheets(tmp_path: Path) -> Path:
    """An empty folder for answers."""
    folder = tmp_path / "sheets"
    folder.mkdir()
    return folder


def test_json_has_layers_totals_doubled_and_proof(small: str) -> None:
    """The keys that programs rely on are there, and their strings are read by sympy."""
    done = run("formulas", small, "--doubled", "--json")
    told = json.loads(done.out)
    assert done.code == 0
    assert {"target", "convention", "layers", "totals", "doubled", "proof"} <= told.keys()
    assert {"path", "type", "input", "output", "weights", "outputs", "connections"} <= told["layers"][
        0
    ].keys()
    assert told["target"] == small
    assert told["convention"] == "learnable"
    assert told["letters"] == ["NIC", "NF", "k"]
    assert told["conditions"] == ["odd k"]
    assert told["proof"]["agrees"] is True
    for part in (told, told["doubled"]):
        for quantity, whole in part["totals"].items():
            added = sum(sympy.sympify(layer[quantity]) for layer in part["layers"])
            assert sympy.expand(added - sympy.sympify(whole)) == 0


@pytest.mark.slow  # a proof on 180 points, as in test_formula_prove and in test_build, which prints it
def test_totals_are_those_of_the_handout() -> None:
    """The formulas print as a person writes them, for the input and for twice its size."""
    done = run("formulas", POOL, "--doubled")
    assert "weights = k²(NIC·NF + 4NF² + NF·NC + NC²) + 12NF + 4NC" in done.out
    assert "outputs = 2240NF + 2304NC" in done.out
    assert "connections = k²(1024NIC·NF + 640NF² + 256NF·NC + 1024NC²) + 1792NF + 1024NC" in done.out
    assert "outputs = 8960NF + 9216NC" in done.out
    assert "on 180 points" in done.out


def test_convention_is_chosen_by_name(small: str) -> None:
    """With --convention kernels biases are no weights."""
    done = run("formulas", small, "--convention", "kernels")
    assert "weights = k²(NIC·NF + NF)\n" in done.out


def test_numbers_take_the_place_of_letters(small: str) -> None:
    """--fix gives parameters values, as numbers or as expressions; --input sizes with letters."""
    done = run(
        "formulas", small, "--fix", "num_filters=8f", "--fix", "kernel=3", "--input", "NIC,4h,32", "--json"
    )
    told = json.loads(done.out)
    letters = {str(s) for s in sympy.sympify(told["totals"]["connections"]).free_symbols}
    assert letters == {"NIC", "f", "h"}
    assert told["input"] == ["NIC", "4*h", "32"]


def test_conditions_are_told_where_they_matter(small: str) -> None:
    """Counts that leave out taps on padding hold up to a kernel size, which is said."""
    assert "proved, for odd k: " in run("formulas", small).out
    without = run("formulas", small, "--input", "NIC,16,16", "--convention", "no-padding")
    assert "proved, for odd k and k <= 17: " in without.out


def test_what_a_net_prints_is_no_result(tmp_path: Path) -> None:
    """A net that prints leaves the JSON on stdout whole."""
    (tmp_path / "net.py").write_text(
        "from torch import nn\nprint('loaded')\ndef net(width: int):\n"
        "    print('made')\n    return nn.Conv2d(1, width, 1)\n"
    )
    done = run("formulas", f"{tmp_path}/net.py:net", "--json")
    assert json.loads(done.out)["totals"]["weights"] == "2*width"
    assert "loaded" in done.err
    assert "made" in done.err


SEVERAL = """
import torch
from torch import nn

class Several(nn.Module):
    \"\"\"An image and the class that it is drawn for.\"\"\"

    def __init__(self, num_filters, use_bias, mode=\"nearest\"):
        super().__init__()
        self.conv = nn.Conv2d(3, num_filters, 3, bias=use_bias)
        self.table = nn.Embedding(10, num_filters)

    def forward(self, image, label):
        features = self.conv(image)
        return {\"out\": features + self.table(label)[:, :, None, None], \"features\": features}
"""


@pytest.fixture
def several(tmp_path: Path) -> str:
    """A net of two inputs and two outputs."""
    (tmp_path / "net.py").write_text(SEVERAL)
    return f"{tmp_path}/net.py:Several"


def test_input_is_given_for_each_input_of_forward(several: str) -> None:
    """The heading names them, indices among them, and the outputs are named behind the totals."""
    words = ("formulas", several, "--input", "3,8,8", "--input", "()", "--fix", "use_bias=false")
    done = run(*words)
    assert (done.code, done.err) == (0, "")
    assert "for inputs image of 3 × 8 × 8 and label of one index" in done.out
    assert "weights = 37NF" in done.out
    assert "forward returns out of NF × 6 × 6, features of NF × 6 × 6" in done.out
    told = json.loads(run(*words, "--json").out)
    assert told["input"] == ["3", "8", "8"]
    assert told["inputs"] == [
        {"name": "image", "size": ["3", "8", "8"], "holds": "numbers"},
        {"name": "label", "size": [], "holds": "indices"},
    ]
    assert told["returns"][1] == {"name": "features", "images": "1", "size": ["NF", "6", "6"]}


def test_all_inputs_are_doubled(several: str) -> None:
    """Those that have a height and a width."""
    done = run("formulas", several, "--input", "3,8,8", "--input", "()", "--fix", "use_bias=0", "--doubled")
    assert "for inputs image of 3 × 16 × 16 and label of one index" in done.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "forward takes two inputs (image, label); give the size of each"),
        (
            ("--input", "3,8,8"),
            "forward takes two inputs (image, label); give their sizes with a second --input",
        ),
        (
            ("--input", "3,8,8", "--input", "()"),
            "use_bias is true, and no count contains it, so it is a switch",
        ),
        (("--fix", "use_bias=nn.ReLU"), "--fix use_bias: '.' is not expected"),
    ],
)
def test_what_a_net_still_needs_is_said(several: str, words: tuple[str, ...], says: str) -> None:
    """An input or a switch that is missing is asked for in a sentence, exit code 2."""
    done = run("formulas", several, *words)
    assert done.code == 2
    assert says in " ".join(done.err.split())
    assert "Traceback" not in done.err


def test_latex_is_a_table(small: str) -> None:
    """--latex gives a tabular with every layer."""
    done = run("formulas", small, "--latex")
    assert all(done.out.count(rf"\texttt{{{path}}} & ") == 1 for path in ("first", "pool", "last"))
    assert r"\begin{tabular}" in done.out
    assert r"\mathrm{NF}" in done.out


def test_a_proof_that_fails_ends_with_exit_code_three(tmp_path: Path) -> None:
    """A net that is another one for numbers than for letters is caught, and the count named."""
    (tmp_path / "net.py").write_text(DISHONEST)
    done = run("formulas", f"{tmp_path}/net.py:Dishonest", "--input", "1,8,8")
    assert done.code == 3
    assert "the proof fails" in done.err
    assert "of conv" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("words", "says"),
    thinned([
        (("nothing",), "names no net"),
        (("no_such_module:Net",), "there is no module no_such_module"),
        (("cnnreport.nets.colourization:Net",), "nets there: PoolUpsampleNet"),
        (("none.py:Net",), "there is no file none.py"),
        ((POOL, "--fix", "num_filters"), "fixes nothing"),
        ((POOL, "--fix", "filters=3"), "has no parameter 'filters'"),
        ((POOL, "--convention", "mine"), "choose from: learnable, kernels"),
        ((POOL, "--input", "3,,3"), "is no size"),
        ((POOL, "--input", "0,32,32"), "0 is no positive whole number"),
        ((POOL, "--input", "4,32,32", "--fix", "num_in_channels=3"), "layer down1.0 (Conv2d): channels do"),
        ((POOL, "--input", "NIC,H,W"), "give --input NIC,4H,4W, with which nothing is rounded"),
        ((POOL, "--json", "--latex"), "exclude each other"),
        ((POOL, "--fix", "num_filters=-3"), "-3 is given as a size; give a positive number"),
        ((POOL, "--fix", "num_filters=3", "--fix", "num_filters=4"), "num_filters is fixed twice"),
        ((POOL, "--input", "3,100000,100000"), "larger than a proof can be"),
        ((POOL, "--input", "NIC,8,8"), "too few values of the letters"),
        (("torchvision.models:vit_b_16", "--input", "3,224,224"), "multi_head_attention_forward cannot be"),
    ], 3),
)  # fmt: skip
def test_a_mistake_is_one_sentence(words: tuple[str, ...], says: str) -> None:
    """Whatever is wrong with a target or an option is said with the remedy, exit code 2."""
    done = run("formulas", *words)
    assert done.code == 2, done.err
    assert says in " ".join(done.err.split())
    assert done.err.startswith("Error: ")
    assert "Traceback" not in done.err


def test_right_answers_pass(small: str, sheets: Path) -> None:
    """Six formulas that hold under one convention end with exit code 0."""
    (sheets / "answers.toml").write_text(RIGHT.format(net=small))
    done = run("check", f"{sheets}/answers.toml")
    assert done.code == 0, done.out
    assert "✗" not in done.out


def test_the_formula_with_a_slip_is_told(small: str, sheets: Path) -> None:
    """Five formulas hold; the sixth is off by a layer, which is named."""
    text = RIGHT.format(net=small).replace("80NF + 16", "80NF + 32", 1)
    (sheets / "answers.toml").write_text(text)
    done = run("check", f"{sheets}/answers.toml", "--json")
    findings = json.loads(done.out)["findings"]
    wrong = [one for one in findings if not one["holds"]]
    assert done.code == 3
    assert [(one["size"], one["quantity"]) for one in wrong] == [("original", "outputs")]
    assert "last (Conv2d)" in wrong[0]["explanation"]


def test_a_file_of_answers_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    """Exit code 3 is for answers that are wrong, 2 for a file that is."""
    (tmp_path / "answers.toml").write_text("net = ")
    done = run("check", f"{tmp_path}/answers.toml")
    assert done.code == 2
    assert "answers.toml" in done.err


def test_what_obeys_the_hint_is_no_wrong_answer(tmp_path: Path) -> None:
    """``k^2 4NF^2`` is read; ``k^24NF^2`` is refused with both readings instead of being read as one."""
    (tmp_path / "wide.py").write_text(
        "from torch import nn\ndef wide(kernel: int, num_filters: int):\n"
        "    return nn.Conv2d(num_filters, 4 * num_filters, kernel, padding=kernel // 2)\n"
    )
    for written, code, says in (
        ("k^2 4NF^2 + 4NF", 3, "✓ weights"),
        ("k^24NF^2 + 4NF", 2, "'k^24' can be read as 'k^(24)'"),
    ):
        (tmp_path / "answers.toml").write_text(
            WEIGHTS.format(net=f"{tmp_path}/wide.py:wide", weights=written)
        )
        done = run("check", f"{tmp_path}/answers.toml")
        assert done.code == code
        assert says in done.out + done.err


@pytest.mark.slow
def test_a_folder_is_a_table(small: str, sheets: Path) -> None:
    """Each sheet has its row, and the exit code is 3 unless all hold."""
    (sheets / "ada.toml").write_text(RIGHT.format(net=small))
    (sheets / "ben.toml").write_text(RIGHT.format(net=small).replace("80NF + 16", "80NF + 32", 1))
    (sheets / "cy.toml").write_text("net = ")
    done = run("check", str(sheets))
    assert done.code == 3
    rows = {line.split()[0]: line for line in done.out.splitlines() if line.split()}
    assert rows["ada"].split()[1:] == ["✓"] * 6
    assert "last (Conv2d) had been counted twice" in rows["ben"]
    assert "cy.toml is not valid TOML" in rows["cy"]
    assert "1 of 3 answer sheets hold; 1 cannot be read, or not whole." in done.out
    (sheets / "ben.toml").unlink()
    (sheets / "cy.toml").unlink()
    assert run("check", str(sheets)).code == 0


def test_csv_is_for_spreadsheets(small: str, sheets: Path) -> None:
    """RFC 4180 with a byte order mark; a name that a spreadsheet would compute is text."""
    (sheets / "=1+1.toml").write_text(RIGHT.format(net=small))
    (sheets / "Zoë, A.toml").write_text(RIGHT.format(net=small).replace("80NF", "8,0 NF", 1))
    done = run("check", str(sheets), "--csv")
    assert done.out.startswith("\ufeffname,original weights,")
    rows = list(csv.DictReader(io.StringIO(done.out.removeprefix("\ufeff"), newline="")))
    assert [row["name"] for row in rows] == ["'=1+1", "Zoë, A"]
    assert [row["original outputs"] for row in rows] == ["right", "unreadable"]
    assert [row["passed"] for row in rows] == ["yes", "no"]
    assert "separates no thousands" in rows[1]["most likely slip"]
    assert done.code == 3


def test_json_of_a_folder_is_a_list(small: str, sheets: Path) -> None:
    """One entry for each sheet; --csv and --json exclude each other."""
    (sheets / "ada.toml").write_text(RIGHT.format(net=small))
    done = run("check", str(sheets), "--json")
    (told,) = json.loads(done.out)
    assert (told["name"], told["passed"], done.code) == ("ada", True, 0)
    assert "exclude each other" in run("check", str(sheets), "--json", "--csv").err
