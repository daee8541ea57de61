"""What a method costs, read from the metrics of its runs: weights, arithmetic and seconds."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from statistics import median
from typing import Any

from palpate.evaluation.limb_errors import Cell
from palpate.evaluation.plain import plain

REGRESSION = "regression"
_FIGURES = ("parameters", "multiply_accumulates", "seconds_per_epoch", "epochs", "steps")


@dataclass(frozen=True, slots=True)
class StageCost:
    """One network of a method: medians over its runs; None where no run says.

    Args:
        name: such as ``detection`` or ``regression``.
        parameters: weights.
        multiply_accumulates: of a clip.
        seconds_per_epoch: of training.
        epochs: trained.
        steps: of the optimiser, in all.
    """

    name: str
    parameters: float | None = None
    multiply_accumulates: float | None = None
    seconds_per_epoch: float | None = None
    epochs: float | None = None
    steps: float | None = None


@dataclass(frozen=True, slots=True)
class RunCost:
    """What a method costs, over the networks that it trains one after the other.

    Args:
        stages: its networks.
        seconds_per_clip: of prediction, from frames in the grid to linked joints.
        runs: how many it was read from.
        notes: what could not be read, in words.
    """

    stages: tuple[StageCost, ...] = ()
    seconds_per_clip: float | None = None
    runs: int = 0
    notes: tuple[str, ...] = ()

    @property
    def parameters(self) -> float | None:
        """Weights of all networks."""
        return self._total(lambda stage: stage.parameters)

    @property
    def multiply_accumulates(self) -> float | None:
        """Of a clip, through all networks."""
        return self._total(lambda stage: stage.multiply_accumulates)

    @property
    def seconds_per_epoch(self) -> float | None:
        """One epoch of every network."""
        return self._total(lambda stage: stage.seconds_per_epoch)

    @property
    def regression_seconds_per_epoch(self) -> float | None:
        """One epoch of the regression network: the paper's training time."""
        found = [stage for stage in self.stages if stage.name == REGRESSION]
        return found[0].seconds_per_epoch if found else None

    def _total(self, figure: Callable[[StageCost], float | None]) -> float | None:
        """Sum over the networks; None where one of them is not known."""
        values = [figure(stage) for stage in self.stages]
        known = [value for value in values if value is not None]
        return sum(known) if values and len(known) == len(values) else None

    def row(self) -> dict[str, Cell]:
        """Return the figures of a table's row."""
        return {
            "parameters": self.parameters,
            "multiply_accumulates": self.multiply_accumulates,
            "regression_seconds_per_epoch": self.regression_seconds_per_epoch,
            "seconds_per_epoch": self.seconds_per_epoch,
            "seconds_per_clip": self.seconds_per_clip,
        }

    def to_json(self) -> dict[str, Any]:
        """Return plain values; None where a figure is not known."""
        stages = [plain(stage) for stage in self.stages]
        return {**self.row(), "stages": stages, "runs": self.runs, "notes": list(self.notes)}


def run_cost(metrics: Mapping[str, Mapping[str, Any]]) -> RunCost:
    """Take the median of each figure over runs of one method.

    A figure that a run does not hold, or that is no positive number, is left out and named.

    Args:
        metrics: name of a run -> what its ``metrics.json`` says; empty where there is none.

    Example:
        >>> stage = {"name": "regression", "parameters": 10, "seconds_per_epoch": 2.0}
        >>> cost = run_cost({"fold-1": {"stages": [stage], "seconds_per_clip": 0.5}})
        >>> cost.parameters, cost.seconds_per_clip, cost.multiply_accumulates
        (10.0, 0.5, None)
    """
    names = list(dict.fromkeys(name for each in metrics.values() for name in _stages(each)))
    stages = [
        StageCost(
            name,
            **{
                figure: _median(
                    _stages(each).get(name, {}).get(figure) for each in metrics.values()
                )
                for figure in _FIGURES
            },
        )
        for name in names
    ]
    return RunCost(
        stages=tuple(stages),
        seconds_per_clip=_median(each.get("seconds_per_clip") for each in metrics.values()),
        runs=len(metrics),
        notes=tuple(note for run, each in metrics.items() for note in _missing(run, each)),
    )


def _stages(metrics: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    given = metrics.get("stages")
    if not isinstance(given, list):
        return {}
    return {str(each["name"]): each for each in given if isinstance(each, dict) and "name" in each}


def _missing(run: str, metrics: Mapping[str, Any]) -> list[str]:
    stages = _stages(metrics)
    lacking = [] if stages else ["stages"]
    lacking += [
        f"{figure} of {name}"
        for name, each in stages.items()
        for figure in _FIGURES
        if _number(each.get(figure)) is None
    ]
    if _number(metrics.get("seconds_per_clip")) is None:
        lacking.append("seconds_per_clip")
    return [f"{run}: its metrics.json does not tell {', '.join(lacking)}"] if lacking else []


def _median(values: Iterable[Any]) -> float | None:
    known = [number for value in values if (number := _number(value)) is not None]
    return float(median(known)) if known else None


def _number(value: Any) -> float | None:
    """A positive number that a figure can be; nothing else that JSON may hold."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if isfinite(value) and value > 0 else None
