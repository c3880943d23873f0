"""The word lists beside the class table: one entry a line, `#` starts a comment line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from clearway.errors import ConfigurationError
from clearway.sensitivity.tokens import Tokens, tokenise

_RUN: Final = re.compile(r"[^\W_]+")
HEALTH_FILE: Final = "health_terms.txt"
SPECIAL_FILE: Final = "special_category_terms.txt"
MARKER_FILE: Final = "trade_secret_markers.txt"
WORD_FILES: Final = (HEALTH_FILE, SPECIAL_FILE, MARKER_FILE)


def load_words(path: Path) -> tuple[str, ...]:
    """Entries of a word list, longest first, so that the first that fits is the longest.

    Raises:
        ConfigurationError: The file cannot be read, or has no entry.
    """
    words = {entry.strip().lower() for entry in read_entries(path)}
    return tuple(sorted(words, key=lambda word: (-len(word), word)))


def read_entries(path: Path) -> list[str]:
    """Entries of a list, in order: lines that are neither blank nor a comment.

    Raises:
        ConfigurationError: The file cannot be read, or has no entry.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(
            f"{path}: expected a word list in UTF-8, got no readable file; restore it from data/sensitivity"
        ) from None
    entries = [line for line in lines if line.strip() and not line.startswith("#")]
    if not entries:
        raise ConfigurationError(f"{path}:1: expected at least one word, got none; add one a line")
    return entries


class Terms:
    """Terms of one or more words, found among the tokens of a text in one pass.

    White space and symbols between the words of a term do not matter, nor does a missing apostrophe; the
    longest term that begins at a word is the one that counts.

    Args:
        terms: In any case.
    """

    def __init__(self, terms: Iterable[str]) -> None:
        forms = {
            term.lower().replace("'", apostrophe) for term in terms for apostrophe in ("'", "\u2019", "")
        }
        keys = sorted({_key(tokenise(form).words) for form in forms})
        self._by_first: dict[str, list[tuple[str, ...]]] = {}
        for key in sorted(keys, key=len, reverse=True):
            self._by_first.setdefault(key[0], []).append(key)
        # As gates know words: without what follows an apostrophe.
        self.firsts = frozenset(_RUN.findall(first)[0] for first in self._by_first)

    def find(self, tokens: Tokens, lower: list[str]) -> Iterator[tuple[int, int]]:
        """Spans of the terms in a text, in order; they may overlap.

        Args:
            tokens: Words of the text.
            lower: The same in lower case.
        """
        for at, word in enumerate(lower):
            for key in self._by_first.get(word, ()):
                last = _match(key, lower, at)
                if last >= 0:
                    yield tokens.starts[at], tokens.ends[last]
                    break


def _match(key: tuple[str, ...], lower: list[str], at: int) -> int:
    """Index of the last token of the term that begins at a token, -1 for none."""
    last = at
    for wanted in key[1:]:
        last += 1
        while last < len(lower) and last < at + 3 * len(key) and not lower[last][-1].isalnum():
            last += 1
        if last >= len(lower) or lower[last] != wanted:
            return -1
    return last


def _key(words: list[str]) -> tuple[str, ...]:
    return tuple(word for word in words if word[-1].isalnum())
