"""Train runs of a study, such as its folds, one by one or several at a time, each resumable."""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from time import monotonic

import torch

from palpate.errors import PalpateError
from palpate.files import write_json
from palpate.localisers.run_folder import RunFolder
from palpate.side_by_side import processors
from palpate.splits import By, Split
from palpate.study import open_study
from palpate.training.job import TrainingJob
from palpate.training.recipe import Recipe
from palpate.training.train import Manner
from palpate.workflows.folds import Folds, fold_job
from palpate.workflows.train_job import train_job

# run or fold from 0, what is being done, how much of it, of how much, a remark
FoldAdvance = Callable[[int, str, int, int, str], None]
_News = tuple[int, str, int, int, str]
# How long a run took: seconds, runs at a time, whether it went on with an interrupted one.
TIMING = "timing.json"
# What a run may fail by without being a mistake of the program; CUDA's lack of memory is among it.
_FAILURES = (PalpateError, RuntimeError, OSError, MemoryError)
_NEWS_SECONDS = 0.5  # a process tells its progress no more often


@dataclass(frozen=True, slots=True)
class Workers:
    """How runs are trained.

    Args:
        jobs: runs at a time, each in a process of its own where there are several; they share
            the processor's cores, or take the GPUs in turn.
        device: ``cpu``, ``cuda``; None takes a GPU where there is one.
    """

    jobs: int = 1
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One training and the run folder that it makes."""

    job: TrainingJob[Recipe]
    out: Path


@dataclass(frozen=True, slots=True)
class _Task:
    """A run as a process needs it: plain values; the study is opened anew there."""

    number: int
    study: Path
    parts: dict[str, tuple[str, ...]]
    seed: int | None
    by: By
    halves: tuple[tuple[str, ...], ...]
    recipe: Recipe
    out: Path
    workers: Workers
    threads: int


def train_folds(
    folds: Folds, recipe: Recipe, out: Path, *, workers: Workers, advance: FoldAdvance
) -> None:
    """Train every fold that is not finished, going on where one was interrupted.

    Raises:
        PalpateError: a fold failed; with several at a time the others are finished first.
    """
    numbers = range(len(folds.splits))
    runs = [Run(fold_job(folds, n, recipe), out / f"fold-{n + 1}") for n in numbers]
    if workers.jobs == 1:
        for number, run in enumerate(runs):
            _train_run(run, number, workers, advance)
        return
    failed = _train_together(runs, workers, advance)
    if failed:
        number, reason = next(iter(failed.items()))
        more = f" (and {len(failed) - 1} more folds failed)" if len(failed) > 1 else ""
        raise PalpateError(
            f"fold {number + 1} failed: {reason}{more}; finished folds are kept: run it again"
        )


def train_runs(runs: Sequence[Run], *, workers: Workers, advance: FoldAdvance) -> dict[int, str]:
    """Train every run that is not finished; one that fails does not stop the others.

    Args:
        runs: of one study, each with a folder of its own.
        workers: how many at a time, and on what.
        advance: told the run's number, from 0, and what is done of it.

    Returns:
        Number of a run that failed -> why.
    """
    if workers.jobs > 1:
        return _train_together(runs, workers, advance)
    failed: dict[int, str] = {}
    for number, run in enumerate(runs):
        try:
            _train_run(run, number, workers, advance)
        except _FAILURES as error:
            failed[number] = _reason(error)
    return failed


def _train_run(run: Run, number: int, workers: Workers, advance: FoldAdvance) -> None:
    """Train a run, or go on with it, and write how long it took; nothing where it is finished."""
    folder = RunFolder(run.out)
    if folder.localiser.exists():
        return
    resumed, start = folder.begun, monotonic()
    train_job(
        run.job,
        run.out,
        manner=Manner(resume=resumed, device=workers.device),
        advance=lambda what, done, total, remark: advance(number, what, done, total, remark),
    )
    seconds = round(monotonic() - start, 1)
    write_json(run.out / TIMING, {"seconds": seconds, "jobs": workers.jobs, "resumed": resumed})


def _tasks(runs: Sequence[Run], workers: Workers) -> list[_Task]:
    threads = max(1, processors() // workers.jobs)
    gpus = torch.cuda.device_count() if workers.device in (None, "cuda") else 0
    return [
        _Task(
            number,
            run.job.study.root,
            dict(run.job.split.parts),
            run.job.split.seed,
            run.job.split.by,
            run.job.halves,
            run.job.recipe,
            run.out,
            Workers(workers.jobs, f"cuda:{number % gpus}" if gpus else workers.device),
            threads,
        )
        for number, run in enumerate(runs)
    ]


def _train_together(runs: Sequence[Run], workers: Workers, advance: FoldAdvance) -> dict[int, str]:
    """Train runs in processes; return number -> why it failed."""
    # Spawned, not forked: threads of torch do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with (
        context.Manager() as manager,
        ProcessPoolExecutor(workers.jobs, mp_context=context) as pool,
    ):
        news = manager.Queue()
        futures = {
            pool.submit(_train_alone, task, news): task.number for task in _tasks(runs, workers)
        }
        left = set(futures)
        while left:
            _, left = wait(left, timeout=0)
            try:
                advance(*news.get(timeout=_NEWS_SECONDS))
            except Empty:
                continue
    failed: dict[int, str] = {}
    for future, number in futures.items():
        error = future.exception()  # a process that was killed, for lack of memory perhaps
        reason = future.result() if error is None else _reason(error)
        if reason:
            failed[number] = reason
    return failed


def _train_alone(task: _Task, news: "Queue[_News]") -> str:
    """Train one run in this process; return why it failed, or nothing."""
    torch.set_num_threads(task.threads)
    told = 0.0

    def tell(number: int, what: str, done: int, total: int, remark: str) -> None:
        nonlocal told
        if monotonic() - told > _NEWS_SECONDS or done == total:
            told = monotonic()
            news.put((number, what, done, total, remark))

    try:
        study = open_study(task.study).annotated()
        split = Split(task.parts, task.seed, task.by)
        job = TrainingJob(study, task.recipe, split, task.halves)
        _train_run(Run(job, task.out), task.number, task.workers, tell)
    except _FAILURES as error:  # in words: an exception may not survive the way back
        return _reason(error)
    return ""


def _reason(error: BaseException) -> str:
    return str(error) if isinstance(error, PalpateError) else f"{type(error).__name__}: {error}"
