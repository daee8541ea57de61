"""One page for the shapes of a study: modes, scores, and the unusual ones."""

from pathlib import Path

from palpate.files import write_text
from palpate.report.clip_render import rendered
from palpate.report.shape_page import ReportedShapes, shape_page


def render_shapes(shapes: ReportedShapes) -> str:
    """Return the whole page as HTML; it needs nothing from outside."""
    return rendered("shape.html", shape_page(shapes))


def write_shape_report(shapes: ReportedShapes, path: Path) -> None:
    """Write the page.

    Raises:
        OutputError: it cannot be written; nothing half-written is left.
    """
    write_text(path, render_shapes(shapes))
