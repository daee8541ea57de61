"""Processes and processors: one CPU, one GPU, or several processes under ``torchrun``."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from palpate.errors import ConfigError
from palpate.training.batches import Share


@contextmanager
def processes() -> Iterator[Share]:
    """Join the other processes that ``torchrun`` started, if it did."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Share()
        return
    backend = "nccl" if torch.cuda.is_available() else "gloo"
    torch.distributed.init_process_group(backend)
    try:
        yield Share(torch.distributed.get_rank(), count)
    finally:
        torch.distributed.destroy_process_group()


def choose_device(name: str | None) -> torch.device:
    """Return the device asked for, else a GPU where there is one, else the CPU.

    Raises:
        ConfigError: the device asked for is not there.
    """
    if name is None:
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda"):
        if not torch.cuda.is_available():
            raise ConfigError(f"device {name!r} was asked for, but torch sees no GPU; use cpu")
        if name == "cuda":
            name = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    try:
        return torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"unknown device {name!r}; use cpu or cuda") from error
