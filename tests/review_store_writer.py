"""Appends to a review until it is stopped; prints each event that was acknowledged.

Arguments: the review, a case, a name, how many events (0: without end), the most bytes that a
file may have (0: any).
"""

import resource
import signal
import sys

from palpate.review.account import Account
from palpate.review.event import SHARED, Change
from palpate.review.mark import Mark
from palpate.review.refusals import ConflictError, StoreError
from palpate.review.store import Store


def main(path: str, case: str, name: str, events: int, most_bytes: int) -> None:
    who = Account(name, name.title(), "reader")
    with Store.open(path, create=False) as store:
        if most_bytes:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
        done = 0
        while not events or done < events:
            now = store.reading(case, events=0)
            after = Mark("nose", "visible", float(now.step), 0.5)
            try:
                event = store.append(
                    case,
                    SHARED,
                    after=now.step,
                    key=f"{name}-{done:08d}",
                    who=who,
                    kind="marks",
                    changes=[Change(now.marks.get((0, "nose")), after)],
                    note="a note that takes some room " * 20 if most_bytes else "",
                )
            except ConflictError:
                continue
            except StoreError as error:
                sys.stdout.write(f"refused {error}\n")
                return
            done += 1
            sys.stdout.write(f"{event.number} {event.digest}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
