"""Records of an older format: a ledger keeps them for years, and they must still replay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from clearway.ledger.canonical import canonical_json
from clearway.policy import load_policy
from clearway.record import canonical_body, facts_of, in_format
from clearway.register import load_register
from clearway.replay import first_difference
from clearway.request import Caller, parse_request
from clearway.testing import FakeComplexity, FakeSensitivity, fake_router, references

# Policy, register and six decisions as the version that wrote format 1 left them, with fake classifiers.
FORMAT_1 = Path(__file__).parent / "format_1"
RECORDS = [json.loads(line) for line in (FORMAT_1 / "records.jsonl").read_text().splitlines()]
GIVEN = {"format", "decision_id", "session", "software", "kind", "ledger_index"}
GIVEN_OF_REQUEST = {"id", "commitment", "n_parts", "n_characters"}


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: str(record["request"]["id"]))
def test_a_record_of_format_1_is_computed_again_to_the_byte(record: dict[str, Any]) -> None:
    """The old facts under the old policy and register give the old record, whatever was added since."""
    register = load_register(FORMAT_1 / "register", is_archived=True)
    router = fake_router(
        register=register,
        policy=load_policy(FORMAT_1 / "policy"),
        complexity=FakeComplexity(dict.fromkeys(references(register), 900_000)),
        sensitivity=FakeSensitivity({"4111": "financial", "flu": "health", "ana@": "personal"}),
    )
    recorded = {name: value for name, value in record.items() if name not in GIVEN}
    recorded["request"] = {k: v for k, v in record["request"].items() if k not in GIVEN_OF_REQUEST}
    replayed = in_format(router.resolve(facts_of(record)), record["format"])
    assert first_difference(recorded, replayed) is None
    assert canonical_json(recorded) == canonical_json(replayed)


def test_a_request_without_a_chain_opens_the_commitment_of_before() -> None:
    """What a commitment is over has not changed for it; a chain is bound like the rest of the caller."""
    line = {"request": {"messages": [{"role": "user", "content": "Hello"}]}}
    alone, chained = (
        parse_request(line, caller=Caller("local-dev", chain=chain), purpose="general", fallback_id="1")
        for chain in ((), ("support-bot",))
    )
    assert canonical_body(alone) == (
        b'{"caller":{"agent":"local-dev","gateway":null,"user":null,"verified_by":"command_line"},'
        b'"request":{"messages":[{"content":"Hello","role":"user"}]}}'
    )
    assert canonical_body(chained) != canonical_body(alone)
