"""Words that fill templates, read from the text file beside this module.

A section starts with its name in brackets; words stand one a line, or several in a line behind commas.
"""

from functools import lru_cache
from pathlib import Path

_FILE = Path(__file__).with_suffix(".txt")


@lru_cache(maxsize=1)
def _sections() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for block in _FILE.read_text(encoding="utf-8").split("\n\n"):
        head, *lines = block.strip().splitlines()
        found[head.strip("[]")] = tuple(word for line in lines for word in line.split(", "))
    return found


def words(section: str) -> tuple[str, ...]:
    """The words of a section of vocabulary.txt, in its order."""
    return _sections()[section]


def peoples() -> tuple[str, ...]:
    """What the sections of given and family names are called, in the file's order."""
    return tuple(name.removeprefix("given ") for name in _sections() if name.startswith("given "))
