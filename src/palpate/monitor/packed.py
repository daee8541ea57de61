"""Frames of about a second as a few bytes: fixed point, one column after the other, compressed.

Coordinates are sixteenths of a pixel in 16 bit, scores and links 255ths in 8. Of each column the
differences from frame to frame are kept, low bytes before high bytes: a body that lies still costs
little. 12 joints and 8 connections at 30 frames a second make about 115 MB a day.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy import ndarray

from palpate.errors import FormatError
from palpate.monitor.record import FrameRecord

STEPS_PER_PX = 16
_NOT_THERE = -32768
LARGEST_PX = 2000  # of a frame's sides: what fixed point can hold, with room for a joint outside


@dataclass(frozen=True, eq=False, slots=True)
class Frames:
    """What became of the frames of a stretch of time, in columns.

    Args:
        number: (frame,) the camera's.
        time_s: (frame,) on the store's clock, never decreasing.
        state: (frame,) a ``FrameState`` each.
        coordinates: (frame, joint, 2) in px, NaN where not found or not looked at; to 1/32 px.
        score: (frame, joint) in [0, 1], to 1/510.
        links: (frame, connection) in [0, 1], to 1/510.
        others: (frame,) how many more bodies, or parts of such.
    """

    number: Int[ndarray, " frame"]
    time_s: Float[ndarray, " frame"]
    state: UInt8[ndarray, " frame"]
    coordinates: Float[ndarray, "frame joint 2"]
    score: Float[ndarray, "frame joint"]
    links: Float[ndarray, "frame connection"]
    others: UInt8[ndarray, " frame"]

    def __len__(self) -> int:
        return len(self.number)

    def only(self, rows: ndarray) -> "Frames":
        """Return some of the frames."""
        return Frames(*(getattr(self, name)[rows] for name in self.__slots__))

    @classmethod
    def of(cls, records: Sequence[FrameRecord], joints: int, connections: int) -> "Frames":
        """Put records into columns."""
        empty = np.full((joints, 2), np.nan), np.zeros(joints), np.zeros(connections)
        rows = [
            empty
            if one.coordinates is None or one.score is None or one.links is None
            else (one.coordinates, one.score, one.links)
            for one in records
        ]
        count = len(records)
        return cls(
            np.array([one.number for one in records], dtype=np.int64),
            np.array([one.time_s for one in records], dtype=np.float64),
            np.array([one.state for one in records], dtype=np.uint8),
            np.array([row[0] for row in rows], dtype=np.float64).reshape(count, joints, 2),
            np.array([row[1] for row in rows], dtype=np.float64).reshape(count, joints),
            np.array([row[2] for row in rows], dtype=np.float64).reshape(count, connections),
            np.array([min(one.others, 255) for one in records], dtype=np.uint8),
        )

    @classmethod
    def joined(cls, parts: Sequence["Frames"], joints: int, connections: int) -> "Frames":
        """Put stretches behind each other."""
        every = [cls.of((), joints, connections), *parts]
        return cls(
            *(np.concatenate([getattr(part, name) for part in every]) for name in cls.__slots__)
        )


def pack(frames: Frames) -> bytes:
    """Return the bytes of some frames.

    Example:
        >>> from palpate.monitor.record import FrameState
        >>> record = FrameRecord(3, 0.1, FrameState.SKIPPED)
        >>> unpack(pack(Frames.of([record], 2, 1)), 2, 1).number.tolist()
        [3]
    """
    count = len(frames)
    coordinates = np.rint(frames.coordinates * STEPS_PER_PX)
    coordinates = np.clip(np.nan_to_num(coordinates, nan=_NOT_THERE), _NOT_THERE, 32767)
    columns = [
        _differences(frames.number.astype("<i8")),
        _differences(microseconds(frames.time_s).astype("<i8")),
        _differences(coordinates.reshape(count, 2 * coordinates.shape[1]).astype("<i2")),
        _differences(np.rint(frames.score * 255.0).astype(np.uint8)),
        _differences(np.rint(frames.links * 255.0).astype(np.uint8)),
        frames.state.tobytes(),
        frames.others.tobytes(),
    ]
    return count.to_bytes(4, "little") + zlib.compress(b"".join(columns), level=6)


def unpack(packed: bytes, joints: int, connections: int) -> Frames:
    """Return the frames of ``pack``'s bytes.

    Raises:
        FormatError: they are not whole, or of another number of joints.
    """
    count = int.from_bytes(packed[:4], "little")
    widths = [(1, "<i8"), (1, "<i8"), (2 * joints, "<i2"), (joints, "u1"), (connections, "u1")]
    try:
        content = zlib.decompress(packed[4:])
        columns, at = [], 0
        for width, kind in widths:
            size = count * width * np.dtype(kind).itemsize
            columns.append(_summed(content[at : at + size], count, width, kind))
            at += size
        number, times, fixed, score, links = columns
        state, others = np.frombuffer(content[at:], dtype=np.uint8).reshape(2, count)
    except (zlib.error, ValueError) as error:
        raise FormatError("segment", f"not the frames of {joints} joints: {error}") from error
    coordinates = fixed.reshape(count, joints, 2).astype(np.float64) / STEPS_PER_PX
    coordinates[fixed.reshape(count, joints, 2) == _NOT_THERE] = np.nan
    return Frames(
        number[:, 0].astype(np.int64),
        times[:, 0] / 1e6,
        state,
        coordinates,
        score / 255.0,
        links / 255.0,
        others,
    )


def microseconds(time_s: Float[ndarray, "..."]) -> Int[ndarray, "..."]:
    """Return times as the store holds them."""
    return np.rint(time_s * 1e6).astype(np.int64)


def _differences(column: ndarray) -> bytes:
    """Differences down the column; of each number all lowest bytes first, then the next."""
    rows = column if column.ndim == 2 else column[:, None]
    steps = rows.copy()
    steps[1:] = rows[1:] - rows[:-1]  # wraps around where it must, and so does the sum
    plain = np.ascontiguousarray(steps.T).view(np.uint8).reshape(-1, steps.dtype.itemsize)
    return plain.T.tobytes()


def _summed(content: bytes, count: int, width: int, kind: str) -> ndarray:
    plain = np.frombuffer(content, dtype=np.uint8).reshape(np.dtype(kind).itemsize, -1)
    steps = np.ascontiguousarray(plain.T).view(kind).reshape(width, count).T
    return np.cumsum(steps, axis=0, dtype=np.dtype(kind))
