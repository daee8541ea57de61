"""One page for one clip that a colleague can open: what was found, when, and how sure that is.

The page holds everything it needs: no network, no file beside it. To add a section, give
:mod:`palpate.report.clip_page` a function that returns its numbers as text and the template in
``templates/clip.html`` a block that shows them.
"""

from pathlib import Path

from palpate.files import write_text
from palpate.report.clip_page import clip_page
from palpate.report.clip_render import rendered
from palpate.report.clip_reported import ReportedClip

__all__ = ["ReportedClip", "render_clip", "write_clip_report"]


def render_clip(clip: ReportedClip) -> str:
    """Return the whole page as HTML; frames are read from the clip's file.

    Where they cannot be read any more the page says so and holds everything else.

    Raises:
        SchemeError: an edge names a landmark that the track does not have.
    """
    return rendered("clip.html", clip_page(clip))


def write_clip_report(clip: ReportedClip, path: Path) -> None:
    """Write the page.

    Raises:
        OutputError: it cannot be written; nothing half-written is left.
        SchemeError: an edge names a landmark that the track does not have.
    """
    write_text(path, render_clip(clip))
