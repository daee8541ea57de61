"""Private codes: as long as DICOM allows, the same for ever, no two alike."""

import pytest

from palpate.errors import SchemeError
from palpate.io import dicom_codes as code
from palpate.io.dicom_codes import (
    Concept,
    chance_concept,
    class_concept,
    clipped,
    landmark_concept,
    quantity_concept,
)
from palpate.protocols.protocol import PROTOCOLS, read_protocol


def test_the_codes_of_all_protocols_are_short_and_apart() -> None:
    named: dict[str, tuple[str, str]] = {one.value: ("fixed", one.meaning) for one in code.FIXED}
    assert len(named) == len(code.FIXED)
    for name in PROTOCOLS:
        protocol = read_protocol(name)
        classes = [one for q in protocol.quantities if q.classes for one in q.classes.names]
        made = [
            *(("landmark", one, landmark_concept(one)) for one in protocol.scheme.names),
            *(("quantity", q.name, quantity_concept(q.name)) for q in protocol.quantities),
            *(("class", one, class_concept(one)) for one in classes),
            *(("chance", one, chance_concept(one)) for one in classes),
        ]
        for kind, text, concept in made:
            assert len(concept.value) <= code.MAX_VALUE
            assert len(concept.meaning) <= code.MAX_MEANING
            assert concept.scheme == "99PALPATE"
            assert named.setdefault(concept.value, (kind, text)) == (kind, text)
    assert len(named) > 150


def test_a_code_never_changes() -> None:
    # Reports in archives hold these.
    assert landmark_concept("nasion").value == "L-6A0247C048E5"
    assert quantity_concept("SNA").value == "Q-D67B3030B9F7"
    assert class_concept("normal").value == "C-317B32C14369"
    assert chance_concept("normal").value == "P-317B32C14369"


def test_a_landmark_and_a_quantity_of_one_name_have_two_codes() -> None:
    assert landmark_concept("head").key != quantity_concept("head").key


def test_a_meaning_is_clipped_and_a_code_is_not() -> None:
    long = "superior corner of " * 5
    assert len(landmark_concept(long).meaning) == 64
    assert landmark_concept(long).value != landmark_concept(long[:64]).value
    assert clipped("a\\b\nc") == "a/b c"


@pytest.mark.parametrize("value", ["", "x" * 17, "a\\b"])
def test_a_value_that_dicom_forbids_is_refused(value: str) -> None:
    with pytest.raises(SchemeError, match="1 to 16 characters"):
        Concept(value, "99PALPATE", "meaning")
    with pytest.raises(SchemeError, match="without characters"):
        landmark_concept(" ")
