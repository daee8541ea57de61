"""One page for one clip of linked limbs; it holds everything that it needs."""

from pathlib import Path

from palpate.files import write_text
from palpate.report.clip_render import rendered
from palpate.report.depth_page import depth_page
from palpate.report.depth_reported import ReportedDepth


def write_depth_report(reported: ReportedDepth, path: Path) -> None:
    """Write the page.

    Raises:
        OutputError: it cannot be written; nothing half-written is left.
    """
    write_text(path, rendered("depth.html", depth_page(reported)))
