"""What derivations leave: formulas and audits, whose measures are mostly texts that a report sets."""

from cnnreport.kinds.kind import Kind, Recorded


def _derivation(name: str, *texts: str, counts: tuple[Recorded, ...] = ()) -> Kind:
    """Declare a derivation: the points that prove it, numbers of its own, and texts."""
    proved = Recorded("proved", "points that prove it", "count", "history", "points")
    points = Recorded("points", "points that prove it", "count", "measures", of_data=True,
                      result="proved on {} points")  # fmt: skip
    return Kind(name, (proved, points, *counts), ("net", *texts))


FORMULAS = _derivation(
    "derivation", "proof", "input", "input_doubled", "numbers", "convention", "layers", "totals",
    counts=(Recorded("counts", "counts that are proved", "count", "measures", of_data=True),),
)  # fmt: skip

AUDIT = _derivation(
    "audit", "target", "complete", "passed", "common", "slips", "findings",
    counts=(Recorded("input_size", "height and width of the input", "count", "measures", of_data=True),),
)  # fmt: skip

COMPARISON = _derivation("comparison of counts", "numbers", "input", "rows")

PADDINGS = _derivation("paddings", "tried", "equations", "groups", "figure", "live", "checks")

PHASES = _derivation("phases of doubling", "kernel", "tried", "ways", "nets")

CAPACITY = _derivation("capacity", "numbers", "input", "modules", "narrowest", "around")
