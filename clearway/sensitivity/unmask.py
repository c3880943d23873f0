"""Take off the disguises of a text: each reading keeps the way back to the original characters."""

from __future__ import annotations

from clearway.sensitivity.folding import folded_pieces, is_disguised
from clearway.sensitivity.views import View, view_of

__all__ = ["View", "unmask"]


def unmask(text: str) -> tuple[View, ...]:
    """Readings of a text, the folded whole first.

    Args:
        text: Any text.

    Returns:
        The folded text (the same object, kind "plain", when nothing was disguised), then readings of the
        passages in which a further disguise was found.

    >>> [(view.kind, view.text) for view in unmask("j\u0430ne")]
    [('folded', 'jane')]
    """
    return (_folded(text),)


def _folded(text: str) -> View:
    plain = View(text, "plain")
    if not is_disguised(text):
        return plain
    folded = view_of(plain, "folded", folded_pieces(text))
    return plain if folded.text == text else folded
