"""A folder of whole DICOM files, each named by its identifier."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from palpate.errors import OutputError, PalpateError
from palpate.files import write_bytes
from palpate.serve.dicom.admit import Admitted, is_uid

# A film must leave so much free, or the ledger and the reports of earlier ones have no room.
KEEP_FREE = 64 << 20


@dataclass(frozen=True, slots=True)
class Inbox:
    """Files that are whole or absent.

    Args:
        folder: made where it is missing.

    Raises:
        OutputError: it cannot be made.
    """

    folder: Path

    def __post_init__(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make the folder {self.folder}: {error.strerror}") from error

    def room_for(self, size: int) -> bool:
        """Whether ``size`` bytes fit and enough is left for what comes after."""
        return shutil.disk_usage(self.folder).free >= size + KEEP_FREE

    def place(self, uid: str, digest: str = "") -> Path:
        """Where an object goes; ``digest`` tells a second version of it from the first.

        Raises:
            PalpateError: ``uid`` is no identifier, so that it must name no file.
        """
        if not is_uid(uid):
            raise PalpateError("a file is named by an identifier of digits and dots alone")
        return self.folder / (f"{uid}~{digest[:12]}.dcm" if digest else f"{uid}.dcm")

    def keep(self, admitted: Admitted, content: bytes) -> Path:
        """Write an object whole and return where; another object of that name is left alone.

        The folder is flushed too: what was answered for survives the loss of power.

        Raises:
            OutputError: the disk is full or the folder cannot be written.
        """
        path = self.place(admitted.uid)
        if path.exists() and path.read_bytes() != content:
            path = self.place(admitted.uid, admitted.digest)
        if not path.exists():
            write_bytes(path, content)
            self._flush()
        return path

    def tidy(self) -> int:
        """Remove files that were being written when a process ended; return how many."""
        left = list(self.folder.glob(".*.partial"))
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def files(self) -> list[Path]:
        """Return the whole files, by name."""
        return sorted(self.folder.glob("[0-9]*.dcm"))

    def _flush(self) -> None:
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
