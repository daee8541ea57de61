"""What no model would give, beside what the model gives."""

from collections.abc import Sequence

from palpate.evaluation.baselines import Baseline
from palpate.evaluation.evaluate import Evaluation
from palpate.evaluation.summary import Summary
from palpate.report.parts import Bounded, Row, Section, Table
from palpate.report.wording import figure, percent, span


def baseline_section(model: Evaluation, baselines: Sequence[Baseline]) -> Section:
    """Put the model's headline figures over those of guesses from the training films alone."""
    unit = model.unit
    limits = list(model.overall.success)
    head = ("", f"mean, {unit}", f"median, {unit}", *(f"within {x:g} {unit}" for x in limits))
    named = [("Model", model), *((each.name.capitalize(), each.evaluation) for each in baselines)]
    rows = tuple(_row(name, each.overall, limits) for name, each in named)
    return Section(
        "baselines",
        "Beside no model at all",
        "Mean shape: the mean of the training films' points, at their share of the film. Nearest "
        "film: the points of the training film that looks most alike. A model that is no better "
        "than these has learnt nothing from the image.",
        tables=(("", Table(head, rows)),),
    )


def _row(name: str, summary: Summary, limits: Sequence[float]) -> Row:
    return (
        name,
        Bounded(figure(summary.mean), span(summary.interval)),
        figure(summary.median),
        *(percent(summary.success.get(limit)) for limit in limits),
    )
