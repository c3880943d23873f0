"""The word lists beside the class table: one entry a line, `#` starts a comment line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from clearway.errors import ConfigurationError

HEALTH_FILE: Final = "health_terms.txt"
SPECIAL_FILE: Final = "special_category_terms.txt"
MARKER_FILE: Final = "trade_secret_markers.txt"
WORD_FILES: Final = (HEALTH_FILE, SPECIAL_FILE, MARKER_FILE)


def load_words(path: Path) -> tuple[str, ...]:
    """Entries of a word list, longest first, so that an alternation prefers the longest.

    Raises:
        ConfigurationError: The file cannot be read, or has no entry.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(
            f"{path}: expected a word list in UTF-8, got no readable file; restore it from data/sensitivity"
        ) from None
    words = {line.strip().lower() for line in lines if line.strip() and not line.startswith("#")}
    if not words:
        raise ConfigurationError(f"{path}:1: expected at least one word, got none; add one a line")
    return tuple(sorted(words, key=lambda word: (-len(word), word)))


def alternation(words: tuple[str, ...]) -> str:
    """Regular expression for any of the words; white space, dashes and apostrophes match loosely."""
    return "(?:" + "|".join(_loose(word) for word in words) + ")"


def _loose(word: str) -> str:
    pieces = (re.escape(piece) for piece in re.split(r"[\s:\u2013\u2014-]+", word) if piece)
    return r"[\s:\u2013\u2014-]{1,4}".join(pieces).replace("'", "['\u2019]?")
