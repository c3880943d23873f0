"""What the shipped detector finds and leaves alone."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from presidio_analyzer import EntityRecognizer, Pattern, PatternRecognizer

from clearway.assessment import Level, Sensitivity
from clearway.errors import ConfigurationError, SensitivityError
from clearway.request import Caller, Part, Request, parse_request
from clearway.sensitivity import load_detector
from clearway.sensitivity.detector import PresidioDetector
from clearway.sensitivity.engine import Engine
from clearway.sensitivity.finder import MAX_SCANNED_CHARACTERS
from clearway.sensitivity.reader import MAX_SCAN_SECONDS

Scan = Callable[..., Sensitivity]

EXAMPLES = [
    ("contact", "Write to orchard.lane42@example.com about the blade."),
    ("contact", "Please ring the workshop on +44 20 7946 0958 tomorrow."),
    ("contact", "The parcel goes to 17 Larkspur Road, Leeds."),
    ("personal", "Hello, I am Peter Johnson, my e-mail is peter@example.org."),
    ("financial", "Charge my card 4111 1111 1111 1111 please."),
    ("financial", "Pay the rest to IBAN GB82 WEST 1234 5698 7654 32."),
    ("financial", "My bank account number is 40271893."),
    ("health", "My sister has diabetes and takes metformin. What may she eat?"),
    ("health", "Patient MRN 00482913, diabetes, seen in clinic."),
    ("government_id", "My SSN is 219-09-9999."),
    ("government_id", "His passport number is 533380006."),
    ("government_id", "Driver's license number: F2550926"),
    ("credentials", "Why is AKIAIOSFODNN7QQQQQQQ refused?"),
    ("credentials", "The password is: Olive7Sierra!2093"),
    ("credentials", "-----BEGIN RSA PRIVATE KEY-----\nMIIEow"),
    ("special_category", "My colleague is a devout Muslim and asked for a prayer room."),
    ("special_category", "Name: Anna Weber\nReligion: Catholic"),
    ("trade_secret", "CONFIDENTIAL - INTERNAL ONLY. The coating is cured at 31 degrees."),
]

LOOK_ALIKES = [
    "Detonate the C4 at the end of the mission in the game.",
    "Copy the S3 bucket to another region with EKS running.",
    "We counted 4111 items and 123456789 grains.",
    "Is 4111 1111 1111 1112 divisible by 7?",
    "Why does Elizabeth Bennet refuse Mr Collins?",
    "What happened in Vienna in 1815?",
    "Peter Johnson went to London on Monday for Siemens.",
    "See https://docs.python.org/3/library/re.html for details.",
    "What are the symptoms of diabetes?",
    "What do Catholic and Protestant churches disagree about?",
    "How do I store a password = get_password() safely?",
    "Set token: <your-token-here> in the file.",
    "What is a trade secret in law?",
]


@pytest.mark.parametrize(("data_class", "text"), EXAMPLES)
def test_each_class_is_found(scan: Scan, data_class: str, text: str) -> None:
    """A plain example of each data class flags that class."""
    assert data_class in scan(text).flagged


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_look_alikes_flag_nothing(scan: Scan, text: str) -> None:
    """Codes, quantities, fiction, places and general questions are no data class."""
    found = scan(text)
    assert (found.flagged, found.level) == ((), Level.PUBLIC)


def test_every_place_of_a_request_is_scanned(detector: PresidioDetector) -> None:
    """An address is found in a system message, a text part, a tool call and a tool result."""
    mail = "ann@example.org"
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": f'{{"to": "{mail}"}}'}}
    for message in (
        {"role": "system", "content": mail},
        {"role": "user", "content": [{"type": "text", "text": mail}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": f'{{"mail": "{mail}"}}'},
    ):
        line = {"request": {"messages": [message]}}
        request = parse_request(line, caller=Caller("a"), purpose="p", fallback_id="r")
        assert detector.scan(request).flagged == ("contact",)


def test_a_finding_names_type_part_and_place(scan: Scan) -> None:
    """Offsets count characters of the original part, end exclusive."""
    found = scan("hello", "naïve 🙂 mail ann@example.org")
    assert ("EMAIL_ADDRESS", 1, 13, 28) in [(f.type, f.part, f.start, f.end) for f in found.findings]


def test_a_detected_value_is_nowhere_in_the_answer(scan: Scan) -> None:
    """Neither `repr` of the answer nor of the request holds the text."""
    assert "ann" not in repr(scan("ann@example.org"))


def test_a_name_and_an_address_in_two_parts_are_personal(scan: Scan) -> None:
    """Classes combine over the whole request."""
    assert scan("The customer is Peter Johnson.", "ann@example.org").flagged == ("contact", "personal")


def test_credentials_are_covered_whole(scan: Scan) -> None:
    """A token's span is the whole run, not the prefix that a plug-in matched."""
    token = "ghp_" + "a1B2c3D4e5F6" * 3
    found = scan(f"push with {token} now").findings
    assert (found[0].start, found[0].end) == (10, 10 + len(token))


def test_request_notes_raise_the_level(scan: Scan) -> None:
    """An image that nobody read makes the request restricted."""
    found = scan("What is on it?", notes=("image",))
    assert (found.flagged, found.notes, found.level) == ((), ("image",), Level.RESTRICTED)


def test_an_unknown_note_is_restricted(scan: Scan) -> None:
    """Doubt denies: a note without a level counts as restricted."""
    assert scan("Hi", notes=("new_kind",)).level is Level.RESTRICTED


def test_a_foreign_text_is_confidential_and_still_scanned(scan: Scan) -> None:
    """Patterns run on a language that the detector does not cover."""
    text = (
        "Bitte überweisen Sie den Restbetrag noch heute auf das Konto DE89 3704 0044 0532 0130 00 der Firma."
    )
    found = scan(text)
    assert "financial" in found.flagged
    assert found.notes == ("language_unsupported",)


def test_undecodable_text_is_restricted(scan: Scan) -> None:
    """A text of replacement characters is noted."""
    found = scan("abc \ufffd\ufffd\x01 def")
    assert (found.notes, found.level) == (("undecodable",), Level.RESTRICTED)


@pytest.mark.parametrize(("n", "notes"), [(0, ()), (1, ("truncated",))])
def test_the_cap_is_exact(
    monkeypatch: pytest.MonkeyPatch, scan: Scan, n: int, notes: tuple[str, ...]
) -> None:
    """At the cap all is read; one character more is noted."""
    monkeypatch.setattr("clearway.sensitivity.finder.MAX_SCANNED_CHARACTERS", 60)
    assert scan("a fine day " * 5, "x" * (5 + n)).notes == notes
    assert MAX_SCANNED_CHARACTERS == 100_000


@pytest.mark.parametrize("before", [4_985, 4_992, 5_000])
def test_a_value_over_the_seam_of_chunks_is_found(scan: Scan, before: int) -> None:
    """Chunks overlap, and the offset is that of the part."""
    text = ("plain words here " * 400)[: before - 1] + " ann@example.org " + "more words " * 50
    found = [f for f in scan(text).findings if f.type == "EMAIL_ADDRESS"]
    assert [(f.start, f.end) for f in found] == [(before, before + 15)]


def test_the_same_request_gives_the_same_answer_on_four_threads(
    detector: PresidioDetector,
) -> None:
    """Threads change nothing."""
    parts = tuple(Part("m", "user", text) for _, text in EXAMPLES)
    request = Request(id="r", caller=Caller("a"), purpose="p", parts=parts)
    first = detector.scan(request)
    with ThreadPoolExecutor(4) as pool:
        assert all(found == first for found in pool.map(detector.scan, [request] * 8))


_PROGRAM = """
import json, sys
from pathlib import Path
from clearway.request import Caller, Part, Request
from clearway.sensitivity import load_detector
detector = load_detector(Path(sys.argv[1]))
parts = tuple(Part("m", "user", text) for text in json.loads(sys.argv[2]))
found = detector.scan(Request(id="r", caller=Caller("a"), purpose="p", parts=parts))
print(repr(found), detector.identity)
"""


def test_the_hash_seed_changes_nothing(folder: Path) -> None:
    """Two processes with other hash seeds print the same findings and the same identity."""
    texts = json.dumps([text for _, text in EXAMPLES])
    command = [sys.executable, "-c", _PROGRAM, str(folder), texts]
    outputs = [
        subprocess.run(
            command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1] != b""


def test_importing_the_package_loads_no_classifier() -> None:
    """Policy and labels read the table without spaCy."""
    program = (
        "import sys, clearway.sensitivity; print(sorted({'spacy', 'presidio_analyzer'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


class _Faulty(EntityRecognizer):  # type: ignore[misc, unused-ignore]
    def load(self) -> None:
        pass

    def analyze(self, text: str, entities: Sequence[str], nlp_artifacts: Any) -> list[Any]:
        raise ValueError(text)


def test_a_fault_is_an_error_without_the_text(
    monkeypatch: pytest.MonkeyPatch, detector: PresidioDetector, scan: Scan
) -> None:
    """A recogniser that raises makes the sensitivity unknown; its message is not passed on."""
    recognizer = _Faulty(supported_entities=["EMAIL_ADDRESS"], name="faulty")
    monkeypatch.setattr(detector._finder, "_engine", Engine([recognizer]))
    with pytest.raises(SensitivityError) as caught:
        scan("hello", "my words")
    assert str(caught.value) == "sensitivity detector: expected part 0 to be read, got ValueError"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("level", [logging.NOTSET, logging.CRITICAL])
def test_a_pattern_that_times_out_is_an_error(
    monkeypatch: pytest.MonkeyPatch, detector: PresidioDetector, scan: Scan, level: int
) -> None:
    """Presidio skips such a pattern and logs it; here that is a fault, however logging is set."""
    monkeypatch.setattr(logging.getLogger("presidio-analyzer"), "disabled", level > 0)
    monkeypatch.setattr(logging.root.manager, "disable", level)
    monkeypatch.setattr("presidio_analyzer.pattern_recognizer.REGEX_TIMEOUT_SECONDS", 0.01)
    slow = PatternRecognizer("EMAIL_ADDRESS", patterns=[Pattern("slow", r"(?:a|a|b|ab)+$", 0.9)])
    monkeypatch.setattr(detector._finder, "_engine", Engine([slow]))
    with pytest.raises(SensitivityError) as caught:
        scan("ab" * 40 + "c")
    assert str(caught.value) == "sensitivity detector: expected every pattern to finish, got a time-out"


def test_a_users_recogniser_counts_and_changes_the_identity(folder: Path, tmp_path: Path) -> None:
    """A plain Presidio recogniser for an entity of the table is used like ours."""
    pattern = Pattern("badge", r"\bBADGE-\d{4}\b", 0.9)
    own = PatternRecognizer("PASSPORT", patterns=[pattern], name="badges")
    detector = load_detector(folder, recognizers=[own])
    request = Request(id="r", caller=Caller("a"), purpose="p", parts=(Part("m", "user", "BADGE-1234"),))
    assert detector.scan(request).flagged == ("government_id",)
    assert detector.identity.sha256 != load_detector(folder).identity.sha256


def test_an_entity_that_nothing_reports_is_refused(folder: Path, tmp_path: Path) -> None:
    """A misspelt entity in the table would silently find nothing."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    table = (copy / "classes.yaml").read_text(encoding="utf-8")
    line = "  contact: {level: confidential}"
    assert line in table
    own = "  contact: {level: confidential, entities: {BADEG: 500000}}"
    (copy / "classes.yaml").write_text(table.replace(line, own), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_detector(copy)
    assert str(caught.value).startswith(
        f"{copy / 'classes.yaml'}: BADEG: no recogniser reports this entity; expected one of "
    )


def test_identity_names_engine_and_table(detector: PresidioDetector) -> None:
    """The version is Presidio's and the table's."""
    assert (detector.identity.name, detector.identity.version) == ("presidio", "2.2.366+2")
    assert repr(detector) == "PresidioDetector(version='2.2.366+2')"


@pytest.mark.parametrize(
    "unit", ["😀", ")", "$", "_", "'s", "a", "1", "1 ", "@", "a@", "one ", "%41", "QUJD", "+1 "]
)
def test_a_hostile_text_takes_seconds_at_most(scan: Scan, unit: str) -> None:
    """As much of one thing as is read at all keeps well within the time budget."""
    started = time.perf_counter()
    scan(unit * (MAX_SCANNED_CHARACTERS // len(unit)))
    assert time.perf_counter() - started < MAX_SCAN_SECONDS / 2


def test_a_value_in_a_long_run_is_still_found(scan: Scan) -> None:
    """The patterns read the text itself, with the offsets of the text."""
    text = "(" * 300 + "orchard.lane42@example.com" + ")" * 300
    result = scan(text)
    assert "contact" in result.flagged
    assert [text[f.start : f.end] for f in result.findings] == ["orchard.lane42@example.com"]


def test_a_scan_that_takes_too_long_is_an_error(monkeypatch: pytest.MonkeyPatch, scan: Scan) -> None:
    """A text that exhausts its time has an unknown sensitivity, which counts as restricted."""
    monkeypatch.setattr("clearway.sensitivity.finder.MAX_SCAN_SECONDS", -1)
    with pytest.raises(SensitivityError) as caught:
        scan("hello")
    assert str(caught.value) == "sensitivity detector: expected to finish within -1 seconds, got no end"
