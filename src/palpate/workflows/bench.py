"""What ``palpate bench`` measures. Compare the ratios of one run, not seconds of two."""

from typing import Any

Row = dict[str, Any]
"""A row of a table: column -> text or number."""
