"""Progress bars with the time left; silent where nobody watches."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

# Where nobody watches, tables need not fit a window.
_WIDTH = None if sys.stdout.isatty() else 160

console = Console(width=_WIDTH)
errors = Console(stderr=True, soft_wrap=True)


@contextmanager
def stages(prefix: str = "") -> Iterator[Callable[[str, int, int, str], None]]:
    """Give a function that shows a stage: its name, how much is done of how much, a remark."""
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[remark]}", style="dim"),
        console=errors,
        disable=not errors.is_terminal,
    )
    tasks: dict[str, int] = {}
    with bars:

        def show(what: str, done: int, total: int, remark: str = "") -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(prefix + what, total=total, remark=remark)
            bars.update(bars.task_ids[tasks[what]], completed=done, total=total, remark=remark)

        yield show
