"""One picture of the worst findings, so that a person sees at once whether they are right."""

import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from palpate.errors import FormatError
from palpate.files import write_bytes
from palpate.finding import SEVERITIES, Finding
from palpate.image import Image
from palpate.points import Points
from palpate.study import Study

TILE, CAPTION, MARGIN = 320, 62, 8
_COLUMNS = 4
_MOST_OF_A_KIND = 6
_WHITE, _GREY, _BLACK = (255, 255, 255), (190, 190, 190), (0, 0, 0)
_RED, _CYAN, _YELLOW, _GREEN = (255, 64, 64), (64, 220, 255), (255, 210, 60), (120, 255, 120)
_ANNOTATORS = (_CYAN, _YELLOW, _GREEN)


def write_contact_sheet(
    study: Study, findings: Iterable[Finding], path: Path, *, most: int = 20
) -> int:
    """Write a PNG of the worst images, of every kind in turn; return how many tiles it has.

    The landmarks concerned are ringed in red and named; of a pair of copies both are shown.

    Raises:
        OutputError: it could not be written.
    """
    shown = _of_every_kind(study, findings, most)
    if not shown:
        return 0
    rows = -(-len(shown) // _COLUMNS)
    width, height = TILE + 2 * MARGIN, TILE + CAPTION + 2 * MARGIN
    sheet = Pillow.new("RGB", (_COLUMNS * width, rows * height), _BLACK)
    for i, finding in enumerate(shown):
        tile = _tile(study, finding)
        sheet.paste(tile, (i % _COLUMNS * width + MARGIN, i // _COLUMNS * height + MARGIN))
    stream = io.BytesIO()
    sheet.save(stream, "PNG")
    write_bytes(path, stream.getvalue())
    return len(shown)


def _of_every_kind(study: Study, findings: Iterable[Finding], most: int) -> list[Finding]:
    """The worst of each kind, then the second worst of each; an image once for each kind."""
    known = {case.identifier for case in study.cases}
    kinds: dict[str, list[Finding]] = defaultdict(list)
    seen = set()
    for finding in findings:
        if finding.image in known and (finding.kind, finding.image) not in seen:
            seen.add((finding.kind, finding.image))
            kinds[finding.kind].append(finding)
    queue = sorted(
        (
            (rank, SEVERITIES.index(f.severity), f)
            for of in kinds.values()
            for rank, f in enumerate(of[:_MOST_OF_A_KIND])
        ),
        key=lambda entry: entry[:2],
    )
    return [finding for _, _, finding in queue[:most]]


def _tile(study: Study, finding: Finding) -> Pillow.Image:
    tile = Pillow.new("RGB", (TILE, TILE + CAPTION), _BLACK)
    names = [finding.image, finding.other] if finding.other else [finding.image]
    side = TILE // len(names)
    for i, name in enumerate(names):
        tile.paste(
            _picture(study, name, finding, (side - 2 * (len(names) - 1), TILE)), (i * side, 0)
        )
    draw = ImageDraw.Draw(tile)
    colour = {"error": _RED, "warning": _YELLOW, "note": _GREY}[finding.severity]
    font = ImageFont.load_default(12)
    draw.text((0, TILE + 2), finding.kind, fill=colour, font=font)
    for line, text in enumerate(_wrapped(draw, finding.sentence, font, TILE)[:3]):
        draw.text((0, TILE + 17 + 15 * line), text, fill=_WHITE, font=font)
    return tile


def _picture(study: Study, name: str, finding: Finding, box: tuple[int, int]) -> Pillow.Image:
    """The image, fitted into the box, with its landmarks."""
    case = study.case(name)
    try:
        image = study.load(case).image
    except FormatError:
        return Pillow.new("RGB", box, (60, 0, 0))
    grey = _stretched(image)
    fit = min(box[0] / grey.width, box[1] / grey.height)
    size = max(1, round(grey.width * fit)), max(1, round(grey.height * fit))
    picture = grey.resize(size, Pillow.Resampling.BOX if fit < 1 else Pillow.Resampling.BICUBIC)
    picture = picture.convert("RGB")
    draw = ImageDraw.Draw(picture)
    given = dict(case.annotations)
    if not given and case.reference is not None:
        given = {"": case.reference}
    for i, (annotator, points) in enumerate(given.items()):
        if finding.annotator in ("", annotator):
            marked = finding.landmarks if finding.kind != "absent" else ()
            _draw_points(draw, points, fit, marked, _ANNOTATORS[i % len(_ANNOTATORS)])
    return picture


def _stretched(image: Image) -> Pillow.Image:
    grey = image.grey()
    low, high = np.percentile(grey, (0.5, 99.5))
    levels = np.clip((grey - low) / max(float(high - low), 1e-6), 0, 1) * 255
    return Pillow.fromarray(np.rint(levels).astype(np.uint8))


def _draw_points(
    draw: ImageDraw.ImageDraw,
    points: Points,
    fit: float,
    marked: Sequence[str],
    colour: tuple[int, int, int],
) -> None:
    font = ImageFont.load_default(11)
    for name, coordinates in zip(points.scheme.names, points.coordinates, strict=True):
        if np.isnan(coordinates).any():
            continue
        x, y = ((float(c) + 0.5) * fit for c in coordinates[:2])
        draw.ellipse((x - 1, y - 1, x + 1, y + 1), fill=colour)
        if name in marked:
            draw.ellipse((x - 5, y - 5, x + 5, y + 5), outline=_RED)
            draw.text((x + 6, y - 6), name, fill=_RED, font=font)


def _wrapped(
    draw: ImageDraw.ImageDraw,
    text: str,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
    width: int,
) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if draw.textlength(longer, font=font) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
