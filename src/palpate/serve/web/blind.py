"""What a reviewer is not shown yet: in a blinded project, readings that are not finished.

Readers do not see each other's readings at all (:mod:`palpate.serve.web.reached`). Whoever may
compare them sees a reading once it is signed, once another is signed too, and once their own, if
they have begun one, is signed as well: nobody's eye is led, outside the page no more than on it.
"""

from palpate.review.event import SHARED
from palpate.serve.web.reached import Reached
from palpate.serve.web.refused import RefusedError
from palpate.serve.web.services import Given, Services

_ENOUGH = 2


def why_withheld(given: Services, reached: Reached) -> str:
    """Return why the marks of a reading are not to be seen yet; empty where they are.

    Args:
        given: with the store.
        reached: the reading, and who would see it.
    """
    if not reached.project.blinded or reached.reading in (reached.own, SHARED):
        return ""
    states = given.store.states(reached.case.identifier)
    if states.get(reached.own) == "open":
        return "your own reading of this case is not signed; sign it before you see others'"
    if states.get(reached.reading, "new") != "signed":
        return "this reading is not signed yet; it is shown once it is"
    signed = sum(state == "signed" for name, state in states.items() if name != SHARED)
    if signed < _ENOUGH:
        return "readings are compared once two readers have signed theirs"
    return ""


def refuse_withheld(given: Given, reached: Reached) -> None:
    """Refuse what would show a reading that is withheld.

    Raises:
        RefusedError: that is so.
    """
    if why := why_withheld(given, reached):
        raise RefusedError(423, "withheld", why)
