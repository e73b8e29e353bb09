"""Questions A3, B1 and C1: counts as formulas, and the audit of a hand-written answer to A3."""

import tomllib
from pathlib import Path

from cnnreport.formula.spec import Formulas, HandWritten
from cnnreport.runs.experiment import Experiment

HANDWRITTEN = tomllib.loads(Path(__file__).with_name("handwritten.toml").read_text())

NETS = {"pool-upsample": "PoolUpsampleNet", "conv-transpose": "ConvTransposeNet", "unet": "UNet"}

EXPERIMENTS = (
    *(
        Experiment(
            name=f"{name}-formulas",
            title=f"{net}, its counts derived and proved",
            spec=Formulas(
                net=f"cnnreport.nets.colourization:{net}",
                input=("NIC", "32", "32"),
                numbers=(("NIC", 1), ("NF", 32), ("NC", 24), ("k", 3)),
            ),
            seeds=1,
        )
        for name, net in NETS.items()
    ),
    Experiment(
        name="handwritten-answer",
        title="The audit of a hand-written answer to A3",
        spec=HandWritten(
            net=HANDWRITTEN["net"],
            input_size=HANDWRITTEN["input_size"],
            original=tuple(HANDWRITTEN["original"].items()),
            doubled=tuple(HANDWRITTEN["doubled"].items()),
        ),
        seeds=1,
    ),
)
