"""Prepared pixels of many images: in memory while they are few, beyond that in a file."""

import tempfile
from pathlib import Path

import numpy as np
from jaxtyping import Shaped
from numpy import ndarray

from palpate.errors import OutputError

# Prepared pixels kept in memory, in bytes; frames of long clips are of the order of 0.3 MB each.
_IN_MEMORY = 2 * 2**30
_CHUNK = 256 * 2**20  # of the file, mapped at once
_ALIGNMENT = 64


class PixelStore:
    """Keeps arrays; those beyond a limit are parts of a file that the system reads as needed.

    The file has no name, so nothing is left of it when the process ends, however it ends. What
    memory is free serves as its cache.

    Args:
        folder: on the disk that takes the file; it is made where there is none.
        in_memory: bytes kept in memory before the file is begun.
        chunk: bytes that the file grows by; an array larger than that has a chunk of its own.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = PixelStore(Path(folder), in_memory=8)
        ...     few, more = store.keep(np.arange(8, dtype=np.uint8)), store.keep(np.eye(3))
        >>> [isinstance(kept, np.memmap) for kept in (few, more)]
        [False, True]
    """

    def __init__(self, folder: Path, *, in_memory: int = _IN_MEMORY, chunk: int = _CHUNK) -> None:
        self._folder = folder
        self._left = in_memory
        self._chunk = chunk
        self._room: ndarray = np.empty(0, np.uint8)

    def keep(self, pixels: Shaped[ndarray, "..."]) -> Shaped[ndarray, "..."]:
        """Return the same numbers, from wherever they are kept now; they cannot be changed.

        Raises:
            OutputError: the disk is full.
        """
        size = pixels.nbytes
        if size <= self._left:
            self._left -= size
            return pixels
        self._left = 0
        place = self._take(size)
        kept = place.view(pixels.dtype).reshape(pixels.shape)
        kept[...] = pixels
        kept.flags.writeable = False
        return kept

    def _take(self, size: int) -> ndarray:
        if size > len(self._room):
            self._room = self._grown(max(size, self._chunk))
        place, self._room = self._room[:size], self._room[size:]
        # The next array begins where any type may.
        self._room = self._room[-self._room.ctypes.data % _ALIGNMENT :]
        return place

    def _grown(self, size: int) -> ndarray:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._folder) as file:
                # Written, not only promised: a mapped page without a place on the disk would kill.
                for _ in range(0, size, 2**20):
                    file.write(bytes(2**20))
                file.flush()
                return np.memmap(file, np.uint8, "r+", shape=(size,))
        except OSError as error:
            raise OutputError(
                f"could not keep {size / 2**20:.0f} MiB of prepared images in {self._folder}: "
                f"{error.strerror or error}; free some space, or choose another --out"
            ) from error
