"""A folder is used by one service at a time; the lock of one that was killed is free."""

import sqlite3
from pathlib import Path

from palpate.errors import ConfigError, OutputError


class FolderLock:
    """Holds a file locked as long as this process lives.

    SQLite's lock is one of the operating system: it ends with the process, however that ends.

    Raises:
        ConfigError: another process holds it.
        OutputError: the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(path, timeout=0.0, check_same_thread=False)
        except (sqlite3.Error, OSError) as error:
            raise OutputError(f"{path}: cannot be made ({error})") from error
        try:
            self._base.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            self._base.close()
            raise ConfigError(
                f"another 'palpate dicom serve' uses {path.parent}; stop it, or choose another "
                "folder with --out"
            ) from error

    def close(self) -> None:
        """Let others use the folder."""
        self._base.rollback()
        self._base.close()
