"""Readings of a text: what it says once a disguise is taken off, with the way back to the original."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

CONTEXT: Final = 80


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a reading and the stretch of the text under it that it stands for.

    Attributes:
        text: What the reading says.
        start: First character in the text under it.
        end: One past the last; when `end - start` is the length of `text`, characters match one by one,
            otherwise every character stands for the whole stretch.
    """

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class View:
    """One reading of a text. Its texts stay out of `repr`.

    Attributes:
        text: The reading.
        kind: Which disguise was taken off; "plain" when none.
        under: The reading this one was made from; `None` for the original text.
        offsets: Where each piece begins in `text`, rising; empty when the reading is the text itself.
        spans: The (start, end) of each piece in the text under it, rising.
        lengths: The length of each piece in `text`.
    """

    text: str = field(repr=False)
    kind: str
    under: View | None = field(default=None, repr=False)
    offsets: tuple[int, ...] = field(default=(), repr=False)
    spans: tuple[tuple[int, int], ...] = field(default=(), repr=False)
    lengths: tuple[int, ...] = field(default=(), repr=False)

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original text that a span of the reading stands for.

        Args:
            start: First character, 0 to the length of `text`.
            end: One past the last, at least `start`.

        Returns:
            Start and end in the original text; never crossed, and rising with the arguments.
        """
        if self.offsets:
            first = self._place(start)[0]
            start, end = first, max(first, self._place(max(start, end - 1))[1] if end > start else first)
        return self.under.original(start, end) if self.under else (start, end)

    def _place(self, index: int) -> tuple[int, int]:
        """Span under one character of the reading; the end of the last piece past the end."""
        number = bisect_right(self.offsets, index) - 1
        (start, end), inside = self.spans[number], index - self.offsets[number]
        if inside >= self.lengths[number]:
            return end, end
        if end - start == self.lengths[number]:
            return start + inside, start + inside + 1
        return start, end


def view_of(under: View, kind: str, pieces: Iterable[Piece]) -> View:
    """The reading that joins the pieces, whose spans rise and do not overlap, over `under`.

    >>> view_of(View("4-2", "plain"), "digits", [Piece("4", 0, 1), Piece("2", 2, 3)]).original(0, 2)
    (0, 3)
    """
    kept = [piece for piece in pieces if piece.text]
    offsets, length = [], 0
    for piece in kept:
        offsets.append(length)
        length += len(piece.text)
    return View(
        text="".join(piece.text for piece in kept),
        kind=kind,
        under=under,
        offsets=tuple(offsets) or (0,),
        spans=tuple((piece.start, piece.end) for piece in kept) or ((0, 0),),
        lengths=tuple(len(piece.text) for piece in kept) or (0,),
    )


def excerpt_of(under: View, kind: str, found: Iterable[Piece]) -> View | None:
    """A reading of the passages around the replaced stretches, `CONTEXT` characters to each side.

    Args:
        under: The reading in which the stretches were found.
        kind: The disguise that was taken off.
        found: What stands in place of each stretch; of overlapping ones the first is kept.

    Returns:
        The passages, joined by line breaks; `None` when nothing was found.
    """
    replaced: list[Piece] = []
    for piece in sorted(found, key=lambda piece: (piece.start, -piece.end)):
        if not replaced or piece.start >= replaced[-1].end:
            replaced.append(piece)
    return view_of(under, kind, _passages(under.text, replaced)) if replaced else None


def _passages(text: str, replaced: list[Piece]) -> Iterator[Piece]:
    done = -1
    for piece in replaced:
        left = _after_space(text, max(0, piece.start - CONTEXT), piece.start)
        right = _before_space(text, done, min(len(text), done + CONTEXT))
        if done >= 0 and left <= right:
            left = done
        elif done >= 0:
            yield Piece(text[done:right], done, right)
            yield Piece("\n", left, left)
        yield Piece(text[left : piece.start], left, piece.start)
        yield piece
        done = piece.end
    right = _before_space(text, done, min(len(text), done + CONTEXT))
    yield Piece(text[done:right], done, right)


def _after_space(text: str, lowest: int, end: int) -> int:
    """Where a word begins, at or after `lowest`, so that no context starts inside one."""
    if lowest == 0 or text[lowest - 1].isspace():
        return lowest
    return next((index + 1 for index in range(lowest, end) if text[index].isspace()), lowest)


def _before_space(text: str, start: int, highest: int) -> int:
    if highest >= len(text) or text[highest].isspace():
        return highest
    return next((index for index in range(highest - 1, start - 1, -1) if text[index].isspace()), highest)
