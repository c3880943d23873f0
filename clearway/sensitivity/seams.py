"""Windows across the seams of a request: values that somebody split between turns, fields or results.

A part is read by itself first. Then the end of what came before and the start of what follows are joined with
nothing, a blank or a line break, and read once more where something at the seam may be a piece of a value, or
a question whose answer is one. Neighbours are all texts in their order, those that somebody wrote, and those
of one role: a card number in two turns of the user has the assistant's between, one in two results of a tool
has their ids. A window ends at the part that it reaches, so a
conversation that goes on repeats all its windows but the last ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

from clearway.assessment import Finding
from clearway.sensitivity.leaves import leaf_spans

WINDOW_CHARACTERS: Final = 200
MAX_PIECES: Final = 20
MAX_LEAF_CHARACTERS: Final = 64
# Pieces of different texts look like some value or other by chance: weak patterns do not count over a seam.
MIN_SCORE_PPM: Final = 650_000
# Entities that lie in words and not in one value: what they say is not split by a seam.
WORDED: Final = frozenset({"PERSON", "HEALTH_CONDITION", "SPECIAL_CATEGORY", "TRADE_SECRET_MARKER"})

_NEAR: Final = 40
_ANSWER: Final = 80
_NAMED_DIGITS: Final = "zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple"
_DIGIT: Final = re.compile(rf"\d|\b(?:{_NAMED_DIGITS})\b", re.IGNORECASE)
_AT: Final = re.compile(r"[@\uff20]|\bat\b|\bdot\b", re.IGNORECASE)
_RUN_END: Final = re.compile(r"[A-Za-z0-9+/=_.~-]+$")
_RUN_START: Final = re.compile(r"[A-Za-z0-9+/=_.~-]+")
_KEY_LIKE: Final = re.compile(r"[0-9_]|[a-z][A-Z]")
_KEY_PIECE: Final = re.compile(r"(?=.*(?:_|[a-z][A-Z]))[A-Za-z0-9+/=_.~-]{8,}")
# Texts that somebody wrote; ids and other fields of a message stand between them.
_WRITTEN: Final = re.compile(r"messages\[\d+\]\.content")
_MIN_KEY: Final = 16
_FOUR_DIGITS: Final = re.compile(r"(?:\d\D{0,3}?){4}")
_SMALL_NUMBER: Final = re.compile(r"-?\d{1,2}|-?\d*\.\d*")
_NUMBER: Final = re.compile(r"(?<![\d.,])\d(?:[ -]?\d){3,11}(?![\d.,]?\d)")
_TOKEN: Final = re.compile(r"(?=\S*\d)(?=\S*[^\W\d_])\S{6,}")


class Piece(NamedTuple):
    """A piece of a part.

    Attributes:
        part: Index of the part.
        start: Where the piece starts in it.
        text: Its characters.
    """

    part: int
    start: int
    text: str


@dataclass(frozen=True, slots=True)
class Window:
    """Pieces joined to one text.

    Attributes:
        pieces: In order, perhaps of one part.
        joints: What stands between a piece and the next; one fewer than the pieces.
        reads_context: Whether a value of one piece counts too, because its context lies in another.
    """

    pieces: tuple[Piece, ...]
    joints: tuple[str, ...]
    reads_context: bool = False

    @property
    def text(self) -> str:
        """The joined text."""
        return "".join(p.text + joint for p, joint in zip(self.pieces, (*self.joints, ""), strict=True))

    def cut(self, finding: Finding) -> list[Finding]:
        """A finding of the joined text, cut at the seams: one for each piece that it reaches into."""
        cuts, offset = [], 0
        for piece, joint in zip(self.pieces, (*self.joints, ""), strict=True):
            start, end = max(finding.start - offset, 0), min(finding.end - offset, len(piece.text))
            if start < end and any(map(str.isalnum, piece.text[start:end])):
                place = (piece.start + start, piece.start + end)
                cuts.append(Finding(finding.type, *place, finding.score_ppm, piece.part))
            offset += len(piece.text) + len(joint)
        return cuts

    def counted(self, findings: Iterable[Finding], known: Sequence[Finding]) -> Iterator[Joined]:
        """Findings of the joined text that the parts by themselves do not have.

        Args:
            findings: Of the joined text.
            known: Of the parts that the pieces are from.
        """
        for finding in findings:
            is_value = finding.type not in WORDED and finding.score_ppm >= MIN_SCORE_PPM
            cuts = self.cut(finding) if is_value else []
            is_whole = len(cuts) == 1 and self.reads_context and self._is_inside(finding)
            if (len(cuts) > 1 or is_whole) and not any(_is_known(cut, known) for cut in cuts):
                yield Joined(self.text, finding, tuple(cuts))

    def _is_inside(self, finding: Finding) -> bool:
        """Whether a finding keeps off the outer ends, where a window may have cut a longer one."""
        is_open = len(self.pieces[-1].text) < WINDOW_CHARACTERS
        starts_inside = finding.start > 0 or self.pieces[0].start == 0
        return starts_inside and (is_open or finding.end < len(self.text))


@dataclass(frozen=True, slots=True)
class Joined:
    """A value that was found in a window.

    Attributes:
        text: The window's text.
        whole: The finding in that text.
        cuts: The same, cut at the seams, in offsets of the parts.
    """

    text: str = field(repr=False)
    whole: Finding
    cuts: tuple[Finding, ...]


def seam_windows(texts: Sequence[str], roles: Sequence[str], paths: Sequence[str]) -> Iterator[Window]:
    """Windows over the seams between parts, in order; none twice.

    Args:
        texts: Text of each part.
        roles: Role of each part.
        paths: Path of each part; one that ends in `.json` is the part before it, unescaped, and stands for
            it.
    """
    kept = [
        i for i in range(len(texts)) if texts[i].strip() and f"{paths[i]}.json" not in paths[i + 1 : i + 2]
    ]
    pieces = {i: _pieces(i, texts[i], paths[i]) for i in kept}
    written = [i for i in kept if _WRITTEN.match(paths[i])]
    by_role = [[i for i in written if roles[i] == role] for role in sorted({roles[i] for i in written})]
    done: set[tuple[int, int]] = set()
    for order in (kept, written, *by_role):
        yield from _stream_windows(order, pieces, done)
        done.update(pairwise(order))


def leaf_windows(part: int, text: str, path: str) -> list[Window]:
    """Windows over the values of a part with fields: all joined by a blank, and each joined to the next."""
    leaves = [leaf for leaf in _leaves(part, text, path) if _may_be_piece(leaf.text)]
    if len(leaves) < 2:
        return []
    pairs = tuple(leaf for pair in pairwise(leaves) for leaf in pair)
    joints = ("", "\n") * (len(leaves) - 1)
    return [Window(tuple(leaves), (" ",) * (len(leaves) - 1)), Window(pairs, joints[:-1])]


def _stream_windows(
    order: Sequence[int], pieces: dict[int, list[Piece]], done: set[tuple[int, int]]
) -> Iterator[Window]:
    before: list[Piece] = []
    for position, index in enumerate(order):
        right = _head(pieces[index])
        if before and right and (order[position - 1], index) not in done:
            yield from _windows_at(before, right)
        before = _tail([*before, *pieces[index]])


def _windows_at(left: list[Piece], right: list[Piece]) -> Iterator[Window]:
    end, start = "".join(p.text for p in left), "".join(p.text for p in right)
    for joint in _joints(end.rstrip(), start.lstrip()):
        both = (*left, *right)
        yield Window(both, (joint,) * (len(both) - 1), reads_context=joint == "\n")
    halves = _number_halves(left[-1], right[0])
    if halves is not None:
        both = (*left[:-1], *halves)
        yield Window(both, (" ",) * (len(both) - 1))


def _number_halves(left: Piece, right: Piece) -> tuple[Piece, Piece] | None:
    """The left piece up to its last number and the first number of the right one, if words are between."""
    lefts, first = list(_NUMBER.finditer(left.text)), _NUMBER.search(right.text)
    if not lefts or first is None or (lefts[-1].end() == len(left.text) and first.start() == 0):
        return None
    left_half = Piece(left.part, left.start, left.text[: lefts[-1].end()])
    return left_half, Piece(right.part, right.start + first.start(), first[0])


def _joints(left: str, right: str) -> Iterator[str]:
    """How to join the two sides of a seam, by what stands there; nothing for two plain sentences."""
    ends, starts = left[-_NEAR:], right[:_NEAR]
    has_digits = bool(_DIGIT.search(ends) and _DIGIT.search(starts))
    has_at = bool(_AT.search(ends) or _AT.search(starts))
    if has_digits or has_at or _is_split_key(left, right):
        yield ""
    if has_digits or has_at:
        yield " "
    answer = right[:_ANSWER]
    if _FOUR_DIGITS.search(answer) or _TOKEN.search(answer):
        yield "\n"


def _is_split_key(left: str, right: str) -> bool:
    end, start = _RUN_END.search(left[-WINDOW_CHARACTERS:]), _RUN_START.match(right)
    if end is None or start is None or len(end[0]) + len(start[0]) < _MIN_KEY:
        return False
    return bool(_KEY_LIKE.search(end[0]) or _KEY_LIKE.search(start[0]))


def _pieces(part: int, text: str, path: str) -> list[Piece]:
    """What a part puts at its seams: its values if it has fields, else its text, white space cut off."""
    leaves = _leaves(part, text, path)
    if leaves:
        return leaves
    start = len(text) - len(text.lstrip())
    return [Piece(part, start, text.strip())]


def _leaves(part: int, text: str, path: str) -> list[Piece]:
    return [Piece(part, start, text[start:end]) for start, end in leaf_spans(text, path)]


def _may_be_piece(leaf: str) -> bool:
    """Whether a value of a field may be a piece of another: small counts and measures are none."""
    if len(leaf) > MAX_LEAF_CHARACTERS or _SMALL_NUMBER.fullmatch(leaf):
        return False
    return "@" in leaf or bool(_DIGIT.search(leaf) or _KEY_PIECE.fullmatch(leaf))


def _tail(pieces: Sequence[Piece]) -> list[Piece]:
    """The last pieces, and of the first of them the last characters, up to the width of a window."""
    kept: list[Piece] = []
    left = WINDOW_CHARACTERS
    for part, start, text in reversed(pieces[-MAX_PIECES:]):
        if left <= 0:
            break
        cut = max(0, len(text) - left)
        kept.append(Piece(part, start + cut, text[cut:]))
        left -= len(text)
    return kept[::-1]


def _head(pieces: Sequence[Piece]) -> list[Piece]:
    kept: list[Piece] = []
    left = WINDOW_CHARACTERS
    for part, start, text in pieces[:MAX_PIECES]:
        if left <= 0:
            break
        kept.append(Piece(part, start, text[:left]))
        left -= len(text)
    return kept


def _is_known(cut: Finding, known: Iterable[Finding]) -> bool:
    return any(
        (other.part, other.type) == (cut.part, cut.type)
        and other.start < cut.end
        and cut.start < other.end
        and other.score_ppm >= cut.score_ppm
        for other in known
    )
