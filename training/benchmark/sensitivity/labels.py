"""Which entity types of the detector are a label of a corpus. Labels that are not here are not scored."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# The label of a corpus -> the entity in the table. Names of places and organisations are no data class.
LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "PER": "PERSON",
        "person": "PERSON",
        "ADDRESS": "STREET_ADDRESS",
        "US_DRIVER_LICENSE": "DRIVING_LICENCE",
        "DRIVER_LICENSE": "DRIVING_LICENCE",
        "US_PASSPORT": "PASSPORT",
        "US_BANK_NUMBER": "BANK_ACCOUNT",
    }
)
# Labels of the corpora that name no entity of the detector, or too much: a ROLE, a TITLE, a place, a date.
_NOT_SCORED = (
    "AGE DATE_TIME DOMAIN_NAME GPE IP_ADDRESS LOC LOCATION MISC NRP ORG ORGANIZATION ROLE TITLE ZIP_CODE "
    "corporation creative-work group location product"
)
NOT_SCORED: Final = frozenset(_NOT_SCORED.split())


def entity_of(label: str) -> str | None:
    """Entity that a label of a corpus stands for; None where it is not scored."""
    return None if label in NOT_SCORED else LABELS.get(label, label)
