"""What upsampling can draw, and what the narrowest place of a net can hold: causes by derivation."""

from cnnreport.formula.spec import Capacity, Phases
from cnnreport.runs.experiment import Experiment

NETS = {"pool-upsample": "PoolUpsampleNet", "conv-transpose": "ConvTransposeNet", "unet": "UNet"}

EXPERIMENTS = (
    Experiment(
        name="upsampling-phases",
        title="The phases of upsampling, derived and tried",
        spec=Phases(
            net="cnnreport.nets.colourization:ConvTransposeNet",
            upsampling="cnnreport.nets.colourization:PoolUpsampleNet",
        ),
        seeds=1,
    ),
    *(
        Experiment(
            name=f"{name}-capacity",
            title=f"{net}, the values behind each of its modules",
            spec=Capacity(
                net=f"cnnreport.nets.colourization:{net}",
                input=("NIC", "32", "32"),
                numbers=(("NIC", 1), ("NF", 32), ("NC", 24), ("k", 3)),
            ),
            seeds=1,
        )
        for name, net in NETS.items()
    ),
)
