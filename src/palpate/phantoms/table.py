"""Which phantoms there are.

To add one: a module with a generator of films like ``cervical_study``, an entry here, and a
paragraph in docs/phantoms.md; the tests of the table run over it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from numpy.random import Generator

from palpate.phantoms.cervical import cervical_study
from palpate.phantoms.cervical_anatomy import SCHEME
from palpate.phantoms.femur import femur_study
from palpate.phantoms.femur_film import FemurFilm
from palpate.phantoms.film import PhantomFilm
from palpate.phantoms.infant import InfantClip, infant_study
from palpate.phantoms.satco import satco_clips
from palpate.phantoms.satco_clip import PhantomClip
from palpate.scheme import LandmarkScheme


@dataclass(frozen=True, slots=True)
class Phantom:
    """A kind of synthetic study.

    Args:
        protocol: whose quantities the films carry.
        films: number and generator in, that many films out; film k does not depend on the number.
        scheme: the landmarks, with the edges that a drawing joins.
        title: for people.
        usual: how many films, where nobody says.
    """

    protocol: str
    films: Callable[[int, Generator], Iterator[PhantomFilm]]
    scheme: LandmarkScheme
    title: str
    usual: int = 60


@dataclass(frozen=True, slots=True)
class ClipPhantom:
    """A kind of synthetic study of clips.

    Args:
        clips: number of subjects and generator in, their clips out; those of subject k do not
            depend on the number.
        title: for people.
        usual: how many subjects, where nobody says.
    """

    clips: Callable[[int, Generator], Iterator[PhantomClip]]
    title: str
    usual: int = 12


@dataclass(frozen=True, slots=True)
class OutlinePhantom:
    """A kind of synthetic study of films whose outlines several people marked.

    Args:
        films: number and generator in, that many films out; film k does not depend on the number.
        title: for people.
        usual: how many films, where nobody says.
    """

    films: Callable[[int, Generator], Iterator[FemurFilm]]
    title: str
    usual: int = 60


@dataclass(frozen=True, slots=True)
class DepthPhantom:
    """A kind of synthetic study of depth clips.

    Args:
        clips: number of subjects and generator in, their clips out, and one more to be followed
            live; those of subject k, and that one, do not depend on the number.
        title: for people.
        usual: how many subjects, where nobody says.
    """

    clips: Callable[[int, Generator], tuple[Iterator[InfantClip], InfantClip]]
    title: str
    usual: int = 12


PHANTOMS: dict[str, Phantom] = {
    "cervical": Phantom(
        "cervical", cervical_study, SCHEME, "Lateral cervical films in three views"
    ),
}

OUTLINE_PHANTOMS: dict[str, OutlinePhantom] = {
    "femur": OutlinePhantom(femur_study, "AP pelvic films of children, the left proximal femur"),
}

CLIP_PHANTOMS: dict[str, ClipPhantom] = {
    "satco": ClipPhantom(satco_clips, "Children in the SATCo test, from the side"),
}

DEPTH_PHANTOMS: dict[str, DepthPhantom] = {
    "infant": DepthPhantom(infant_study, "Preterm infants in a crib, in depth from above"),
}
