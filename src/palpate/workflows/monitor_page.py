"""The page of a monitored stream, from its store alone."""

from pathlib import Path

from palpate.monitor.store import STORE, MonitorStore

PAGE = "monitor.html"


def page_of_store(out: Path) -> Path:
    """Write monitor.html beside the store.

    Raises:
        FormatError: there is no store.
        OutputError: the page cannot be written.
    """
    with MonitorStore.read(out / STORE):
        return out / PAGE
