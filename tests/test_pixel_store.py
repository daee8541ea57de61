"""Where prepared pixels are kept."""

import numpy as np
import pytest

from palpate.errors import OutputError
from palpate.training.pixel_store import PixelStore


def drawn(count, rng):
    kinds = [(np.uint8, (7, 5, 3)), (np.uint16, (4, 9)), (np.uint8, (1, 1)), (np.uint8, (40, 40))]
    return [
        rng.integers(0, np.iinfo(kind).max, shape).astype(kind)
        for kind, shape in (kinds[i % len(kinds)] for i in range(count))
    ]


@pytest.mark.parametrize("in_memory", [0, 500, 10**9])
def test_every_array_comes_back_as_it_was_given(tmp_path, in_memory):
    given = drawn(200, np.random.default_rng(0))
    store = PixelStore(tmp_path, in_memory=in_memory, chunk=1000)
    kept = [store.keep(array.copy()) for array in given]
    for before, after in zip(given, kept, strict=True):
        assert after.dtype == before.dtype
        np.testing.assert_array_equal(before, after)


def test_the_file_has_no_name_and_what_is_in_it_cannot_be_changed(tmp_path):
    kept = PixelStore(tmp_path / "run", in_memory=0).keep(np.ones(3, np.uint8))
    assert not list((tmp_path / "run").iterdir())
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 2


def test_a_disk_without_room_is_told_in_one_sentence(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    store = PixelStore(tmp_path / "file" / "run", in_memory=0)
    with pytest.raises(OutputError, match="choose another --out"):
        store.keep(np.ones(3, np.uint8))
