"""Why a review says no; each becomes one sentence and one HTTP status."""

from palpate.errors import PalpateError
from palpate.review.event import Event


class ReviewError(PalpateError):
    """A review cannot do what was asked."""


class UnknownCaseError(ReviewError):
    """There is no such case, project or reading, or it is not this reader's to see."""


class ConflictError(ReviewError):
    """Somebody else has changed the reading since it was last seen; nothing was saved.

    Args:
        missed: the events since then, oldest first.
    """

    def __init__(self, sentence: str, missed: tuple[Event, ...]) -> None:
        self.missed = missed
        super().__init__(sentence)


class SignedError(ReviewError):
    """The reading is signed: it can be read, and reopened with a reason, not changed."""


class NotAllowedError(ReviewError):
    """The reader's role does not include it."""


class StoreError(ReviewError):
    """The database cannot be opened, read or written; nothing of what was asked was saved."""
