"""How a filled template is written: as it stands, in lower or upper case, with typos, or inside a request."""

from dataclasses import replace
from random import Random

from training.sensitivity.generator.chance import source
from training.sensitivity.generator.frames import FRAMES
from training.sensitivity.generator.markup import Piece


def _lower(parts: list[Piece]) -> list[Piece]:
    return [
        part if part.fixed and part.entity != "STREET_ADDRESS" else replace(part, text=part.text.lower())
        for part in parts
    ]


def _upper(parts: list[Piece]) -> list[Piece]:
    loud = ("STREET_ADDRESS", "DATE_OF_BIRTH")
    return [
        part if part.fixed and part.entity not in loud else replace(part, text=part.text.upper())
        for part in parts
    ]


def _with_typos(parts: list[Piece]) -> list[Piece]:
    """Swap, drop or double a letter about every fifty characters of plain words."""
    return [part if part.entity or part.fixed else replace(part, text=_typos(part.text)) for part in parts]


def _typos(text: str) -> str:
    rng = source(text)
    letters = list(text)
    for place in range(1, len(letters) - 2):
        if rng.random() < 0.02 and letters[place].isalpha() and letters[place + 1].isalpha():
            kind = rng.randrange(3)
            if kind == 0:
                letters[place], letters[place + 1] = letters[place + 1], letters[place]
            else:
                letters[place] = "" if kind == 1 else letters[place] * 2
    return "".join(letters)


def styled(parts: list[Piece], split: str, rng: Random) -> list[Piece]:
    """Pieces rewritten in a style, and put in a frame about one time in four.

    The dice do not depend on the pieces, so both halves of a pair get the same style.
    """
    dice, framed = rng.random(), rng.random() < 0.25
    frame = rng.choice(FRAMES[split])
    if dice < 0.10:
        parts = _lower(parts)
    elif dice < 0.18:
        parts = _with_typos(parts)
    elif dice < 0.20:
        parts = _upper(parts)
    if not framed:
        return parts
    before, after = frame.split("%")
    return [Piece(before), *parts, Piece(after)]
