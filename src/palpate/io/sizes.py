"""Width and height of the images an annotation names, from the headers of the image files."""

from dataclasses import replace
from pathlib import Path

from palpate.errors import FormatError
from palpate.io.annotation import AnnotationFile


def size_in(folder: Path, image: str) -> tuple[int, int] | None:
    """Return (width, height) in px of an image below a folder, or None where it is not there.

    Raises:
        FormatError: the image is damaged, or turned by EXIF so that its height is in doubt.
    """
    # Pillow is loaded only where a size is asked for.
    from palpate.io.images import is_dicom, read_size
    from palpate.io.raster import opened, refuse_turned

    for path in (folder / image, folder / Path(image).name):
        if path.is_file():
            if not is_dicom(path):
                with opened(path) as picture:
                    refuse_turned(path, picture)
            return read_size(path)
    return None


def with_sizes(annotations: AnnotationFile, folder: Path) -> AnnotationFile:
    """Return the annotations with the size of every image, read from its file.

    Raises:
        FormatError: an image is missing, damaged, or of another size than the annotation says.
    """
    if not folder.is_dir():
        raise FormatError(folder, "there is no such folder of images")
    rows = []
    for row in annotations.rows:
        size = size_in(folder, row.image)
        if size is None:
            raise FormatError(folder, f"holds no image {row.image!r}")
        if row.size is not None and row.size != size:
            raise FormatError(
                folder / row.image,
                f"is {size[0]} x {size[1]} px, the annotation was made on "
                f"{row.size[0]} x {row.size[1]} px; find the image that was annotated",
            )
        rows.append(replace(row, size=size))
    return AnnotationFile(annotations.scheme, tuple(rows))
