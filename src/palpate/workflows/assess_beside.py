"""What stands beside a model's figures: guesses without a model, and people."""

from collections.abc import Sequence
from dataclasses import replace

from palpate.splits import Split
from palpate.workflows.agreement_people import people_and_model
from palpate.workflows.assess import Assessment
from palpate.workflows.baselines import study_baselines


def with_baselines(assessment: Assessment, splits: Sequence[Split], *, seed: int) -> Assessment:
    """Add what the mean shape and the most alike training film would have given.

    Args:
        assessment: of held-out images.
        splits: of the folds, or the one of the run: guesses come from their training parts.
        seed: draws the bootstrap.
    """
    found = study_baselines(assessment.study, splits, assessment.evaluation, seed=seed)
    return replace(assessment, baselines=found)


def with_people(assessment: Assessment, *, name: str, seed: int) -> Assessment:
    """Add the agreement of annotators with each other and with the model, where there are two.

    Args:
        assessment: with measurements, or it is returned as it is.
        name: of the model.
        seed: draws the bootstrap.
    """
    if assessment.protocol is None or not assessment.measured:
        return assessment
    people = people_and_model(
        assessment.study, assessment.measured, assessment.protocol, name=name, seed=seed
    )
    return replace(assessment, people=people)
