"""Quantities that are the same at every level of a spine, written once in the file."""

from collections.abc import Mapping
from typing import Any

from palpate.errors import ConfigError
from palpate.suggest import did_you_mean


def expanded(raw: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """Write out every quantity that has ``each = "LIST"``, once for each row of that list.

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
    quantities = raw.get("quantity", [])
    if not isinstance(lists, dict) or not isinstance(quantities, list):
        raise ConfigError(f"{where}: write [[each.LIST]] and [[quantity]], with double brackets")
    written: list[Any] = []
    for quantity in quantities:
        if not isinstance(quantity, dict) or "each" not in quantity:
            written.append(quantity)
            continue
        rows = lists.get(quantity["each"])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ConfigError(
                f"{where}: quantity {quantity.get('name')!r} is for each "
                f"{quantity['each']!r}, and there is no [[each.{quantity['each']}]]"
                + did_you_mean(str(quantity["each"]), lists)
            )
        body = {key: value for key, value in quantity.items() if key != "each"}
        written += [_filled(body, row, where) for row in rows]
    if "quantity" in raw:
        table["quantity"] = written
    return table


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
