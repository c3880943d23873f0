"""`POST /v1/outcomes`: only who got a decision tells what came of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from clearway.ledger.checkpoint import Verifier
from clearway.ledger.export import snapshot
from clearway.ledger.verify import verify_entries
from clearway.outcomes import OUTCOME, outcomes_of
from clearway.router import Router
from clearway.static_keys import key_digest
from clearway.testing import fake_request
from serving.app import create_app
from serving.front import Front
from tests.serving.issuers import policy_with

MakeRouter = Callable[..., Router]
ExpectProblem = Callable[..., None]
CHAT = {"messages": [{"role": "user", "content": "Hello"}]}
NAMES = ("support-bot", "local-dev", "plain-gateway", "other-gateway", "audit", "ops", "local-gateway")
KEYS = {name: f"cwk_{name.ljust(43, 'x')}" for name in NAMES}
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
UNKNOWN = "decision: none with this id; check the id"
SECTIONS = """
  - {id: plain-gateway, owner: platform-team, speaks_for: [local-dev, support-bot]}
  - {id: other-gateway, owner: platform-team, speaks_for: [local-dev, support-bot]}
staff:
  - {id: audit, owner: platform-team, roles: [auditor]}
  - {id: ops, owner: platform-team, roles: [operator]}
keys:
""" + "".join(
    f'  - {{id: {name}-key, identity: {name}, sha256: "{key_digest(key)}", expires_on: 2027-01-31}}\n'
    for name, key in KEYS.items()
)


@pytest.fixture
def keyed_router(make_router: MakeRouter, tmp_path: Path) -> Router:
    """A router whose callers file has a key for each role."""
    return make_router(policy=policy_with(tmp_path, SECTIONS))


@pytest.fixture
def keyed(keyed_router: Router) -> TestClient:
    """A client of the service over it, on the first of December."""
    front = Front(lambda: keyed_router, None, clock=lambda: NOW)
    return TestClient(create_app(keyed_router, front=front), base_url="http://127.0.0.1")


def as_(name: str) -> dict[str, str]:
    """Headers with the key of an identity."""
    return {"authorization": f"Bearer {KEYS[name]}"}


def decide(client: TestClient, name: str) -> dict[str, Any]:
    """A decision for support-bot that a gateway, or the bot itself, got."""
    line = {"request": CHAT, **({} if name == "support-bot" else {"caller": "support-bot"})}
    decided = client.post("/v1/route", json=line, headers=as_(name)).json()
    return {"decision_id": decided["decision_id"], "attempt": 1, "model": decided["model"], "status": "ok"}


@pytest.mark.parametrize("got_by", ["plain-gateway", "local-gateway", "support-bot"])
def test_only_who_got_a_decision_reports_its_outcome(
    keyed: TestClient, keyed_router: Router, expect_problem: ExpectProblem, got_by: str
) -> None:
    """For every other gateway or caller it is not there, and staff reports nothing; then it is recorded."""
    line = decide(keyed, got_by)
    for name in sorted({*NAMES} - {got_by}):
        answer = keyed.post("/v1/outcomes", json=line, headers=as_(name))
        if name in ("audit", "ops"):
            role = {"audit": "auditor", "ops": "operator"}[name]
            detail = f"role: expected gateway or caller, got {role}"
            expect_problem(answer, 403, "forbidden", detail)
        else:
            expect_problem(answer, 404, "not_found", UNKNOWN)
    assert outcomes_of(keyed_router.ledger, line["decision_id"]) == ()
    answer = keyed.post("/v1/outcomes", json=line, headers=as_(got_by))
    assert (answer.status_code, answer.json()["result"], answer.json()["marks"]) == (200, "recorded", [])
    record = keyed_router.ledger.get(answer.json()["ledger"]["index"]).record
    assert record["reported_by"] == {"id": got_by, "verified_by": f"static_key:{got_by}-key"}


def test_an_outcome_comes_twice_late_and_corrected(client: TestClient, router: Router) -> None:
    """Each accepted report is a record, a repeated one is not, and the ledger verifies after."""
    decided = client.post("/v1/route", json={"caller": "local-dev", "request": CHAT}).json()
    about = {"decision_id": decided["decision_id"], "attempt": 1}
    served = {**about, "model": decided["model"], "status": "ok", "cost_usd": "0.001", "output_tokens": 3}
    lines = [served, served, {**about, "grade": 0.75}, {**about, "output_tokens": 4}, served]
    said = [client.post("/v1/outcomes", json=line).json()["result"] for line in lines]
    assert said == ["recorded", "repeated", "updated", "updated", "repeated"]
    assert len(list(router.ledger.entries(kind=OUTCOME))) == 3
    (stands,) = outcomes_of(router.ledger, decided["decision_id"])
    assert (stands.output_tokens, stands.grade_ppm, stands.cost_nusd) == (4, 750_000, 1_000_000)
    found = verify_entries(*snapshot(router.ledger), Verifier.parse(router.ledger.public_key))
    assert (found.ok, found.size) == (True, 4)


def test_a_model_that_was_not_cleared_is_recorded_and_marked(client: TestClient, router: Router) -> None:
    """The auditor sees that the gateway went its own way."""
    decided = client.post("/v1/route", json={"caller": "local-dev", "request": CHAT}).json()
    line = {"decision_id": decided["decision_id"], "attempt": 1, "model": "other/model", "status": "ok"}
    assert client.post("/v1/outcomes", json=line).json()["marks"] == ["unexpected_model"]
    assert outcomes_of(router.ledger, decided["decision_id"])[0].model == "other/model"


def test_a_decision_of_the_command_line_is_no_gateways(
    client: TestClient, router: Router, expect_problem: ExpectProblem
) -> None:
    """No gateway got it, so none reports on it."""
    own = router.decide(fake_request())
    line = {"decision_id": own.id, "attempt": 1, "model": own.record["model"], "status": "ok"}
    expect_problem(client.post("/v1/outcomes", json=line), 404, "not_found", UNKNOWN)


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "malformed_body"),
        (b"[]", 400, "malformed_body"),
        (b'{"attempt": NaN}', 400, "malformed_body"),
        (b'{"attempt": 1, "attempt": 1}', 400, "malformed_body"),
        (b'{"a":' * 100_000, 400, "malformed_body"),
        (b'{"decision_id": "\\u0000", "attempt": 1}', 400, "malformed_body"),
        (b"\xff", 400, "malformed_body"),
        (b" " * (4 * 1024 * 1024 + 1), 413, "request_too_large"),
        (b"{}", 422, "invalid_request"),
        (b'{"decision_id": "d", "attempt": 1, "status": "ok", "secret": 1}', 422, "invalid_request"),
        (b'{"decision_id": "d", "attempt": 1, "input_tokens": -1}', 422, "invalid_request"),
        (b'{"decision_id": "4111 1111", "attempt": 1, "grade": 1}', 422, "invalid_request"),
        (b'{"decision_id": "4111", "attempt": 1, "grade": 1}', 404, "not_found"),
    ],
)
def test_hostile_bodies_are_refused(
    client: TestClient, router: Router, content: bytes, status: int, code: str
) -> None:
    """Each is a problem document that quotes nothing, and leaves no record."""
    headers = {"content-type": "application/json"}
    answer = client.post("/v1/outcomes", content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "4111" not in answer.text
    assert "secret" not in answer.text
    assert router.ledger.size() == 0


def test_another_media_type_is_refused(client: TestClient) -> None:
    """A form that a page in a browser could send is none of ours."""
    answer = client.post("/v1/outcomes", content=b"{}", headers={"content-type": "text/plain"})
    assert answer.status_code == 415
