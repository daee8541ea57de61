"""Films that a service measured become cases of a review, with the marks that were predicted."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path

from palpate.errors import ConfigError, OutputError
from palpate.localisers.calibrated import CalibratedLocaliser
from palpate.localisers.localiser import Localiser
from palpate.protocols.protocol import Protocol
from palpate.review.account import Account
from palpate.review.case import NewCase, Project
from palpate.review.intake import slug
from palpate.review.intake_doubt import KnownDoubt, doubted
from palpate.review.intake_scheme import project_scheme
from palpate.review.refusals import ReviewError, StoreError, UnknownCaseError
from palpate.review.store import Store
from palpate.review.urgency import Doubted, urgencies
from palpate.serve.dicom.quiet_logs import LOGGER
from palpate.trust.calibration import UncertaintyCalibration
from palpate.workflows.abstain import familiar_of
from palpate.workflows.dicom_objects import MeasuredFilm

SERVICE = Account("dicom-service", "DICOM service", "administrator")
# Whether an interval is wide is judged beside so many films that came before.
_BESIDE = 50


class ReviewIntake:
    """Puts every film that it is told of into a store; told twice of one, it puts in one case.

    The case is called by the film's file in the service's inbox, which is named by the film's
    SOPInstanceUID; a film whose bytes changed has another file there, and so a case of its own.

    Args:
        store: opened; kept open by the caller.
        project: that the cases are put into, made here where it is not there.
        films: the service's inbox.
        uncertainty: what held-out subjects say of the model; None where it was not calibrated.

    Raises:
        ConfigError: the project is there and takes its films from another folder, or has other
            landmarks or another protocol.
        StoreError: the store cannot be written.
    """

    def __init__(
        self,
        store: Store,
        project: Project,
        films: Path,
        uncertainty: UncertaintyCalibration | None = None,
    ) -> None:
        self._store = store
        self._project = project
        self._uncertainty = uncertainty
        self._familiar = None if uncertainty is None else familiar_of(uncertainty)
        self._beside: deque[Doubted] | None = None
        _refuse_other_folder(store, project, films)
        try:
            store.add_project(project, root=films.resolve())
        except StoreError:
            raise
        except ReviewError as error:
            raise ConfigError(f"{error}, with --project NAME") from error

    def __call__(self, film: MeasuredFilm) -> None:
        """Put a film in.

        Raises:
            OutputError: the store cannot be written now; the film is told of again later.
        """
        case, doubt = doubted(self._project, _given(film, self._uncertainty), self._known(film))
        try:
            others = [one for one in self._others() if one.image != case.image]
            judged = urgencies([*others, doubt], self._project.protocol)
            self._store.add_cases(
                self._project.identifier,
                [case],
                who=SERVICE.name,
                urgency={case.image: judged[case.image]},
            )
        except StoreError as error:
            raise OutputError(f"it could not be put into the review: {error}") from error
        except ReviewError as error:
            # A report that is due is not held back by a review that does not take the film.
            LOGGER.error("not in the review: %s: %s", film.predicted.image, error)
            return
        self._beside = deque([*others, doubt], maxlen=_BESIDE)
        LOGGER.info("in the review: %s", film.predicted.image)

    def _known(self, film: MeasuredFilm) -> KnownDoubt:
        """What speaks against a film; its pixels were looked at when it was measured."""
        reasons = film.judged.reasons
        chances = [reason.p_value for reason in reasons]
        told = [chance for chance in chances if chance is not None]
        least = min(told) if told and len(told) == len(chances) else None
        said = "; ".join(reason.words for reason in reasons)
        against = {film.predicted.image: (said, least)} if reasons else {}
        return KnownDoubt(self._familiar, against)

    def _others(self) -> list[Doubted]:
        """The films before this one; of a service that starts anew, from the store."""
        if self._beside is None:
            self._beside = deque(self._kept(), maxlen=_BESIDE)
        return list(self._beside)

    def _kept(self) -> Iterator[Doubted]:
        rows = self._store.queue(
            self._project.identifier, reader=SERVICE, order="image", limit=_BESIDE
        ).rows
        for row in rows:
            given = self._store.case(row.id).given
            yield doubted(self._project, given, KnownDoubt(self._familiar))[1]


def service_project(
    localiser: Localiser, protocol: Protocol, folder: Path, name: str | None
) -> Project:
    """Return the project of a service: as it is called, else by the service's folder."""
    called = name or folder.resolve().name
    return Project(slug(called), called, project_scheme(None, localiser.scheme, protocol), protocol)


def uncertainty_of(localiser: Localiser) -> UncertaintyCalibration | None:
    """Return what held-out subjects say of a localiser; None where it was not calibrated."""
    return localiser.calibration if isinstance(localiser, CalibratedLocaliser) else None


def _given(film: MeasuredFilm, uncertainty: UncertaintyCalibration | None) -> NewCase:
    predicted = film.predicted
    return NewCase(
        image=film.path.name,
        film=film.path.name,
        digest=film.digest,
        size=predicted.size,
        subject=predicted.subject,
        calibration=predicted.calibration,
        predictions={0: predicted},
        source="dicom",
        uncertainty=uncertainty,
    )


def _refuse_other_folder(store: Store, project: Project, films: Path) -> None:
    """Refuse a second folder, which would take the first one's films from their cases."""
    try:
        root = store.root(project.identifier)
    except UnknownCaseError:
        return
    if root.resolve() != films.resolve() and root.is_dir():
        raise ConfigError(
            f"project {project.identifier!r} of the review has its films in {root}; give this "
            "service's films a project of their own with --project NAME"
        )
