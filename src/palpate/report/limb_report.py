"""One page for the limbs of a study of clips: the errors as boxes, and the tables of the paper.

The page holds everything it needs: no network, no file beside it.
"""

from pathlib import Path

from palpate.files import write_text
from palpate.report.clip_render import rendered
from palpate.report.limb_page import limb_page
from palpate.report.limb_reported import ReportedLimbs

__all__ = ["ReportedLimbs", "render_limbs", "write_limb_report"]


def render_limbs(report: ReportedLimbs) -> str:
    """Return the whole page as HTML."""
    return rendered("limbs.html", limb_page(report))


def write_limb_report(report: ReportedLimbs, path: Path) -> None:
    """Write the page.

    Raises:
        OutputError: it cannot be written; nothing half-written is left.
    """
    write_text(path, render_limbs(report))
