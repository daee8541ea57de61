"""Text out of a pickle that is never executed.

A pickle is a program, and unpickling one runs it. This reads the program as data: the operations
that build lists and tuples of texts and integers are followed on a stack of our own, and any other
operation (imports, calls, objects) is refused before anything happens.
"""

import pickletools
from typing import Any

_TEXT = {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING"}
_TEXT |= {"SHORT_BINSTRING", "INT", "LONG", "BININT", "BININT1", "BININT2", "LONG1"}
_PUT = {"PUT", "BINPUT", "LONG_BINPUT"}
_GET = {"GET", "BINGET", "LONG_BINGET"}
_FIXED = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_SKIPPED = {"PROTO", "FRAME"}
# Far more than the columns of a table need; a longer program is no list of names.
_MAX_OPERATIONS = 1_000_000


class NotTextError(ValueError):
    """The pickle holds something else than lists of texts and numbers."""


class _Machine:
    """The stack, the marks and the memo of a pickle, without its powers."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def since_mark(self) -> list[Any]:
        start = self.marks.pop()
        items, self.stack[start:] = self.stack[start:], []
        return items

    def step(self, name: str, argument: Any) -> None:
        if name in _TEXT:
            self.stack.append(argument)
        elif name == "NONE":
            self.stack.append(None)
        elif name in _PUT:
            self.memo[argument] = self.stack[-1]
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = self.stack[-1]
        elif name in _GET:
            self.stack.append(self.memo[argument])
        elif name not in _SKIPPED:
            self.build(name)

    def build(self, name: str) -> None:
        if name == "MARK":
            self.marks.append(len(self.stack))
        elif name in ("EMPTY_LIST", "EMPTY_TUPLE"):
            self.stack.append([] if name == "EMPTY_LIST" else ())
        elif name in ("LIST", "TUPLE"):
            items = self.since_mark()
            self.stack.append(items if name == "LIST" else tuple(items))
        elif name in _FIXED:
            items = [self.stack.pop() for _ in range(_FIXED[name])]
            self.stack.append(tuple(reversed(items)))
        elif name in ("APPEND", "APPENDS"):
            items = [self.stack.pop()] if name == "APPEND" else self.since_mark()
            if not isinstance(self.stack[-1], list):
                raise NotTextError("appends to something that is no list")
            self.stack[-1].extend(items)
        else:
            raise NotTextError(f"uses the operation {name}, which builds more than text")


def text_of_pickle(content: bytes) -> Any:
    r"""Return the lists, tuples, texts and numbers that a pickle would build.

    Raises:
        NotTextError: the pickle is damaged or holds anything else; nothing of it was executed.

    Example:
        >>> text_of_pickle(b"(lp0\nVnose\np1\na.")
        ['nose']
        >>> text_of_pickle(b"cos\nsystem\n(Vls\ntR.")
        Traceback (most recent call last):
        palpate.io.pickled_text.NotTextError: uses the operation GLOBAL, which builds more than text
    """
    machine = _Machine()
    try:
        for number, (operation, argument, _) in enumerate(pickletools.genops(content)):
            if number > _MAX_OPERATIONS:
                raise NotTextError("is longer than any list of names")
            if operation.name == "STOP":
                break
            machine.step(operation.name, argument)
        (result,) = machine.stack
    except NotTextError:
        raise
    except (ValueError, IndexError, KeyError, OverflowError) as error:
        raise NotTextError(f"is damaged: {error}") from error
    return result
