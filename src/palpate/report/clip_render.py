"""A page as one file of HTML that needs nothing from outside."""

import re
from base64 import b64encode
from hashlib import sha256

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_STYLES = ("study.css", "sheet.css")
_SCRIPT = "sheet.js"


def rendered(template: str, page: object) -> str:
    """Fill a template of this room.

    Everything that comes from outside is escaped; the page's own script is named by its hash, so
    a browser runs no other, and nothing is fetched.
    """
    environment = Environment(
        loader=PackageLoader("palpate.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = _part(environment, _SCRIPT)
    digest = b64encode(sha256(script.encode("utf-8")).digest()).decode("ascii")
    text = environment.get_template(template).render(
        page=page,
        style=Markup("\n".join(_part(environment, name) for name in _STYLES)),
        script=Markup(script),
        script_hash=digest,
    )
    # A file name may hold bytes that are no UTF-8, or control characters: no page can.
    return re.sub("[\x00-\x08\x0b-\x1f\ud800-\udfff]", "\ufffd", text)


def _part(environment: Environment, name: str) -> str:
    if environment.loader is None:
        raise FileNotFoundError(name)
    return environment.loader.get_source(environment, name)[0]
