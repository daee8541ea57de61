"""One page for the agreement of raters; it needs nothing from outside."""

from collections.abc import Mapping
from pathlib import Path

from palpate.evaluation.agreement_study import RatersCompared
from palpate.files import write_text
from palpate.report.agreement_page import agreement_page
from palpate.report.clip_render import rendered


def render_agreement(compared: RatersCompared, provenance: Mapping[str, str]) -> str:
    """Return the whole page as HTML."""
    return rendered("agreement.html", agreement_page(compared, provenance))


def write_agreement_report(
    compared: RatersCompared, path: Path, provenance: Mapping[str, str]
) -> None:
    """Write the page.

    Raises:
        OutputError: it cannot be written; nothing half-written is left.
    """
    write_text(path, render_agreement(compared, provenance))
