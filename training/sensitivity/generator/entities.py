"""Which entity is evidence for which data class, and the rule that turns a text's entities into its gold."""

from collections.abc import Iterable, Mapping

PUBLIC_PERSON = "PUBLIC_PERSON"
"""A public or invented person while a text is being built; handed out as PERSON, never personal data."""

_FINANCIAL = ("CREDIT_CARD", "IBAN_CODE", "BANK_ACCOUNT", "CRYPTO")
_CONTACT = ("EMAIL_ADDRESS", "PHONE_NUMBER", "STREET_ADDRESS")
_GOVERNMENT = (
    "US_SSN",
    "US_ITIN",
    "UK_NINO",
    "UK_NHS",
    "PASSPORT",
    "DRIVING_LICENCE",
    "CA_SIN",
    "AU_TFN",
    "AU_MEDICARE",
    "IN_AADHAAR",
    "IN_PAN",
    "BR_CPF",
    "ES_NIF",
    "ES_NIE",
    "IT_FISCAL_CODE",
    "DE_TAX_ID",
    "DE_ID_CARD",
    "FR_NIR",
    "NL_BSN",
    "PL_PESEL",
)

CLASS_OF_ENTITY: Mapping[str, str] = {
    **dict.fromkeys(_FINANCIAL, "financial"),
    **dict.fromkeys(_CONTACT, "contact"),
    **dict.fromkeys(_GOVERNMENT, "government_id"),
    "HEALTH_CONDITION": "health",
    "MEDICAL_RECORD_NUMBER": "health",
    "SECRET": "credentials",
    "SPECIAL_CATEGORY": "special_category",
    "TRADE_SECRET_MARKER": "trade_secret",
}

CLASSES = ("personal", *dict.fromkeys(CLASS_OF_ENTITY.values()))
_MAKE_A_NAME_PERSONAL = frozenset({"contact", "financial", "government_id", "health", "special_category"})


def classes_of(entities: Iterable[str]) -> frozenset[str]:
    """Gold classes of a text that holds these entities.

    A private person's name is personal beside a date of birth or an identifier, and nothing when bare.

    >>> sorted(classes_of(["PERSON", "EMAIL_ADDRESS"]))
    ['contact', 'personal']
    >>> classes_of(["PERSON"])
    frozenset()
    """
    present = set(entities)
    classes = {CLASS_OF_ENTITY[entity] for entity in present if entity in CLASS_OF_ENTITY}
    if "PERSON" in present and ("DATE_OF_BIRTH" in present or classes & _MAKE_A_NAME_PERSONAL):
        classes.add("personal")
    return frozenset(classes)
