"""The kinds of output that a build can make, the quickest first."""

from cnnreport.report.out import html, pdf

WRITERS = (html.WRITER, pdf.WRITER)
