"""A forest model in one file: arrays as safetensors, the rest as JSON in the same file's header.

Nothing in it is code, so a model from elsewhere can be read without trusting it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from palpate.errors import FormatError, PalpateError
from palpate.files import write_bytes
from palpate.forest.forest import Forest
from palpate.forest.haar import HaarFeatures
from palpate.forest.model import Level, RfrvModel, Searcher
from palpate.forest.region import RegionGrid
from palpate.forest.settings import settings_as_plain, settings_from_plain
from palpate.shape.model import ShapeModel
from palpate.shape.store import put_together, taken_apart

FORMAT = "palpate-rfrv-1"
_SHAPE = "shape."


def write_rfrv(model: RfrvModel, path: Path) -> None:
    """Write a model, whole or not at all; the same model gives the same bytes.

    Raises:
        OutputError: the file cannot be written.
    """
    from safetensors.numpy import save

    shape, about_shape = taken_apart(model.shape)
    arrays = {f"{_SHAPE}{name}": array for name, array in shape.items()}
    arrays["search.anchors"] = model.searcher.anchors
    arrays |= _forests("search", (model.searcher.forest,))
    for index, level in enumerate(model.levels):
        arrays[f"level{index}.origin"] = level.grid.origin
        arrays |= _forests(f"level{index}", level.forests)
    header = {**_header(model), "shape": about_shape}
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_bytes(path, save(whole, metadata={FORMAT: json.dumps(header, sort_keys=True)}))


def read_rfrv(path: Path) -> RfrvModel:
    """Read a model as ``write_rfrv`` wrote it.

    Raises:
        FormatError: the file is cut, damaged, or something else.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise FormatError(path, "there is no such file; a forest model is one .safetensors file")
    try:
        with safe_open(path, framework="np") as stored:
            metadata = stored.metadata() or {}
            if FORMAT not in metadata:
                raise FormatError(path, f"not a forest model: it has no {FORMAT!r} in its header")
            header = json.loads(metadata[FORMAT])
            arrays = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        own = {
            name.removeprefix(_SHAPE): arrays[name] for name in arrays if name.startswith(_SHAPE)
        }
        return _model(header, arrays, put_together(own, header["shape"], path=path))
    except FormatError:
        raise
    # ValueError is of JSON, or of arrays of other shapes.
    except (SafetensorError, OSError, LookupError, TypeError, ValueError, PalpateError) as error:
        raise FormatError(
            path, f"a damaged forest model ({error}); copy it again or train it anew"
        ) from error


def _header(model: RfrvModel) -> dict[str, Any]:
    searcher = model.searcher
    return {
        "settings": settings_as_plain(model.settings),
        "films": model.films,
        "search": {
            "scale": searcher.scale,
            "rule": searcher.rule,
            "sizes_known": searcher.sizes_known,
            "turns_known": searcher.turns_known,
            "sizes_otherwise": searcher.sizes_otherwise,
            "films_known": searcher.films_known,
            "depth": searcher.forest.depth,
        },
        "levels": [
            {
                "scale": level.grid.scale,
                "size": level.grid.size,
                "depths": [forest.depth for forest in level.forests],
            }
            for level in model.levels
        ],
    }


def _forests(name: str, forests: tuple[Forest, ...]) -> dict[str, ndarray]:
    """Put the rows of all forests one after another; left children count from their forest."""

    def joined(parts: list[ndarray], kind: type[np.generic]) -> ndarray:
        return np.concatenate(parts).astype(kind)

    return {
        f"{name}.nodes": np.array([len(forest.threshold) for forest in forests]),
        f"{name}.trees": np.array([len(forest.roots) for forest in forests]),
        f"{name}.kind": joined([f.features.kind for f in forests], np.int8),
        f"{name}.size": joined([f.features.size for f in forests], np.int16),
        f"{name}.corner": joined([f.features.corner for f in forests], np.int16),
        f"{name}.threshold": joined([f.threshold for f in forests], np.float32),
        f"{name}.left": joined([f.left for f in forests], np.int32),
        f"{name}.roots": joined([f.roots for f in forests], np.int32),
        f"{name}.mean": joined([f.mean for f in forests], np.float32),
        f"{name}.spread": joined([f.spread for f in forests], np.float32),
    }


def _model(
    header: Mapping[str, Any], arrays: Mapping[str, ndarray], shape: ShapeModel
) -> RfrvModel:
    settings = settings_from_plain(header["settings"])
    levels = tuple(
        Level(
            wish,
            RegionGrid(stored["scale"], arrays[f"level{index}.origin"], tuple(stored["size"])),
            _read_forests(f"level{index}", arrays, stored["depths"]),
            settings.box_sides,
        )
        for index, (wish, stored) in enumerate(zip(settings.levels, header["levels"], strict=True))
    )
    found = header["search"]
    searcher = Searcher(
        settings.search,
        _read_forests("search", arrays, [found["depth"]])[0],
        arrays["search.anchors"],
        found["scale"],
        found["rule"],
        tuple(found["sizes_known"]),
        tuple(found["turns_known"]),
        settings.box_sides,
        _range(found.get("sizes_otherwise")),
        _range(found.get("films_known")),
    )
    return RfrvModel(settings, shape, levels, searcher, header["films"])


def _range(stored: list[float] | None) -> tuple[float, float] | None:
    """A range; None in models of before it was kept."""
    if stored is None:
        return None
    low, high = stored
    return low, high


def _read_forests(
    name: str, arrays: Mapping[str, ndarray], depths: list[int]
) -> tuple[Forest, ...]:
    nodes = np.cumsum([0, *arrays[f"{name}.nodes"]]).tolist()
    trees = np.cumsum([0, *arrays[f"{name}.trees"]]).tolist()
    if len(depths) != len(nodes) - 1:
        raise ValueError(f"{name} has {len(nodes) - 1} forests and {len(depths)} depths")
    forests = []
    for index, depth in enumerate(depths):
        part = slice(nodes[index], nodes[index + 1])
        forests.append(
            Forest(
                HaarFeatures(
                    arrays[f"{name}.kind"][part],
                    arrays[f"{name}.size"][part],
                    arrays[f"{name}.corner"][part],
                ),
                arrays[f"{name}.threshold"][part],
                arrays[f"{name}.left"][part].astype(np.int64),
                arrays[f"{name}.roots"][trees[index] : trees[index + 1]].astype(np.int64),
                arrays[f"{name}.mean"][part],
                arrays[f"{name}.spread"][part],
                depth,
            )
        )
    return tuple(forests)
