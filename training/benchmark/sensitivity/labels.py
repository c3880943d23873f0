"""Which entity a label of a corpus or of the detector stands for, and which labels are not scored."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# Ids of countries with few rows each: scored as one.
_NATIONAL: Final = (
    "AU_MEDICARE", "AU_TFN", "BR_CPF", "CA_SIN", "DE_ID_CARD", "DE_TAX_ID", "ES_NIE", "ES_NIF", "FR_NIR",
    "IN_AADHAAR", "IN_PAN", "IT_FISCAL_CODE", "NL_BSN", "PL_PESEL",
)  # fmt: skip
# The label of a corpus, or of the detector, -> the entity in the table.
LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "PER": "PERSON",
        "person": "PERSON",
        "ADDRESS": "STREET_ADDRESS",
        "US_DRIVER_LICENSE": "DRIVING_LICENCE",
        "DRIVER_LICENSE": "DRIVING_LICENCE",
        "US_PASSPORT": "PASSPORT",
        "US_BANK_NUMBER": "BANK_ACCOUNT",
        "BANK_ROUTING": "BANK_ACCOUNT",
        **dict.fromkeys(_NATIONAL, "NATIONAL_ID"),
    }
)
# Labels of the corpora that name no entity of the detector, or too much: a ROLE, a TITLE, a place, a date.
_NOT_SCORED = (
    "AGE DATE_TIME DOMAIN_NAME GPE IP_ADDRESS LOC LOCATION MISC NRP ORG ORGANIZATION ROLE TITLE ZIP_CODE "
    "corporation creative-work group location product"
)
NOT_SCORED: Final = frozenset(_NOT_SCORED.split())


def entity_of(label: str) -> str | None:
    """Entity that a label stands for; None where it is not scored.

    >>> entity_of("PER"), entity_of("CREDIT_CARD"), entity_of("GPE")
    ('PERSON', 'CREDIT_CARD', None)
    """
    return None if label in NOT_SCORED else LABELS.get(label, label)
