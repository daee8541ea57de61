"""What a reader may see and write of a case."""

from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Path

from palpate.review.account import Account, may
from palpate.review.case import Case, Project
from palpate.review.event import SHARED
from palpate.review.queue_rows import own_reading
from palpate.review.refusals import UnknownCaseError
from palpate.serve.web.messages import CaseId, ReadingName, Slug
from palpate.serve.web.services import Given, Services
from palpate.serve.web.visit import Reader


@dataclass(frozen=True, slots=True)
class Reached:
    """A reading of a case that somebody has opened.

    Args:
        case: with the prediction that the reading began from.
        project: that it is of.
        reader: who has opened it.
        reading: its name.
    """

    case: Case
    project: Project
    reader: Account
    reading: str

    @property
    def own(self) -> str:
        """Name of the reading that this reader works in."""
        return own_reading(self.project, self.reader)

    def may_see(self, reading: str) -> bool:
        """Whether a reading is this reader's to see."""
        if not self.project.blinded:
            return reading == SHARED
        return reading == self.own or may(self.reader, "reviewer")

    @property
    def editable(self) -> bool:
        """Whether this reader may write in it."""
        adjudicates = self.reading == SHARED and may(self.reader, "reviewer")
        return self.reading == self.own or adjudicates


def _project(
    given: Given, reader: Reader, project: Annotated[Slug, Path(description="of a project")]
) -> Project:
    return given.store.project(project)


def reached_reading(given: Services, reader: Account, identifier: str, name: str) -> Reached:
    """Return a reading of a case, the reader's own where none is named.

    Raises:
        UnknownCaseError: there is none, or it is not this reader's to see.
    """
    found = given.store.case(identifier, reading=name or SHARED)
    project = given.store.project(found.project)
    reading = name or own_reading(project, reader)
    reached = Reached(found, project, reader, reading)
    if not reached.may_see(reading):
        # The same words as where there is none: that another has begun is not told.
        raise UnknownCaseError("there is no such reading, or it is not yours to see")
    if reading == (name or SHARED):
        return reached
    return replace(reached, case=given.store.case(identifier, reading=reading))


def _case(
    given: Given, reader: Reader, case: Annotated[CaseId, Path(description="of a case")]
) -> Reached:
    return reached_reading(given, reader, case, "")


def _reading(
    given: Given,
    reader: Reader,
    case: Annotated[CaseId, Path(description="of a case")],
    reading: Annotated[ReadingName, Path(description="shared, or the name of an account")],
) -> Reached:
    return reached_reading(given, reader, case, reading)


OfProject = Annotated[Project, Depends(_project)]
OfCase = Annotated[Reached, Depends(_case)]
OfReading = Annotated[Reached, Depends(_reading)]
