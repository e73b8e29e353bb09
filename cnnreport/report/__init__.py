"""The report half: artefacts become answers, answers a page, the page a PDF."""
