"""What palpate knows and a foreign format cannot say, in one field that others keep or skip.

LabelMe keeps unknown top-level fields when it saves; 3D Slicer drops them; programs that read TPS
skip ``COMMENT=``. Without the note a file is read as its own format defines it.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from palpate.io.annotation import AnnotatedImage
from palpate.io.rows import occluded_names

# The name of the field.
NOTE = "palpate"


class Note(BaseModel):
    """The note beside one image's points."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    image: str = ""
    subject: str = ""
    annotator: str = ""
    group: str = ""
    split: str = ""
    size: Annotated[list[Annotated[int, Field(gt=0)]], Field(min_length=2, max_length=2)] | None = (
        None
    )
    landmarks: list[str] = Field(default_factory=list)
    occluded: list[str] = Field(default_factory=list)
    convention: str = ""

    @property
    def size_px(self) -> tuple[int, int] | None:
        """(width, height), or None where not noted."""
        return (self.size[0], self.size[1]) if self.size else None


def note_of(row: AnnotatedImage, *, convention: str = "") -> dict[str, Any]:
    """Return the note of a row as JSON, what is empty left out."""
    note = Note(
        image=row.image,
        subject=row.subject,
        annotator=row.annotator,
        group=row.group,
        split=row.split,
        size=list(row.size) if row.size else None,
        landmarks=list(row.points.scheme.names),
        occluded=occluded_names(row.points),
        convention=convention,
    )
    return {name: value for name, value in note.model_dump().items() if value}
