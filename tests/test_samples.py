"""The samples are what their table says, and the shipped parts treat them well enough to show."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from clearway.bundle import load_bundle
from clearway.complexity import OnnxComplexityModel
from clearway.installation import data_folder, open_detector
from clearway.request import parse_json, parse_request
from clearway.router import Router
from clearway.testing import NOON, memory_ledger, shipped_policy, shipped_register

FOLDER = data_folder() / "samples"
LINES = [parse_json(line) for line in (FOLDER / "requests.jsonl").read_bytes().splitlines()]


@pytest.fixture(scope="module")
def expected() -> dict[str, dict[str, str]]:
    """Rows of `expected.csv` by id."""
    with Path(FOLDER / "expected.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def records() -> dict[str, Any]:
    """Record of each sample, decided by the shipped parts in order."""
    router = Router(
        register=shipped_register(),
        policy=shipped_policy(),
        complexity=OnnxComplexityModel(load_bundle(data_folder() / "classifiers" / "default", trusted=None)),
        sensitivity=open_detector(),
        ledger=memory_ledger(),
        clock=lambda: NOON,
    )
    callers, result = router.policy.callers, {}
    for line in LINES:
        caller = callers.from_command_line(line)
        purpose = callers.purpose_of(caller, line)
        request = parse_request(line, caller=caller, purpose=purpose, fallback_id="none")
        result[request.id] = router.decide(request).record
    return result


def test_there_are_enough_varied_samples(expected: dict[str, dict[str, str]]) -> None:
    """At least 60, of every kind, in several languages, with every data class and with look-alikes."""
    kinds = {row["kind"] for row in expected.values()}
    classes = {name for row in expected.values() for name in row["classes"].split("|") if name}
    assert len(LINES) >= 60
    assert kinds >= {"easy", "hard", "code", "maths", "multilingual", "sensitive", "lookalike"}
    assert len({row["language"] for row in expected.values()}) >= 5
    assert classes == set(shipped_classes())
    assert {line["id"] for line in LINES} == set(expected)


def test_no_look_alike_is_flagged(records: dict[str, Any], expected: dict[str, dict[str, str]]) -> None:
    """What only looks like data ("C4", "4111 items") is never the class it is bait for."""
    wrong = {
        identifier
        for identifier, row in expected.items()
        if set(row["must_not"].split("|")) & set(records[identifier]["classification"]["flagged"])
    }
    assert not wrong


@pytest.mark.parametrize(
    ("name", "least"), [("contact", 0.95), ("financial", 0.95), ("credentials", 0.95), ("government_id", 0.7)]
)
def test_most_values_with_a_form_are_found(
    records: dict[str, Any], expected: dict[str, dict[str, str]], name: str, least: float
) -> None:
    """E-mails, cards, keys and numbers of the samples are found; names and health are less sure."""
    holders = [i for i, row in expected.items() if name in row["classes"].split("|")]
    found = [i for i in holders if name in records[i]["classification"]["flagged"]]
    assert len(found) >= least * len(holders)


def test_no_restricted_sample_reaches_a_provider_that_keeps_it(records: dict[str, Any]) -> None:
    """The choice and every fallback for restricted data are self-hosted or keep nothing."""
    register = shipped_register()
    for record in records.values():
        if record["classification"]["level"] == "restricted" and record["model"]:
            for model in (record["model"], *record["fallbacks"]):
                provider = register.provider_of(model)
                assert provider.self_hosted or provider.content_kept_days == 0


def test_no_sample_text_is_in_a_record(records: dict[str, Any]) -> None:
    """No message of twenty characters or more stands in its record."""
    for line in LINES:
        record = json.dumps(records[line["id"]], ensure_ascii=False)
        for message in line["request"]["messages"]:
            content = message.get("content")
            if isinstance(content, str) and len(content) >= 20:
                assert content not in record


def shipped_classes() -> list[str]:
    """Data classes of the shipped table."""
    from clearway.sensitivity import load_class_table

    return list(load_class_table(data_folder() / "sensitivity").class_levels)
