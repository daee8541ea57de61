"""Train the folds of a study, one after the other or several at a time, each resumable."""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from time import monotonic

import torch

from palpate.errors import PalpateError
from palpate.localisers.run_folder import RunFolder
from palpate.side_by_side import processors
from palpate.splits import Split
from palpate.study import open_study
from palpate.training.recipe import Recipe
from palpate.training.train import Manner
from palpate.workflows.folds import Folds, fold_job
from palpate.workflows.train_job import train_job

# fold from 0, what is being done, how much of it, of how much, a remark
FoldAdvance = Callable[[int, str, int, int, str], None]
_News = tuple[int, str, int, int, str]
_NEWS_SECONDS = 0.5  # a process tells its progress no more often


@dataclass(frozen=True, slots=True)
class Workers:
    """How folds are trained.

    Args:
        jobs: folds at a time, each in a process of its own where there are several; they share
            the processor's cores, or take the GPUs in turn.
        device: ``cpu``, ``cuda``; None takes a GPU where there is one.
    """

    jobs: int = 1
    device: str | None = None


@dataclass(frozen=True, slots=True)
class _Task:
    """A fold as a process needs it: plain values; the study is opened anew there."""

    study: Path
    parts: dict[str, tuple[str, ...]]
    seed: int | None
    number: int
    recipe: Recipe
    out: Path
    device: str | None
    threads: int


def train_folds(
    folds: Folds, recipe: Recipe, out: Path, *, workers: Workers, advance: FoldAdvance
) -> None:
    """Train every fold that is not finished, going on where one was interrupted.

    Raises:
        PalpateError: a fold failed; with several at a time the others are finished first.
    """
    if workers.jobs == 1:
        for number in range(len(folds.splits)):
            train_fold(folds, number, recipe, out, device=workers.device, advance=advance)
        return
    _train_together(_tasks(folds, recipe, out, workers), workers.jobs, advance)


def train_fold(
    folds: Folds,
    number: int,
    recipe: Recipe,
    out: Path,
    *,
    device: str | None,
    advance: FoldAdvance,
) -> None:
    """Train one fold, counted from 0, or go on with it; nothing happens where it is finished."""
    root = out / f"fold-{number + 1}"
    begun = RunFolder(root).last.exists() or RunFolder(root).weights.exists()
    train_job(
        fold_job(folds, number, recipe),
        root,
        manner=Manner(resume=begun, device=device),
        advance=lambda what, done, total, remark: advance(number, what, done, total, remark),
    )


def _tasks(folds: Folds, recipe: Recipe, out: Path, workers: Workers) -> list[_Task]:
    threads = max(1, processors() // workers.jobs)
    gpus = torch.cuda.device_count() if workers.device in (None, "cuda") else 0
    return [
        _Task(
            folds.study.root,
            dict(split.parts),
            split.seed,
            number,
            recipe,
            out,
            f"cuda:{number % gpus}" if gpus else workers.device,
            threads,
        )
        for number, split in enumerate(folds.splits)
    ]


def _train_together(tasks: Sequence[_Task], jobs: int, advance: FoldAdvance) -> None:
    # Spawned, not forked: threads of torch do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(jobs, mp_context=context) as pool:
        news = manager.Queue()
        futures = {pool.submit(_train_alone, task, news): task.number for task in tasks}
        left = set(futures)
        while left:
            _, left = wait(left, timeout=0)
            try:
                advance(*news.get(timeout=_NEWS_SECONDS))
            except Empty:
                continue
    reasons = {number: future.result() for future, number in futures.items()}
    failed = {number: reason for number, reason in reasons.items() if reason}
    if failed:
        number, reason = next(iter(failed.items()))
        more = f" (and {len(failed) - 1} more folds failed)" if len(failed) > 1 else ""
        raise PalpateError(
            f"fold {number + 1} failed: {reason}{more}; finished folds are kept: run it again"
        )


def _train_alone(task: _Task, news: "Queue[_News]") -> str:
    """Train one fold in this process; return why it failed, or nothing."""
    torch.set_num_threads(task.threads)
    study = open_study(task.study).annotated()
    split = Split(task.parts, task.seed)
    folds = Folds(study, (split,) * (task.number + 1))
    told = 0.0

    def tell(number: int, what: str, done: int, total: int, remark: str) -> None:
        nonlocal told
        if monotonic() - told > _NEWS_SECONDS or done == total:
            told = monotonic()
            news.put((number, what, done, total, remark))

    try:
        train_fold(folds, task.number, task.recipe, task.out, device=task.device, advance=tell)
    except PalpateError as error:  # in words: an exception may not survive the way back
        return str(error)
    return ""
