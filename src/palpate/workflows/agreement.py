"""From files of raters to figures of their agreement, tables on disk and a page."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from palpate import __version__
from palpate.errors import StudyError
from palpate.evaluation.agreement_rows import agreement_rows
from palpate.evaluation.agreement_study import RatersCompared, compare_raters
from palpate.evaluation.kappa import ClassCuts
from palpate.files import write_json, write_rows
from palpate.report.agreement_report import write_agreement_report
from palpate.workflows.agreement_inputs import RaterInput, classes_of, protocol_of, read_raters

FORMAT = "palpate agreement"
VERSION = 1


@dataclass(frozen=True, slots=True)
class AgreementWish:
    """What is asked of an agreement.

    Args:
        protocol: name or file; None: that of a study among the inputs.
        quantities: names; empty: all.
        classes: of quantities, beside those of the protocol.
        seed: of the resamples.
        resamples: how many.
    """

    protocol: str | None = None
    quantities: tuple[str, ...] = ()
    classes: Mapping[str, ClassCuts] = field(default_factory=dict)
    seed: int = 0
    resamples: int = 2000


def study_agreement(inputs: Sequence[str], wish: AgreementWish) -> RatersCompared:
    """Read every input and compare its raters.

    Args:
        inputs: ``PATH`` or ``NAME=PATH``.
        wish: what is asked.

    Raises:
        FormatError: a file is not what it should be.
        StudyError: there are fewer than two raters, or they cannot be compared.
        ConfigError: there is no protocol where one is needed, or no quantity of a name.
    """
    given = [RaterInput.read(text) for text in inputs]
    protocol = protocol_of(given, wish.protocol)
    raters = read_raters(given, protocol)
    if len(raters) < 2 and len(given) == 1 and given[0].is_study:
        raise StudyError(
            f"{given[0].path} has one annotator; agreement needs a second one in the study "
            "(landmarks_annotatorNAME.csv), or another file beside it"
        )
    measured = {m.name for rater in raters for report in rater.reports for m in report.measurements}
    known = {name: cut for name, cut in classes_of(protocol).items() if name in measured}
    return compare_raters(
        raters,
        rng=np.random.default_rng(wish.seed),
        quantities=wish.quantities,
        classes={**known, **wish.classes},
        resamples=wish.resamples,
    )


def write_agreement(compared: RatersCompared, out: Path, provenance: Mapping[str, str]) -> None:
    """Write agreement.csv, agreement.json and agreement.html into ``out``.

    Raises:
        OutputError: one cannot be written; nothing half-written is left.
    """
    table: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "provenance": dict(provenance),
        **compared.to_json(),
    }
    write_json(out / "agreement.json", table)
    write_rows(out / "agreement.csv", agreement_rows(compared))
    write_agreement_report(compared, out / "agreement.html", provenance)


def agreement_provenance(
    inputs: Sequence[str], wish: AgreementWish, command: str
) -> dict[str, str]:
    """Name the files, the protocol, how intervals were found, versions and time."""
    given = [RaterInput.read(text) for text in inputs]
    protocol = protocol_of(given, wish.protocol)
    return {
        "command": command,
        "inputs": ", ".join(each.path.resolve().name for each in given),
        "protocol": "as the files were measured" if protocol is None else protocol.label,
        "intervals": "95 %; Student, exact limits, ratios of mean squares, large-sample kappa with "
        f"one image a subject, else and for MAE, SD and SEM by {wish.resamples} resamples of the "
        f"subjects, seed {wish.seed}",
        "palpate": __version__,
        "python": platform.python_version(),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }
