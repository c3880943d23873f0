"""The markup of the templates, and a template filled as a list of pieces.

A template file holds templates, each after a line `=== id` (options: `@locale`, `!kind`). In a template:
    «slot», «slot2»      the slot's value (of person 2); the same slot gives the same value again
    {~one|two|three~}    one of these
    [[a||b]]             `a` in the sensitive half, `b` in the harmless one
    <<ENTITY:words>>     these words are that entity
Without [[ ]] the harmless half has each sensitive slot's stand-in.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from training.sensitivity.generator.chance import source
from training.sensitivity.generator.entities import PUBLIC_PERSON, classes_of
from training.sensitivity.generator.model import Span
from training.sensitivity.generator.slots import SLOTS, Draw

_CHOICE = re.compile(r"\{~(.*?)~\}", re.DOTALL)
_PAIR = re.compile(r"\[\[(.*?)\|\|(.*?)\]\]", re.DOTALL)
_MARK = re.compile(
    r"«(?P<slot>[A-Za-z_]+?)(?P<number>\d?)»|<<(?P<entity>[A-Z_]+):(?P<words>.*?)>>", re.DOTALL
)
_DIGITS_SLOTS = {"digits6", "digits9"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text: plain words (entity None), or a value; `fixed` text keeps its letters' case."""

    text: str
    entity: str | None = None
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """One template: its id, its text with markup, a Faker locale or None, and the kind of its examples."""

    id: str
    body: str
    locale: str | None
    kind: str


def choose(body: str, rng: Random) -> str:
    """The template with one of each group of words taken."""
    return _CHOICE.sub(lambda match: rng.choice(match[1].split("|")), body)


def half(body: str, sensitive: bool) -> str:
    """The template's sensitive or its harmless half."""
    return _PAIR.sub(lambda match: match[1 if sensitive else 2], body)


def _slot_piece(match: re.Match[str], draw: Draw, sensitive: bool, values: dict[str, str]) -> Piece:
    name, number = match["slot"], match["number"] or "1"
    if name + match["number"] in _DIGITS_SLOTS:
        name, number = name + match["number"], "1"
    if name not in SLOTS:
        raise ValueError(
            f"unknown slot in a template: expected one of slots.py, got «{match['slot']}{match['number']}»"
        )
    slot = SLOTS[name]
    stands_in = not sensitive and slot.harmless is not None
    fill = slot.harmless if stands_in and slot.harmless is not None else slot.value
    key = f"{slot.draws_as or name}{number}{stands_in}"
    if key not in values:
        draw.rng = source(f"{draw.seed}/{key}")
        values[key] = fill(draw, number)
    value = values[key]
    return Piece(
        value, None if stands_in else slot.entity, fixed=slot.entity not in (None, "PERSON", PUBLIC_PERSON)
    )


def pieces(body: str, draw: Draw, sensitive: bool = True) -> Iterator[Piece]:
    """A template without choices and pair marks, filled.

    Args:
        body: The text with slots and marked words.
        draw: Where values come from.
        sensitive: Whether slots give their values, or their harmless stand-ins.

    Raises:
        ValueError: The text names a slot that does not exist.
    """
    values: dict[str, str] = {}
    end = 0
    for match in _MARK.finditer(body):
        if match.start() > end:
            yield Piece(body[end : match.start()])
        if match["slot"]:
            yield _slot_piece(match, draw, sensitive, values)
        else:
            inner = "".join(piece.text for piece in pieces(match["words"], draw, sensitive))
            yield Piece(inner, match["entity"])
        end = match.end()
    if end < len(body):
        yield Piece(body[end:])


def joined(parts: list[Piece]) -> tuple[str, tuple[Span, ...], frozenset[str]]:
    """Text, spans and gold classes of pieces."""
    spans, position = [], 0
    for piece in parts:
        if piece.entity is not None:
            entity = "PERSON" if piece.entity == PUBLIC_PERSON else piece.entity
            spans.append(Span(position, position + len(piece.text), entity))
        position += len(piece.text)
    classes = classes_of(piece.entity for piece in parts if piece.entity is not None)
    return "".join(piece.text for piece in parts), tuple(spans), classes
