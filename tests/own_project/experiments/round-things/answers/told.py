"""What came out."""

from cnnreport.report.answer import Answer, Runs
from cnnreport.report.numbers import reading

from .. import drawing
from ..shapes import SIZE


def told(runs: Runs) -> Answer:
    """Say how well round things are told from others."""
    few, many = runs["few-filters"], runs["many-filters"]
    values = {
        "few": reading.last(few, "accuracy", "accuracy with few filters", "share"),
        "many": reading.last(many, "accuracy", "accuracy with many filters", "share"),
        "dark": reading.measure(many, "dark", "share of dark pixels", "share", of_data=True),
    }
    return Answer(
        values=values,
        pictures={
            "discs": drawing.discs(values["few"], values["many"], reading.datasets(few)),
            "bars": drawing.rivals(few, many),
        },
        listings={"net": reading.listing(many, "Corner")},
        facts={"size": f"{SIZE} pixels wide"},
    )


ANSWERS = {"told": told}
