"""The command as it was typed, for provenance: without this machine's paths, names only."""

import sys
from pathlib import Path


def typed_command() -> str:
    """Return the words after ``palpate``; of a path, its last part."""
    return " ".join(["palpate", *(_name_only(word) for word in sys.argv[1:])])


def _name_only(word: str) -> str:
    return Path(word).name if "/" in word and "=" not in word else word
