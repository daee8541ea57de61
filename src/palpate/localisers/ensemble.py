"""Several localisers of the same landmarks, asked together."""

import hashlib
from collections import Counter
from dataclasses import dataclass

from palpate.errors import ConfigError
from palpate.image import Image
from palpate.localisers.clip import ClipLocaliser
from palpate.localisers.localiser import Localiser
from palpate.localisers.mixture import mix
from palpate.prediction import Prediction
from palpate.scheme import LandmarkScheme


@dataclass(frozen=True, eq=False, slots=True)
class EnsembleLocaliser:
    """Trained on different subjects or from different seeds, each of whatever kind.

    Its mean is that of its members. Its joint covariance is the mean of theirs and the spread
    between them, which also tells how landmarks move together from one member to the next.
    In whatever order its members are, it answers alike.

    The folds of a cross-validation are an ensemble for new subjects only: all folds but one were
    trained on a subject of the study, so that on such a subject they agree far too well.

    Args:
        members: two or more; of the same landmarks and the same protocol.

    Raises:
        ConfigError: fewer, or members that differ in landmarks or protocol, or find them in clips.

    Source:
        Lakshminarayanan, Pritzel and Blundell, "Simple and scalable predictive uncertainty
        estimation using deep ensembles", NeurIPS 2017, section 2.4: mean and variance of the
        mixture.
    """

    members: tuple[Localiser, ...]

    def __post_init__(self) -> None:
        if len(self.members) < 2:
            raise ConfigError(f"an ensemble has two members or more, got {len(self.members)}")
        first = self.members[0]
        for one in self.members:
            if isinstance(one, ClipLocaliser):
                raise ConfigError(
                    f"{one.name!r} finds landmarks in several frames of a clip at once; ensembles "
                    "are of localisers that see one image"
                )
            _refuse_other_landmarks(first, one)
            if one.protocol != first.protocol:
                raise ConfigError(
                    f"{first.name!r} is for protocol {first.protocol or 'none'}, {one.name!r} for "
                    f"{one.protocol or 'none'}: an ensemble measures one thing; leave one out"
                )

    @property
    def scheme(self) -> LandmarkScheme:
        """The landmarks it finds."""
        return self.members[0].scheme

    @property
    def name(self) -> str:
        """Recipes and studies its members were made from, and how many of each."""
        counted = Counter(one.name for one in self.members)
        return "ensemble of " + ", ".join(f"{n} x {name}" for name, n in sorted(counted.items()))

    @property
    def weights(self) -> str:
        """Short hash of those of all members."""
        own = " ".join(sorted(one.weights for one in self.members))
        return hashlib.sha256(own.encode()).hexdigest()[:12]

    @property
    def protocol(self) -> str:
        """Protocol of the study that its members were made from; may be empty."""
        return self.members[0].protocol

    @property
    def variance_factor(self) -> float | None:
        """Mean of what its members' covariances are multiplied with; None where one is not."""
        factors = [one.variance_factor for one in self.members]
        known = [factor for factor in factors if factor is not None]
        return sum(sorted(known)) / len(known) if len(known) == len(factors) else None

    def predict(self, image: Image) -> Prediction:
        """Ask every member and join the answers; in pixels of the image as given.

        Raises:
            GeometryError: a member cannot read the image, or finds nothing to look at in it.
        """
        found = [one.predict(image) for one in self.members]
        return mix(found, localiser=f"{self.name} {self.weights}")


def _refuse_other_landmarks(first: Localiser, other: Localiser) -> None:
    ours, theirs = first.scheme.names, other.scheme.names
    if ours == theirs and first.scheme.mirror == other.scheme.mirror:
        return
    said = f"{first.name!r} and {other.name!r} do not find the same landmarks"
    if set(ours) == set(theirs):
        raise ConfigError(f"{said} in the same order, or not with the same sides; train them alike")
    lone = sorted(set(ours) ^ set(theirs))[0]
    raise ConfigError(f"{said}: only one finds {lone!r}; leave one out of the ensemble")
