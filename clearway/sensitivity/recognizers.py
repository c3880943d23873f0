"""The recognisers in use, ordinary Presidio ones: the strong ones that Presidio ships, and our own rows."""

from __future__ import annotations

import os
from itertools import groupby
from pathlib import Path

# Presidio's e-mail recogniser asks tldextract, which otherwise fetches its list from the network.
os.environ["TLDEXTRACT_PUBLIC_SUFFIX_LIST_URLS"] = ""

import regex  # type: ignore[import-untyped, unused-ignore]
import tldextract
from presidio_analyzer import EntityRecognizer, Pattern, PatternRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    CryptoRecognizer,
    EmailRecognizer,
    IbanRecognizer,
    NhsRecognizer,
    PhoneRecognizer,
    SpacyRecognizer,
    UkNinoRecognizer,
    UsItinRecognizer,
)

from clearway.sensitivity.patterns import PATTERNS
from clearway.sensitivity.secret_scan import SecretRecognizer
from clearway.sensitivity.word_lists import HEALTH_FILE, MARKER_FILE, SPECIAL_FILE, alternation, load_words

PHONE_CONTEXT = ["phone", "telephone", "tel", "cell", "cellphone", "mobile", "call", "fax", "sms", "whatsapp"]


class OfflineEmailRecognizer(EmailRecognizer):  # type: ignore[misc, unused-ignore]
    """Presidio's e-mail recogniser with the bundled suffix list: no network, no cache on disk."""

    def __init__(self) -> None:
        super().__init__(name="OfflineEmailRecognizer")
        self._suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)

    def validate_result(self, pattern_text: str) -> bool:
        """Whether the domain ends in a public suffix, or in one reserved for examples and tests."""
        host = pattern_text.rsplit("@", 1)[-1].lower()
        return self._suffixes(host).fqdn != "" or host.endswith((".example", ".test", ".invalid"))


class CardRecognizer(CreditCardRecognizer):  # type: ignore[misc, unused-ignore]
    """Presidio's card recogniser for all lengths from 12 to 19 digits; the check digit must hold."""

    def __init__(self) -> None:
        shape = (
            r"(?<![\w.-])(?=(?:[2-6]|1800))"
            r"(?:\d{12,19}|\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{1,7}|\d{4}[ -]\d{6}[ -]\d{5})(?![\w-]|\.\d)"
        )
        super().__init__(patterns=[Pattern("card", shape, 0.3)], name="CardRecognizer")


class HealthRecognizer(EntityRecognizer):  # type: ignore[misc, unused-ignore]
    """A condition near words that tie it to a person.

    One's own or a relative's condition counts, as does a patient's by name or record number; an unnamed
    patient's counts for less.
    """

    WINDOW = 160

    def __init__(self, terms: tuple[str, ...]) -> None:
        self._term = regex.compile(r"\b" + alternation(terms) + r"(?!\w)", regex.IGNORECASE)
        self._own = regex.compile(
            r"\b(?:my|our)\s+(?:\w+['\u2019]?s?\s+){0,4}$|\bI\s+(?:have|had|got|was|am|suffer|take|tested)\b[^.?!\n]{0,40}$|"
            r"\bI['\u2019](?:m|ve)\b[^.?!\n]{0,40}$",
            regex.IGNORECASE,
        )
        patient = r"patients?|diagnosed|prescribed|treated\s+for|tested\s+positive|medical\s+history"
        record = r"mrn|medical\s+record|discharge\s+summary"
        tied = r"diagnosis|suffers?\s+from|is\s+on|has|dob"
        self._record = regex.compile(rf"\b(?:{record})\b", regex.IGNORECASE)
        self._patient = regex.compile(rf"\b(?:{patient}|{record})\b", regex.IGNORECASE)
        self._tied = regex.compile(rf"\b(?:{patient}|{record}|{tied})\b", regex.IGNORECASE)
        super().__init__(supported_entities=["HEALTH_CONDITION"], name="HealthRecognizer")

    def load(self) -> None:
        """Nothing to load."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts) -> list[RecognizerResult]:  # noqa: ARG002
        """Conditions, scored by how they are tied to a person."""
        people = [(e.start_char, e.end_char) for e in nlp_artifacts.entities if e.label_ == "PERSON"]
        found = []
        for match in self._term.finditer(text):
            start, end = match.span()
            score = self._score(text, start, end, people)
            found.append(RecognizerResult("HEALTH_CONDITION", start, end, score))
        return found

    def _score(self, text: str, start: int, end: int, people: list[tuple[int, int]]) -> float:
        if self._own.search(text[max(0, start - 60) : start]):
            return 0.8
        near = text[max(0, start - self.WINDOW) : end + self.WINDOW]
        if not self._tied.search(near):
            return 0.1
        low, high = start - self.WINDOW, end + self.WINDOW
        named = any(low <= a and b <= high and (b <= start or a >= end) for a, b in people)
        if named or self._record.search(near):
            return 0.8
        return 0.65 if self._patient.search(near) else 0.4


class SpecialCategoryRecognizer(PatternRecognizer):  # type: ignore[misc, unused-ignore]
    """Faith, origin, union, politics or orientation, said of someone in particular."""

    def __init__(self, terms: tuple[str, ...]) -> None:
        term = alternation(terms) + r"\b"
        who = (
            r"(?:I['\u2019]?\s?a?m|(?:my|our|the)\s+(?:\w+\s+)?(?:colleague|employee|boss|manager|son|daughter|wife|husband|partner|"
            r"brother|sister|friend|neighbou?r|candidate|applicant|client|patient|customer|tenant|member)"
            r"(?:,?\s+(?-i:[A-Z])[\w.'\u2019-]+){0,3},?\s+(?:is|was|who\s+is)|"
            r"(?-i:[A-Z])[\w.'\u2019-]+\s+(?-i:[A-Z])[\w.'\u2019-]+\s+is)"
        )
        field = (
            r"(?:religion|ethnicity|ethnic\s+origin|race|sexual\s+orientation|(?:trade\s+)?union\s+membership|"
            r"political\s+(?:party|affiliation|opinion))"
        )
        patterns = [
            Pattern(
                "said of someone",
                r"\b" + who + r"\s+(?:(?:a|an|the|openly|practi[cs]ing|devout)\s+){0,2}\K" + term,
                0.75,
            ),
            Pattern(
                "form field",
                r"\b" + field + r"[ ]{0,2}[:=][ ]{0,3}\K(?!null|none|string|str\b|int\b)\p{L}[\w -]{2,40}",
                0.75,
            ),
        ]
        super().__init__("SPECIAL_CATEGORY", patterns=patterns, name="SpecialCategoryRecognizer")


def shipped_recognizers(folder: Path) -> list[EntityRecognizer]:
    """Every recogniser of the default detector, in a fixed order.

    Raises:
        ConfigurationError: A word list is missing or empty.
    """
    heading = r"\btrade\s+secrets?\s*[:.\u2013\u2014](?=\s)|(?-i:\bTRADE SECRET\b)"
    markers = r"(?<!\w)" + alternation(load_words(folder / MARKER_FILE)) + r"(?!\w)"
    return [
        SpacyRecognizer(supported_entities=["PERSON"]),
        OfflineEmailRecognizer(),
        PhoneRecognizer(context=PHONE_CONTEXT, supported_regions=("US", "GB"), leniency=1),
        CardRecognizer(),
        CryptoRecognizer(),
        IbanRecognizer(),
        UsItinRecognizer(),
        UkNinoRecognizer(),
        NhsRecognizer(patterns=[Pattern("grouped", r"\b\d{3}[ -]\d{3}[ -]\d{4}\b(?<=\bnhs\b.{0,30})", 0.3)]),
        *_pattern_recognizers(),
        SecretRecognizer(),
        HealthRecognizer(load_words(folder / HEALTH_FILE)),
        SpecialCategoryRecognizer(load_words(folder / SPECIAL_FILE)),
        PatternRecognizer(
            "TRADE_SECRET_MARKER",
            patterns=[Pattern("marker", markers, 0.8), Pattern("heading", heading, 0.8)],
            name="MarkerRecognizer",
        ),
    ]


def _pattern_recognizers() -> list[EntityRecognizer]:
    rows = sorted(PATTERNS, key=lambda row: row.entity)
    return [
        PatternRecognizer(
            entity,
            name=f"Clearway{entity.title().replace('_', '')}Recognizer",
            patterns=[Pattern(row.name, row.regex, row.score) for row in group],
        )
        for entity, group in groupby(rows, key=lambda row: row.entity)
    ]
