"""How often a disguised value is still found: one row for each trick.

A carrier is a prompt with one value whose class is plain, and that is not flagged with the value taken out.
Each trick disguises the value in every carrier; it is caught where the class is flagged all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from clearway.assessment import SensitivityDetector
from training.benchmark.sensitivity.corpus import Row
from training.benchmark.sensitivity.labels import entity_of
from training.benchmark.sensitivity.scanning import Report, scan_text
from training.benchmark.sensitivity.shares import Share, share, share_of

# Values of these are disguised; others are words, which no trick of digits or letters fits.
ENTITIES: Final = ("CREDIT_CARD", "EMAIL_ADDRESS", "IBAN_CODE", "PHONE_NUMBER", "SECRET", "US_SSN")
AS_IT_IS: Final = "none: as it is"
_NUMBERS: Final = frozenset({"CREDIT_CARD", "PHONE_NUMBER", "US_SSN"})
# Tricks that would destroy other values instead of hiding them, by how their names begin.
_FITS: Final[Mapping[str, frozenset[str]]] = {
    "at_": frozenset({"EMAIL_ADDRESS"}),
    "leetspeak": frozenset({"EMAIL_ADDRESS"}),
    "letters_for_digits": _NUMBERS | {"IBAN_CODE"},
    "regrouped": _NUMBERS | {"IBAN_CODE"},
    "spelled": _NUMBERS,
    "table_cells": _NUMBERS | {"IBAN_CODE"},
}
N_CARRIERS: Final = 25
_MAX_CHARACTERS: Final = 600
NO_VALUE: Final = "it"

Trick = Callable[[str, Random], str]


@dataclass(frozen=True, slots=True)
class Carrier:
    """A prompt around one value; `repr` shows neither.

    Attributes:
        before: Text before the value.
        value: The value.
        after: Text after it.
        entity: What the value is.
        name: The data class that it is evidence for.
    """

    before: str = field(repr=False)
    value: str = field(repr=False)
    after: str = field(repr=False)
    entity: str
    name: str

    def holding(self, value: str) -> str:
        """The prompt with another text in the place of the value."""
        return self.before + value + self.after


def carriers(
    detector: SensitivityDetector, rows: Sequence[Row], class_of: Mapping[str, str], *, n: int, seed: int
) -> list[Carrier]:
    """Up to `n` carriers of each entity.

    Args:
        detector: Says that a prompt without its value is not flagged.
        rows: Where they come from.
        class_of: Data class of an entity.
        n: Most of each.
        seed: Of the choice.
    """
    found: dict[str, list[Carrier]] = {entity: [] for entity in ENTITIES}
    shuffled = list(rows)
    Random(f"{seed}:carriers").shuffle(shuffled)  # noqa: S311
    for row in shuffled:
        carrier = _carrier(row, class_of)
        if carrier is None or len(found[carrier.entity]) >= n:
            continue
        if carrier.name not in scan_text(detector, carrier.holding(NO_VALUE)).flagged:
            found[carrier.entity].append(carrier)
    return [carrier for entity in ENTITIES for carrier in found[entity]]


def _carrier(row: Row, class_of: Mapping[str, str]) -> Carrier | None:
    """The row around a value that alone makes its class, where the row is short; None without one."""
    if not row.classes or len(row.text) > _MAX_CHARACTERS:
        return None
    makes = [(span, class_of.get(entity_of(span.label) or "")) for span in row.spans]
    for span, name in makes:
        entity = entity_of(span.label)
        if entity in ENTITIES and name in row.classes and sum(name == other for _, other in makes) == 1:
            start, end = span.start, span.end
            return Carrier(row.text[:start], row.text[start:end], row.text[end:], entity, name)
    return None


def evasion_rows(
    detector: SensitivityDetector,
    carried: Sequence[Carrier],
    tricks: Mapping[str, Trick],
    report: Report,
    *,
    seed: int,
) -> list[dict[str, Any]]:
    """Caught and total of every trick, of each entity under it; first the values as they are.

    A trick that leaves a value as it is, or destroys it, does not fit it and is not counted there.
    """
    rows = [evasion_row(AS_IT_IS, [(c, _is_caught(detector, c, c.holding(c.value))) for c in carried])]
    for name, trick in tricks.items():
        report(f"evasions: {name}")
        caught = []
        for index, carrier in enumerate(carried):
            if not _fits(name, carrier.entity):
                continue
            disguised = trick(carrier.value, Random(f"{seed}:{name}:{index}"))  # noqa: S311
            if disguised != carrier.value:
                caught.append((carrier, _is_caught(detector, carrier, carrier.holding(disguised))))
        rows.append(evasion_row(name, caught))
    return rows


def overall(rows: Sequence[Mapping[str, Any]]) -> Share:
    """Caught of all that was disguised."""
    tried = [row["caught"] for row in rows if row["trick"] != AS_IT_IS]
    return share(sum(one["hits"] for one in tried), sum(one["n"] for one in tried))


def _is_caught(detector: SensitivityDetector, carrier: Carrier, text: str) -> bool:
    return carrier.name in scan_text(detector, text).flagged


def _fits(trick: str, entity: str) -> bool:
    return all(entity in entities for start, entities in _FITS.items() if trick.startswith(start))


def evasion_row(trick: str, caught: Sequence[tuple[Carrier, bool]]) -> dict[str, Any]:
    """One row of the table: carriers that were tried, and whether the value was caught."""
    by_entity = {
        entity: share_of(hit for carrier, hit in caught if carrier.entity == entity) for entity in ENTITIES
    }
    return {"trick": trick, "caught": share_of(hit for _, hit in caught), "by_entity": by_entity}
