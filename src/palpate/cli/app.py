"""The application: registers the verbs, turns errors into one sentence and an exit code.

Exit codes: 0 done, 1 failed with the reason, 2 wrong usage.
"""

import sys

import typer
from rich.console import Console
from rich.text import Text

from palpate.cli.agreement import agreement
from palpate.cli.annotate_next import annotate_next
from palpate.cli.annotate_seed import annotate_seed
from palpate.cli.bench import bench
from palpate.cli.calibrate import calibrate
from palpate.cli.check import check
from palpate.cli.compare import compare
from palpate.cli.consensus import consensus
from palpate.cli.convert import convert
from palpate.cli.crossval import crossval
from palpate.cli.curve import curve
from palpate.cli.demo import demo
from palpate.cli.dicom import dicom
from palpate.cli.evaluate import evaluate
from palpate.cli.export import export
from palpate.cli.honesty import honesty
from palpate.cli.measure import measure
from palpate.cli.monitor import monitor, monitor_report
from palpate.cli.phantom import phantom
from palpate.cli.predict import predict
from palpate.cli.protocols import protocols
from palpate.cli.recipes import recipes
from palpate.cli.review import review
from palpate.cli.review_account import review_account
from palpate.cli.review_files import review_export, review_import, review_labels, review_verify
from palpate.cli.shape import shape
from palpate.cli.train import train
from palpate.errors import PalpateError

app = typer.Typer(
    name="palpate",
    help="Find anatomical landmarks in clinical images and measure with them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for verb in (
    demo,
    phantom,
    check,
    consensus,
    annotate_seed,
    annotate_next,
    train,
    calibrate,
    evaluate,
    crossval,
    compare,
    honesty,
    curve,
    predict,
    monitor,
    monitor_report,
    measure,
    agreement,
    shape,
    review,
    review_labels,
    review_export,
    review_import,
    review_verify,
    review_account,
    convert,
    export,
    recipes,
    protocols,
    bench,
):
    app.command()(verb)
app.add_typer(dicom, name="dicom")


def main() -> None:
    """Run the command line."""
    try:
        app()
    except PalpateError as error:
        # A message may hold square brackets of a file's name: no markup in it.
        Console(stderr=True, soft_wrap=True).print(Text("error: ", "bold red") + Text(str(error)))
        sys.exit(1)
    except KeyboardInterrupt:
        Console(stderr=True).print("stopped; finished files are kept")
        sys.exit(1)
