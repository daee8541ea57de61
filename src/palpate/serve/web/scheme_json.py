"""Landmarks of a project that measures nothing, in the shape of a protocol."""

import hashlib
import json
from typing import Any

from palpate.review.case import Project


def scheme_json(project: Project) -> dict[str, Any]:
    """Return what :func:`palpate.serve.protocol_json.protocol_json` would, without quantities.

    Example:
        >>> from palpate.scheme import LandmarkScheme
        >>> found = scheme_json(Project("hips", "Hips", LandmarkScheme("hip", ("left_hip",))))
        >>> found["landmarks"][0]["title"], found["quantities"]
        ('left hip', [])
    """
    scheme = project.scheme
    body = {
        "name": scheme.name,
        "version": "",
        "label": "",
        "title": project.name,
        "source": "",
        "landmarks": [
            {"name": name, "title": name.replace("_", " "), "description": "", "picture": None}
            for name in scheme.names
        ],
        "edges": [list(pair) for pair in scheme.edges],
        "mirror": [list(pair) for pair in scheme.mirror],
        "outlines": [],
        "facing": None,
        "quantities": [],
    }
    text = json.dumps(body, sort_keys=True, allow_nan=False)
    return {**body, "digest": hashlib.sha256(text.encode()).hexdigest()}
