"""A figure of this project's own, and two of the library's kind."""

from cnnreport.report.draw import bars
from cnnreport.report.draw.picture import Picture
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.numbers.reading import DataSet
from cnnreport.runs.artefact import Run

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="30" viewBox="0 0 60 30">'
    '<circle cx="15" cy="15" r="{0:.3f}"/><circle cx="45" cy="15" r="{1:.3f}"/></svg>'
)


def discs(few: Quantity, many: Quantity, data: tuple[DataSet, ...]) -> Picture:
    """Draw a disc for each accuracy, its radius the number."""
    drawn = SVG.format(14 * few.mean, 14 * many.mean)
    return Picture(drawn.encode(), "image/svg+xml", "Two discs, as large as the accuracies.", data)


def rivals(few: list[Run], many: list[Run]) -> Picture:
    """Draw the accuracies beside each other, with their seeds."""
    columns = {"few filters": few, "many filters": many}
    each = {name: reading.last(runs, "accuracy", name, "share") for name, runs in columns.items()}
    return bars.bars({"accuracy": each}, "Accuracy by number of filters.", reading.datasets(few))
