"""Who may ask what: callers, gateways, auditors, operators; and static keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from clearway.router import Router
from clearway.static_keys import key_digest
from clearway.testing import FakeSensitivity
from serving.app import create_app
from serving.front import Front
from serving.rate_limit import RateLimit
from tests.serving.issuers import policy_with

MakeRouter = Callable[..., Router]
MakeClient = Callable[..., TestClient]
ExpectProblem = Callable[..., None]
CHAT = {"messages": [{"role": "user", "content": "My card is 4111."}]}
LINE = {"id": "r-1", "request": CHAT}
NAMED = {**LINE, "caller": "support-bot"}
NAMES = ("support-bot", "local-dev", "plain-gateway", "other-gateway", "audit", "ops", "local-gateway")
KEYS = {name: f"cwk_{name.ljust(43, 'x')}" for name in NAMES}
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
SECTIONS = """
  - {id: plain-gateway, owner: platform-team, speaks_for: [local-dev, support-bot]}
  - {id: other-gateway, owner: platform-team, speaks_for: [support-bot], expires_on: 2026-12-31}
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
    return make_router(
        policy=policy_with(tmp_path, SECTIONS), sensitivity=FakeSensitivity({"4111": "financial"})
    )


@pytest.fixture
def keyed(keyed_router: Router) -> TestClient:
    """A client of the service over it, on the first of December."""
    front = Front(lambda: keyed_router, None, clock=lambda: NOW)
    return TestClient(create_app(keyed_router, front=front), base_url="http://127.0.0.1")


def as_(name: str) -> dict[str, str]:
    """Headers with the key of an identity."""
    return {"authorization": f"Bearer {KEYS[name]}"}


def test_a_caller_asks_for_itself(keyed: TestClient, keyed_router: Router) -> None:
    """A static key is its identity: the record names the key, and no gateway."""
    decided = keyed.post("/v1/route", json=LINE, headers=as_("support-bot")).json()
    assert keyed_router.ledger.find(decided["decision_id"]).record["caller"] == {
        "agent": "support-bot", "user": None, "verified_by": "static_key:support-bot-key", "gateway": None,
        "chain": [],
    }  # fmt: skip


@pytest.mark.parametrize("caller", ["support-bot", "local-dev", {"agent": "support-bot", "user": "ana"}])
def test_a_caller_names_nobody(keyed: TestClient, expect_problem: ExpectProblem, caller: object) -> None:
    """Who it is, and for whom it acts, is proved by its credential and never said in the body."""
    answer = keyed.post("/v1/route", json={**LINE, "caller": caller}, headers=as_("support-bot"))
    detail = "caller: expected none, since the credential says it; remove the field"
    expect_problem(answer, 422, "invalid_request", detail)


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("audit", "role: expected gateway or caller, got auditor"),
        ("ops", "role: expected gateway or caller, got operator"),
    ],
)
def test_staff_gets_no_decision(
    keyed: TestClient, expect_problem: ExpectProblem, name: str, detail: str
) -> None:
    """An auditor reads and an operator tries; neither routes."""
    expect_problem(keyed.post("/v1/route", json=NAMED, headers=as_(name)), 403, "forbidden", detail)


def test_who_reads_a_decision(keyed: TestClient) -> None:
    """The gateway that asked, the caller itself, and an auditor; for all others it is not there."""
    decided = keyed.post("/v1/route", json=NAMED, headers=as_("plain-gateway")).json()
    path = f"/v1/decisions/{decided['decision_id']}"
    status = {name: keyed.get(path, headers=as_(name)).status_code for name in NAMES}
    assert [name for name in NAMES if status[name] == 200] == ["support-bot", "plain-gateway", "audit"]
    assert set(status.values()) == {200, 404}


@pytest.mark.parametrize("name", ["support-bot", "plain-gateway", "audit"])
def test_only_operators_assess_and_try(
    keyed: TestClient, keyed_router: Router, expect_problem: ExpectProblem, name: str
) -> None:
    """A bare assessment or a dry run shows what passes the detector: not for callers, gateways, auditors."""
    role = {"support-bot": "caller", "plain-gateway": "gateway", "audit": "auditor"}[name]
    for path, line in (("/v1/assess", {"text": "a"}), ("/v1/route?dry_run=true", NAMED)):
        answer = keyed.post(path, json=line, headers=as_(name))
        expect_problem(answer, 403, "forbidden", f"role: expected operator, got {role}")
    assert keyed_router.ledger.size() == 0


def test_an_operator_tries_without_a_record(keyed: TestClient, keyed_router: Router) -> None:
    """A dry run answers like a decision, for any registered caller, and leaves nothing."""
    tried = keyed.post("/v1/route?dry_run=true", json=NAMED, headers=as_("ops")).json()
    assert tried["classes"] == {"financial": 1_000_000}
    assert tried["ledger"] == {"index": None, "leaf": None}
    assert keyed.post("/v1/assess", json={"text": "a"}, headers=as_("ops")).status_code == 200
    assert keyed_router.ledger.size() == 0


@pytest.mark.parametrize("query", ["dryrun=true", "dry_run=yes", "dry_run=", "dry_run=true&dry_run=false"])
def test_a_misspelt_dry_run_decides_nothing(
    keyed: TestClient, keyed_router: Router, expect_problem: ExpectProblem, query: str
) -> None:
    """What was meant as a try must not become a decision."""
    answer = keyed.post(f"/v1/route?{query}", json=NAMED, headers=as_("local-gateway"))
    expect_problem(answer, 422, "invalid_request", "query: expected nothing, or dry_run=true or false")
    assert keyed_router.ledger.size() == 0


def test_a_dry_run_names_its_caller(keyed: TestClient, expect_problem: ExpectProblem) -> None:
    """An operator is no caller, so a dry run has no default one."""
    answer = keyed.post("/v1/route?dry_run=true", json=LINE, headers=as_("ops"))
    detail = "caller: required field is missing; name the caller to try"
    expect_problem(answer, 422, "invalid_request", detail)


@pytest.mark.parametrize(
    ("name", "is_shown"), [("support-bot", False), ("plain-gateway", False), ("local-gateway", True)]
)
def test_who_sees_probabilities(keyed: TestClient, name: str, is_shown: bool) -> None:
    """Callers and plain gateways see which classes were flagged, not how close the others came."""
    line = LINE if name == "support-bot" else NAMED
    decided = keyed.post("/v1/route", json=line, headers=as_(name)).json()
    record = keyed.get(f"/v1/decisions/{decided['decision_id']}", headers=as_(name)).json()
    expected = {"financial": 1_000_000} if is_shown else None
    assert (decided["flagged"], decided["classes"]) == (["financial"], expected)
    assert record["classification"]["classes"] == expected


def test_an_auditor_sees_the_record_whole(keyed: TestClient, keyed_router: Router) -> None:
    """What is on the ledger, to the last field."""
    decided = keyed.post("/v1/route", json=LINE, headers=as_("support-bot")).json()
    record = keyed.get(f"/v1/decisions/{decided['decision_id']}", headers=as_("audit")).json()
    assert record == keyed_router.ledger.find(decided["decision_id"]).record


def test_tries_are_limited(keyed_router: Router, expect_problem: ExpectProblem) -> None:
    """Beyond so many a minute an operator is told how long to wait; another one is not kept waiting."""
    seconds = [0.0]
    limit = RateLimit(2, lambda: seconds[0])
    front = Front(lambda: keyed_router, None, rate_limit=limit, clock=lambda: NOW)
    client = TestClient(create_app(keyed_router, front=front), base_url="http://127.0.0.1")

    def ask(name: str = "ops") -> Any:
        return client.post("/v1/assess", json={"text": "a"}, headers=as_(name))

    assert [ask().status_code, client.post(
        "/v1/route?dry_run=true", json=NAMED, headers=as_("ops")
    ).status_code] == [200, 200]  # fmt: skip
    refused = ask()
    detail = "rate: expected at most 2 tries a minute, got more; retry in 30 s"
    expect_problem(refused, 429, "rate_limited", detail)
    assert refused.headers["retry-after"] == "30"
    assert ask("local-gateway").status_code == 200
    seconds[0] = 30.0
    assert [ask().status_code, ask().status_code] == [200, 429]


@pytest.mark.parametrize(
    ("key", "at"),
    [
        ("cwk_" + "y" * 43, NOW),
        (KEYS["ops"][:-1], NOW),
        (KEYS["ops"].upper(), NOW),
        (key_digest(KEYS["ops"]), NOW),
        (KEYS["ops"], datetime(2027, 2, 1, tzinfo=UTC)),
    ],
)
def test_a_wrong_or_expired_key_is_refused(
    keyed_router: Router, expect_problem: ExpectProblem, key: str, at: datetime
) -> None:
    """A key that is not in the file, its digest (which is), and one past its last day: 401."""
    front = Front(lambda: keyed_router, None, clock=lambda: at)
    client = TestClient(create_app(keyed_router, front=front), base_url="http://127.0.0.1")
    answer = client.post("/v1/assess", json={"text": "a"}, headers={"authorization": f"Bearer {key}"})
    detail = "authorization: expected a valid token or key of this service as a bearer token"
    expect_problem(answer, 401, "unauthenticated", detail)


def test_an_expired_identity_is_refused_with_a_good_key(
    keyed_router: Router, expect_problem: ExpectProblem
) -> None:
    """The key still holds, the registration does not: refused, and counted."""
    front = Front(lambda: keyed_router, None, clock=lambda: NOW + timedelta(days=31))
    client = TestClient(create_app(keyed_router, front=front), base_url="http://127.0.0.1")
    answer = client.post("/v1/route", json=NAMED, headers=as_("other-gateway"))
    detail = "identity: its registration has expired; its owner must review it in callers.yaml"
    expect_problem(answer, 403, "identity_lapsed", detail)
    assert front.refusals.counts == {"identity_lapsed": 1}


def test_the_one_token_still_works_beside_keys(keyed_router: Router, client_of: MakeClient) -> None:
    """CLEARWAY_TOKEN is the gateway of the callers file, whatever other credentials there are."""
    token = "correct-horse-battery-staple-0123"
    client = client_of(keyed_router, token)
    headers = {"authorization": f"Bearer {token}"}
    assert client.post("/v1/route", json=NAMED, headers=headers).status_code == 200
    assert client.post("/v1/route", json=LINE, headers=as_("support-bot")).status_code == 200


def test_a_replaced_router_brings_its_own_callers(keyed_router: Router, make_router: MakeRouter) -> None:
    """A request is authenticated by the version that decides it: a key withdrawn there is good no more."""
    versions = [keyed_router]
    app = create_app(lambda: versions[0])
    client = TestClient(app, base_url="http://127.0.0.1")
    assert client.post("/v1/route", json=LINE, headers=as_("support-bot")).status_code == 200
    versions[0] = make_router()
    answer = client.post("/v1/route", json=LINE, headers=as_("support-bot"))
    assert answer.json()["detail"].startswith("caller: required field is missing")
