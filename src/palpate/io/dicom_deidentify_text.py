"""Text that was burnt into pixels: looked for, never ruled out.

Printed annotation is a row of small marks of about one height in the one value of the brightest
or of the darkest pixels. Handwriting, text over a bright ground, a single letter of lead: not
found, or not told from a person's name. So an answer is 'may hold text', and never 'holds none'.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Shaped
from numpy import ndarray

# A letter is so tall, in px and as a share of the image's height; so wide by its height.
_LEAST_PX, _MOST_SHARE = 5, 0.08
_WIDTHS = (0.08, 1.6)
# Share of its box that a letter covers: a hairline is less, a block is more.
_FILL = (0.12, 0.95)
_LETTERS = 4  # in a row
# Shares of the range of values from its ends: plain print, and print with soft edges, whose
# letters have a core of the extreme value.
_CORE = 0.02
_NEAR = (_CORE, 0.4)


@dataclass(frozen=True, slots=True)
class TextBox:
    """Where text may be: (left, top, right, bottom) in px, and of how many letters."""

    left: int
    top: int
    right: int
    bottom: int
    letters: int


def find_text(pixels: Shaped[ndarray, "y x"]) -> list[TextBox]:
    """Return rows of marks that may be letters, the longest first.

    Args:
        pixels: of one channel, in any numeric type.

    Example:
        >>> find_text(np.zeros((40, 50)))
        []
    """
    values = np.asarray(pixels, dtype=np.float32)
    low, high = float(values.min()), float(values.max())
    if not high > low:
        return []
    share = (values - low) / (high - low)
    rows = [row for one in (share, 1.0 - share) for near in _NEAR for row in _rows(one, near)]
    return _apart(sorted(rows, key=lambda row: (-row.letters, row.top, row.left)))


def _apart(rows: Sequence[TextBox]) -> list[TextBox]:
    """Leave out rows that meet a longer one: the same text, found twice."""
    kept: list[TextBox] = []
    for row in rows:
        if not any(_meets(row, other) for other in kept):
            kept.append(row)
    return kept


def _meets(a: TextBox, b: TextBox) -> bool:
    across = a.left <= b.right and b.left <= a.right
    return across and a.top <= b.bottom and b.top <= a.bottom


def _rows(share: Float[ndarray, "y x"], near: float) -> list[TextBox]:
    letters = _letters(share >= 1.0 - near, share >= 1.0 - _CORE)
    rows: list[list[tuple[int, int, int, int]]] = []
    for letter in letters:
        row = next((row for row in rows if _follows(row[-1], letter)), None)
        if row is None:
            rows.append([letter])
        else:
            row.append(letter)
    return [_box(row) for row in rows if len(row) >= _LETTERS]


def _letters(
    mask: Bool[ndarray, "y x"], core: Bool[ndarray, "y x"]
) -> list[tuple[int, int, int, int]]:
    """Boxes (x, y, width, height) that may be letters with a core, from left to right."""
    count, marks, table, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    width, height, area = table[1:count, 2:].T
    tallest = max(_LEAST_PX, int(_MOST_SHARE * mask.shape[0]))
    fill = area / np.maximum(width * height, 1)
    shape = width / np.maximum(height, 1)
    cored = np.bincount(marks[core], minlength=count)[1:] > 0
    fits = cored & (height >= _LEAST_PX) & (height <= tallest) & (area >= _LEAST_PX)
    fits &= (shape >= _WIDTHS[0]) & (shape <= _WIDTHS[1])
    # An upright stroke such as I fills its box whole.
    fits &= (fill >= _FILL[0]) & ((fill <= _FILL[1]) | (shape < 0.4))
    found = [(int(a), int(b), int(c), int(d)) for a, b, c, d in table[1:count][fits, :4]]
    return sorted(found)


def _follows(last: tuple[int, int, int, int], letter: tuple[int, int, int, int]) -> bool:
    """Whether a mark stands to the right of the last one, as a next letter does."""
    height = max(last[3], letter[3])
    gap = letter[0] - (last[0] + last[2])
    # Small letters stand on one line with tall ones: feet agree, or middles of all of one height.
    feet = abs((letter[1] + letter[3]) - (last[1] + last[3]))
    alike = min(last[3], letter[3]) >= 0.5 * height
    return alike and -0.3 * height <= gap <= 1.5 * height and feet <= 0.3 * height


def _box(row: Sequence[tuple[int, int, int, int]]) -> TextBox:
    x, y, width, height = np.array(row).T
    return TextBox(
        int(x.min()), int(y.min()), int((x + width).max()), int((y + height).max()), len(row)
    )
