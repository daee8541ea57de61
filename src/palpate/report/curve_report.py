"""One page for a learning curve: what to do next in words, then the figure and the tables.

The page holds everything it needs: no network, no file beside it.
"""

from pathlib import Path

from palpate.files import write_bytes, write_text
from palpate.report.clip_render import rendered
from palpate.report.curve_page import curve_page
from palpate.report.curve_plots import curve_png
from palpate.report.curve_reported import ReportedCurve

__all__ = ["ReportedCurve", "render_curve", "write_curve_report"]


def render_curve(curve: ReportedCurve) -> str:
    """Return the whole page as HTML."""
    return rendered("curve.html", curve_page(curve))


def write_curve_report(curve: ReportedCurve, out: Path) -> None:
    """Write ``curve.html`` and ``curve.png`` into a folder.

    Raises:
        OutputError: one cannot be written; nothing half-written is left.
    """
    write_bytes(out / "curve.png", curve_png(curve))
    write_text(out / "curve.html", render_curve(curve))
