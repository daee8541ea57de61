"""One page a colleague can open: figures, cases, measurements and where they come from.

The page holds everything it needs: no network, no file beside it. Cases come from a localiser or
from people, figures from :mod:`palpate.evaluation`, measurements from a protocol. To add a section,
give :mod:`palpate.report.page` a function that returns its numbers as text and the template in
``templates/study.html`` a block that shows them.
"""

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from palpate.files import write_text
from palpate.report.page import page
from palpate.report.reported import ReportedCase, StudyReport

__all__ = ["ReportedCase", "StudyReport", "render", "write_report"]


def render(report: StudyReport) -> str:
    """Return the whole page as HTML.

    Everything that comes from outside is escaped; the page's own script is named by its hash, so
    a browser runs no other, and nothing is fetched.

    Raises:
        StudyError: landmarks that are not in pixels.
    """
    environment = Environment(
        loader=PackageLoader("palpate.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = _part(environment, "study.js")
    digest = b64encode(sha256(script.encode("utf-8")).digest()).decode("ascii")
    text = environment.get_template("study.html").render(
        page=page(report),
        style=Markup(_part(environment, "study.css")),
        script=Markup(script),
        script_hash=digest,
    )
    # A file name may hold bytes that are no UTF-8, or control characters: no page can.
    return re.sub("[\x00-\x08\x0b-\x1f\ud800-\udfff]", "\ufffd", text)


def write_report(report: StudyReport, path: Path) -> None:
    """Write the page.

    Raises:
        OutputError: it cannot be written; nothing half-written is left.
    """
    write_text(path, render(report))


def _part(environment: Environment, name: str) -> str:
    if environment.loader is None:
        raise FileNotFoundError(name)
    return environment.loader.get_source(environment, name)[0]
