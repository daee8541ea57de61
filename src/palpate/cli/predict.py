"""``palpate predict``: landmarks in new images and clips."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from palpate.localisers.localiser import Localiser
    from palpate.protocols.protocol import Protocol
    from palpate.workflows.clip_sources import ClipSource
    from palpate.workflows.predict import Source
    from palpate.workflows.predict_clips_into import ClipWishes


def predict(  # noqa: PLR0913, PLR0917 - the flags of a command
    run: Annotated[Path, typer.Argument(help="Run folder, or a model exported to ONNX.")],
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
) -> None:
    """Find landmarks and measure: predictions, overlays, measurements and report.html.

    A clip gets a folder of its own with points, angles and posture of every frame and a labelled
    video. For a run that sees several frames at once, a folder of pictures is a clip.
    """
    from palpate.cli.clip_wishes import chosen_facing, chosen_region, chosen_smoothing
    from palpate.errors import PalpateError
    from palpate.localisers.clip import ClipLocaliser
    from palpate.localisers.load import load_localiser
    from palpate.protocols.protocol import read_protocol
    from palpate.workflows.clip_sources import find_clip_sources, images_beside
    from palpate.workflows.posture_clip import PostureRequest
    from palpate.workflows.predict import find_sources
    from palpate.workflows.predict_clips_into import ClipWishes

    smoothing = chosen_smoothing(smooth)
    looked_at, side = chosen_region(region), chosen_facing(facing)
    find_clips = partial(find_clip_sources, inputs, region=looked_at, facing=side, rate_hz=rate)
    clips = find_clips()
    images = find_sources(images_beside(inputs, clips))
    localiser = load_localiser(run, device=device, engine=engine, one_thread=not images)
    if isinstance(localiser, ClipLocaliser):
        clips = find_clips(folders=True)
        images = find_sources(images_beside(inputs, clips))
    if not clips and not images:
        raise PalpateError(f"no image and no clip in {', '.join(str(path) for path in inputs)}")
    name = protocol or localiser.protocol
    measured = read_protocol(name) if name else None
    if images:
        _predict_images(out, localiser, images, measured, overlays=overlays)
    if clips:
        wishes = ClipWishes(overlays, measured, PostureRequest(neutral, level), smoothing)
        _predict_clips(out, localiser, clips, wishes)


def _predict_images(
    out: Path,
    localiser: "Localiser",
    sources: "Sequence[Source]",
    protocol: "Protocol | None",
    *,
    overlays: bool,
) -> None:
    from palpate.cli.progress import console, errors, stages
    from palpate.errors import PalpateError
    from palpate.image import Image
    from palpate.localisers.clip import ClipLocaliser
    from palpate.report.depth_colours import depth_grey
    from palpate.workflows.doubt import doubts
    from palpate.workflows.predict_into import predict_into
    from palpate.workflows.report_predictions import report_predictions

    with stages() as show:
        file = predict_into(
            out,
            localiser,
            sources,
            overlays=overlays,
            advance=lambda done, name: show("predicting", done, len(sources), name),
        )
    for name, reason in file.failures.items():
        errors.print(f"not predicted: {name}: {reason}", highlight=False, markup=False)
    console.print(f"{len(file.images)} of {len(sources)} images -> {out}", highlight=False)
    if not file.images:
        raise PalpateError("no image could be predicted; the reasons stand above")
    found = doubts(localiser, sources, file)
    for sentence in found:
        errors.print(f"note: {sentence}", highlight=False, markup=False)
    grey = depth_grey if isinstance(localiser, ClipLocaliser) else Image.grey
    report_predictions(out, file, sources, protocol=protocol, doubts=found, grey=grey)
    console.print(f"report: {out / 'report.html'}", highlight=False, markup=False)


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
