"""``palpate monitor``: follow a depth camera, or a recording as if it were one."""

import signal
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from palpate.monitor.status import Status


def monitor(  # noqa: PLR0913, PLR0917 - the flags of a command
    run: Annotated[Path, typer.Argument(help="Run folder, or a model exported to ONNX.")],
    source: Annotated[
        Path,
        typer.Argument(
            help="Depth clip to replay (folder of PNG frames, lossless video, .depth), a folder "
            "that grows (--live), a named pipe, or - for standard input.",
            allow_dash=True,
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for monitor.sqlite, status.json, the page.")],
    live: Annotated[
        bool, typer.Option("--live", help="The folder grows: a camera drops frames into it.")
    ] = False,
    backlog: Annotated[
        bool, typer.Option("--backlog", help="With --live: begin with the frames that are there.")
    ] = False,
    rate_hz: Annotated[
        float | None,
        typer.Option(help="Frames a second; default: 30 of a camera, a clip's own of a recording."),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(help="all or latest; default: latest of a camera, all of a recording."),
    ] = None,
    duration: Annotated[
        float | None, typer.Option(help="Seconds of the stream; default: to its end.")
    ] = None,
    accelerate: Annotated[str, typer.Option(help="Pace of a replay: 1, 4, ..., or max.")] = "1",
    loop: Annotated[bool, typer.Option("--loop", help="Replay for ever.")] = False,
    segment: Annotated[
        float, typer.Option(help="Seconds that go to disk together; a sudden end loses one or two.")
    ] = 1.0,
    stall: Annotated[float, typer.Option(help="Seconds of silence that are a stall.")] = 5.0,
    keep_days: Annotated[
        float | None, typer.Option(help="Delete what is older; default: keep everything.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    engine: Annotated[
        str | None, typer.Option(help="For an exported model: onnxruntime or openvino.")
    ] = None,
) -> None:
    """Follow a depth stream: joints of every frame into a store, movement, delays, gaps.

    Ctrl-C ends it cleanly. The same command again appends to the store, and the time between is
    a gap in it.
    """
    from math import inf

    from palpate.cli.progress import console, errors
    from palpate.cli.typed import typed_command
    from palpate.errors import PalpateError
    from palpate.localisers.load import load_localiser
    from palpate.monitor.clock import SystemClock
    from palpate.monitor.follow import FollowSettings
    from palpate.workflows.monitor_live import LiveRun, clip_localiser
    from palpate.workflows.monitor_page import page_of_store
    from palpate.workflows.monitor_source import (
        SourceWishes,
        chosen_pace,
        chosen_policy,
        is_recording,
        open_source,
    )
    from palpate.workflows.provenance import localiser_provenance

    clock = SystemClock()
    wishes = SourceWishes(rate_hz, live, backlog, chosen_pace(accelerate), loop)
    settings = FollowSettings(
        policy=chosen_policy(policy, recording=is_recording(source, wishes)),
        segment_s=segment,
        stall_s=stall,
        duration_s=inf if duration is None else duration,
        keep_s=inf if keep_days is None else 86400.0 * keep_days,
    )
    stream = open_source(source, wishes, clock)
    localiser = clip_localiser(
        load_localiser(run, device=device, engine=engine, one_thread=False), str(run)
    )
    provenance = localiser_provenance(localiser) | {
        "command": typed_command(),
        "source": stream.name,
        "rate_hz": f"{stream.rate_hz:g}",
        "policy": settings.policy,
        "interval_s": f"{localiser.interval_s:g}",
        "frames": str(localiser.frames),
    }
    stop = Event()
    with _ended_by_signals(stop), _shown_status() as tell:
        status = LiveRun(localiser, stream, out, settings, provenance).follow(
            clock=clock, stop=stop, tell=tell
        )
    _tell_end(status, out)
    try:
        page = page_of_store(out)
    except PalpateError as error:  # the store is there, and palpate monitor-report may try again
        errors.print(f"no page: {error}", highlight=False, markup=False)
        return
    console.print(f"page: {page}", highlight=False, markup=False, soft_wrap=True)


def monitor_report(
    out: Annotated[Path, typer.Argument(help="Folder that palpate monitor wrote into.")],
) -> None:
    """Write the page of a monitored stream anew from its store; while it runs, too."""
    from palpate.cli.progress import console
    from palpate.workflows.monitor_page import page_of_store

    console.print(f"page: {page_of_store(out)}", highlight=False, markup=False, soft_wrap=True)


@contextmanager
def _ended_by_signals(stop: Event) -> "Iterator[None]":
    """Let Ctrl-C and SIGTERM end it cleanly; a second Ctrl-C ends it at once."""

    def end(number: int, frame: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {name: signal.signal(name, end) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


@contextmanager
def _shown_status() -> "Iterator[Callable[[Status], None]]":
    """A line that is rewritten on a terminal; elsewhere a line where the condition changes."""
    from rich.markup import escape

    from palpate.cli.progress import errors

    if errors.is_terminal:
        with errors.status("waiting for the first frame") as shown:
            yield lambda status: shown.update(escape(status.line))
        return
    told = [""]

    def tell(status: "Status") -> None:
        if status.condition != told[0]:
            told[0] = status.condition
            errors.print(status.line, highlight=False, markup=False)

    yield tell


def _tell_end(status: "Status", out: Path) -> None:
    from palpate.cli.progress import console, errors
    from palpate.monitor.store import STORE

    for warning in status.warnings:
        errors.print(f"note: {warning}", highlight=False, markup=False)
    console.print(f"{status.came} frames: {status.line}", highlight=False, markup=False)
    console.print(f"store: {out / STORE}", highlight=False, markup=False, soft_wrap=True)
