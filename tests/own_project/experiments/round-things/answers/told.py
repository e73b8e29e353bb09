"""What came out."""

from cnnreport.report import answer
from cnnreport.report.answer import Answer, Runs

from ..shapes import SIZE


def told(runs: Runs) -> Answer:
    """Say how well round things are told from others."""
    few, many = runs["few-filters"], runs["many-filters"]
    return Answer(
        values={
            "few": answer.last(few, "accuracy", "accuracy with few filters", "share"),
            "many": answer.last(many, "accuracy", "accuracy with many filters", "share"),
            "dark": answer.measure(many, "dark", "share of dark pixels", "share", of_data=True),
        },
        listings={"net": answer.listing(many, "Corner")},
        facts={"size": f"{SIZE} pixels wide"},
    )


ANSWERS = {"told": told}
