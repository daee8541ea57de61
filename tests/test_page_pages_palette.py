"""The colours of the page are readable: contrasts computed from the style sheet itself."""

import re
from importlib.resources import files

import pytest

GROUNDS = ("ground", "surface", "raised", "film")
# WCAG 2.2: 1.4.3 for text, 1.4.11 for shapes and edges of controls.
TEXT, SHAPE = 4.5, 3.0


def _colours() -> dict[str, str]:
    css = (files("palpate.serve") / "page" / "base.css").read_text()
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", css))


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours (WCAG 2.2)."""
    dark, bright = sorted((_luminance(one), _luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=1e-3)


def test_every_text_is_readable_on_every_ground() -> None:
    colours = _colours()
    inks = [name for name in colours if name.startswith("ink") and name != "ink-on-go"]
    assert {"ink", "ink-soft", "ink-link", "ink-bad"} <= set(inks)
    poor = {
        (ink, ground): ratio
        for ink in inks
        for ground in GROUNDS
        if (ratio := contrast(colours[ink], colours[ground])) < TEXT
    }
    assert not poor
    assert contrast(colours["ink-on-go"], colours["go"]) >= TEXT


def test_every_shape_and_edge_is_seen_on_every_ground() -> None:
    colours = _colours()
    shapes = [name for name in colours if name.startswith("shape-")] + ["edge", "go"]
    assert len(shapes) >= 9
    poor = {
        (shape, ground): ratio
        for shape in shapes
        for ground in GROUNDS
        if (ratio := contrast(colours[shape], colours[ground])) < SHAPE
    }
    assert not poor


def test_no_style_sheet_brings_dark_text_of_its_own() -> None:
    # Colours are named once, in base.css, so that the contrasts above hold everywhere.
    page = files("palpate.serve") / "page"
    for sheet in ("queue", "sign-in", "accounts", "adjudicate", "guide", "help"):
        css = (page / f"{sheet}.css").read_text()
        assert not re.findall(r"(?<![-\w])color:\s*#", css), sheet
