"""Evidence: the integers that the class model reads, one row for each finding of a request.

A row says what was found, how surely, what else lies near it, and which words stand around it. A class is
as probable as its best row says, so that a long harmless text around a value changes nothing. No value and no
word of the text goes in: a model over these columns cannot learn a style by heart.
"""

from __future__ import annotations

import hashlib
import json
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NamedTuple

import numpy as np

from clearway.assessment import Finding
from clearway.request import Part
from clearway.sensitivity.kinds import ENTITY_KINDS, KINDS, LABEL_WORDS, TITLES, WORD, WORD_GROUPS
from clearway.sensitivity.public_persons import ALONE, FULL, is_public
from clearway.style import IntArray

VERSION: Final = 3
# What a column holds for "yes": columns are in thousandths.
ONE: Final = 1_000
BEFORE_CHARACTERS: Final = 80
AFTER_CHARACTERS: Final = 60
START_CHARACTERS: Final = 160
# A sentence is read so far from the finding at most.
SENTENCE_CHARACTERS: Final = 160
BESIDE_WORDS: Final = 3
# So far around a finding words of public life are counted.
AROUND_CHARACTERS: Final = 400
MIN_CHOICES: Final = 3
# An exam question lists its answers; an encyclopedia puts a birth in parentheses behind the name.
_CHOICE: Final = re.compile(r"^[ \t]*\(?[A-J][.)][ \t]", re.MULTILINE)
_BIOGRAPHY: Final = re.compile(r"\([^()\n]{0,60}\b(?:born|b\.|née|n\.)[^()\n]{0,20}$|\(\s*$")
_AFTER_NAME: Final = re.compile(r"\s*\((?:[^()\n]{0,60}\bborn\b|[^()\n]{0,40}\d{3,4}\s*[-\u2013])")
_YEAR: Final = re.compile(r"(?<![\d.,/-])(?:1\d|20)\d\d(?![\d/]|[.,-]\d)")
_SENTENCE_END: Final = re.compile(r"[.!?](?=\s|$)|\n|[;|]")
PLACES: Final = ("before", "after", "start", "said", "then", "last")
_PERSONS: Final = ("own", "pronoun", "relative", "role")
# Parts are read as if they stood this far apart: leaves of one object, turns of one conversation.
GAP_CHARACTERS: Final = 20
# Within so many characters of the other finding: so near, in thousandths.
NEARNESS: Final = ((40, 1_000), (120, 800), (300, 600), (1_000, 400), (4_000, 200))
FAR: Final = 100
# A finding that stands so many turns away lies so near at most, in thousandths; further away it is not near.
TURN_NEARNESS: Final = (1_000, 500, 300)
BESIDE: Final = 120
MAX_COUNT: Final = 5
_IDENTIFIERS: Final = (
    "birth",
    "email",
    "phone",
    "address",
    "card",
    "iban",
    "bank",
    "government",
    "record",
)
_SHAPES: Final = (
    "sentence.asks",
    "sentence.name",
    "sentence.public",
    "sentence.year",
    "turn.public",
    "around.public",
    "around.choices",
    "value.biography",
    "sentence.person",
    "sentence.person_having",
    "sentence.person_anyone",
    "name.one_word",
    "name.two_words",
    "name.more_words",
    "name.title",
    "name.public",
    "name.lower_case",
    "name.upper_case",
    "value.digits",
    "value.length",
    "count.same_kind",
)


def _columns() -> tuple[str, ...]:
    names = [f"is.{kind}" for kind in KINDS]
    names += [f"score.{kind}" for kind in KINDS]
    names += [f"entity.{entity}" for entity in ENTITY_KINDS]
    names += [f"near.{kind}" for kind in (*KINDS, "identifier")]
    names += [f"beside.{kind}" for kind in (*KINDS, "identifier")]
    for place in PLACES:
        names += [f"{place}.{group}" for group in (*WORD_GROUPS, "label")]
    return (*names, *_SHAPES)


COLUMNS: Final = _columns()
N_COLUMNS: Final = len(COLUMNS)
_AT: Final = {name: index for index, name in enumerate(COLUMNS)}
_PLACES: Final = {
    place: {
        word: tuple(_AT[f"{place}.{g}"] for g in WORD_GROUPS if word in WORD_GROUPS[g])
        for word in set().union(*WORD_GROUPS.values())
    }
    for place in PLACES
}


class _Spot(NamedTuple):
    """A finding in the request read as one text; scores in thousandths."""

    start: int
    end: int
    kind: str
    score: int
    entity: str
    part: int
    turn: int
    public: bool


def specification_sha256() -> str:
    """Digest of everything but code that decides a row: a model fits one such reading only."""
    facts = [
        VERSION,
        COLUMNS,
        list(ENTITY_KINDS.items()),
        [[group, sorted(words)] for group, words in WORD_GROUPS.items()],
        [[kind, sorted(words)] for kind, words in LABEL_WORDS.items()],
        [BEFORE_CHARACTERS, AFTER_CHARACTERS, START_CHARACTERS, SENTENCE_CHARACTERS, BESIDE_WORDS],
        [_CHOICE.pattern, _BIOGRAPHY.pattern, _AFTER_NAME.pattern, AROUND_CHARACTERS, MIN_CHOICES],
        [_SENTENCE_END.pattern, _YEAR.pattern, GAP_CHARACTERS, NEARNESS, FAR, BESIDE, TURN_NEARNESS],
        [sorted(FULL), sorted(ALONE)],
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def evidence(findings: Sequence[Finding], parts: Sequence[Part]) -> IntArray:
    """Rows of a request's findings, the same for any order of them.

    Args:
        findings: Of all parts, in offsets of the original texts; entities without a kind say nothing.
        parts: Of the request, in order.

    Returns:
        Shape (n_findings of a known kind, N_COLUMNS), int64, each in 0 to `ONE`; zero rows where nothing
        was found.
    """
    bases = list(accumulate((len(part.text) + GAP_CHARACTERS for part in parts), initial=0))
    turns = _turns(parts)
    spots = [_placed(finding, parts, bases, turns) for finding in readable(findings)]
    rows = np.zeros((len(spots), N_COLUMNS), dtype=np.int64)
    by_kind = {kind: [spot for spot in spots if spot.kind == kind] for kind in {s.kind for s in spots}}
    counts = Counter((spot.turn, spot.kind) for spot in spots)
    public = {spot.turn for spot in spots if spot.public}
    starts: dict[int, list[str]] = {}
    surroundings: dict[int, tuple[list[int], bool]] = {}
    for row, spot in zip(rows, spots, strict=True):
        row[_AT[f"is.{spot.kind}"]] = ONE
        row[_AT[f"score.{spot.kind}"]] = spot.score
        row[_AT[f"entity.{spot.entity}"]] = ONE
        row[_AT["count.same_kind"]] = min(counts[spot.turn, spot.kind], MAX_COUNT) * ONE // MAX_COUNT
        row[_AT["turn.public"]] = ONE * (spot.turn in public)
        row[_AT["name.public"]] = ONE * spot.public
        _neighbours(row, spot, by_kind)
        text, base = parts[spot.part].text, bases[spot.part]
        if spot.part not in starts:
            starts[spot.part] = _words(text[:START_CHARACTERS])
            surroundings[spot.part] = _surroundings(text)
        _around(row, spot, text, base, surroundings[spot.part])
        _context(row, spot, text, base, starts[spot.part])
        _shape(row, spot.kind, text[spot.start - base : spot.end - base])
    _sentences(rows, spots, [(part.text, base) for part, base in zip(parts, bases, strict=False)])
    return rows


def readable(findings: Sequence[Finding]) -> list[Finding]:
    """Findings of entities with a kind, each once, in the order of the rows."""
    known = {finding for finding in findings if finding.type in ENTITY_KINDS}
    return sorted(known, key=lambda f: (f.part, f.start, f.end, ENTITY_KINDS[f.type], f.score_ppm, f.type))


def _turns(parts: Sequence[Part]) -> list[int]:
    """Which message each part is of, counted in their order; -1 for values that were joined across them."""
    turns, last, turn = [], "", 0
    for part in parts:
        key = part.path[: part.path.find("]") + 1] or part.path.partition(".")[0]
        turn += key != last
        last = key
        turns.append(-1 if key == "joined" else turn)
    return turns


def _placed(finding: Finding, parts: Sequence[Part], bases: list[int], turns: list[int]) -> _Spot:
    base = bases[finding.part]
    kind = ENTITY_KINDS[finding.type]
    return _Spot(
        base + finding.start,
        base + finding.end,
        kind,
        finding.score_ppm // 1_000,
        finding.type,
        finding.part,
        turns[finding.part],
        kind == "name" and is_public(parts[finding.part].text[finding.start : finding.end]),
    )


def _neighbours(row: IntArray, spot: _Spot, by_kind: dict[str, list[_Spot]]) -> None:
    """How near another finding of each kind lies, weighted by its score."""
    near, beside = 0, 0
    for kind, others in by_kind.items():
        value, is_beside = _nearest(spot, others)
        row[_AT[f"near.{kind}"]] = value
        row[_AT[f"beside.{kind}"]] = is_beside
        if kind in _IDENTIFIERS and kind != spot.kind:
            near, beside = max(near, value), max(beside, is_beside)
    row[_AT["near.identifier"]], row[_AT["beside.identifier"]] = near, beside


def _nearest(spot: _Spot, others: list[_Spot]) -> tuple[int, int]:
    """Best of the few findings on either side that share no character with this one."""
    at = bisect_left(others, spot)
    near, beside = 0, 0
    for other in others[max(0, at - 4) : at + 5]:
        gap = max(other.start - spot.end, spot.start - other.end)
        apart = abs(other.turn - spot.turn) if min(other.turn, spot.turn) >= 0 else 1
        if gap < 0 or other.public or apart >= len(TURN_NEARNESS):
            continue
        nearness = next((value for limit, value in NEARNESS if gap <= limit), FAR)
        near = max(near, min(nearness, TURN_NEARNESS[apart]) * other.score // ONE)
        beside = max(beside, other.score if gap <= BESIDE else 0)
    return near, beside


def _surroundings(text: str) -> tuple[list[int], bool]:
    """Where a part has words of public life, and whether it lists answers to choose from."""
    public = WORD_GROUPS["public"]
    places = [match.start() for match in WORD.finditer(text) if match.group().lower() in public]
    choices = sum(1 for _, _ in zip(range(MIN_CHOICES), _CHOICE.finditer(text), strict=False))
    return places, choices >= MIN_CHOICES


def _around(row: IntArray, spot: _Spot, text: str, base: int, known: tuple[list[int], bool]) -> None:
    """What stands in the part further around a finding than its sentence."""
    begin, end = spot.start - base, spot.end - base
    places, has_choices = known
    n_public = bisect_left(places, end + AROUND_CHARACTERS) - bisect_left(places, begin - AROUND_CHARACTERS)
    row[_AT["around.public"]] = min(n_public, MAX_COUNT) * ONE // MAX_COUNT
    row[_AT["around.choices"]] = ONE * has_choices
    if spot.kind == "birth":
        row[_AT["value.biography"]] = ONE * bool(_BIOGRAPHY.search(text[max(0, begin - 80) : begin]))
    elif spot.kind == "name":
        row[_AT["value.biography"]] = ONE * bool(_AFTER_NAME.match(text, end, end + 100))


def _context(row: IntArray, spot: _Spot, text: str, base: int, start: list[str]) -> None:
    """Which groups of words stand around the finding, in its sentence, and where its part begins."""
    begin, end = spot.start - base, spot.end - base
    low, high, asks = _sentence(text, begin, end)
    said = _words(text[low:begin])
    before = _words(text[max(0, begin - BEFORE_CHARACTERS) : begin])
    after = _words(text[end : end + AFTER_CHARACTERS])
    labels = LABEL_WORDS[spot.kind]
    places = (before, after, start, said, _words(text[end:high]), said[-BESIDE_WORDS:])
    for place, words in zip(PLACES, places, strict=True):
        known = _PLACES[place]
        for word in words:
            for column in known.get(word, ()):
                row[column] = ONE
            if word in labels:
                row[_AT[f"{place}.label"]] = ONE
    row[_AT["sentence.asks"]] = ONE * asks
    if spot.kind == "name" and (before[-1:] and before[-1] in TITLES):
        row[_AT["name.title"]] = ONE


def _sentence(text: str, begin: int, end: int) -> tuple[int, int, bool]:
    """Where the sentence, line or cell of a finding begins and ends, and whether it is a question."""
    low = max(0, begin - SENTENCE_CHARACTERS)
    for match in _SENTENCE_END.finditer(text, low, begin):
        low = match.end()
    last = _SENTENCE_END.search(text, end, end + SENTENCE_CHARACTERS)
    if last is None:
        return low, min(len(text), end + SENTENCE_CHARACTERS), False
    return low, last.start(), last.group() == "?"


def _sentences(rows: IntArray, spots: Sequence[_Spot], texts: Sequence[tuple[str, int]]) -> None:
    """Who a sentence speaks of: someone in particular, by a name or a word for a person, or anyone."""
    names = [(spot.start, spot.end, spot.score, spot.public) for spot in spots if spot.kind == "name"]
    for row, spot in zip(rows, spots, strict=True):
        text, base = texts[spot.part]
        low, high, _ = _sentence(text, spot.start - base, spot.end - base)
        first = bisect_left(names, (base + low,))
        for start, end, score, public in names[first : first + 8]:
            if end <= base + high and (end <= spot.start or start >= spot.end):
                column = _AT["sentence.public" if public else "sentence.name"]
                row[column] = max(row[column], score)
        row[_AT["sentence.year"]] = ONE * bool(_YEAR.search(text, low, high))
        said = [row[_AT[f"{place}.{group}"]] for place in ("said", "then") for group in _PERSONS]
        person = max(*said, row[_AT["sentence.name"]])
        row[_AT["sentence.person"]] = person
        for group in ("having", "anyone"):
            row[_AT[f"sentence.person_{group}"]] = min(person, row[_AT[f"said.{group}"]])


def _shape(row: IntArray, kind: str, value: str) -> None:
    row[_AT["value.length"]] = min(len(value), 50) * 20
    row[_AT["value.digits"]] = min(sum(map(str.isdecimal, value[:100])), 20) * 50
    if kind != "name":
        return
    words = value.split()
    size = "one_word" if len(words) < 2 else "two_words" if len(words) == 2 else "more_words"
    row[_AT[f"name.{size}"]] = ONE
    if words and words[0].rstrip(".").lower() in TITLES:
        row[_AT["name.title"]] = ONE
    row[_AT["name.lower_case"]] = ONE * value.islower()
    row[_AT["name.upper_case"]] = ONE * value.isupper()


def _words(text: str) -> list[str]:
    return [word.lower().replace("\u2019", "'") for word in WORD.findall(text)]
