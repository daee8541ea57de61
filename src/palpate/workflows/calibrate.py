"""Calibrate a run's uncertainty on subjects that it did not learn from."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from palpate.duplicates import find_duplicates
from palpate.errors import ConfigError, PalpateError, StudyError
from palpate.io.images import Picture
from palpate.io.predictions import read_predictions
from palpate.localisers.clip import ClipLocaliser
from palpate.localisers.ensemble_load import folds_in
from palpate.localisers.localiser import Localiser
from palpate.localisers.run_folder import RunFolder
from palpate.protocols.protocol import Protocol
from palpate.splits import find_copies, read_split
from palpate.study import Study, open_study, pictures
from palpate.trust.calibration import How, UncertaintyCalibration
from palpate.trust.held_out import HeldOut
from palpate.trust.measured import with_measurements
from palpate.workflows.abstain_learn import with_familiar
from palpate.workflows.evaluate import EvaluatedStudy, evaluate_study
from palpate.workflows.split import images_to_evaluate

Advance = Callable[[int, int], None]


def calibrate_run(
    localiser: Localiser,
    folder: RunFolder,
    study: Study,
    *,
    part: str,
    protocol: Protocol | None,
    advance: Advance = lambda done, total: None,
) -> UncertaintyCalibration:
    """Predict one part of the run's split, or a study it never saw, and learn from the errors.

    Of another study, nearly the same images as were trained on are refused under whatever name,
    as long as the run's own study is still where it was.

    Args:
        localiser: of the run, as it states its uncertainty itself.
        folder: of the run.
        study: holds the images.
        part: of the run's split; ``all`` for another study.
        protocol: whose measurements are calibrated too; None for none.
        advance: told how many images of how many are done.

    Raises:
        StudyError: too few subjects, or one that the run was trained on.
        ConfigError: the localiser finds landmarks in clips.
    """
    _refuse_clips(localiser)
    if part != "all" and not read_split(folder.split).parts.get(part):
        raise StudyError(
            f"the run held no subject out for {part!r}: calibrate on another part (--part test, "
            "which then no longer judges it), on another study (--part all), or on a "
            "cross-validation of the same recipe (--crossval)"
        )
    names = images_to_evaluate(folder, study, part=part)
    refuse_trained_on(folder, study, names)
    if part == "all":
        _refuse_copies_elsewhere([folder], study, names)
    held_out = held_out_of(evaluate_study(localiser, study, names, advance=advance))
    return _learnt(localiser, held_out, study, protocol, f"study {study.name}, part {part}")


def calibrate_ensemble(
    localiser: Localiser,
    folders: Sequence[RunFolder],
    study: Study,
    *,
    protocol: Protocol | None,
    advance: Advance = lambda done, total: None,
) -> UncertaintyCalibration:
    """Predict a study that no member ever saw with all of them together; learn from the errors.

    Args:
        localiser: the members as one.
        folders: of the members.
        study: none of its images, nor nearly the same ones, is in a split of a member.
        protocol: whose measurements are calibrated too; None for none.
        advance: told how many images of how many are done.

    Raises:
        StudyError: too few subjects, or an image that a member knows.
    """
    names: list[str] = []
    for folder in folders:  # every member refuses what is in its own split
        names = images_to_evaluate(folder, study, part="all")
    _refuse_copies_elsewhere(folders, study, names)
    held_out = held_out_of(evaluate_study(localiser, study, names, advance=advance))
    return _learnt(localiser, held_out, study, protocol, f"study {study.name}")


def calibrate_on_folds(
    localiser: Localiser,
    folder: RunFolder,
    crossval: Path,
    study: Study,
    *,
    protocol: Protocol | None,
) -> UncertaintyCalibration:
    """Learn from the errors of a cross-validation of the same recipe on the same study.

    Every subject was predicted by a fold that was not trained on it, so all of them count, those
    that the run itself was trained on too.

    Raises:
        ConfigError: the folds are of another recipe or study, or find landmarks in clips.
        StudyError: an image is no longer annotated, or was trained on by the fold that predicted
            it; too few subjects.

    Source:
        Vovk, Annals of Mathematics and Artificial Intelligence 74, 2015 (cross-conformal
        predictors); Barber, Candès, Ramdas and Tibshirani, Annals of Statistics 49(1), 2021: at
        least 1 - 2 (1 - level) is guaranteed, about the level is what one gets.
    """
    _refuse_clips(localiser)
    for fold in fold_folders(crossval):
        _refuse_other_recipe(folder, fold)
    if not _trained_here(folder, study):
        raise ConfigError(
            f"{folder.root} was trained on no image of study {study.name!r}: a cross-validation "
            "says how far off runs on its own study are; cross-validate the study of the run"
        )
    held_out = held_out_of_folds(crossval, study)
    subjects = len({each.subject for each in held_out})
    source = f"{subjects} subjects of study {study.name}, each by a fold not trained on it"
    calibration = calibrated_on(held_out, protocol, source=source, how="cross")
    return replace(with_familiar(calibration, held_out, study), weights=localiser.weights)


def _learnt(
    localiser: Localiser,
    held_out: Sequence[HeldOut],
    study: Study,
    protocol: Protocol | None,
    where: str,
) -> UncertaintyCalibration:
    """Learn from images that the localiser itself predicted."""
    subjects = len({each.subject for each in held_out})
    source = f"{subjects} subjects of {where}"
    calibration = calibrated_on(held_out, protocol, source=source, how="split")
    return replace(with_familiar(calibration, held_out, study), weights=localiser.weights)


def calibrated_on(
    held_out: Sequence[HeldOut], protocol: Protocol | None, *, source: str, how: How
) -> UncertaintyCalibration:
    """Learn regions, correlation and, with a protocol, measurements from held-out images."""
    calibration = UncertaintyCalibration.of(held_out, source=source, how=how)
    if protocol is None or protocol.posture is not None:
        return calibration
    return with_measurements(calibration, held_out, protocol)


def held_out_of(evaluated: EvaluatedStudy) -> list[HeldOut]:
    """Take evaluated images as held-out ones."""
    return [
        HeldOut(case.subject, image, case.truth)
        for case, image in zip(evaluated.cases, evaluated.predicted, strict=True)
    ]


def held_out_of_folds(crossval: Path, study: Study) -> list[HeldOut]:
    """Read what the folds of a cross-validation predicted, with the study's truth.

    Raises:
        FormatError: it has no predictions.
        StudyError: an image is no longer annotated, or was trained on where it was predicted.
    """
    judged_by = {}
    for fold in fold_folders(crossval):
        for name in read_split(RunFolder(fold).split).parts["test"]:
            judged_by[name] = fold
    file = read_predictions(crossval / "predictions.json")
    held_out = []
    for image in file.images:
        if image.image not in judged_by:
            raise StudyError(
                f"{crossval}: no fold held {image.image!r} out, though it is predicted"
            )
        if image.prediction.basis == "conformal":
            raise StudyError(
                f"{crossval}: its predictions were calibrated before they were written, so they "
                "cannot be calibrated again; cross-validate again"
            )
        case = study.case(image.image)
        if case.points is None:
            raise StudyError(f"image {image.image!r} of the cross-validation is not annotated")
        held_out.append(HeldOut(case.subject, image, case.points))
    for fold in fold_folders(crossval):
        names = [name for name, by in judged_by.items() if by == fold]
        _refuse_shared(RunFolder(fold), study, names)
    return held_out


def fold_folders(crossval: Path) -> list[Path]:
    """Return the run folders of a cross-validation, in order.

    Raises:
        PalpateError: it is none.
    """
    found = [path for path in folds_in(crossval) if RunFolder(path).split.exists()]
    if not found:
        raise PalpateError(
            f"{crossval} is no cross-validation: it has no folders fold-1, fold-2, ...; make one "
            "with 'palpate crossval'"
        )
    return found


def refuse_trained_on(folder: RunFolder, study: Study, names: Sequence[str]) -> None:
    """Refuse images of subjects that the run was trained on, and copies of its images.

    Raises:
        StudyError: with the first of them.
    """
    _refuse_shared(folder, study, names)
    trained = _trained_here(folder, study)
    if not trained:
        return
    part = {**dict.fromkeys(trained, "train"), **dict.fromkeys(names, "held out")}
    for pair in find_copies(study.subset(part), apart=part):
        raise StudyError(
            f"{pair.first!r} and {pair.second!r} are nearly the same image ({pair.sentence}), and "
            "the run was trained on one of them: it cannot be calibrated on the other"
        )


def _refuse_copies_elsewhere(
    folders: Iterable[RunFolder], study: Study, names: Sequence[str]
) -> None:
    """Refuse copies of what runs were trained on in other studies, where these still are."""
    shown = pictures(study.subset(names))
    part = dict.fromkeys(shown, "held out")
    trained: dict[str, Picture] = {}
    for folder in folders:
        try:
            home = open_study(folder.study_path())
        except PalpateError:
            continue  # moved away, or not for this machine: nothing to compare with
        own = pictures(home.subset(_trained_here(folder, home)))
        trained |= {name: picture for name, picture in own.items() if name not in shown}
    part |= dict.fromkeys(trained, "train")
    for pair in find_duplicates({**trained, **shown}, apart=part) if trained else ():
        raise StudyError(
            f"{pair.first!r} and {pair.second!r} are nearly the same image ({pair.sentence}), and "
            "one of them was trained on: nothing can be calibrated on the other"
        )


def _refuse_clips(localiser: Localiser) -> None:
    """Refuse what predicts clips: their predictions carry no calibration."""
    if isinstance(localiser, ClipLocaliser):
        raise ConfigError(
            f"{localiser.name!r} finds landmarks in several frames of a clip at once: predictions "
            "of clips use no calibration, so none is made; its crossval counts how often regions "
            "hold"
        )


def _refuse_shared(folder: RunFolder, study: Study, names: Sequence[str]) -> None:
    trained = {study.case(name).subject: name for name in _trained_here(folder, study)}
    for name in names:
        subject = study.case(name).subject
        if subject in trained:
            raise StudyError(
                f"{folder.root} was trained on subject {subject!r} ({trained[subject]!r}), so "
                f"{name!r} cannot calibrate it: its errors there say nothing of new subjects"
            )


def _trained_here(folder: RunFolder, study: Study) -> list[str]:
    """Images of the study that the run was trained on."""
    known = {case.identifier for case in study.cases}
    return [name for name in read_split(folder.split).parts["train"] if name in known]


def _refuse_other_recipe(folder: RunFolder, fold: Path) -> None:
    ours, theirs = (_recipe_text(each) for each in (folder, RunFolder(fold)))
    if ours != theirs:
        raise ConfigError(
            f"{fold} was trained by another recipe than {folder.root} (their recipe.toml differ); "
            "cross-validate the recipe of the run"
        )


def _recipe_text(folder: RunFolder) -> str:
    """A recipe without what does not change what is trained: how it is split."""
    from palpate.training.recipe import read_recipe

    recipe = read_recipe(str(folder.recipe))
    plain = recipe.model_dump(exclude={"split", "crossval", "name", "about", "source"})
    return repr(plain)
