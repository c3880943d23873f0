r"""Our own patterns, as rows: entity, name, score, regular expression.

The expressions are for the `regex` package with Presidio's flags (ignore case, multiline, dot matches all);
`\K` drops the context before it from the match, so that a finding covers the value alone. Scores: 0.8 and
more is a value with its context or a strict shape, 0.65 a plausible shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_OF_NUMBER = r"(?:,?\s*(?:number|num|no\b\.?|nr\b\.?|id\b|\#))?(?:\s+(?:is|was|of)\b)?[\s:=\#\"'(]{0,5}"
_CAPITAL = r"(?-i:[A-ZÀ-ÖØ-ÞĀ-Ž])[\w.'\u2019-]*"
_UNIT = r"(?:apt|apartment|suite|ste|unit|flat|floor)\b\.?\s*\#?"
_STREET = (
    r"(?:street|avenue|road|boulevard|lane|drive|court|place|square|terrace|highway|pa"
    r"rkway|crescent|close|gardens|mews|"
    r"(?-i:St|Ave|Rd|Blvd|Ln|Dr|Ct|Pl|Sq|Hwy|Pkwy|ST|AVE|RD|BLVD|LN|DR))(?:\b\.?)"
)
_DATE = (
    r"(?:\d{1,2}[/.-]\d{1,2}[/.-](?:19|20)?\d{2}\b|(?:19|20)\d{2}[/.-]\d{1,2}[/.-]\d{1,2}\b|"
    r"\d{1,2}(?:st|nd|rd|th)?\s+(?:of\s+)?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?,?\s+"
    r"(?:19[2-9]\d|20\d{2})\b|"
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+\d{1,2}"
    r"(?:st|nd|rd|th)?,?\s+(?:19[2-9]\d|20\d{2})\b)"
)
_LIVES = (
    r"(?:address(?:es)?\b|\b(?:lives?|living|resid(?:e|es|ing)|located|moved|meet|is|are)\s+"
    r"(?:at|on|in|to)\b|"
    r"\b(?:deliver(?:ed|y)?|ship(?:ped)?|sen[dt]|mail(?:ed)?|taxi|drops?\s+you\s+off|arrived)\b"
    r"(?:\s+\w+){0,4}?\s+(?:to|at)\b|\bbilling\b)"
)
_ASSIGNED = (
    r"\b[\w.-]{0,40}(?:passw(?:or)?d|passwd|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key|"
    r"auth[_-]?key|private[_-]?key|client[_-]?key|credentials?)[\w.-]{0,20}"
)


@dataclass(frozen=True, slots=True)
class PatternRow:
    """One pattern: what it finds, what it is called, how sure it is."""

    entity: str
    name: str
    score: float
    regex: str


PATTERNS: Final = (
    PatternRow("US_SSN", "delimited", 0.65, r"\b(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\b(?!-)"),
    PatternRow(
        "US_SSN",
        "after its name",
        0.9,
        r"\b(?:ssns?|social\s+security)\b" + _OF_NUMBER + r"\K\d{3}[- .]?\d{2}[- .]?\d{4}\b",
    ),
    PatternRow("UK_NHS", "after its name", 0.9, r"\bnhs\b" + _OF_NUMBER + r"\K\d{3}[- ]?\d{3}[- ]?\d{4}\b"),
    PatternRow(
        "PASSPORT",
        "after its name",
        0.85,
        r"\bpassport\b" + _OF_NUMBER + r"\K(?=[A-Z\d]*\d{5})[A-Z]{0,3}\d{5,9}[A-Z]?\d{0,2}\b",
    ),
    PatternRow(
        "DRIVING_LICENCE",
        "after its name",
        0.85,
        r"\b(?:driv(?:er|ing)['\u2019]?s?['\u2019]?\s+licen[cs]e|(?-i:DL|DVLA))\b"
        + _OF_NUMBER
        + r"\K(?=[A-Z\d-]*\d{4})[A-Z\d](?:[A-Z\d-]| (?=\d)){4,18}\b",
    ),
    PatternRow(
        "BANK_ACCOUNT",
        "after its name",
        0.85,
        r"\b(?:(?:bank|checking|savings|current)\s+(?:account|acct)|account\s*"
        r"(?:number|no\b\.?|\#)|acct|a/c)\b" + _OF_NUMBER + r"\K\d{6,17}\b",
    ),
    PatternRow(
        "BANK_ACCOUNT", "sort code", 0.8, r"\bsort[\s-]?code\b" + _OF_NUMBER + r"\K\d{2}-?\d{2}-?\d{2}\b"
    ),
    PatternRow(
        "BANK_ACCOUNT", "routing number", 0.8, r"\b(?:routing|aba)\b" + _OF_NUMBER + r"\K[0-3]\d{8}\b"
    ),
    PatternRow(
        "PHONE_NUMBER",
        "after its name",
        0.8,
        r"\b(?:tele)?(?:phone|mobile|cell(?:phone)?|fax|tel|whatsapp|call\s+(?:me|us|him|her|them))\b\.?"
        r"(?:\s*(?:number|no\b\.?|\#))?(?:\s+(?:is|at|on|to)\b)?[\s:=]{0,5}"
        r"\K(?=(?:\D{0,2}\d){7,15}(?!\d))\+?\(?\d[\d ()./x-]{6,22}\d\b",
    ),
    PatternRow(
        "PHONE_NUMBER",
        "before its name",
        0.8,
        r"(?<![\w.])\+?\(?\d[\d ()./x-]{7,22}\d\b(?=\s+(?:office|fax|mobile|cell|home|work)\b)",
    ),
    PatternRow(
        "PHONE_NUMBER",
        "North American",
        0.7,
        r"(?<![\w.+/-])(?:\+?1[ .-])?(?:\([2-9]\d{2}\)[ ]?|[2-9]\d{2}[.-])[2-9]\d{2}[.-]\d{4}"
        r"(?:\s?x\d{1,5})?(?![\w-])",
    ),
    PatternRow(
        "PHONE_NUMBER",
        "international",
        0.75,
        r"(?<![\w+])\+[1-9]\d{0,2}[ .-]?(?:\(\d{1,4}\)[ .-]?)?(?:\d{1,4}[ .-]?){2,4}\d{2,4}(?![\w-])",
    ),
    PatternRow(
        "PHONE_NUMBER",
        "British",
        0.7,
        r"(?<![\w.+-])(?:0(?:20[ ]\d{4}[ ]\d{4}|\d{3}[ ]\d{3}[ ]\d{4}|\d{4}[ ]\d{6}|7\d{3}"
        r"[ ]\d{3}[ ]?\d{3}))(?![\w-])",
    ),
    PatternRow(
        "STREET_ADDRESS",
        "number and street word",
        0.8,
        r"(?<![\w.,-])\d{1,5}[A-Z]?,?[ ]+(?:" + _CAPITAL + r"[ ]+){1,4}" + _STREET,
    ),
    PatternRow(
        "STREET_ADDRESS",
        "number and unit",
        0.8,
        r"\b\d{1,6}[ ][^\n\d][^\n]{2,40}?[,\s>]+" + _UNIT + r"\d{1,5}\b",
    ),
    PatternRow("STREET_ADDRESS", "military post", 0.8, r"\b[AFD]PO,?\s+A[AEP]\s+\d{5}\b"),
    PatternRow("STREET_ADDRESS", "post box", 0.8, r"\bp\.?[ ]?o\.?[ ]box[ ]+\d{1,6}\b"),
    PatternRow(
        "STREET_ADDRESS",
        "street word and number",
        0.75,
        r"\b(?:rue|via|calle|rua|rúa|strasse|straße|avenida|ulica|ul\.|piazza|plaza|viale|"
        r"paseo)[ ]+(?:(?:de|del|della|la|du|des|da|do)[ ]+)*"
        r"(?:" + _CAPITAL + r"[ ]+){1,4}\d{1,5}\b",
    ),
    PatternRow(
        "STREET_ADDRESS",
        "compound street and number",
        0.75,
        r"\b(?-i:[A-ZÀ-ÖØ-ÞĀ-Ž])\p{L}{2,}(?:stra"
        r"(?:ß|ss)e|gasse|gatan|gata|katu|vej|weg|platz|plein|laan|straat|tie|kuja)"
        r"[ ]\d{1,4}\b",
    ),
    PatternRow(
        "STREET_ADDRESS",
        "after where",
        0.7,
        _LIVES
        + r"[^\n\d]{0,24}[\s:]+\K\d{1,5}(?:[ ]\d{1,5})?,?[ ](?:\p{L}{1,3}\.?[ ])?"
        + _CAPITAL
        + r"[^\n]{0,60}",
    ),
    PatternRow(
        "STREET_ADDRESS",
        "after where, street first",
        0.7,
        _LIVES + r"[ ]+\K(?:" + _CAPITAL + r"[ ]+){1,4}\d{1,4}(?=[,\s.]+(?-i:[A-Z\d]|street|st\b))",
    ),
    PatternRow(
        "STREET_ADDRESS",
        "after where, then lines",
        0.7,
        r"address(?:es)?\b[^\n\d]{0,40}[\s:]+\K\d{1,5}[ ][^\n]{3,60}(?:\n|,)[^\n]{0,40}\b\d{4,6}\b",
    ),
    PatternRow(
        "DATE_OF_BIRTH",
        "after birth",
        0.9,
        r"\b(?:born|d\.?o\.?b\b\.?|date\s+of\s+birth|birth\s?date|birthday)\b[^\n\d]{0,15}?\K" + _DATE,
    ),
    PatternRow(
        "MEDICAL_RECORD_NUMBER",
        "after its name",
        0.9,
        r"\b(?:mrn|medical\s+record)\b" + _OF_NUMBER + r"\K(?=[A-Z\d-]*\d{4})[A-Z\d-]{5,14}\b",
    ),
    PatternRow(
        "SECRET", "private key block", 1.0, r"-----BEGIN[ ](?:[A-Z]+[ ]){0,3}PRIVATE[ ]KEY(?:[ ]BLOCK)?-----"
    ),
    PatternRow(
        "SECRET",
        "bearer",
        0.8,
        r"\bauthorization['\"]?\s*:\s*['\"]?(?:bearer|basic|token)\s+\K(?=\S*\d|\S*"
        r"(?-i:[a-z]\S*[A-Z]))[\w+/.=~-]{10,}",
    ),
    PatternRow(
        "SECRET",
        "stated password",
        0.8,
        r"\b(?:password|passwd|passphrase|passcode)\b(?:\s*(?:is\b|was\b|:|=)){1,2}\s*[\"'`]?\K"
        r"(?=[^\s\"'`]*\d)(?=[^\s\"'`]*\p{L})(?![^\s\"'`]*[(<{\[$])[^\s\"'`,;]{7,64}",
    ),
    PatternRow(
        "SECRET",
        "assigned to a telling name",
        0.75,
        _ASSIGNED + r"[\"'`\]]{0,2}\s*(?:=>|:=|[=:])\s*[\"'`]?\K"
        r"(?=[^\s\"'`]*\d)(?=[^\s\"'`]*\p{L})(?![^\s\"'`]*[(<{\[$])[\w+/.~=!@%^&*-]{16,}",
    ),
    PatternRow(
        "SECRET",
        "user and password in a URL",
        0.8,
        r"\b[a-z][a-z+]{1,14}://[^\s/:@\"'<>${]{1,64}:\K[^\s/:@\"'<>${\[]{3,128}(?=@[\w-])",
    ),
)
