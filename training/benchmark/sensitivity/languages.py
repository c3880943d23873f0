"""Which languages are covered: values in sentences of each, and sentences without any."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

from clearway.assessment import SensitivityDetector
from training.benchmark.sensitivity.scanning import Report, scan_text
from training.benchmark.sensitivity.shares import share_of

UNSUPPORTED: Final = "language_unsupported"
N_VALUES: Final = 12
# What a sentence's placeholder holds -> the class that it makes.
CLASSES: Final[Mapping[str, str]] = {"card": "financial", "iban": "financial", "email": "contact"}


def language_rows(
    detector: SensitivityDetector, report: Report, *, sample: int | None, seed: int
) -> list[dict[str, Any]]:
    """For each language: values found, and how many sentences without a value are noted and pinned.

    Args:
        detector: The detector.
        report: Told what is being done.
        sample: Most values in each sentence.
        seed: Of the values.
    """
    values = _values(min(N_VALUES, sample or N_VALUES), seed)
    rows = []
    for language, sentences in _sentences().items():
        report(f"languages: {language}")
        found = [
            (name, CLASSES[name] in scan_text(detector, sentence.format_map({name: value})).flagged)
            for sentence in sentences["with"]
            for name in CLASSES
            if f"{{{name}}}" in sentence
            for value in values[name]
        ]
        plain = [scan_text(detector, sentence) for sentence in sentences["without"]]
        rows.append(
            {
                "language": language,
                "recall": share_of(hit for _, hit in found),
                "by_value": {name: share_of(hit for own, hit in found if own == name) for name in CLASSES},
                "noted": share_of(UNSUPPORTED in said.notes for said in plain),
                "flagged": share_of(bool(said.flagged) for said in plain),
            }
        )
    return rows


def _sentences() -> dict[str, dict[str, list[str]]]:
    text = (files(__package__) / "languages.json").read_text(encoding="utf-8")
    sentences: dict[str, dict[str, list[str]]] = json.loads(text)
    return sentences


def _values(n: int, seed: int) -> dict[str, list[str]]:
    from faker import Faker

    faker = Faker("en_US")
    faker.seed_instance(seed)
    return {
        "card": [faker.credit_card_number() for _ in range(n)],
        "iban": [faker.iban() for _ in range(n)],
        "email": [faker.company_email() for _ in range(n)],
    }
