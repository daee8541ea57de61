"""Work on several items at once."""

import threading

import pytest

from palpate.errors import PalpateError
from palpate.side_by_side import side_by_side

WORKERS = [1, 2, 3]


@pytest.mark.parametrize("workers", WORKERS)
def test_results_come_in_the_order_of_the_items_whoever_is_first(workers):
    slow = threading.Event()

    def work(item):
        if item == 0 and workers > 1:
            assert slow.wait(10)  # until a later item is done
        if item == 1:
            slow.set()
        return -item

    assert list(side_by_side(work, range(20), workers=workers)) == [-item for item in range(20)]


@pytest.mark.parametrize("workers", WORKERS)
def test_few_items_are_taken_ahead(workers):
    taken = 0

    def items():
        nonlocal taken
        while True:
            taken += 1
            yield taken

    results = side_by_side(lambda item: item, items(), workers=workers)
    for expected in range(1, 50):
        assert next(results) == expected
        assert taken <= expected + 2 * workers
    results.close()


@pytest.mark.parametrize("workers", WORKERS)
def test_results_before_a_break_come_first(workers):
    def items():
        yield from range(5)
        raise PalpateError("broken")

    results = side_by_side(lambda item: item, items(), workers=workers)
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(PalpateError, match="broken"):
        next(results)


@pytest.mark.parametrize("workers", WORKERS)
def test_an_error_in_the_work_comes_in_its_turn(workers):
    def work(item):
        if item == 3:
            raise PalpateError("item 3")
        return item

    results = side_by_side(work, range(10), workers=workers)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(PalpateError, match="item 3"):
        next(results)
