"""Whether a DICOM file is whole: pydicom reads a sequence that was cut as a shorter one.

A report of ten landmarks that was cut off would be read as one of five. So the lengths that the
file itself declares are added up (PS3.5 chapter 7), before anything in it is believed.
"""

import struct
import zlib
from pathlib import Path

from palpate.errors import FormatError

_PREAMBLE = 132
_MAX_INFLATED = 1 << 26
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD)
# Value representations with a length of four bytes (PS3.5 table 7.1-1).
_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV"))
_LONG_TEXT = frozenset((b"UC", b"UN", b"UR", b"UT", b"UV"))
_IMPLICIT, _BIG = b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.2"
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_TRANSFER_SYNTAX = (0x0002, 0x0010)


class _CutError(Exception):
    """The bytes end before what they declare."""


def refuse_cut(path: Path) -> None:
    """Refuse a DICOM file that ends before its own lengths say.

    Raises:
        FormatError: it is cut off, or no DICOM file.
    """
    content = path.read_bytes()
    if content[128:_PREAMBLE] != b"DICM":
        raise FormatError(path, "is not a DICOM file, or is cut off in its header")
    try:
        syntax, start = _meta(content)
        if syntax == _DEFLATED:
            content, start = _inflated(path, content[start:]), 0
        walk = _Walk(content, start, explicit=syntax != _IMPLICIT, big=syntax == _BIG)
        walk.elements(until=None)
    except (_CutError, struct.error, RecursionError, zlib.error) as error:
        raise FormatError(
            path, f"is cut off after {len(content):,} bytes, or damaged; copy it again"
        ) from error


def _meta(content: bytes) -> tuple[bytes, int]:
    """The transfer syntax, and where the dataset begins."""
    walk = _Walk(content, _PREAMBLE, explicit=True, big=False)
    syntax = _IMPLICIT
    while walk.at < len(content) and content[walk.at : walk.at + 2] == b"\x02\x00":
        tag, length = walk.header()
        if tag == _TRANSFER_SYNTAX:
            syntax = content[walk.at : walk.at + length].rstrip(b"\x00 ")
        walk.skip(length)
    return syntax, walk.at


def _inflated(path: Path, content: bytes) -> bytes:
    """Unpack a deflated dataset, to a limit: a small file may unpack to gigabytes."""
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    plain = unpack.decompress(content, _MAX_INFLATED)
    if unpack.unconsumed_tail:
        raise FormatError(path, f"unpacks to more than {_MAX_INFLATED >> 20} MiB; it is no report")
    if not unpack.eof:
        raise _CutError
    return plain


class _Walk:
    """A place in a stream of data elements."""

    def __init__(self, content: bytes, at: int, *, explicit: bool, big: bool) -> None:
        self.content = content
        self.at = at
        self.explicit = explicit
        self.order = ">" if big else "<"

    def elements(self, *, until: tuple[int, int] | None) -> None:
        """Pass elements up to the end of the stream, or to a delimiter."""
        while until is not None or self.at < len(self.content):
            if until is None and not self.content[self.at :].strip(b"\x00"):
                return
            tag, length = self.header()
            if tag == until:
                return
            if length == _UNDEFINED:
                self._items()
            else:
                self.skip(length)

    def header(self) -> tuple[tuple[int, int], int]:
        """Read a tag and a length."""
        group, element = self._read("HH", 4)
        tag = (group, element)
        if not self.explicit or group == _ITEM[0]:
            return tag, self._read("I", 4)[0]
        kind = self.content[self.at : self.at + 2]
        if kind in _LONG or kind in _LONG_TEXT:
            self.skip(4)
            return tag, self._read("I", 4)[0]
        self.skip(2)
        return tag, self._read("H", 2)[0]

    def skip(self, length: int) -> None:
        """Pass bytes that must be there."""
        self.at += length
        if self.at > len(self.content):
            raise _CutError

    def _items(self) -> None:
        """Pass the items of a sequence of undefined length."""
        while True:
            tag, length = self.header()
            if tag == _SEQUENCE_END:
                return
            if tag != _ITEM:
                raise _CutError
            if length == _UNDEFINED:
                self.elements(until=_ITEM_END)
            else:
                self.skip(length)

    def _read(self, form: str, size: int) -> tuple[int, ...]:
        start = self.at
        self.skip(size)
        return struct.unpack(self.order + form, self.content[start : start + size])
