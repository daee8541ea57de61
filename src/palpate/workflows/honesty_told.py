"""What honesty checks found, in sentences and as JSON."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from palpate.evaluation.baselines import MEAN_SHAPE
from palpate.evaluation.compare import PairedDifference
from palpate.files import write_json
from palpate.workflows.honesty import CHANCE, Honesty

_SHOWN = 5  # pairs that are told one by one


def told(honesty: Honesty) -> tuple[str, ...]:
    """Return a sentence a check; the verdict first."""
    return (_verdict(honesty), *_leaks(honesty), _shuffled(honesty), *_model(honesty))


def write_honesty(honesty: Honesty, out: Path, provenance: Mapping[str, str]) -> None:
    """Write ``honesty.json``.

    Raises:
        OutputError: it cannot be written.
    """
    write_json(
        out / "honesty.json",
        {
            "provenance": dict(provenance),
            "passed": honesty.passed,
            "sentences": list(told(honesty)),
            "folds": honesty.folds,
            "test_images": honesty.test_images,
            "test_subjects": honesty.test_subjects,
            "unit": honesty.unit,
            "copies": [asdict(pair) for pair in honesty.copies],
            "leaks": [asdict(leak) for leak in honesty.leaks],
            "shuffled_labels_at_chance": honesty.at_chance,
            "chance_margin": CHANCE,
            "shuffled_less_mean_shape": asdict(honesty.shuffled_from_mean),
            "better_than_baselines": honesty.has_learnt,
            "model_less": {name: asdict(row) for name, row in honesty.model_from.items()},
            "model": honesty.model.to_json(),
            "shuffled": honesty.shuffled.to_json(),
            "baselines": {one.name: one.evaluation.to_json() for one in honesty.baselines},
        },
    )


def _verdict(honesty: Honesty) -> str:
    folds = "1 fold" if honesty.folds == 1 else f"{honesty.folds} folds"
    tried = (
        f"{honesty.recipe} on {honesty.study}: {honesty.test_images} held-out images of "
        f"{honesty.test_subjects} subjects in {folds}"
    )
    if honesty.passed:
        return f"Nothing speaks against the figures of {tried}."
    wrong = [
        *(["the same is in two parts of a fold"] if honesty.leaks else []),
        *([] if honesty.at_chance else ["shuffled labels beat chance"]),
        *([] if honesty.has_learnt else ["the model is not clearly better than no training"]),
    ]
    return f"Do not lean on the figures of {tried}: {'; '.join(wrong)}."


def _leaks(honesty: Honesty) -> list[str]:
    if not honesty.leaks:
        kept = (
            f" ({len(honesty.copies)} pairs of nearly the same image under two subjects are in "
            "one part each: 'palpate check' lists them)"
            if honesty.copies
            else ""
        )
        return [f"No subject and no copy of an image is in two parts of a fold{kept}."]
    sentences = [
        f"Leak in fold {leak.fold}: {leak.first!r} in {leak.parts[0]} and {leak.second!r} in "
        f"{leak.parts[1]}: {leak.sentence}."
        for leak in honesty.leaks[:_SHOWN]
    ]
    more = len(honesty.leaks) - _SHOWN
    if more > 0:
        sentences.append(f"And {more} more such pairs, in honesty.json.")
    sentences.append("Unite them in study.toml: same_subject = [[FIRST, SECOND], ...].")
    return sentences


def _shuffled(honesty: Honesty) -> str:
    row, unit = honesty.shuffled_from_mean, honesty.unit
    measured = (
        "trained on labels of other people, thrown anywhere on the film, it is at "
        f"{row.second:.2f} {unit} on held-out subjects, "
        f"the mean shape at {row.first:.2f} {unit} (difference {_signed(row)})"
    )
    if not honesty.at_chance:
        return (
            f"Shuffled labels beat chance: {measured}. Such labels say nothing of a held-out "
            "subject, so something else does: held-out images or labels have reached the training, "
            "or the file tells the place (a name, a marker, a crop around the landmarks). Look for "
            "it before you believe any figure of this study."
        )
    few = "" if row.interval is not None else ", though one subject gives no interval"
    return f"Shuffled labels are at chance, as they must be: {measured}{few}."


def _model(honesty: Honesty) -> list[str]:
    sentences = []
    for name, row in honesty.model_from.items():
        measured = (
            f"{row.second:.2f} {honesty.unit} against {row.first:.2f} {honesty.unit} (difference "
            f"{_signed(row)})"
        )
        what = "the mean shape" if name == MEAN_SHAPE else f"the {name}"
        if row.clear and row.difference < 0:
            sentences.append(f"With true labels it is better than {what}: {measured}.")
        elif row.clear:
            sentences.append(f"With true labels it is WORSE than {what}: {measured}.")
        else:
            sentences.append(f"With true labels it cannot be told from {what}: {measured}.")
    return sentences


def _signed(row: PairedDifference) -> str:
    if row.interval is None:
        return f"{row.difference:+.2f}, no interval"
    low, high = row.interval
    return f"{row.difference:+.2f}, {100 * row.level:.0f} % interval {low:+.2f} to {high:+.2f}"
