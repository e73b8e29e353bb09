"""Questions A1, A3 and B1: counts as formulas, and the audit of three answer sheets with slips."""

import tomllib
from pathlib import Path

from cnnreport.formula.spec import Formulas, HandWritten
from cnnreport.runs.experiment import Experiment

NETS = {"six-block-cnn": "CNN", "six-block-unet": "UNet"}

SHEETS = {
    "left-out": "a sheet that leaves a layer out",
    "twice": "a sheet that counts a layer twice",
    "doubled-weights": "a sheet that multiplies the weights on doubling",
}


def audit(sheet: str, words: str) -> Experiment:
    """Return the audit of an answer sheet, which lies beside this module."""
    read = tomllib.loads(Path(__file__).with_name(f"sheet-{sheet}.toml").read_text(encoding="utf-8"))
    return Experiment(
        name=f"six-block-sheet-{sheet}",
        title=f"The audit of {words}",
        spec=HandWritten(
            net=read["net"],
            input_size=read["input_size"],
            original=tuple(read["original"].items()),
            doubled=tuple(read["doubled"].items()),
        ),
        seeds=1,
    )


EXPERIMENTS = (
    *(
        Experiment(
            name=f"{name}-formulas",
            title=f"The {net} of 2020, its counts derived and proved",
            spec=Formulas(
                net=f"experiments.csc413-2020.nets:{net}",
                input=("NIC", "32", "32"),
                numbers=(("NIC", 1), ("NF", 32), ("NC", 24), ("k", 3)),
            ),
            seeds=1,
        )
        for name, net in NETS.items()
    ),
    *(audit(sheet, words) for sheet, words in SHEETS.items()),
)
