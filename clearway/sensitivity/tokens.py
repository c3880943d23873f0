"""Words of a text in one pass; every recogniser that looks at words shares them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

# A word keeps its inner apostrophes (O'Brien) but not a possessive; the same symbol in a row is one token.
_TOKEN: Final = re.compile(
    r"[^\W_]+(?:['\u2019](?!s(?![^\W_]))[^\W\d_]+)*|['\u2019]s(?![^\W_])|([^\w\s]|_)\1*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The words and symbols of a text, in order.

    Attributes:
        text: The text itself.
        words: The tokens as written: words, numbers, a possessive, or one symbol once or more in a row.
        starts: Offset of each token's first character.
        ends: Offset after each token's last character.
    """

    text: str
    words: list[str]
    starts: list[int]
    ends: list[int]

    def __len__(self) -> int:
        return len(self.words)

    def __repr__(self) -> str:
        return f"Tokens(n_words={len(self.words)})"


def tokenise(text: str) -> Tokens:
    """Tokens of a text, linear in its length; white space belongs to none.

    >>> tokenise("Ann O'Brien's e-mail (2)").words
    ['Ann', "O'Brien", "'s", 'e', '-', 'mail', '(', '2', ')']
    """
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for match in _TOKEN.finditer(text):
        words.append(match[0])
        starts.append(match.start())
        ends.append(match.end())
    return Tokens(text, words, starts, ends)
