"""A protocol as a page reads it: all that is needed to measure and draw while a point is dragged.

The shape, with every key always present::

    {
      "name": "cervical", "version": "1", "label": "cervical 1", "title": "...", "source": "...",
      "digest": "sha256 of all the rest",
      "landmarks": [{"name", "title", "description": "" or text, "picture": row or null}],
      "edges": [["a", "b"]], "mirror": [["a", "b"]],
      "outlines": [{"title", "landmarks": ["a", "b"], "closed": false}],
      "facing": null or {"front_back": [["front", "back"]], "top_bottom": [["upper", "lower"]]},
      "quantities": [{
        "name", "unit", "group", "meaning", "sign", "source",
        "formula": {"kind": "cobb", ...}, "gives": "angle", "length", "ratio" or "side",
        "faces": whether the patient's front is needed, "period": 360 or null,
        "factor": 100 for a ratio in %, else 1, "sense": -1 where the sign is turned round, else 1,
        "normal": null or {"low", "high", "source"}, in the signs as the conventions stand,
        "classes": null or {"names", "limits", "source"}, limits in the signs of the file:
                   value * sense is compared with them,
        "needs": ["landmark"]
      }]
    }

``js/protocol/measure.js`` and ``js/protocol/drawing.js`` take it as it stands. A landmark's
picture, where ``picture`` is a row, is :func:`palpate.protocols.landmark_picture.landmark_picture`
of that landmark.
"""

import hashlib
import json
from typing import Any

from palpate.protocols.protocol import Protocol, Quantity


def protocol_json(protocol: Protocol) -> dict[str, Any]:
    """Return the protocol as plain lists, tables, texts and numbers; never NaN.

    Example:
        >>> from palpate.protocols.protocol import read_protocol
        >>> page = protocol_json(read_protocol("cephalogram"))
        >>> page["label"], page["landmarks"][0]["name"], page["quantities"][0]["formula"]["kind"]
        ('cephalogram 1', 'sella', 'angle_at')
    """
    facing = protocol.facing
    body: dict[str, Any] = {
        "name": protocol.name,
        "version": protocol.version,
        "label": protocol.label,
        "title": protocol.title,
        "source": protocol.source,
        "landmarks": [
            {
                "name": name,
                "title": protocol.title_of(name),
                "description": protocol.description_of(name),
                "picture": None if protocol.layout is None else row,
            }
            for row, name in enumerate(protocol.scheme.names)
        ],
        "edges": [list(pair) for pair in protocol.scheme.edges],
        "mirror": [list(pair) for pair in protocol.scheme.mirror],
        "outlines": [
            {"title": each.title, "landmarks": list(each.landmarks), "closed": each.closed}
            for each in protocol.outlines
        ],
        "facing": None if facing is None else facing.model_dump(mode="json"),
        "quantities": [_quantity(protocol, quantity) for quantity in protocol.quantities],
    }
    text = json.dumps(body, sort_keys=True, allow_nan=False)
    return {**body, "digest": hashlib.sha256(text.encode()).hexdigest()}


def _quantity(protocol: Protocol, quantity: Quantity) -> dict[str, Any]:
    normal = protocol.normal(quantity)
    return {
        "name": quantity.name,
        "unit": quantity.unit,
        "group": quantity.group,
        "meaning": quantity.meaning,
        "sign": protocol.sign(quantity),
        "source": quantity.source,
        "formula": quantity.formula.model_dump(mode="json"),
        "gives": quantity.formula.gives,
        "faces": quantity.formula.needs_facing(),
        "period": quantity.formula.period,
        "factor": quantity.factor,
        "sense": protocol.sense(quantity),
        "normal": None
        if normal is None
        else {"low": normal.low, "high": normal.high, "source": normal.source},
        "classes": None if quantity.classes is None else quantity.classes.model_dump(mode="json"),
        "needs": list(quantity.needs()),
    }
