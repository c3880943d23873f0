"""Take off the disguises of a text: each reading keeps the way back to the original characters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from clearway.sensitivity.addresses import address_view, marked_view, spaced_view
from clearway.sensitivity.decoding import base64_view, escaped_view
from clearway.sensitivity.folding import folded_pieces, is_disguised
from clearway.sensitivity.numbers import numbers_view
from clearway.sensitivity.views import View, view_of

__all__ = ["MAX_VIEWS", "View", "unmask"]

MAX_VIEWS: Final = 12
MAX_DEPTH: Final = 2
# A short text may be read several ways in full; a long one is read twice over at most.
MIN_BUDGET: Final = 4_000

_DECODERS: Final[tuple[Callable[[View], View | None], ...]] = (base64_view, escaped_view)
_FINDERS: Final[tuple[Callable[[View], View | None], ...]] = (
    numbers_view,
    address_view,
    marked_view,
    spaced_view,
)


def unmask(text: str) -> tuple[View, ...]:
    """Readings of a text, the folded whole first.

    Args:
        text: Any text.

    Returns:
        The folded text (the same object, kind "plain", when nothing was disguised), then readings of the
        passages in which a further disguise was found: at most `MAX_VIEWS`, and together not longer than
        the text, or than `MIN_BUDGET` characters. Decoded text is read again, `MAX_DEPTH` times.

    >>> [(view.kind, view.text) for view in unmask("j\u0430ne")]
    [('folded', 'jane')]
    >>> [(view.kind, view.text) for view in unmask("jane dot doe at example dot com")][1:]
    [('address', 'jane.doe@example.com')]
    """
    views = [_folded(text)]
    waiting = [(views[0], 0)]
    budget = max(len(text), MIN_BUDGET)
    while waiting:
        reading, depth = waiting.pop(0)
        finders = (*_DECODERS, *_FINDERS) if depth < MAX_DEPTH else _FINDERS
        for finder in finders:
            found = finder(reading)
            if found is None or len(found.text) > budget or len(views) >= MAX_VIEWS:
                continue
            if any(found.text == view.text for view in views):
                continue
            budget -= len(found.text)
            views.append(found)
            if finder in _DECODERS:
                waiting.append((found, depth + 1))
    return tuple(views)


def _folded(text: str) -> View:
    plain = View(text, "plain")
    if not is_disguised(text):
        return plain
    folded = view_of(plain, "folded", folded_pieces(text))
    return plain if folded.text == text else folded
