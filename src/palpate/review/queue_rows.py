"""The queue of a project: which cases, in which order, a page at a time."""

import json
import re
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Connection, Select, and_, func, literal, or_, select

from palpate.review import tables as t
from palpate.review.account import Account, may
from palpate.review.case import CaseState, Project
from palpate.review.event import SHARED
from palpate.review.refusals import ReviewError, UnknownCaseError

Order = Literal["urgency", "image", "updated"]
_MOST = 500
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}~[0-9A-Za-z.:+-]{0,40}")


@dataclass(frozen=True, slots=True)
class QueueItem:
    """One case of the queue, as :class:`palpate.serve.web.messages.QueueRow` shows it.

    Args:
        id: identifier of the case.
        image: identifier of the image.
        subject: may be empty.
        group: view or class; may be empty.
        state: of the reader's own reading.
        class_change: and ``width``, ``implausible``, ``reasons``: as in :class:`Urgency`.
        frames: of a clip.
        readers: who has set marks; empty for a reader of a blinded project.
        signed_by: account; empty where the reader's own reading is not signed.
        updated: UTC; empty before the first event.
    """

    id: str
    image: str
    subject: str
    group: str
    state: CaseState
    class_change: float | None
    width: float | None
    implausible: float | None
    reasons: tuple[str, ...]
    frames: int
    readers: tuple[str, ...]
    signed_by: str
    updated: str


@dataclass(frozen=True, slots=True)
class Queue:
    """A page of the queue; ``next`` goes in as ``after`` for the next one, empty at the end."""

    rows: tuple[QueueItem, ...]
    total: int
    next: str


def own_reading(project: Project, reader: Account) -> str:
    """Name of the reading that an account works in."""
    return reader.name if project.blinded else SHARED


def read_queue(  # noqa: PLR0913  the filters of a page
    connection: Connection,
    project: Project,
    reader: Account,
    *,
    order: Order = "urgency",
    state: CaseState | None = None,
    search: str = "",
    after: str = "",
    limit: int = 50,
) -> Queue:
    """Return a page of the queue.

    Raises:
        ReviewError: an order, state or place that there is not.
    """
    chosen = _chosen(project, reader, state, search)
    # What is only shown is not counted: without a state, cases alone tell how many there are.
    counted = _filtered(select(func.count()).select_from(t.cases), project, search)
    if state is not None:
        counted = chosen.with_only_columns(func.count(), maintain_column_froms=True)
    total = connection.execute(counted).scalar_one()
    limit = min(max(limit, 1), _MOST)
    page = chosen
    if after:
        page = page.where(_beyond(order, _place(connection, project, order, after), forwards=True))
    page = page.order_by(*_ordering(order, forwards=True)).limit(limit + 1)
    found = connection.execute(page).all()
    rows = found[:limit]
    people = _people(connection, project, reader, [row.identifier for row in rows])
    items = tuple(_item(row, people.get(row.identifier, ())) for row in rows)
    return Queue(items, total, _token(order, rows[-1]) if len(found) > limit else "")


def read_neighbours(  # noqa: PLR0913  the filters of a page
    connection: Connection,
    project: Project,
    reader: Account,
    identifier: str,
    *,
    order: Order = "urgency",
    state: CaseState | None = None,
    search: str = "",
) -> tuple[str, str]:
    """Return the cases before and after one in the queue; empty at its ends."""
    everything = _chosen(project, reader, None, "")
    here = connection.execute(everything.where(t.cases.c.identifier == identifier)).first()
    if here is None:
        raise UnknownCaseError("there is no such case in this project")
    place = [*_keys(order, here)]
    found = []
    for forwards in (False, True):
        query = (
            _chosen(project, reader, state, search)
            .where(_beyond(order, place, forwards=forwards))
            .order_by(*_ordering(order, forwards=forwards))
            .limit(1)
        )
        row = connection.execute(query).first()
        found.append("" if row is None else row.identifier)
    return found[0], found[1]


def count_states(connection: Connection, project: Project, reader: Account) -> dict[CaseState, int]:
    """Return how many cases are in which state for this reader."""
    inner = _chosen(project, reader, None, "").subquery()
    rows = connection.execute(select(inner.c.now, func.count()).group_by(inner.c.now)).all()
    counts: dict[CaseState, int] = {"new": 0, "open": 0, "signed": 0}
    return {**counts, **{row[0]: row[1] for row in rows}}


_NOW: ColumnElement[Any] = func.coalesce(t.readings.c.state, literal("new"))
_UPDATED: ColumnElement[Any] = func.coalesce(t.readings.c.updated, literal(""))


def _chosen(project: Project, reader: Account, state: CaseState | None, search: str) -> Select[Any]:
    """Cases with the reader's own reading, filtered."""
    c, r, s = t.cases.c, t.readings.c, t.signatures.c
    own = and_(r.case_id == c.identifier, r.reading == own_reading(project, reader))
    query = select(
        c.identifier,
        c.image,
        c.subject,
        c.grouped,
        c.frames,
        c.class_change,
        c.width_share,
        c.implausible,
        c.reasons,
        c.score,
        _NOW.label("now"),
        _UPDATED.label("updated"),
        s.who.label("signed_by"),
    ).select_from(t.cases.outerjoin(t.readings, own).outerjoin(t.signatures, s.event == r.signed))
    if state is not None:
        if state not in get_args(CaseState):
            raise ReviewError(f"cases are {', '.join(get_args(CaseState))}, not {state!r}")
        query = query.where(_NOW.op("=")(state))
    return _filtered(query, project, search)


def _filtered(query: Select[Any], project: Project, search: str) -> Select[Any]:
    """Cases of the project that hold the text."""
    query = query.where(t.cases.c.project == project.identifier)
    if search:
        query = query.where(t.cases.c.search.contains(search.casefold(), autoescape=True))
    return query


def _columns(order: Order) -> list[tuple[ColumnElement[Any], bool]]:
    """What an order goes by: column, and whether its greatest is first."""
    orders: dict[str, list[tuple[ColumnElement[Any], bool]]] = {
        "urgency": [(t.cases.c.score, True), (t.cases.c.image, False)],
        "image": [(t.cases.c.image, False)],
        "updated": [(_UPDATED, True), (t.cases.c.image, False)],
    }
    if order not in orders:
        raise ReviewError(f"the queue goes by {', '.join(orders)}, not by {order!r}")
    return orders[order]


def _ordering(order: Order, *, forwards: bool) -> list[ColumnElement[Any]]:
    return [
        column.desc() if greatest_first == forwards else column.asc()
        for column, greatest_first in _columns(order)
    ]


def _beyond(order: Order, place: list[Any], *, forwards: bool) -> ColumnElement[bool]:
    """Rows that come after a place: by the first column, or equal there and by the next."""
    columns = _columns(order)
    ways: list[ColumnElement[bool]] = []
    for depth, (column, greatest_first) in enumerate(columns):
        equal = [columns[i][0] == place[i] for i in range(depth)]
        past = column < place[depth] if greatest_first == forwards else column > place[depth]
        ways.append(and_(*equal, past))
    return or_(*ways)


def _keys(order: Order, row: Any) -> list[Any]:
    by_order = {
        "urgency": [row.score, row.image],
        "image": [row.image],
        "updated": [row.updated, row.image],
    }
    return by_order[order]


def _token(order: Order, row: Any) -> str:
    """Where a page ended: the case, and what the queue went by, but no name of an image."""
    first = {"urgency": repr(row.score), "image": "", "updated": row.updated}[order]
    return f"{row.identifier}~{first}"


def _place(connection: Connection, project: Project, order: Order, token: str) -> list[Any]:
    """The place that a token tells; of the image, the case knows the name."""
    identifier, _, first = token.partition("~")
    found = _TOKEN.fullmatch(token)
    c = t.cases.c
    image = None
    if found is not None:
        wanted = select(c.image).where(c.identifier == identifier, c.project == project.identifier)
        image = connection.execute(wanted).scalar()
    if image is None:
        raise ReviewError("the queue has no such page; begin with the first")
    if order == "image":
        return [image]
    if order == "updated":
        return [first, image]
    try:
        return [float(first), image]
    except ValueError as error:
        raise ReviewError("the queue has no such page; begin with the first") from error


def _people(
    connection: Connection, project: Project, reader: Account, identifiers: list[str]
) -> dict[str, tuple[str, ...]]:
    """Who has set marks in each case, unless that would tell a blinded reader."""
    if project.blinded and not may(reader, "reviewer"):
        return {}
    r = t.readings.c
    rows = connection.execute(select(r.case_id, r.people).where(r.case_id.in_(identifiers))).all()
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row.case_id, set()).update(json.loads(row.people))
    return {identifier: tuple(sorted(names)) for identifier, names in found.items()}


def _item(row: Any, people: tuple[str, ...]) -> QueueItem:
    return QueueItem(
        row.identifier,
        row.image,
        row.subject,
        row.grouped,
        row.now,
        row.class_change,
        row.width_share,
        row.implausible,
        tuple(json.loads(row.reasons)),
        row.frames,
        people,
        row.signed_by or "",
        row.updated,
    )
