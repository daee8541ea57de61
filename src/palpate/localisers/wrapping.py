"""What a localiser around another one says of itself."""

from palpate.localisers.localiser import Localiser
from palpate.scheme import LandmarkScheme


class Wrapping:
    """Tells what ``inner`` tells; a localiser around another inherits it and adds ``predict``."""

    __slots__ = ()
    inner: Localiser

    @property
    def scheme(self) -> LandmarkScheme:
        """The landmarks it finds."""
        return self.inner.scheme

    @property
    def name(self) -> str:
        """Recipe and study that the inner localiser was made from."""
        return self.inner.name

    @property
    def weights(self) -> str:
        """Short hash of the inner localiser's."""
        return self.inner.weights

    @property
    def protocol(self) -> str:
        """Protocol of the study that the inner localiser was made from; may be empty."""
        return self.inner.protocol

    @property
    def variance_factor(self) -> float | None:
        """What the inner localiser multiplies its covariances with; nothing added is scaled."""
        return self.inner.variance_factor
