"""Films in memory: a few decoded ones, bounded in bytes, decoded a few at a time."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from anyio import CapacityLimiter, to_thread

from palpate.errors import FormatError, StudyError
from palpate.review.case import Case, NewCase
from palpate.review.store import Store
from palpate.serve.web.film import Film, Kind, Window, read_film

# Films that came by upload lie in the store's own folder, under their digest.
UPLOADED = "@uploaded/"
# What is known of films that are not in memory any more.
_REMEMBERED = 50_000

Place = tuple[str, str, int]
Find = Callable[[], Path]


@dataclass(frozen=True, slots=True)
class Look:
    """What the page needs to know of a film before its values."""

    kind: Kind
    channels: int
    window: Window
    rate_hz: float | None


def film_path(store: Store, case: Case, films: Path | None) -> Path:
    """Return where the film of a case lies, for the server alone.

    Raises:
        StudyError: the store names a place outside its folders.
    """
    name = case.given.film
    if name.startswith(UPLOADED):
        folder, name = films, name.removeprefix(UPLOADED)
    else:
        folder = store.root(case.project)
    parts = PurePosixPath(name)
    if folder is None or parts.is_absolute() or ".." in parts.parts:
        raise StudyError(f"the film of {case.given.image!r} is in no folder that is known here")
    return folder / parts


@dataclass(slots=True)
class Films:
    """Decoded films, the last used kept.

    Args:
        most_bytes: kept in memory.
        decoders: at once; the rest wait in line without holding a thread.
    """

    most_bytes: int
    decoders: int
    _held: OrderedDict[Place, Film] = field(default_factory=OrderedDict)
    _looks: OrderedDict[tuple[str, str], Look] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _limiter: CapacityLimiter = field(init=False)

    def __post_init__(self) -> None:
        self._limiter = CapacityLimiter(self.decoders)

    async def film(self, find: Find, given: NewCase, frame: int) -> Film:
        """Return a frame, decoded now or before.

        Args:
            find: where the film lies; asked only if it has to be read.
            given: the case's film.
            frame: of a clip; 0 of an image.

        Raises:
            FormatError, StudyError: as :func:`palpate.serve.web.film.read_film`.
        """
        place = (given.digest, given.film, frame)
        held = self._find(place)
        if held is not None:
            return held
        return await to_thread.run_sync(self._read, find, given, place, limiter=self._limiter)

    async def look(self, find: Find, given: NewCase) -> Look:
        """Return what is known of a film; it is decoded only if it never was.

        Raises:
            FormatError, StudyError: as :meth:`film`.
        """
        with self._lock:
            known = self._looks.get((given.digest, given.film))
        if known is not None:
            return known
        film = await self.film(find, given, 0)
        return Look(film.kind, film.channels, film.window, film.rate_hz)

    def _find(self, place: Place) -> Film | None:
        with self._lock:
            film = self._held.get(place)
            if film is not None:
                self._held.move_to_end(place)
            return film

    def _read(self, find: Find, given: NewCase, place: Place) -> Film:
        held = self._find(place)
        if held is not None:  # it came while this one waited in line
            return held
        path = find()
        try:
            film = read_film(path, given, place[2])
        except MemoryError as error:
            raise FormatError(path, "needs more memory than there is") from error
        look = Look(film.kind, film.channels, film.window, film.rate_hz)
        with self._lock:
            if place[2] == 0:
                self._looks[place[:2]] = look
            self._held[place] = film
            self._bytes += film.values.nbytes
            while self._bytes > self.most_bytes and len(self._held) > 1:
                self._bytes -= self._held.popitem(last=False)[1].values.nbytes
            while len(self._looks) > _REMEMBERED:
                self._looks.popitem(last=False)
        return film
