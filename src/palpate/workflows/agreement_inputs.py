"""What ``palpate agreement`` is given, as raters: files of measurements, predictions, people."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from palpate.errors import ConfigError, FormatError, StudyError
from palpate.evaluation.agreement_raters import Rater
from palpate.evaluation.kappa import ClassCuts
from palpate.io.images import read_size
from palpate.io.predictions import is_predictions
from palpate.measurement import Report
from palpate.points import Points
from palpate.protocols.located import LocatedCase
from palpate.protocols.measure import failed
from palpate.protocols.measure_file import located_cases
from palpate.protocols.protocol import Protocol, read_protocol
from palpate.sample import consensus
from palpate.study import Study, open_study
from palpate.study_case import StudyCase
from palpate.study_settings import SETTINGS
from palpate.workflows.agreement_measured import is_measurements, read_measured

_PREDICTIONS = "predictions.json"
# Names of files that tell nothing of who measured; the folder's name does.
_GENERIC = ("measurements", "predictions", "landmarks", "reports")


@dataclass(frozen=True, slots=True)
class RaterInput:
    """One input of the command line: a path, and a name if one was given.

    Args:
        path: of a file or a folder.
        name: of the rater; empty: told by the path.
    """

    path: Path
    name: str = ""

    @classmethod
    def read(cls, text: str) -> "RaterInput":
        """Read ``PATH`` or ``NAME=PATH``.

        Raises:
            FormatError: there is no such file or folder.

        Example:
            >>> RaterInput.read("here=.").name
            'here'
        """
        name, equals, rest = text.partition("=")
        if Path(text).exists() or not equals:
            name, rest = "", text
        path = Path(rest)
        if not path.exists():
            raise FormatError(path, "there is no such file or folder")
        told = path / _PREDICTIONS
        if path.is_dir() and told.is_file() and not (path / SETTINGS).exists():
            path = told
        return cls(path, name.strip())

    @property
    def is_study(self) -> bool:
        """Whether it is a study's folder."""
        return self.path.is_dir()

    @property
    def title(self) -> str:
        """Name of its one rater: as given, else of the file, or of the folder where that tells."""
        if self.name:
            return self.name
        path = self.path.resolve()
        return path.parent.name if path.stem in _GENERIC else path.stem


def read_raters(inputs: Sequence[RaterInput], protocol: Protocol | None) -> list[Rater]:
    """Return the raters of all inputs, in their order.

    A study's annotators are raters of their own. Where there are other inputs, they are compared
    with the study's reference, or else with the mean of its annotators' points, as well.

    Args:
        inputs: one or more.
        protocol: measures points; None: only files of measurements can be read.

    Raises:
        FormatError: a file is of no known format.
        StudyError: a folder is no study.
        ConfigError: points were given without a protocol, or one that does not fit them.
    """
    raters: list[Rater] = []
    for each in inputs:
        if each.is_study:
            found = study_raters(open_study(each.path), _needed(protocol, each), name=each.name)
            # a mean of people has nobody to be compared with among them
            raters += [rater for rater in found if len(inputs) > 1 or not rater.made_of]
        elif not is_predictions(each.path) and is_measurements(each.path):
            raters.append(Rater(each.title, read_measured(each.path)))
        else:
            raters += _located(each, _needed(protocol, each))
    return raters


def protocol_of(inputs: Sequence[RaterInput], name: str | None) -> Protocol | None:
    """Return the protocol named, else that of the first study that names one.

    Raises:
        ConfigError: there is none of that name.
    """
    if name is not None:
        return read_protocol(name)
    for each in inputs:
        if each.is_study:
            named = open_study(each.path).settings.protocol
            if named:
                return read_protocol(named)
    return None


def classes_of(protocol: Protocol | None) -> dict[str, ClassCuts]:
    """Quantity -> its classes, where the protocol has some."""
    quantities = () if protocol is None else protocol.quantities
    return {
        quantity.name: ClassCuts(quantity.classes.names, quantity.classes.limits)
        for quantity in quantities
        if quantity.classes is not None
    }


def _needed(protocol: Protocol | None, given: RaterInput) -> Protocol:
    if protocol is None:
        raise ConfigError(
            f"{given.path} is no table of measurements; of points, say what is measured with "
            "--protocol NAME (see 'palpate protocols'), or give files that 'palpate measure --out' "
            "wrote"
        )
    return protocol


def _located(given: RaterInput, protocol: Protocol) -> list[Rater]:
    """Raters of predictions, or of an annotation file: each of its annotators."""
    cases, failures = located_cases(given.path)
    by_rater: dict[str, list[Report]] = defaultdict(list)
    people = not is_predictions(given.path)
    for case in cases:
        who = case.provenance.get("annotator", "") if people else ""
        by_rater[who].append(case.report(protocol, level=0.9))
    for failure in failures:
        by_rater[""].append(failed(protocol, failure.image, failure.reason))
    return [
        Rater(_named(given, who, several=len(by_rater) > 1), reports, person=people)
        for who, reports in by_rater.items()
    ]


def _named(given: RaterInput, who: str, *, several: bool) -> str:
    """Name of one annotator of a file or study: their own, unless another was given."""
    if not several:
        return given.name or who or given.title
    return f"{given.name} {who or given.title}".strip()


def study_raters(study: Study, protocol: Protocol, *, name: str = "") -> list[Rater]:
    """Return each annotator of a study; of several also their reference, else their mean.

    Args:
        study: annotated; frames of clips are images.
        protocol: measures their points.
        name: put before those of the annotators; the name of the only one.

    Raises:
        StudyError: no image of the study is annotated.
    """
    marked: dict[str, dict[str, Points]] = defaultdict(dict)
    for case in study.cases:
        for who, given in case.annotations.items():
            marked[who][case.identifier] = given
    agreed = {case.identifier: points for case in study.cases if (points := _agreed(case))}
    if not marked and not agreed:
        raise StudyError(f"no image of study {study.name!r} is annotated")
    if len(marked) < 2:
        only = next(iter(marked.values())) if marked else agreed
        return [Rater(name or study.name, _reports(study, only, protocol), person=True)]
    people = [
        Rater(f"{name} {who}".strip(), _reports(study, points, protocol), person=True)
        for who, points in marked.items()
    ]
    if not agreed:
        return people
    *others, last = marked
    referred = any(case.reference is not None for case in study.cases)
    title = "reference" if referred else f"mean of {', '.join(others)} and {last}"
    made_of = tuple(person.name for person in people)
    mean = Rater(f"{name} {title}".strip(), _reports(study, agreed, protocol), made_of=made_of)
    return [*people, mean]


def _agreed(case: StudyCase) -> Points | None:
    """The reference of an image, else the mean of several annotators; one person is no mean."""
    if case.reference is not None:
        return case.reference
    return consensus(list(case.annotations.values())) if len(case.annotations) > 1 else None


def _reports(study: Study, marked: dict[str, Points], protocol: Protocol) -> list[Report]:
    reports = []
    for identifier, points in marked.items():
        case = study.case(identifier)
        size = case.clip.size if case.clip else read_size(case.path)
        located = LocatedCase(identifier, case.subject, points, size, case.calibration)
        reports.append(located.report(protocol, level=0.9))
    return reports
