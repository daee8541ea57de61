"""Formats of one file an image: which files a folder holds, and where each image's file goes."""

from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from palpate.errors import FormatError, OutputError
from palpate.files import write_text
from palpate.io.annotation import AnnotatedImage, AnnotationFile
from palpate.io.rows import only_annotator, refuse_volumes


def files_of(path: Path, suffix: str) -> list[Path]:
    """Return a file, or the files of a folder and its sub-folders that end in ``suffix``.

    Raises:
        FormatError: there is nothing there.
    """
    if not path.exists():
        raise FormatError(path, "there is no such file or folder")
    if not path.is_dir():
        return [path]
    found = sorted(
        file
        for file in path.rglob("*")
        if file.name.lower().endswith(suffix)
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    if not found:
        raise FormatError(path, f"the folder holds no file that ends in {suffix!r}")
    return found


def place_of(path: Path, file: Path) -> str:
    """Return the folder of ``file`` inside ``path`` as the first part of an image's name.

    Example:
        >>> place_of(Path("all"), Path("all/left/a.pts"))
        'left/'
    """
    if path == file:
        return ""
    inside = file.relative_to(path).parent.as_posix()
    return "" if inside == "." else f"{inside}/"


def write_each(
    annotations: AnnotationFile,
    path: Path,
    *,
    suffix: str,
    format_name: str,
    text_of: Callable[[AnnotatedImage], str],
) -> None:
    """Write one file an image: ``path`` itself where it has the suffix, else files in that folder.

    Every text is made before the first file is written, so that a refusal leaves nothing behind.

    Raises:
        OutputError: several annotators, an image that would leave the folder, two images for one
            file, several images for one file name, or files of others already in the folder.
    """
    refuse_volumes(annotations, path, format_name=format_name)
    only_annotator(annotations, path, format_name=format_name)
    if path.name.lower().endswith(suffix):
        if len(annotations.rows) > 1:
            raise OutputError(
                f"{path}: {format_name} holds one image a file, here are {len(annotations.rows)}; "
                f"give a folder, a name without {suffix!r}"
            )
        write_text(path, text_of(annotations.rows[0]))
        return
    if path.exists() and not path.is_dir():
        raise OutputError(f"{path}: is a file, a folder was expected; choose another name")
    texts: dict[Path, str] = {}
    for row in annotations.rows:
        target = path / _inside(row.image, path, suffix)
        if target in texts:
            raise OutputError(
                f"{path}: two images would be written to {target.name!r} (last: {row.image!r}); "
                "rename one of them"
            )
        texts[target] = text_of(row)
    _refuse_strangers(path, texts, suffix)
    for target, text in texts.items():
        write_text(target, text)


def _inside(image: str, path: Path, suffix: str) -> str:
    name = PurePosixPath(image)
    unsafe = not name.name or name.is_absolute() or ".." in name.parts or "\\" in image
    if unsafe or ":" in image or any(part.startswith(".") for part in name.parts):
        raise OutputError(f"{path}: {image!r} is no name for a file inside this folder")
    return str(name.with_name(name.stem + suffix))


def _refuse_strangers(path: Path, targets: Iterable[Path], suffix: str) -> None:
    if not path.is_dir():
        return
    strangers = set(files_of(path, suffix) if any(path.rglob(f"*{suffix}")) else []) - set(targets)
    if strangers:
        raise OutputError(
            f"{path}: already holds {min(strangers).name!r}, which would be read together with "
            "what is written; choose an empty folder"
        )
