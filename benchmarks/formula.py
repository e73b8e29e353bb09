"""How long it takes to derive a net's counts and to prove them, imports left out.

    python benchmarks/formula.py [--rounds 5] [--json FILE]

Each round derives and proves every net once, for its input and for twice its size, in turn.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import torch
from machines import machine

from cnnreport.formula.proof.prove import prove
from cnnreport.formula.tracing.derive import derive
from cnnreport.nets.colourization import ConvTransposeNet, PoolUpsampleNet, UNet

NETS = (PoolUpsampleNet, ConvTransposeNet, UNet)


def once(net: type[torch.nn.Module]) -> tuple[float, float]:
    """Return the seconds of deriving and of proving."""
    start = time.perf_counter()
    derivation = derive(net)
    doubled = derivation.doubled()
    middle = time.perf_counter()
    prove(derivation, doubled)
    return middle - start, time.perf_counter() - middle


def main() -> None:
    """Measure and print, a line for each net."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    times = [{net.__name__: once(net) for net in NETS} for _ in range(chosen.rounds)]
    measured = {}
    for net in NETS:
        both = [sum(one[net.__name__]) for one in times]
        measured[net.__name__] = {
            "first": both[0],
            "median": statistics.median(both),
            "derive": statistics.median(one[net.__name__][0] for one in times),
            "prove": statistics.median(one[net.__name__][1] for one in times),
        }
        line = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in measured[net.__name__].items())
        print(f"{net.__name__}: {line}")
    if chosen.json:
        chosen.json.write_text(json.dumps({"machine": machine(), "seconds": measured}, indent=2) + "\n")


if __name__ == "__main__":
    main()
