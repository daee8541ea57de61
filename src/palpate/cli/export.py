"""``palpate export``: one file that predicts without torch."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.onnx", help="File to write.")],
) -> None:
    """Export a run to ONNX and say how far its answers are from the original's."""
    from palpate.cli.progress import console
    from palpate.cli.torch_needed import need_torch
    from palpate.errors import ConfigError

    need_torch()
    if out.suffix != ".onnx":
        raise ConfigError(f"the exported file must end in .onnx, got {out}")
    from palpate.workflows.export import export_onnx

    exported = export_onnx(run, out)
    console.print(
        f"{exported.path}: at most {exported.difference_px:.4f} px from the original",
        highlight=False,
    )
