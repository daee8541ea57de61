"""A data set in babyPose's own layout is a study of depth clips as it lies.

Its study.toml, where it has one, may still say of its camera, its exclusions and its splits.
"""

from pathlib import Path

from palpate.io.babypose_layout import babypose_depth
from palpate.study_settings import ClipSettings, StudySettings


def may_be_babypose(root: Path, settings: StudySettings) -> bool:
    """Say whether nothing else is said or shown of where the pictures and their annotation are."""
    folders = (settings.images, settings.video.folder if settings.video else ClipSettings().folder)
    return settings.annotations is None and not any((root / name).is_dir() for name in folders)


def babypose_settings(settings: StudySettings, frames: Path) -> ClipSettings:
    """Return what is said of the clips; the rest is babyPose's: its camera, and nothing between.

    Args:
        settings: of the study.
        frames: folder of an infant, whose numbers tell the rate.
    """
    given = settings.video or ClipSettings(interpolate=1)
    if given.depth is not None:
        return given
    return given.model_copy(update={"depth": babypose_depth(frames)})
