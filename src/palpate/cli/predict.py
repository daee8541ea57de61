"""``palpate predict``: landmarks in new images and clips."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from palpate.localisers.localiser import Localiser
    from palpate.protocols.protocol import Protocol
    from palpate.trust.calibration import UncertaintyCalibration
    from palpate.trust.risk import RiskLimit
    from palpate.workflows.clip_sources import ClipSource
    from palpate.workflows.predict import Source
    from palpate.workflows.predict_clips_into import ClipWishes


def predict(  # noqa: PLR0913, PLR0917 - the flags of a command
    run: Annotated[
        str,
        typer.Argument(
            help="Run folder, or a model exported to ONNX; several with commas, or a "
            "cross-validation, are an ensemble."
        ),
    ],
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUT...", help="Images, clips or folders.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for predictions and overlays.")],
    protocol: Annotated[
        str | None, typer.Option(help="Measure with it; default: that of the run's study.")
    ] = None,
    overlays: Annotated[
        bool, typer.Option(help="Draw the landmarks on every image; a labelled video of a clip.")
    ] = True,
    region: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y,WIDTH,HEIGHT",
            help="Part of the clips to look at, in px; default: that of the clip's study.toml.",
        ),
    ] = None,
    facing: Annotated[
        str | None, typer.Option(help="Side of the image that the subject faces: right, left.")
    ] = None,
    smooth: Annotated[
        str | None, typer.Option(help="A smoothed track beside the raw one: one-euro or rts.")
    ] = None,
    neutral: Annotated[
        int | None, typer.Option(help="Frame of a clip that shows the neutral posture.")
    ] = None,
    level: Annotated[
        str, typer.Option(help="Level of support at which the clips were recorded.")
    ] = "",
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            help="Numbers of frames per second of folders of frames; default: that of the "
            "study.toml, else 30.",
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    engine: Annotated[
        str | None, typer.Option(help="For an exported model: onnxruntime or openvino.")
    ] = None,
    views: Annotated[
        int, typer.Option(min=1, help="Ask of so many slightly turned views of an image.")
    ] = 1,
    passes: Annotated[
        int, typer.Option(min=0, help="Ask a network with dropout so many times; 0: once.")
    ] = 0,
    max_risk: Annotated[
        float | None,
        typer.Option(
            help="Set images aside so that at most this share of those kept is further off than "
            "--within; needs a calibrated run."
        ),
    ] = None,
    within: Annotated[
        float | None,
        typer.Option(help="Error that is still good: mm or px, or the unit of --measure."),
    ] = None,
    measure: Annotated[
        str, typer.Option(help="Quantity that --within is of; default: the landmarks on average.")
    ] = "",
    confidence: Annotated[
        float, typer.Option(help="That the promise of --max-risk is kept, in (0, 1).")
    ] = 0.95,
) -> None:
    """Find landmarks and measure: predictions, overlays, measurements and report.html.

    Images that cannot be trusted are set aside with reasons in words: on the terminal, in
    set_aside.csv and in the report. They keep their predictions and measurements.

    A clip gets a folder of its own with points, angles and posture of every frame and a labelled
    video. For a run that sees several frames at once, a folder of pictures is a clip.
    """
    from palpate.cli.clip_wishes import chosen_facing, chosen_region, chosen_smoothing
    from palpate.cli.progress import errors
    from palpate.errors import PalpateError
    from palpate.localisers.clip import ClipLocaliser
    from palpate.protocols.protocol import read_protocol
    from palpate.workflows.asking import Asking, load_asked, unused_calibrations
    from palpate.workflows.clip_sources import find_clip_sources, images_beside
    from palpate.workflows.posture_clip import PostureRequest
    from palpate.workflows.predict import find_sources
    from palpate.workflows.predict_clips_into import ClipWishes

    risk = _risk(max_risk, within, measure, confidence)
    smoothing = chosen_smoothing(smooth)
    looked_at, side = chosen_region(region), chosen_facing(facing)
    find_clips = partial(find_clip_sources, inputs, region=looked_at, facing=side, rate_hz=rate)
    clips = find_clips()
    images = find_sources(images_beside(inputs, clips))
    asking = Asking(views, passes)
    localiser = load_asked(run, asking, device=device, engine=engine, one_thread=not images)
    for sentence in unused_calibrations(run, asking):
        errors.print(f"note: {sentence}", highlight=False, markup=False)
    if isinstance(localiser, ClipLocaliser):
        clips = find_clips(folders=True)
        images = find_sources(images_beside(inputs, clips))
    if not clips and not images:
        raise PalpateError(f"no image and no clip in {', '.join(str(path) for path in inputs)}")
    if clips and risk is not None:
        raise PalpateError("--max-risk is for images; the inputs hold clips")
    name = protocol or localiser.protocol
    measured = read_protocol(name) if name else None
    if images:
        _predict_images(out, localiser, images, _Wanted(measured, overlays, risk))
    if clips:
        wishes = ClipWishes(overlays, measured, PostureRequest(neutral, level), smoothing)
        _predict_clips(out, localiser, clips, wishes)


@dataclass(frozen=True, slots=True)
class _Risk:
    """What was asked of the cases that are kept."""

    max_risk: float
    within: float
    measure: str
    confidence: float


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is made of images."""

    protocol: "Protocol | None"
    overlays: bool
    risk: _Risk | None


def _risk(
    max_risk: float | None, within: float | None, measure: str, confidence: float
) -> _Risk | None:
    if max_risk is None and within is None:
        if measure:
            raise typer.BadParameter("--measure goes with --max-risk and --within")
        return None
    if max_risk is None or within is None:
        raise typer.BadParameter("--max-risk and --within go together: how many, and how far off")
    return _Risk(max_risk, within, measure, confidence)


def _predict_images(
    out: Path, localiser: "Localiser", sources: "Sequence[Source]", wanted: _Wanted
) -> None:
    from palpate.cli.progress import console, errors, stages
    from palpate.errors import PalpateError
    from palpate.image import Image
    from palpate.localisers.calibrated import CalibratedLocaliser
    from palpate.localisers.clip import ClipLocaliser
    from palpate.report.depth_colours import depth_grey
    from palpate.workflows.abstain import Verdict, familiar_of, judge
    from palpate.workflows.abstain_looks import Looks
    from palpate.workflows.doubt import doubts
    from palpate.workflows.predict_into import predict_into
    from palpate.workflows.report_predictions import measure_all, report_predictions

    calibration = localiser.calibration if isinstance(localiser, CalibratedLocaliser) else None
    limit = _limit(calibration, wanted)
    familiar = familiar_of(calibration)
    looks = Looks(wanted=familiar is not None)
    with stages() as show:
        file = predict_into(
            out,
            localiser,
            sources,
            overlays=wanted.overlays,
            advance=lambda done, name: show("predicting", done, len(sources), name),
            seen=looks.see,
        )
    for name, reason in file.failures.items():
        errors.print(f"not predicted: {name}: {reason}", highlight=False, markup=False)
    console.print(f"{len(file.images)} of {len(sources)} images -> {out}", highlight=False)
    if not file.images:
        raise PalpateError("no image could be predicted; the reasons stand above")
    reports = measure_all(file, wanted.protocol, calibration)
    judged = judge(file, looks.seen, familiar, limit, reports)
    promised = () if limit is None else (limit.sentence,)
    known = {one.image for one in judged if not one.kept}
    verdict = Verdict(judged, (*promised, *doubts(localiser, sources, file, known=known)))
    aside = verdict.set_aside
    for sentence in (*verdict.notes, *(one.short for one in aside)):
        errors.print(f"note: {sentence}", highlight=False, markup=False)
    console.print(f"{len(judged) - len(aside)} kept, {len(aside)} set aside", highlight=False)
    if aside:
        console.print(f"reasons: {out / 'set_aside.csv'}", highlight=False, markup=False)
    grey = depth_grey if isinstance(localiser, ClipLocaliser) else Image.grey
    report_predictions(out, file, sources, reports=reports, verdict=verdict, grey=grey)
    console.print(f"report: {out / 'report.html'}", highlight=False, markup=False)


def _limit(calibration: "UncertaintyCalibration | None", wanted: _Wanted) -> "RiskLimit | None":
    from palpate.errors import ConfigError
    from palpate.workflows.abstain import limit_of, wish_of

    risk = wanted.risk
    if risk is None:
        return None
    if calibration is None:
        raise ConfigError(
            "--max-risk needs a run that was calibrated on held-out subjects: run "
            "'palpate calibrate RUN' first"
        )
    wish = wish_of(
        calibration,
        wanted.protocol,
        max_risk=risk.max_risk,
        within=risk.within,
        measure=risk.measure,
        confidence=risk.confidence,
    )
    return limit_of(calibration, wanted.protocol, wish)


def _predict_clips(
    out: Path,
    localiser: "Localiser",
    sources: "Sequence[ClipSource]",
    wishes: "ClipWishes",
) -> None:
    from palpate.cli.progress import console, errors, stages
    from palpate.errors import PalpateError
    from palpate.localisers.clip import ClipLocaliser
    from palpate.workflows.predict_clips_into import predict_clips_into

    for source in sources:
        if source.region is None and not isinstance(localiser, ClipLocaliser):
            errors.print(
                f"note: no region is given for {source.name}: the whole frame is looked at",
                highlight=False,
                markup=False,
            )
    with stages() as show:
        failures = predict_clips_into(
            out,
            localiser,
            sources,
            wishes,
            advance=lambda name, done, total: show(name, done, total, ""),
        )
    for name, reason in failures.items():
        errors.print(f"not predicted: {name}: {reason}", highlight=False, markup=False)
    done = len(sources) - len(failures)
    console.print(f"{done} of {len(sources)} clips -> {out}", highlight=False, markup=False)
    if not done:
        raise PalpateError("no clip could be predicted; the reasons stand above")
