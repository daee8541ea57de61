"""A CSV file that is written row by row, and is under its name only when it is closed."""

import csv
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from palpate.errors import OutputError

WriterT = TypeVar("WriterT", bound="GrowingCsv")


class GrowingCsv:
    """Rows as they come; a context manager.

    The file has another name until it is closed; where an error ends the writing, the rows that
    were given by then are kept under the right name.

    Args:
        path: of the file; its folder is made where there is none.
        header: names of the columns.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        self.path = path
        self.rows = 0
        self._header = list(header)

    def __enter__(self: WriterT) -> WriterT:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(
                prefix=f".{self.path.name}.", suffix=".partial", dir=self.path.parent
            )
        except OSError as error:
            raise self._refused(error) from error
        self._temporary = Path(name)
        self._stream = os.fdopen(handle, "w", encoding="utf-8", newline="")
        self._csv = csv.writer(self._stream, lineterminator="\n")
        self._csv.writerow(self._header)
        return self

    def write(self, cells: Sequence[str]) -> None:
        """Write one row."""
        try:
            self._csv.writerow(cells)
        except OSError as error:
            raise self._refused(error) from error
        self.rows += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._stream.close()
            if self.rows or error is None:
                self._temporary.chmod(0o644)
                self._temporary.replace(self.path)
        except OSError as refused:
            raise self._refused(refused) from error
        finally:
            self._temporary.unlink(missing_ok=True)

    def _refused(self, error: OSError) -> OutputError:
        return OutputError(
            f"could not write {self.path}: {error.strerror or error}; free some space or choose "
            "another folder, then run the same command again"
        )
