"""How long a video file says that it is: a copy that broke off is shorter.

Four families of containers give the length of their outermost parts: MP4 and QuickTime (ISO/IEC
14496-12, 4.2), AVI (RIFF), Matroska and WebM (RFC 8794, RFC 9559) and WMV (ASF). A part is its
header and the length written there; the parts follow each other to the end of the file. MPEG
streams give no length; some end with a mark. Nor does a recording that was streamed or never
closed: whether that was cut cannot be told.
"""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

# The longest header of a part.
_HEADER = 24
# Of an MPEG stream: the end of the programme, the end of the sequence.
_END_MARKS = (b"\x00\x00\x01\xb9", b"\x00\x00\x01\xb7")
_TAIL = 4096
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_EBML = bytes.fromhex("1a45dfa3")
# The header of a part and the bytes left in the file -> the part's length; None: it does not say.
_Measure = Callable[[bytes, int], int | None]

_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"pnot")


def missing_bytes(path: Path) -> int | None:
    """Return how many bytes a file is shorter than it says, or None where it does not say."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        declared = _declared_length(stream, size)
    return None if declared is None else max(0, declared - size)


def has_end_mark(path: Path) -> bool:
    """Say whether an MPEG stream, which gives no length, ends with the mark that it may have."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - _TAIL))
        tail = stream.read()
    return any(mark in tail for mark in _END_MARKS)


def _declared_length(stream: BinaryIO, size: int) -> int | None:
    """Sum the lengths of the outermost parts up to the one that reaches the end."""
    position = 0
    measure: _Measure | None = None
    while position < size:
        stream.seek(position)
        header = stream.read(_HEADER)
        measure = measure or _measure(header)
        length = measure(header, size - position) if measure else None
        if length is None:
            return None
        position += length
    return position


def _measure(header: bytes) -> _Measure | None:
    if header.startswith(_ASF):
        return _asf_object
    if header.startswith(_EBML):
        return _ebml_element
    if header.startswith(b"RIFF"):
        return _riff_chunk
    return _iso_box if header[4:8] in _FIRST_BOXES else None


def _iso_box(header: bytes, left: int) -> int | None:
    if len(header) < 8:
        return 8
    length, kind = int.from_bytes(header[:4], "big"), header[4:8]
    if not kind.isascii() or not kind.decode().isprintable():
        return None
    if length == 0:
        return left
    if length == 1:
        return max(16, int.from_bytes(header[8:16], "big")) if len(header) >= 16 else 16
    return length if length >= 8 else None


def _riff_chunk(header: bytes, left: int) -> int | None:
    if len(header) < 8:
        return 8
    length = int.from_bytes(header[4:8], "little")
    # A recorder that was not stopped properly leaves the length at zero.
    if header[:4] not in (b"RIFF", b"JUNK") or length == 0:
        return None
    # The pad byte after an odd length is not always there at the very end.
    return 8 + length + (length & 1 if left > 8 + length else 0)


def _asf_object(header: bytes, left: int) -> int | None:
    if len(header) < 24:
        return 24
    length = int.from_bytes(header[16:24], "little")
    return length if length >= 24 else None


def _ebml_element(header: bytes, left: int) -> int | None:
    """An identifier and a length, each of as many bytes as its leading zero bits say."""
    name = _vint_bytes(header[0])
    if name > 4:
        return None
    if len(header) <= name:
        return name + 1
    width = _vint_bytes(header[name])
    if width > 8:
        return None
    mask = (1 << 7 * width) - 1
    length = int.from_bytes(header[name : name + width], "big") & mask
    # All ones: the length was not known when writing began.
    return None if length == mask else name + width + length


def _vint_bytes(first: int) -> int:
    return 9 - first.bit_length()
