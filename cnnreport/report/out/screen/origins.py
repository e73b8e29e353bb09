"""Where each number of a page comes from, put once into the page, whose script shows it beside the number."""

import json
import re
from typing import Any

from cnnreport.report.page.ledger import Entry, Origin
from cnnreport.report.page.provenance import Provenance
from cnnreport.report.page.report import Report

_NUMBER = re.compile(r'<a class="number" href="([^"#]*)#(number-\d+)"')


def of(report: Report, page: str) -> dict[str, Any]:
    """Collect the origins of the numbers on a page.

    Args:
        report: What was composed.
        page: The page of one of its documents.

    Returns:
        ``origins``: of each the experiments, the runs (label and address) and the file. ``numbers``: for each
        anchor its place among the origins, what it is, how it prints, its value for each seed, and its
        field. Both are empty where the report does not know its runs.
    """
    linked = dict(reversed(place) for place in _NUMBER.findall(page))
    provenance = report.provenance
    collected: dict[str, Any] = {"origins": [], "numbers": {}}
    for origin in report.ledger.origins if provenance else ():
        printed = [entry for entry in origin.entries if entry.anchor in linked]
        if provenance and printed:
            place = len(collected["origins"])
            collected["origins"].append(_origin(origin, provenance, linked[printed[0].anchor]))
            collected["numbers"].update({entry.anchor: [place, *_number(entry)] for entry in printed})
    return collected


def script(origins: dict[str, Any]) -> str:
    """Return the element of a page that holds them."""
    text = json.dumps(origins, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" id="origins">{text}</script>'


def _origin(origin: Origin, provenance: Provenance, file: str) -> list[Any]:
    rows = [provenance.labels[run] for run in origin.runs]
    return [
        provenance.experiments(origin.runs),
        [[row.label, f"{file}#{row.anchor}"] for row in rows],
        origin.file,
    ]


def _number(entry: Entry) -> list[Any]:
    quantity = entry.quantity
    several = len(quantity.values) > 1
    values = [[str(seed), quantity.show(value)] for seed, value in quantity.values.items()] if several else []
    return [quantity.meaning, quantity.text, values, quantity.source.field]
