"""What is the same at every level of a spine, written once in the file."""

from collections.abc import Mapping
from typing import Any

from palpate.errors import ConfigError
from palpate.suggest import did_you_mean

# Lists of tables that may be written once for many.
REPEATED = ("quantity", "landmark")


def expanded(raw: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """Write out every quantity and landmark that has ``each = "LIST"``, once for each of its rows.

    A row is a table of texts under ``[[each.LIST]]``; ``{key}`` in any text of the quantity is
    replaced by the row's value.

    Raises:
        ConfigError: there is no such list, or a placeholder that the row does not have.

    Example:
        >>> table = {"each": {"side": [{"s": "left"}, {"s": "right"}]},
        ...          "quantity": [{"each": "side", "name": "{s} hip"}]}
        >>> [quantity["name"] for quantity in expanded(table, where="hip.toml")["quantity"]]
        ['left hip', 'right hip']
    """
    table = {key: value for key, value in raw.items() if key != "each"}
    lists = raw.get("each", {})
    for kind in REPEATED:
        bodies = raw.get(kind, [])
        if not isinstance(lists, dict) or not isinstance(bodies, list):
            raise ConfigError(f"{where}: write [[each.LIST]] and [[{kind}]], with double brackets")
        if kind in raw:
            table[kind] = [one for body in bodies for one in _written(body, kind, lists, where)]
    return table


def _written(body: Any, kind: str, lists: Mapping[str, Any], where: str) -> list[Any]:
    """The table once for each row of its list, or as it stands."""
    if not isinstance(body, dict) or "each" not in body:
        return [body]
    rows = lists.get(body["each"])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConfigError(
            f"{where}: {kind} {body.get('name')!r} is for each {body['each']!r}, and there is "
            f"no [[each.{body['each']}]]" + did_you_mean(str(body["each"]), lists)
        )
    rest = {key: value for key, value in body.items() if key != "each"}
    return [_filled(rest, row, where) for row in rows]


def _filled(value: Any, row: Mapping[str, Any], where: str) -> Any:
    """Replace placeholders in every text, keys of tables included."""
    if isinstance(value, str):
        try:
            return value.format_map(row)
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            raise ConfigError(
                f"{where}: {value!r} has a placeholder that is none of {', '.join(row)}"
            ) from error
    if isinstance(value, list):
        return [_filled(item, row, where) for item in value]
    if isinstance(value, dict):
        return {_filled(key, row, where): _filled(item, row, where) for key, item in value.items()}
    return value
