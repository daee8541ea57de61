"""DeepLabCut's HDF5: pandas reads ours, we read pandas', and nothing is ever unpickled."""

import builtins
import os
import pickle
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from palpate.errors import FormatError, OutputError
from palpate.io.annotation import AnnotationFile
from palpate.io.deeplabcut import read_deeplabcut, read_deeplabcut_h5, write_deeplabcut_h5
from palpate.io.pickled_text import NotTextError, text_of_pickle

pd = pytest.importorskip("pandas")
pytest.importorskip("tables")

DATA = Path(__file__).parent / "data" / "formats" / "deeplabcut"
IMAGES = ["labeled-data/c/a.png", "labeled-data/c/b.png"]
VALUES = np.array([[1.5, 2.0, 3.0, 4.25], [5.0, 6.0, np.nan, np.nan]])


def frame(*, parts: bool = False, levels: int = 3) -> Any:
    names = ["scorer", "individuals", "bodyparts", "coords"][-levels:]
    names[0] = "scorer"
    above = [["Ann"], ["m1"]][: levels - 2]
    columns = pd.MultiIndex.from_product([*above, ["nose", "öhr"], ["x", "y"]], names=names)
    index = pd.MultiIndex.from_tuples([tuple(i.split("/")) for i in IMAGES]) if parts else IMAGES
    return pd.DataFrame(VALUES, columns=columns, index=index)


@pytest.mark.parametrize(("layout", "parts"), [("table", False), ("fixed", False), ("fixed", True)])
def test_we_read_what_pandas_writes(layout: str, parts: bool, tmp_path: Path) -> None:
    frame(parts=parts).to_hdf(tmp_path / "a.h5", key="df_with_missing", format=layout, mode="w")
    found = read_deeplabcut_h5(tmp_path / "a.h5")
    assert found.scheme.names == ("nose", "öhr")
    assert [r.image for r in found.rows] == IMAGES
    assert {r.annotator for r in found.rows} == {"Ann"}
    table = np.stack([r.points.coordinates.reshape(-1) for r in found.rows])
    np.testing.assert_array_equal(table, VALUES)


def test_pandas_reads_what_we_write(tmp_path: Path) -> None:
    before = read_deeplabcut(DATA / "sample.csv")
    write_deeplabcut_h5(before, tmp_path / "a.h5")
    read = pd.read_hdf(tmp_path / "a.h5", key="df_with_missing")
    assert list(read.index) == [r.image for r in before.rows]
    assert list(read.columns.names) == ["scorer", "bodyparts", "coords"]
    assert list(read.columns)[:2] == [("Ann", "nose", "x"), ("Ann", "nose", "y")]
    table = np.stack([r.points.coordinates.reshape(-1) for r in before.rows])
    np.testing.assert_array_equal(read.to_numpy(), table)


def test_columns_of_mixed_types_find_their_place(tmp_path: Path) -> None:
    mixed = frame().fillna(7.0)
    mixed[("Ann", "nose", "y")] = np.array([2, 6])
    mixed.to_hdf(tmp_path / "a.h5", key="df_with_missing", format="table", mode="w")
    found = read_deeplabcut_h5(tmp_path / "a.h5")
    assert found.rows[0].points.coordinates.tolist() == [[1.5, 2.0], [3.0, 4.25]]
    assert found.rows[1].points.coordinates.tolist() == [[5.0, 6.0], [7.0, 7.0]]


def test_a_hundred_and_fifty_landmarks_fit(tmp_path: Path) -> None:
    names = [f"landmark number {k}" for k in range(150)]
    text = "image," + ",".join(f"{n}_x,{n}_y" for n in names) + "\n"
    text += "a.png," + ",".join(str(k / 8) for k in range(300)) + "\n"
    (tmp_path / "a.csv").write_text(text)
    from palpate.io.csv_plain import read_csv

    before = read_csv(tmp_path / "a.csv")
    write_deeplabcut_h5(before, tmp_path / "a.h5")
    after = read_deeplabcut_h5(tmp_path / "a.h5")
    assert after.scheme.names == tuple(names)
    np.testing.assert_array_equal(
        after.rows[0].points.coordinates, before.rows[0].points.coordinates
    )


class Bomb:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return (os.mkdir, (str(self.target),))


@pytest.mark.parametrize("attribute", ["non_index_axes", "values_block_0_kind"])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_hostile_pickle_is_refused_and_not_run(
    attribute: str, protocol: int, tmp_path: Path
) -> None:
    path, target = tmp_path / "a.h5", tmp_path / "was-run"
    frame().to_hdf(path, key="df_with_missing", format="table", mode="w")
    payload = pickle.dumps([(1, [Bomb(target)])], protocol)
    with h5py.File(path, "a") as file:
        holder = file["df_with_missing"] if attribute == "non_index_axes" else None
        holder = file["df_with_missing/table"] if holder is None else holder
        holder.attrs[attribute] = np.void(payload)
    with pytest.raises(FormatError, match="not plain text: a pickle that"):
        read_deeplabcut_h5(path)
    assert not target.exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_text_of_pickle_builds_what_pickle_builds(protocol: int) -> None:
    names = [(1, [("Ann", "nöse\n", "x"), ("Ann", "nöse\n", "y"), ()]), (2**70, None, "\U0001f600")]
    assert text_of_pickle(pickle.dumps(names, protocol)) == names


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b".",
        b"cos\nsystem\n(Vls\ntR.",
        b"(lp0\nVnose\n",
        b"a.",
        b"g7\n.",
        b"(Va\nVb\n.",
        b"Vx\nVa\na.",
        b"Va\nVb\n.",
        pickle.dumps({"a": 1}),
        pickle.dumps(np.str_("nose")),
        pickle.dumps(np.float64(1)),
        pickle.dumps(Path("a")),
    ],
)
def test_anything_but_text_is_refused(content: bytes) -> None:
    with pytest.raises(NotTextError):
        text_of_pickle(content)


def test_reading_imports_neither_pandas_nor_pickle_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame().to_hdf(tmp_path / "a.h5", key="df_with_missing", format="table", mode="w")

    def forbidden(*_: Any, **__: Any) -> Any:
        raise AssertionError("unpickled")

    monkeypatch.setattr(pickle, "loads", forbidden)
    monkeypatch.setattr(pickle, "load", forbidden)
    monkeypatch.setattr(pickle, "Unpickler", forbidden)
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.setitem(sys.modules, "tables", None)
    assert len(read_deeplabcut_h5(tmp_path / "a.h5").rows) == 2


def test_writing_without_pandas_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = builtins.__import__

    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name in ("pandas", "tables"):
            raise ImportError(name)
        return ours(name, *rest, **named)

    before: AnnotationFile = read_deeplabcut(DATA / "sample.csv")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(OutputError, match=r"palpate\[deeplabcut\]"):
        write_deeplabcut_h5(before, tmp_path / "a.h5")
    assert not (tmp_path / "a.h5").exists()


def test_several_animals_predictions_and_numbered_frames_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    for layout in ("table", "fixed"):
        frame(levels=4).to_hdf(path, key="df_with_missing", format=layout, mode="w")
        with pytest.raises(FormatError, match=r"several animals|'bodyparts' was expected"):
            read_deeplabcut_h5(path)
        numbered = frame().reset_index(drop=True)
        numbered.to_hdf(path, key="df_with_missing", format=layout, mode="w")
        with pytest.raises(FormatError, match="names were expected as text"):
            read_deeplabcut_h5(path)
        likely = frame().rename(columns={"y": "likelihood"}, level="coords")
        likely.to_hdf(path, key="df_with_missing", format=layout, mode="w")
        with pytest.raises(FormatError, match="predictions, not labels"):
            read_deeplabcut_h5(path)
        half = frame()
        half.iloc[0, 0] = np.inf
        half.to_hdf(path, key="df_with_missing", format=layout, mode="w")
        with pytest.raises(FormatError, match=r"landmark 'nose' of 'labeled-data/c/a.png' is inf"):
            read_deeplabcut_h5(path)


def test_links_out_of_the_file_and_huge_claims_are_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    frame().to_hdf(tmp_path / "other.h5", key="df_with_missing", format="table", mode="w")
    with h5py.File(path, "w") as file:
        file["df_with_missing"] = h5py.ExternalLink("other.h5", "df_with_missing")
    with pytest.raises(FormatError, match="was expected in '/'"):
        read_deeplabcut_h5(path)
    frame().to_hdf(path, key="df_with_missing", format="fixed", mode="w")
    with h5py.File(path, "a") as file:
        group = file["df_with_missing"]
        del group["block0_values"]
        group.create_dataset("block0_values", shape=(10**9, 4), chunks=(1024, 4), dtype="f8")
    with pytest.raises(FormatError, match="claims more than"):
        read_deeplabcut_h5(path)


def test_hdf5_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["a"] = np.zeros(3)
        file["b"] = np.zeros(3)
    with pytest.raises(FormatError, match="one table was expected, got a, b"):
        read_deeplabcut_h5(path)
    with h5py.File(path, "w") as file:
        file.create_group("df_with_missing")
    with pytest.raises(FormatError, match="a pandas table was expected"):
        read_deeplabcut_h5(path)
