"""What came out."""

from cnnreport.report.answer import Answer, Runs
from cnnreport.report.numbers import reading

from ..shapes import SIZE


def told(runs: Runs) -> Answer:
    """Say how well round things are told from others."""
    few, many = runs["few-filters"], runs["many-filters"]
    return Answer(
        values={
            "few": reading.last(few, "accuracy", "accuracy with few filters", "share"),
            "many": reading.last(many, "accuracy", "accuracy with many filters", "share"),
            "dark": reading.measure(many, "dark", "share of dark pixels", "share", of_data=True),
        },
        listings={"net": reading.listing(many, "Corner")},
        facts={"size": f"{SIZE} pixels wide"},
    )


ANSWERS = {"told": told}
