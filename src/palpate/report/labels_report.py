"""One page of the labels to check first, with a crop of each."""

from pathlib import Path

from palpate.files import write_text
from palpate.report.clip_render import rendered
from palpate.report.labels_page import ReportedLabels, labels_page


def render_labels(labels: ReportedLabels) -> str:
    """Return the whole page as HTML; it needs nothing from outside."""
    return rendered("labels.html", labels_page(labels))


def write_labels_report(labels: ReportedLabels, path: Path) -> None:
    """Write the page.

    Raises:
        OutputError: it cannot be written; nothing half-written is left.
    """
    write_text(path, render_labels(labels))
