"""Raters: people, methods or their repetitions, each with the measurements of the same images."""

from collections.abc import Sequence
from dataclasses import dataclass

from palpate.errors import StudyError
from palpate.measurement import Measurement, Report


@dataclass(frozen=True, eq=False, slots=True)
class Rater:
    """Somebody or something that measured images.

    Args:
        name: unique among those compared.
        reports: one an image.
        person: whether it is a person; then agreement with other people is told apart.
        made_of: names of raters whose points it was made of, such as their mean: it is compared
            with none of them, and is no rater of its own among many.

    Raises:
        StudyError: no name, no report, or an image twice.
    """

    name: str
    reports: Sequence[Report]
    person: bool = False
    made_of: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.name:
            raise StudyError("a rater has a name")
        if not self.reports:
            raise StudyError(f"rater {self.name!r} measured no image")
        seen: set[str] = set()
        for report in self.reports:
            if report.image in seen:
                raise StudyError(f"rater {self.name!r} gives image {report.image!r} twice")
            seen.add(report.image)

    @property
    def images(self) -> frozenset[str]:
        """Images that there is a report of, measured or refused."""
        return frozenset(report.image for report in self.reports)

    def independent_of(self, other: "Rater") -> bool:
        """Whether neither was made of the other's points."""
        return other.name not in self.made_of and self.name not in other.made_of

    def measured(self, quantity: str) -> dict[str, Measurement]:
        """Image -> measurement of a quantity, with a value or a reason.

        Raises:
            StudyError: a report gives the quantity twice.
        """
        found: dict[str, Measurement] = {}
        for report in self.reports:
            for item in report.measurements:
                if item.name != quantity:
                    continue
                if report.image in found:
                    raise StudyError(
                        f"rater {self.name!r} gives {quantity!r} of image {report.image!r} twice"
                    )
                found[report.image] = item
        return found


def refuse_raters(raters: Sequence[Rater]) -> None:
    """Refuse raters that cannot be compared.

    Raises:
        StudyError: fewer than two, or two of one name.
    """
    names = [rater.name for rater in raters]
    if len(names) < 2:
        given = f"only {names[0]!r} was given" if names else "none was given"
        raise StudyError(
            f"agreement needs two raters or more, and {given}; add a second annotator's file, "
            "predictions or measurements"
        )
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise StudyError(
            f"two raters are called {double!r}; give one another name: NAME=FILE instead of FILE"
        )


def subjects_of(raters: Sequence[Rater]) -> dict[str, str]:
    """Image -> subject, from whoever names it; empty where nobody does.

    Raises:
        StudyError: two raters name different subjects of one image.
    """
    found: dict[str, tuple[str, str]] = {}
    for rater in raters:
        for report in rater.reports:
            subject, who = found.get(report.image, ("", ""))
            if subject and report.subject and subject != report.subject:
                raise StudyError(
                    f"image {report.image!r} is of subject {subject!r} by {who!r} and of "
                    f"{report.subject!r} by {rater.name!r}; correct one of them"
                )
            if not subject:
                found[report.image] = (report.subject, rater.name)
    return {image: subject for image, (subject, _) in found.items()}
