"""One page for the posture of a study with labels: a clinician's sentences, then all tables.

The page holds everything it needs: no network, no file beside it. To add a section, give
:mod:`palpate.report.posture_page` a function that returns its numbers as text and the template in
``templates/posture.html`` a block that shows them.
"""

from pathlib import Path

from palpate.files import write_text
from palpate.report.clip_render import rendered
from palpate.report.posture_page import posture_page
from palpate.report.posture_reported import ReportedPosture

__all__ = ["ReportedPosture", "render_posture", "write_posture_report"]


def render_posture(report: ReportedPosture) -> str:
    """Return the whole page as HTML."""
    return rendered("posture.html", posture_page(report))


def write_posture_report(report: ReportedPosture, path: Path) -> None:
    """Write the page.

    Raises:
        OutputError: it cannot be written; nothing half-written is left.
    """
    write_text(path, render_posture(report))
