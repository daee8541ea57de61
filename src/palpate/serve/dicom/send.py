"""Send objects to an archive by C-STORE, and ask whether it is there by C-ECHO."""

from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from palpate.errors import PalpateError
from palpate.serve.dicom.address import Peer
from palpate.serve.dicom.associate import MAX_CONTEXTS, Offer, Timeouts, associated
from palpate.serve.dicom.classes import PLAIN_SYNTAXES
from palpate.serve.dicom.delivery import Delivered, Outcome

_VERIFICATION = "1.2.840.10008.1.1"


@dataclass(frozen=True, slots=True)
class StoreDestination:
    """An archive that takes objects by C-STORE.

    Args:
        peer: the archive.
        calling: our own AE title.
        timeouts: of the network.
    """

    peer: Peer
    calling: str = "PALPATE"
    timeouts: Timeouts = field(default_factory=Timeouts)

    def deliver(self, files: Sequence[Path]) -> list[Delivered]:
        """Send files over one association for each group of kinds; answer for each."""
        kinds: dict[tuple[str, str], list[Path]] = defaultdict(list)
        found: dict[Path, Delivered] = {}
        for path in files:
            kind = _kind(path)
            if kind is None:
                found[path] = Delivered(path, "refused", "is no whole DICOM file")
            else:
                kinds[kind].append(path)
        groups = list(kinds.items())
        for start in range(0, len(groups), MAX_CONTEXTS):
            for one in self._associated(groups[start : start + MAX_CONTEXTS]):
                found[one.path] = one
        return [found[path] for path in files]

    def _associated(
        self, groups: Sequence[tuple[tuple[str, str], list[Path]]]
    ) -> Iterator[Delivered]:
        paths = [path for _, those in groups for path in those]
        offer = Offer(tuple((sop_class, (syntax,)) for (sop_class, syntax), _ in groups))
        with associated(self.peer, self.calling, offer, self.timeouts) as (link, problem):
            for path in paths:
                if link is None or not link.is_established:
                    words = problem or f"{self.peer} broke the association off"
                    yield Delivered(path, "later", words)
                else:
                    yield self._one(link, path)

    def _one(self, link: Any, path: Path) -> Delivered:
        from pydicom import dcmread

        try:
            data = dcmread(path)
            status = link.send_c_store(data)
        except ValueError:
            # pynetdicom's word for a presentation context that was not accepted.
            return Delivered(path, "refused", f"{self.peer} does not take objects of this kind")
        except (RuntimeError, OSError):
            return Delivered(path, "later", f"{self.peer} broke the association off")
        if "Status" not in status:
            return Delivered(path, "later", f"{self.peer} gave no answer or broke off")
        outcome, words = meaning(int(status.Status))
        return Delivered(path, outcome, words)


def meaning(status: int) -> tuple[Outcome, str]:
    """Put a status of C-STORE (PS3.4 B.2.3, PS3.7 C) into words.

    Example:
        >>> meaning(0xA700)
        ('later', 'out of resources (0xA700)')
    """
    for codes, outcome, words in _MEANINGS:
        if status in codes:
            return outcome, words if status == 0 else f"{words} (0x{status:04X})"
    return "refused", f"refused (0x{status:04X})"


_MEANINGS: tuple[tuple[Container[int], Outcome, str], ...] = (
    ((0x0000,), "stored", "stored"),
    ((0x0111,), "stored", "was there already"),
    (range(0xB000, 0xC000), "stored", "stored with a warning"),
    (range(0xA700, 0xA800), "later", "out of resources"),
    ((0x0122,), "refused", "this class of objects is not taken"),
    ((0x0124,), "refused", "not authorised"),
    ((0x0117,), "refused", "the identifier is not accepted"),
    (range(0xA900, 0xAA00), "refused", "the data set does not fit its class"),
    (range(0xC000, 0xD000), "refused", "the object is not understood"),
)


def echo(peer: Peer, *, calling: str = "PALPATE", timeouts: Timeouts | None = None) -> None:
    """Ask whether an application entity is there and takes our calls.

    Raises:
        PalpateError: it does not, with the reason.
    """
    offer = Offer(((_VERIFICATION, PLAIN_SYNTAXES[:2]),))
    with associated(peer, calling, offer, timeouts or Timeouts()) as (link, problem):
        if link is None:
            raise PalpateError(problem)
        try:
            status = link.send_c_echo()
        except (ValueError, RuntimeError) as error:
            raise PalpateError(f"{peer} accepts calls but answers no C-ECHO") from error
        if status.get("Status") != 0:
            raise PalpateError(f"{peer} accepts calls but gave no good answer to C-ECHO")


def _kind(path: Path) -> tuple[str, str] | None:
    """(SOP class, transfer syntax) of a file; None where it is no DICOM file."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        data = dcmread(path, stop_before_pixels=True, specific_tags=["SOPClassUID"])
        return str(data.SOPClassUID), str(data.file_meta.TransferSyntaxUID)
    except (InvalidDicomError, OSError, EOFError, ValueError, AttributeError, KeyError):
        return None
