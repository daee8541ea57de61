"""Several recipes on the same folds: figures of each, paired differences to the first."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from palpate.errors import ConfigError
from palpate.evaluation.compare import PairedDifference, paired
from palpate.evaluation.evaluate import Evaluation, evaluate
from palpate.files import write_json
from palpate.protocols.protocol import read_protocol
from palpate.training.job import Advance
from palpate.training.recipe import Recipe
from palpate.workflows.crossval import Folds, cross_validate


@dataclass(frozen=True, eq=False, slots=True)
class Comparison:
    """Figures by recipe and paired differences to the first recipe, by metric."""

    baseline: str
    evaluations: dict[str, Evaluation]
    differences: dict[str, tuple[PairedDifference, ...]]

    def rows(self) -> list[tuple[str, PairedDifference]]:
        """Return (recipe, difference) in the order of the recipes."""
        return [(name, row) for name, rows in self.differences.items() for row in rows]


def compare_recipes(
    folds: Folds,
    recipes: Sequence[Recipe],
    out: Path,
    *,
    device: str | None,
    advance: Callable[[str, int], Advance],
) -> Comparison:
    """Cross-validate every recipe into its own folder below ``out`` and compare.

    Raises:
        ConfigError: fewer than two recipes, or two of one name.
    """
    names = [recipe.name for recipe in recipes]
    if len(recipes) < 2 or len(set(names)) < len(names):
        raise ConfigError(f"compare needs two or more recipes of different names, got {names}")
    protocol = folds.study.settings.protocol
    normaliser = read_protocol(protocol).normaliser if protocol else None
    results = {
        recipe.name: cross_validate(
            folds,
            recipe,
            out / recipe.name,
            device=device,
            advance=partial(advance, recipe.name),
        )
        for recipe in recipes
    }
    figures = {
        name: evaluate(result.cases, normaliser=normaliser, rng=np.random.default_rng(0))
        for name, result in results.items()
    }
    first = names[0]
    metrics = ["error_px"]
    if figures[first].unit == "mm":
        metrics = ["error_mm", "success_2_mm"]
    differences = {
        name: tuple(
            paired(
                results[first].cases,
                results[name].cases,
                rng=np.random.default_rng(0),
                metric=metric,
            )
            for metric in metrics
        )
        for name in names[1:]
    }
    return Comparison(first, figures, differences)


def write_comparison(comparison: Comparison, out: Path) -> None:
    """Write ``comparison.json``."""
    write_json(
        out / "comparison.json",
        {
            "baseline": comparison.baseline,
            "recipes": {name: e.to_json() for name, e in comparison.evaluations.items()},
            "differences": {
                name: [asdict(row) for row in rows] for name, rows in comparison.differences.items()
            },
        },
    )
