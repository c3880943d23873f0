"""The engine: every recogniser is asked, gates cost no finding, and no text takes long."""

from __future__ import annotations

import csv
import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from presidio_analyzer import EntityRecognizer, Pattern, PatternRecognizer, RecognizerResult

from clearway.errors import SensitivityError
from clearway.sensitivity.engine import Engine
from clearway.sensitivity.personal_facts import HealthRecognizer
from clearway.sensitivity.recognizers import shipped_recognizers

CORPORA = os.environ.get("CLEARWAY_CORPORA", "")
FOUND = [
    ("EMAIL_ADDRESS", "write to ", "orchard.lane42@example.com", " today"),
    ("EMAIL_ADDRESS", "mail ", "jane.doe@mail.corp.internal", "."),
    ("PHONE_NUMBER", "you can call ", "33 93 31 77", ""),
    ("PHONE_NUMBER", "Fax: ", "001-253-366-9781x12", ""),
    ("PHONE_NUMBER", "reach the tenant on ", "(11) 96628-2498", "."),
    ("STREET_ADDRESS", "It goes to ", "17 Larkspur Road", ", Leeds"),
    ("STREET_ADDRESS", "i live at ", "42 maple street", " now"),
    ("STREET_ADDRESS", "", "33 avenue de Provence", ""),
    ("STREET_ADDRESS", "wohnhaft ", "Schomberggasse 3, 61934 Sternberg", ""),
    ("STREET_ADDRESS", "box is ", "P.O. Box 255", ""),
    ("CREDIT_CARD", "charge ", "4111 1111 1111 1111", " please"),
    ("IBAN_CODE", "to ", "GB82 WEST 1234 5698 7654 32", " of the firm"),
    ("CRYPTO", "send it to ", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", ""),
    ("BANK_ACCOUNT", '{"bankAccountNumber": "', "40271893", '"}'),
    ("BANK_ROUTING", "routing number ", "021000021", ""),
    ("US_SSN", "my social security number, if you need it, is ", "219-09-9999", ""),
    ("US_SSN", "customer_ssn=", "219099999", ""),
    ("CA_SIN", "his SIN is ", "046 454 286", ""),
    ("AU_TFN", "TFN ", "123 456 782", ""),
    ("IN_AADHAAR", "Aadhaar: ", "9999 4105 7058", ""),
    ("IT_FISCAL_CODE", "codice ", "RSSMRA85T10A562S", ""),
    ("ES_NIF", "DNI ", "12345678Z", ""),
    ("NATIONAL_ID", "CPF ", "529.982.247-25", ""),
    ("PASSPORT", "passport number (", "H73842GHW", ")"),
    ("DRIVING_LICENCE", "driver's license number is ", "LH329609T", ""),
    ("DATE_OF_BIRTH", "born on ", "12 March 1985", ""),
    ("DATE_OF_BIRTH", '"dateOfBirth": "', "1985-03-12", '"'),
    ("MEDICAL_RECORD_NUMBER", "MRN ", "00482913", ""),
    ("HEALTH_CONDITION", "my sister has ", "type 2 diabetes", " and"),
    ("HEALTH_CONDITION", "he takes ", "rosuvastatin", " daily"),
    ("SPECIAL_CATEGORY", "my colleague is a devout ", "Muslim", ""),
    ("TRADE_SECRET_MARKER", "", "strictly confidential", ": the recipe"),
    ("SECRET", "why is ", "AKIAIOSFODNN7QQQQQQQ", " refused"),
    ("SECRET", "the root password of the nas is ", "Ranger2018$", ", can you"),
    ("SECRET", "Mein Passwort ist ", "wdj4f427vT!8jX2", ""),
    ("SECRET", "postgres://app:", "s3cr3tPw", "@db.internal/app"),
    ("SECRET", "the wifi password is ", "sunflowers", ""),
    ("SECRET", "admin hash ", "$2b$12$R9h7cIPz0gi4URNNX3kh2O", " leaked"),
    ("SECRET", "the door code is ", "4821", "#"),
    ("NATIONAL_ID", "NRIC ", "S1234567D", ""),
    ("NATIONAL_ID", "my unique taxpayer reference is ", "1234567890", ""),
    ("HEALTH_CONDITION", "My ", "broken left ankle", " hurts"),
    ("HEALTH_CONDITION", "Patient diagnosed with ", "Wegener granulomatosis", ""),
    ("SECRET", "Authorization: Bearer ", "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", ""),
]
HARMLESS = [
    "Charge 4111 1111 1111 1112 please.",
    "Call it on 4111 1111 1111 1112 or 2024-03-12, 12.03.2024.",
    "There are 5 houses in a row, numbered 1 on the left to 5 on the right.",
    "The order 1Z999AA10123456784 has 12 items.",
    "Spring 2020 was warm, and the ring 5 of the 3 was worn.",
    "The wire of 150 feet has a resistance of 0.00307219662 ohm.",
    "Set password = '<your-password>' and token: ${TOKEN}.",
    "api_key = 'xxxxxxxxxxxxxxxxxxxxxxxx1'",
    "Passwords must have at least 8 characters and SHA-256 is used.",
    "commit 3f785abc90de12f3456789abcdef0123456789ab",
    "Genetic engineering aids in the growth of crops.",
]


@pytest.fixture(scope="module")
def engine(folder: Path) -> Engine:
    """The shipped recognisers behind their gates."""
    return Engine(shipped_recognizers(folder))


@pytest.fixture(scope="module")
def ungated(folder: Path) -> Engine:
    """The same without gates: every pattern reads every text whole."""
    return Engine(shipped_recognizers(folder), gated=False)


@pytest.mark.parametrize(("entity", "before", "value", "behind"), FOUND)
def test_each_kind_of_value_is_found(
    engine: Engine, entity: str, before: str, value: str, behind: str
) -> None:
    """A finding of the entity, sure enough to be weighed, covers the value's start."""
    spots = [s for s in engine.analyze(before + value + behind) if s.entity == entity and s.score >= 0.45]
    assert any(s.start <= len(before) < s.end for s in spots)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_a_value_is_left_alone(engine: Engine, text: str) -> None:
    """Failed check digits, quantities, placeholders and other words are nothing, or not sure."""
    assert [s for s in engine.analyze(text) if s.score >= 0.6 and s.entity != "PERSON"] == []


def _own_texts() -> Iterator[str]:
    for entity, before, value, behind in FOUND:
        yield before + value + behind
        yield f"{entity.lower()}\n\n> {before.upper()}{value}\t{behind}\n" + "filler words 12, 7 of 3. " * 30
    yield from HARMLESS
    yield "\n".join(before + value + behind for _, before, value, behind in FOUND)


def test_gates_cost_no_finding(engine: Engine, ungated: Engine) -> None:
    """On values alone, in upper-case contexts, with filler and all in one text, gates change nothing."""
    for text in _own_texts():
        assert engine.analyze(text) == ungated.analyze(text)


def _corpus(name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(Path(CORPORA) / "pii" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


@pytest.mark.systems
@pytest.mark.skipif(not CORPORA, reason="CLEARWAY_CORPORA names no folder of corpora")
@pytest.mark.parametrize(
    "name", ["presidio_synth_v2", "presidio_generated_large", "secrets_gitleaks", "clean_prompts", "wnut17"]
)
def test_gates_cost_no_finding_on_the_corpora(engine: Engine, ungated: Engine, name: str) -> None:
    """With gates and without, every row of the shared corpora has the same findings."""
    for row in _corpus(name):
        assert engine.analyze(row["text"]) == ungated.analyze(row["text"]), row["doc_id"]


_ENTITIES = {
    "financial": {"CREDIT_CARD", "IBAN_CODE", "BANK_ACCOUNT"},
    "government_id": {"US_SSN", "DRIVING_LICENCE"},
    "contact": {"EMAIL_ADDRESS", "PHONE_NUMBER", "STREET_ADDRESS"},
    "credentials": {"SECRET"},
}


@pytest.mark.systems
@pytest.mark.skipif(not CORPORA, reason="CLEARWAY_CORPORA names no folder of corpora")
@pytest.mark.parametrize(
    ("data_class", "floor"),
    [("financial", 0.99), ("government_id", 0.99), ("contact", 0.98), ("credentials", 0.97)],
)
def test_recall_on_the_corpora(engine: Engine, data_class: str, floor: float) -> None:
    """Before the class model, the evidence for a class is there for nearly every row that holds it."""
    gold = _gold()
    rows = [
        row
        for name in ("presidio_synth_v2", "presidio_generated_large", "secrets_gitleaks")
        for row in _corpus(name)
        if data_class in gold[row["doc_id"]]
    ]
    found = [
        any(s.entity in _ENTITIES[data_class] and s.score >= 0.6 for s in engine.analyze(row["text"]))
        for row in rows
    ]
    assert sum(found) >= floor * len(rows) > 0


def _gold() -> dict[str, set[str]]:
    with (Path(CORPORA) / "pii" / "classes.csv").open(encoding="utf-8", newline="") as lines:
        return {row["doc_id"]: set(row["classes"].split("|")) for row in csv.DictReader(lines)}


@pytest.mark.parametrize(
    "piece", ["(", "1", "a", "@", "a@", "1-", "1 ", "Aa1", "x, ", "ssn ", "address ", "12 Main ", "\n1 A"]
)
def test_hostile_text_takes_less_than_a_second(engine: Engine, piece: str) -> None:
    """A hundred thousand characters of one piece are read in linear time."""
    text = (piece * 100_000)[:100_000]
    started = time.process_time()
    engine.analyze(text)
    assert time.process_time() - started < 1.5


def test_findings_come_in_order_and_once(engine: Engine) -> None:
    """By place, the same on every call."""
    text = "ann@example.org and 4111 1111 1111 1111 and ann@example.org"
    spots = engine.analyze(text)
    assert spots == sorted(set(spots), key=lambda s: (s.start, s.end, s.entity, s.score))
    assert spots == engine.analyze(text)


class _Recorder(EntityRecognizer):  # type: ignore[misc, unused-ignore]
    """A user's recogniser that keeps what it was handed."""

    def load(self) -> None:
        self.seen: list[tuple[list[str], list[str]]] = []

    def analyze(self, text: str, entities: Sequence[str], nlp_artifacts: Any) -> list[RecognizerResult]:
        self.seen.append((list(entities), [token.text for token in nlp_artifacts.tokens]))
        return [RecognizerResult(self.supported_entities[0], 0, 3, 0.5)]


def test_a_users_recogniser_is_handed_tokens_and_its_entities() -> None:
    """An ordinary Presidio recogniser reads Presidio's artifacts."""
    own = _Recorder(supported_entities=["BADGE"], name="own")
    assert [tuple(spot) for spot in Engine([own]).analyze("abc def")] == [("BADGE", 0, 3, 0.5)]
    assert own.seen == [(["BADGE"], ["abc", "def"])]


@pytest.mark.parametrize(("text", "score"), [("the badge is B12", 0.65), ("the number is B12", 0.3)])
def test_a_context_word_raises_the_score(text: str, score: float) -> None:
    """One of a recogniser's context words among the five words before a value makes it likelier."""
    pattern = Pattern("badge", r"\bB\d\d\b", 0.3)
    own = PatternRecognizer("BADGE", patterns=[pattern], context=["badge"], name="own")
    assert [spot.score for spot in Engine([own]).analyze(text)] == [pytest.approx(score)]


def test_a_recognisers_own_thresholds_count() -> None:
    """What is under the threshold that a user set is not reported."""
    own = PatternRecognizer("BADGE", patterns=[Pattern("badge", r"B\d\d", 0.3)], name="own")
    own.score_thresholds = {"default": 0.4}
    assert Engine([own]).analyze("B12") == []


def test_names_are_handed_to_the_others(folder: Path) -> None:
    """A condition near a name that a recogniser reported is the person's."""

    class Names(EntityRecognizer):  # type: ignore[misc, unused-ignore]
        def load(self) -> None:
            pass

        def analyze(self, text: str, entities: Sequence[str], nlp_artifacts: Any) -> list[RecognizerResult]:
            at = text.find("zed")
            return [RecognizerResult("PERSON", at, at + 3, 0.9)] if at >= 0 else []

    health = next(r for r in shipped_recognizers(folder) if isinstance(r, HealthRecognizer))
    engine = Engine([health, Names(supported_entities=["PERSON"], name="names")])
    scores = {
        text: [s.score for s in engine.analyze(text) if s.entity == "HEALTH_CONDITION"]
        for text in ("zed has asthma", "who has asthma")
    }
    assert scores == {"zed has asthma": [0.8], "who has asthma": [0.4]}


def test_a_row_that_does_not_finish_is_an_error(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, folder: Path
) -> None:
    """Our own patterns do not skip a time-out in silence either."""
    monkeypatch.setattr("clearway.sensitivity.recognizers.TIMEOUT_SECONDS", 1e-9)
    with pytest.raises(SensitivityError) as caught:
        engine.analyze("mail " + "a.b" * 5_000 + "@example.org")
    assert str(caught.value) == "sensitivity detector: expected every pattern to finish, got a time-out"


def test_no_pipeline_is_loaded(folder: Path) -> None:
    """The engine analyses a text without a spaCy model."""
    program = (
        "import sys; from pathlib import Path; import spacy\n"
        "def refuse(*_, **__): raise AssertionError('a pipeline was loaded')\n"
        "spacy.load = refuse\n"
        "from clearway.sensitivity.engine import Engine\n"
        "from clearway.sensitivity.recognizers import shipped_recognizers\n"
        "spots = Engine(shipped_recognizers(Path(sys.argv[1]))).analyze('ann@example.org')\n"
        "print(len(spots), 'detect_secrets' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "1 False\n"


def test_a_marker_that_begins_with_an_apostrophe_passes_its_gate(engine: Engine) -> None:
    """Gates know words without what follows an apostrophe."""
    assert "TRADE_SECRET_MARKER" in {spot.entity for spot in engine.analyze("But don't tell anyone.")}


def test_a_password_before_a_host_is_no_address(engine: Engine) -> None:
    """`user:password@host` is a credential of a URL, not an e-mail address."""
    spots = engine.analyze("connecting with postgresql://app:Cobalt-Heron-58@db.example.com:5432/reports")
    assert {spot.entity for spot in spots} == {"SECRET"}


def test_a_name_of_code_is_no_secret(engine: Engine) -> None:
    """A variable that is read from the environment shows where the secret is not."""
    assert engine.analyze('password = os.environ["DB_PASSWORD"]') == []
