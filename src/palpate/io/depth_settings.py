"""What a person must say of a depth camera: its frames carry counts and nothing else."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, model_validator

from palpate.geometry.pinhole import Intrinsics

# TOML has lists only, so tuples are not strict.
_Pair = Annotated[tuple[float, float], Field(strict=False)]
_PositivePair = Annotated[tuple[PositiveFloat, PositiveFloat], Field(strict=False)]


class DepthSettings(BaseModel):
    """The table ``[video.depth]`` of study.toml: the clips are of a depth camera.

    Args:
        rate_hz: numbers of frames per second; a frame's time is its number divided by this, where
            no timestamps.csv lies beside the frames.
        unit_mm: millimetres per count.
        focal_px: focal length along (x, y), in px of the frames as given; with ``centre_px``.
        centre_px: principal point (x, y), in px, 0 at the centre of the first pixel.

    Example:
        >>> DepthSettings(focal_px=(570.0, 570.0), centre_px=(319.5, 239.5)).intrinsics
        Intrinsics(focal_px=(570.0, 570.0), centre_px=(319.5, 239.5))
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    rate_hz: PositiveFloat = 30.0
    unit_mm: PositiveFloat = 1.0
    focal_px: _PositivePair | None = None
    centre_px: _Pair | None = None

    @model_validator(mode="after")
    def _both_or_neither(self) -> "DepthSettings":
        if (self.focal_px is None) != (self.centre_px is None):
            raise ValueError("focal_px and centre_px go together: give both or neither")
        return self

    @property
    def intrinsics(self) -> Intrinsics | None:
        """The camera's intrinsics, None where not known."""
        if self.focal_px is None or self.centre_px is None:
            return None
        return Intrinsics(self.focal_px, self.centre_px)


# A camera of which nothing was said.
USUAL_DEPTH = DepthSettings()
