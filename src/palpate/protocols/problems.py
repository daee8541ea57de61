"""What is wrong with a protocol file, in words, with the nearest known key."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from palpate.protocols.formula import FORMULAS
from palpate.protocols.template import REPEATED
from palpate.suggest import did_you_mean


def explained(
    error: ValidationError, model: type[BaseModel], table: Mapping[str, Any], *, where: str
) -> str:
    """Say the first problem: where it is, what was expected, what came.

    The first unknown key wins over what is missing, for the one is mostly the other misspelt.
    """
    problems = error.errors(include_url=False)
    order = {"extra_forbidden": 0, "union_tag_invalid": 1}
    first = min(problems, key=lambda problem: order.get(problem["type"], 2))
    place, key = _place(first["loc"][:-1], table), str(first["loc"][-1]) if first["loc"] else ""
    kind, given = first["type"], first.get("input")
    if kind == "extra_forbidden":
        known = _known_keys(first["loc"][:-1], model)
        return f"{where}: unknown key {key!r}{place}" + did_you_mean(key, known)
    if kind == "missing":
        return f"{where}: key {key!r} is missing{place}"
    whole = _place(first["loc"], table)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        tag = str(given.get("kind", "")) if isinstance(given, dict) else ""
        return f"{where}: no formula of kind {tag!r}{whole}" + did_you_mean(tag, FORMULAS)
    message = first["msg"].removeprefix("Value error, ")
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{where}: {message}, got {given!r}{whole}{more}"


def _place(loc: tuple[int | str, ...], table: Mapping[str, Any]) -> str:
    """Name the table that a location is in, with the quantity's or landmark's own name."""
    if not loc:
        return ""
    words = [str(part) for part in loc]
    if loc[0] in REPEATED and len(loc) > 1 and isinstance(loc[1], int):
        kind, one = words[0], table[words[0]][loc[1]]
        name = one.get("name") if isinstance(one, dict) else None
        words = [f"{kind} {name!r}" if name else f"{kind} number {loc[1] + 1}", *words[2:]]
    return " in " + ", ".join(word for word in words if word not in FORMULAS)


def _known_keys(loc: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    """Keys of the table at a location."""
    here: type[BaseModel] | None = model
    for part in loc:
        if isinstance(part, int):
            continue
        if part in FORMULAS:
            here = FORMULAS[part]
        elif here is not None and part in here.model_fields:
            inner = _model_in(here.model_fields[part].annotation)
            here = inner or here
    return list(here.model_fields) if here is not None else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """First table that an annotation speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _model_in(inner)
        if found is not None:
            return found
    return None
