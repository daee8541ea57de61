"""The memory of what was made last: bounded, and one object for all threads."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from hypothesis import given
from hypothesis import strategies as st

from palpate.review.recent import Recent


@given(st.integers(1, 5), st.lists(st.integers(0, 9), max_size=40))
def test_it_holds_those_that_were_asked_for_last(most: int, keys: list[int]) -> None:
    memory, order = Recent[int, str](most), list[int]()
    for key in keys:
        assert (memory.find(key) is not None) == (key in order)
        memory.keep(key, str(key))
        order = [*(one for one in order if one != key), key][-most:]
        assert len(memory) == len(order)
    assert all(memory.find(key) == str(key) for key in order)


def test_threads_that_make_the_same_thing_get_one() -> None:
    threads, rounds = 16, 200
    memory, start = Recent[int, list[int]](8), Barrier(threads)

    def ask(thread: int) -> list[list[int]]:
        start.wait()
        return [
            memory.find(i // 20) or memory.keep(i // 20, [thread, i // 20]) for i in range(rounds)
        ]

    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(ask, range(threads)))
    assert all(one[1] == i // 20 for each in found for i, one in enumerate(each))
    assert len(memory) == 8
    # Without one that wins, what is measured would be remembered once a thread.
    memory = Recent[int, list[int]](8)
    first, second = [1], [2]
    assert memory.keep(0, first) is first
    assert memory.keep(0, second) is first
    memory.replace(0, second)
    assert memory.find(0) is second
