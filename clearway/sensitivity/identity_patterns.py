"""Patterns of numbers that identify a person, an account or a patient, as rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from clearway.sensitivity import check_digits as check
from clearway.sensitivity.patterns import MIN_ANCHOR_DIGITS, MONTH, PatternRow, after, before, named

_SSN: Final = r"(?!000|666|9\d\d)\d{3}[- .\u2010-\u2015]?(?!00)\d{2}[- .\u2010-\u2015]?(?!0000)\d{4}(?![\w-])"
# Around a number: a name, what stands between, and the value. Around a name: the same, the other way round.
_REACH: Final = (120, 40)
_REACH_PARTS: Final = (20, 140)
_SSN_NAMES: Final = (
    r"ssns?|(?:the|my|his|her|their|your)\s+social|social[\s_-]*sec(?:urity)?|soc[\s_-]?sec|s\.s\.n\.?"
)
_SSN_PARTS: Final = ("ssn", "s.s.n", "social", "soc sec", "soc-sec", "socsec")
_YEAR: Final = r"(?:19\d{2}|20[0-3]\d)"
_DATE: Final = (
    rf"(?:\d{{1,2}}\s?[/.-]\s?\d{{1,2}}\s?[/.-]\s?(?:19|20)?\d{{2}}\b|{_YEAR}[/.-]\d{{1,2}}"
    rf"[/.-]\d{{1,2}}|"
    rf"\d{{1,2}}(?:st|nd|rd|th|\.)?[\s-]+(?:of\s+|de\s+)?{MONTH}\.?,?[\s-]+(?:de\s+)?"
    rf"{_YEAR}\b|"
    rf"{MONTH}\.?\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+{_YEAR}\b|(?:19[2-9]\d|20[0-2]\d)(?:0\d|1"
    rf"[0-2])(?:[0-2]\d|3[01])\b)"
)
_BIRTH: Final = (
    r"born|dob|d\.o\.b\.?|b\.(?=[ ]?[0-3]?\d\D)|(?:date|day)[\s_-]*of[\s_-]*birth|birth[\s"
    r"_-]?(?:date|day)|geburtsdatum|geboren|"
    r"n\u00e9e?\s+le|date[\s_-]de[\s_-]naissance|nacid[oa]|fecha[\s_-]de[\s_-]nacimiento|n"
    r"at[oa][ ]il"
)
_LICENCE: Final = (
    r"state[ _-]?id|driv(?:er|ing)['\u2019]?s?['\u2019]?[\s_-]*licen[cs]e|dvla|f\u00fchrer"
    r"schein|permis[\s_-]de[\s_-]conduire"
)
_LICENCE_NUMBER: Final = (
    r"(?=[A-Z\d-]*(?:\d[ -]?){4})[A-Z\d](?:[A-Z\d-]|[ ](?=\d)){4,19}(?<=\d|[A-Z]{2}|\d[A-Z])(?![\w-])"
)
_RECORD: Final = (
    r"mrn|medical[\s_-]*record|(?:patient|chart|hospital|health[\s_-]*(?:card|insurance|pl"
    r"an)|insurance[\s_-]*member|"
    r"beneficiary|medicaid|medicare|nhs)[\s_-]*(?:id|no|num|number|identifier|record|\#)"
)


def _national(
    entity: str,
    names: str,
    value: str,
    parts: str,
    n_digits: int,
    check_digit: Callable[[str], int] | None = None,
) -> tuple[PatternRow, ...]:
    """A number after its name; where it has a check digit, the digit must hold."""
    row = PatternRow(
        entity,
        "after its name",
        0.95 if check_digit else 0.85,
        after(names, value),
        tuple(part.replace("+", " ") for part in parts.split()),
        n_digits,
        check_digit,
        reach=_REACH if n_digits >= MIN_ANCHOR_DIGITS else _REACH_PARTS,
    )
    return (row,)


NATIONAL_PATTERNS: Final = (
    PatternRow(
        "US_SSN",
        "delimited",
        0.65,
        r"(?<![\w.-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])",
        n_digits=9,
        reach=(20, 20),
    ),
    PatternRow("US_SSN", "after its name", 0.9, after(_SSN_NAMES, _SSN), _SSN_PARTS, 9, reach=_REACH),
    PatternRow(
        "US_SSN",
        "in a table or an answer",
        0.7,
        named(_SSN_NAMES)
        + (
            r"[^\0]{0,300}?(?<![\w.-]|\d )\K(?!000|666|9\d\d)\d{3}[ .](?!00)\d{2}[ .](?!0000)\d{4}"
            r"(?![\w-]| \d)"
        ),
        _SSN_PARTS,
        9,
        reach=(340, 20),
    ),
    PatternRow("US_SSN", "before its name", 0.9, before(_SSN, _SSN_NAMES), _SSN_PARTS, 9, reach=(20, 70)),
    PatternRow(
        "US_SSN",
        "grouped by blanks",
        0.5,
        r"(?<![\w.-]|\d )(?!000|666|9\d\d)\d{3} (?!00)\d{2} (?!0000)\d{4}(?![\w-]| \d)",
        n_digits=9,
        reach=(20, 20),
    ),
    PatternRow(
        "US_ITIN",
        "grouped",
        0.65,
        r"(?<![\w.-])9\d{2}[- ](?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])[- ]\d{4}(?![\w-])",
        n_digits=9,
        reach=(20, 20),
    ),
    *_national(
        "US_ITIN",
        r"itin|(?:individual[\s_-]*)?tax(?:payer)?[\s_-]*id\w*",
        r"9\d{2}[- ]?[5-9]\d[- ]?\d{4}\b",
        "itin tax",
        9,
    ),
    PatternRow(
        "UK_NINO",
        "shape",
        0.75,
        (
            r"\b(?-i:(?!BG|GB|NK|KN|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z])[ -]?\d{2}[ -]?\d"
            r"{2}[ -]?\d{2}[ -]?(?-i:[A-D])\b"
        ),
        n_digits=6,
        reach=(20, 20),
    ),
    *_national(
        "UK_NINO",
        r"national[\s_-]*insurance|nino|ni[\s_-]*(?:number|no)",
        r"[a-z]{2}[ -]?\d{2}[ -]?\d{2}[ -]?\d{2}[ -]?[a-d]\b",
        "insurance nino ni",
        6,
    ),
    *_national("UK_NHS", r"nhs", r"\d{3}[- ]?\d{3}[- ]?\d{4}(?![\w-])", "nhs", 10, check.nhs),
    *_national(
        "CA_SIN",
        r"sins?|social[\s_-]*insurance",
        r"\d{3}[- ]?\d{3}[- ]?\d{3}(?![\w-])",
        "sin insurance",
        9,
        check.luhn,
    ),
    *_national(
        "AU_TFN",
        r"tfn|tax[\s_-]*file",
        r"\d{3}[- ]?\d{3}[- ]?\d{3}(?![\w-])",
        "tfn file",
        9,
        check.tax_file_number,
    ),
    *_national(
        "AU_MEDICARE",
        r"medicare",
        r"[2-6]\d{3}[- ]?\d{5}[- ]?\d(?:[ /-]?\d)?(?![\w-])",
        "medicare",
        10,
        check.medicare,
    ),
    *_national(
        "DE_TAX_ID",
        r"steuer[\s-]*(?:id|identifikationsnummer|nummer)\w*|idnr|german[\s_-]*tax|tax[\s_-]*id\w*|tin",
        r"\d{2}[ ]?\d{3}[ ]?\d{3}[ ]?\d{3}(?![\w-])",
        "steuer idnr tax tin",
        11,
        check.german_tax_id,
    ),
    *_national(
        "NATIONAL_ID",
        (
            r"personalausweis\w*|ausweis(?:nummer|nr)\w*|(?:national|german)[\s_-]*(?:identity|id)"
            r"\b[\s_-]*(?:card)?|"
            r"(?:identity[\s_-]*|id[ _-]?)card|government[\s_-]*id|citizen[\s_-]*id|carta\s+d['"
            r"\u2019]identit\u00e0"
        ),
        r"(?=(?:[a-z -]*\d){2})(?:[a-z]{1,3}[ -]?)?(?:\d[\da-z]{5,11}|(?-i:[A-Z\d]{9,10}))(?![\w-])",
        "ausweis national german identity idcard id_card id-card id+card government citizen carta",
        1,
    ),
    PatternRow(
        "ES_NIF",
        "shape",
        0.85,
        r"(?<![\w-])\d{8}[ -]?[A-HJ-NP-TV-Z](?![\w-])",
        (),
        8,
        check.spanish,
        reach=(20, 20),
    ),
    PatternRow(
        "ES_NIE",
        "shape",
        0.85,
        r"(?<![\w-])[XYZ][ -]?\d{7}[ -]?[A-HJ-NP-TV-Z](?![\w-])",
        (),
        7,
        check.spanish,
        reach=(20, 20),
    ),
    PatternRow(
        "FR_NIR",
        "shape",
        0.9,
        (
            r"(?<![\w-])[12][ .]?\d{2}[ .]?(?:0[1-9]|1[0-2]|[2-4]\d)[ .]?(?:\d{2}|2[AB])[ .]?\d{3}"
            r"[ .]?\d{3}[ .]?\d{2}(?![\w-])"
        ),
        (),
        7,
        check.french,
        reach=(40, 40),
    ),
    PatternRow(
        "IT_FISCAL_CODE",
        "shape",
        0.95,
        r"(?<![\w-])[A-Z]{6}\d{2}[ABCDEHLMPRST](?:[04][1-9]|[15]\d|[26]\d|[37][01])[A-Z]\d{3}[A-Z](?![\w-])",
        (),
        2,
        check.italian,
        needs="has_long_run",
    ),
    PatternRow(
        "IN_AADHAAR",
        "grouped",
        0.6,
        r"(?<![\w-]|\d )[2-9]\d{3}[ -]\d{4}[ -]\d{4}(?![\w-]| \d)",
        (),
        12,
        check.aadhaar,
        reach=(20, 20),
    ),
    *_national(
        "IN_AADHAAR",
        r"aadha+r|uidai|uid",
        r"[2-9]\d{3}[ -]?\d{4}[ -]?\d{4}(?![\w-])",
        "aadha uid",
        12,
        check.aadhaar,
    ),
    PatternRow(
        "IN_PAN",
        "shape",
        0.65,
        r"(?<![\w-])(?-i:[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z])(?![\w-])",
        n_digits=4,
        reach=(20, 20),
    ),
    *_national(
        "IN_PAN",
        r"pan|permanent[\s_-]*account",
        r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z](?![\w-])",
        "pan permanent",
        4,
    ),
    *_national("NATIONAL_ID", r"pesel", r"\d{11}(?![\w-])", "pesel", 11, check.pesel),
    *_national(
        "NATIONAL_ID",
        r"bsn|burgerservicenummer|sofi[\s_-]?nummer",
        r"\d{4}[. ]?\d{2}[. ]?\d{3}(?![\w-])",
        "bsn burger sofi",
        9,
        check.citizen_service_number,
    ),
    PatternRow(
        "NATIONAL_ID",
        "CPF",
        0.9,
        r"(?<![\w-])\d{3}\.\d{3}\.\d{3}-\d{2}(?![\w-])",
        (),
        11,
        check.cpf,
        reach=(20, 20),
    ),
    *_national("NATIONAL_ID", r"cpf", r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}(?![\w-])", "cpf", 11, check.cpf),
    *_national(
        "NATIONAL_ID",
        r"personnummer|person[\s_-]?nr|samordningsnummer",
        r"(?:19|20)?\d{6}[-+]?\d{4}(?![\w-])",
        "person samordning",
        10,
    ),
    PatternRow(
        "PASSPORT",
        "after its name",
        0.85,
        after(
            r"passp\w*|reisepass\w*|passeport|pasaporte|passaporto",
            r"(?:(?=(?:[A-Z]*\d){4})[A-Z\d]{6,10}|(?=[A-Z]*\d)(?-i:[A-Z\d]{8,10}))(?![\w-])",
        ),
        ("passp", "reisepass", "passeport", "pasaporte", "passaporto"),
        reach=(20, 140),
    ),
    PatternRow(
        "DRIVING_LICENCE",
        "after its name",
        0.85,
        after(_LICENCE, _LICENCE_NUMBER),
        ("licen", "state id", "state_id", "state-id", "stateid", "dvla", "f\u00fchrerschein", "permis"),
        4,
        reach=_REACH,
    ),
    PatternRow(
        "DRIVING_LICENCE",
        "after DL",
        0.85,
        after(r"(?-i:DL)", _LICENCE_NUMBER),
        (),
        4,
        words=frozenset({"dl"}),
        reach=_REACH,
    ),
    PatternRow(
        "DRIVING_LICENCE",
        "British shape",
        0.85,
        (
            r"(?<![\w-])(?-i:[A-Z9]{5})\d(?:[05][1-9]|[16][0-2])(?:[0-2]\d|3[01])\d(?-i:[A-Z9]{2}["
            r"A-Z\d][A-Z]{2})(?![\w-])"
        ),
        n_digits=6,
        reach=(40, 40),
    ),
    PatternRow(
        "DATE_OF_BIRTH",
        "after birth",
        0.9,
        after(_BIRTH, _DATE, 30),
        (
            "born",
            "birth",
            "dob",
            "b. ",
            *(f"b.{digit}" for digit in range(10)),
            "d.o.b",
            "gebur",
            "gebor",
            "n\u00e9",
            "naissance",
            "nacid",
            "nacim",
            "nato il",
            "nata il",
        ),
        4,
        reach=(90, 60),
    ),
    PatternRow(
        "DATE_OF_BIRTH",
        "in a table or a list",
        0.6,
        named(r"born|dob|d\.o\.b\.?|birth[\s_-]?(?:date|days?)|(?:date|day)[\s_-]*of[\s_-]*birth|passengers?")
        + r"[^\0]{0,300}?(?<![\w.-])\K"
        + _DATE,
        ("born", "birth", "dob", "d.o.b", "passenger"),
        4,
        reach=(380, 60),
    ),
    PatternRow(
        "MEDICAL_RECORD_NUMBER",
        "ICD code",
        0.6,
        after(
            r"icd(?:-?(?:9|10|11)(?:-?cm)?)?|diagnos\w+|dx|codes?|claim|patient",
            r"[A-TV-Z]\d{2}(?:\.\d{1,2})?(?![\w.-])",
            60,
        ),
        ("icd", "diagnos", "dx", "code", "claim", "patient"),
        2,
        reach=(20, 140),
    ),
    PatternRow(
        "MEDICAL_RECORD_NUMBER",
        "after its name",
        0.9,
        after(_RECORD, r"(?=[A-Z\d-]*\d{4}|(?:\d-?){5})[A-Z\d][A-Z\d-]{4,14}(?![\w-])"),
        (
            "mrn",
            "record",
            "patient",
            "chart",
            "hospital",
            "health",
            "member",
            "beneficiary",
            "medicaid",
            "medicare",
            "nhs",
        ),
        4,
        reach=_REACH,
    ),
)
