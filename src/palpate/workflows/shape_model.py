"""Open a shape model by its path: a folder of ``palpate shape``, or a run of forests."""

from pathlib import Path

from palpate.errors import ConfigError, FormatError
from palpate.localisers.forest import METHOD, load_forest
from palpate.localisers.run_folder import RunFolder
from palpate.shape.named import NamedShapeModel
from palpate.shape.named_store import ABOUT, MODEL, read_named


def open_shape_model(path: Path) -> NamedShapeModel:
    """Read the model of a folder, of a file in it, or the one that a run of forests holds.

    Raises:
        FormatError: nothing is there, or it is no shape model.
        ConfigError: it is a run of a network, which holds none.
    """
    folder = path.parent if path.name in (MODEL, ABOUT) else path
    if (folder / ABOUT).is_file():
        return read_named(folder)
    run = RunFolder(folder)
    if run.localiser.is_file():
        if run.description().get("method") != METHOD:
            raise ConfigError(
                f"{folder} is a run of a network, which holds no shape model; make one with "
                "'palpate shape STUDY --out FOLDER'"
            )
        localiser = load_forest(run)
        label = f"shape model of {localiser.name}, {localiser.model.shape.shapes} shapes"
        return NamedShapeModel(label, localiser.scheme.names, localiser.model.shape)
    raise FormatError(
        path,
        f"holds no shape model: neither {ABOUT} of 'palpate shape' nor a finished run of forests",
    )
