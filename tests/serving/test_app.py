"""The HTTP service: what each request is answered with, each shown by the smallest app that shows it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.openapi.models import OpenAPI
from fastapi.testclient import TestClient

from clearway.errors import LedgerError, LedgerUnavailableError
from clearway.request import Request
from clearway.router import Router
from clearway.testing import FakeComplexity, FakeSensitivity, fake_request, memory_ledger

MakeRouter = Callable[..., Router]
MakeClient = Callable[..., TestClient]
ExpectProblem = Callable[..., None]
CANARY = "Zq7-canary-4417"
CHAT = {"messages": [{"role": "user", "content": "Hello"}]}
LINE = {"id": "r-1", "caller": "local-dev", "request": CHAT}
# The decision line of the design, and the example terms it rests on.
DECISION_LINE = {
    "id", "decision_id", "verdict", "model", "provider", "region", "fallbacks", "level", "classes", "flagged",
    "notes", "success_ppm", "success_basis", "floor_ppm", "floor_met", "guarantee", "cost", "policy",
    "exceptions", "excluded", "example_terms", "classifier", "sensitivity", "ledger", "fall_back_on",
}  # fmt: skip
ASSESSMENT_LINE = {
    "id", "level", "classes", "flagged", "findings", "success_ppm", "difficulty_ppm",
    "expected_output_tokens", "n_input_tokens", "notes",
}  # fmt: skip


class Unwritable:
    """A ledger that reads but cannot write."""

    def __init__(self) -> None:
        self._ledger = memory_ledger()

    def __getattr__(self, name: str) -> object:
        if name in ("append", "check_writable"):
            raise LedgerUnavailableError("ledger: disk full; free some space")
        return getattr(self._ledger, name)


class Broken(FakeComplexity):
    """A complexity model that fails in a way nobody expected, with the prompt in its text."""

    def score(self, request: Request) -> Any:
        """Fail as a library might."""
        raise ZeroDivisionError(f"cannot score {[part.text for part in request.parts]}")


def test_a_request_is_decided_and_recorded(client: TestClient, router: Router) -> None:
    """The answer has every field of the decision line and stands in the ledger under its index and leaf."""
    response = client.post("/v1/route", json=LINE)
    assert response.status_code == 200
    decision = response.json()
    assert set(decision) == DECISION_LINE
    assert (decision["id"], decision["verdict"], decision["level"]) == ("r-1", "route", "public")
    assert set(decision["cost"]) == {"expected_nusd", "incumbent", "incumbent_nusd"}
    assert set(decision["policy"]) == {"digest", "determining", "observed"}
    assert set(decision["classifier"]) == set(decision["sensitivity"]) == {"name", "version", "sha256"}
    entry = router.ledger.find(decision["decision_id"])
    assert decision["ledger"] == {"index": entry.index, "leaf": entry.leaf_hash.hex()}


def test_a_request_without_a_cleared_model_is_refused_in_the_answer(client: TestClient) -> None:
    """A refusal is a decision like any other: status 200, the same fields, no model."""
    response = client.post("/v1/route", json={**LINE, "purpose": "finance_operations"})
    decision = response.json()
    assert (response.status_code, decision["verdict"], decision["model"]) == (200, "refuse", None)
    assert set(decision) == DECISION_LINE


def test_a_request_without_an_id_gets_one(client: TestClient) -> None:
    """Two requests without an id are two requests."""
    line = {"caller": "local-dev", "request": CHAT}
    first, second = (client.post("/v1/route", json=line).json() for _ in range(2))
    assert first["id"] != second["id"]
    assert first["decision_id"] != second["decision_id"]


def test_the_record_names_who_asked_through_whom(client: TestClient) -> None:
    """The record, read over HTTP, has the agent, the user, the gateway and how the gateway was verified."""
    line = {**LINE, "caller": {"agent": "support-bot", "user": "ana"}}
    decision_id = client.post("/v1/route", json=line).json()["decision_id"]
    record = client.get(f"/v1/decisions/{decision_id}").json()
    assert record["decision_id"] == decision_id
    assert record["caller"] == {
        "agent": "support-bot", "user": "ana", "verified_by": "loopback", "gateway": "local-gateway",
        "chain": [],
    }  # fmt: skip


def test_a_client_cannot_say_how_it_was_verified(
    client: TestClient, router: Router, expect_problem: ExpectProblem
) -> None:
    """Neither `caller` nor the line takes a way of verification: nobody is on the command line over HTTP."""
    for caller in (
        {"agent": "local-dev", "verified_by": "command_line"},
        {"agent": "local-dev", "gateway": None},
    ):
        expect_problem(
            client.post("/v1/route", json={**LINE, "caller": caller}),
            422,
            "invalid_request",
            "caller: expected a string, or an object with agent and optionally user",
        )
    assert client.post("/v1/route", json={**LINE, "verified_by": "command_line"}).status_code == 422
    assert router.ledger.size() == 0


def test_a_decision_of_another_is_as_if_it_were_not_there(
    client: TestClient, router: Router, expect_problem: ExpectProblem
) -> None:
    """A decision made on the command line and one never made get the same answer, to the byte."""
    own = router.decide(fake_request())
    answers = [client.get(f"/v1/decisions/{name}") for name in (own.id, "0" * 32)]
    for answer in answers:
        expect_problem(answer, 404, "not_found", "decision: none with this id; check the id")
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize(
    "line",
    [
        {"id": "a-1", "text": "My card is 4111."},
        {"id": "a-1", "messages": [{"role": "user", "content": "My card is 4111."}]},
    ],
)
def test_an_assessment_of_text_or_messages(
    line: dict[str, Any], client_of: MakeClient, make_router: MakeRouter
) -> None:
    """Text and messages give the same assessment line, and nothing is recorded."""
    router = make_router(sensitivity=FakeSensitivity({"4111": "financial"}))
    response = client_of(router).post("/v1/assess", json=line)
    assert response.status_code == 200
    assessment = response.json()
    assert set(assessment) == ASSESSMENT_LINE
    assert (assessment["id"], assessment["flagged"]) == ("a-1", ["financial"])
    assert assessment["findings"] == [{"type": "financial", "start": 11, "end": 15, "score": 1.0, "part": 0}]
    assert router.ledger.size() == 0


@pytest.mark.parametrize(
    "line", [{}, {"id": "a"}, {"text": "a", "messages": []}, {"text": "a", "caller": "x"}]
)
def test_an_assessment_takes_text_or_messages_only(
    client: TestClient, line: dict[str, Any], expect_problem: ExpectProblem
) -> None:
    """Neither, both or more is refused."""
    detail = "input: expected id and either text or messages"
    expect_problem(client.post("/v1/assess", json=line), 422, "invalid_request", detail)


def test_alive_and_ready(client: TestClient) -> None:
    """A process that answers is alive; one that can write its ledger is ready."""
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_an_unwritable_ledger_is_alive_but_not_ready(
    caplog: pytest.LogCaptureFixture,
    expect_problem: ExpectProblem,
    client_of: MakeClient,
    make_router: MakeRouter,
) -> None:
    """Without a ledger the service says so to who balances the load, and in its log."""
    client = client_of(make_router(ledger=Unwritable()))
    assert client.get("/healthz").status_code == 200
    detail = "ledger: disk full; free some space"
    expect_problem(client.get("/readyz"), 503, "ledger_unavailable", detail)
    assert [r.getMessage() for r in caplog.records if r.name == "clearway.serving"] == [
        f"ledger_unavailable: {detail}"
    ]


def test_an_unwritable_ledger_decides_nothing(
    expect_problem: ExpectProblem, client_of: MakeClient, make_router: MakeRouter
) -> None:
    """No record, no route: 503, and no model in the answer."""
    router = make_router(ledger=Unwritable())
    response = client_of(router).post("/v1/route", json=LINE)
    expect_problem(response, 503, "ledger_unavailable", "ledger: disk full; free some space")
    assert router.ledger.size() == 0


def test_a_contradicting_ledger_is_a_fault_of_ours(
    router: Router, monkeypatch: pytest.MonkeyPatch, expect_problem: ExpectProblem, client_of: MakeClient
) -> None:
    """An altered ledger is 500 with the ledger's own words, which name no prompt."""

    def altered(decision_id: str) -> None:
        raise LedgerError("entry 3: altered")

    monkeypatch.setattr(router.ledger, "find", altered)
    expect_problem(client_of(router).get("/v1/decisions/a"), 500, "ledger", "entry 3: altered")


def test_the_openapi_page_is_valid_and_complete(client: TestClient) -> None:
    """`/openapi.json` parses as OpenAPI 3.1, names every path, and every error as a problem document."""
    page = client.get("/openapi.json").json()
    OpenAPI.model_validate(page)
    operations = {
        (method, path): operation
        for path, item in page["paths"].items()
        for method, operation in item.items()
    }
    assert set(operations) == {
        ("post", "/v1/route"), ("post", "/v1/assess"), ("post", "/v1/outcomes"),
        ("get", "/v1/decisions/{decision_id}"),
        ("get", "/healthz"), ("get", "/readyz"),
    }  # fmt: skip
    for operation in operations.values():
        assert {"200", "422", "500"} <= set(operation["responses"])
        for status, answer in operation["responses"].items():
            media_type = "application/json" if status == "200" else "application/problem+json"
            assert list(answer["content"]) == [media_type]
    assert set(operations["post", "/v1/route"]["responses"]) == {
        "200", "400", "401", "403", "409", "413", "415", "422", "429", "500", "503",
    }  # fmt: skip
    body = operations["post", "/v1/route"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]) == {"id", "caller", "purpose", "session", "labels", "request"}


def test_an_unexpected_fault_tells_its_type_only(
    caplog: pytest.LogCaptureFixture,
    expect_problem: ExpectProblem,
    client_of: MakeClient,
    make_router: MakeRouter,
) -> None:
    """A library's exception may quote the prompt: answer and log have an incident id and a type, no more."""
    router = make_router(complexity=Broken({}))
    chat = {"messages": [{"role": "user", "content": CANARY}]}
    with caplog.at_level(logging.DEBUG):
        response = client_of(router).post("/v1/route", json={**LINE, "request": chat})
    incident = re.findall(r"[0-9a-f]{32}", response.text)[0]
    detail = f"unexpected fault; incident {incident} in the service's log"
    expect_problem(response, 500, "internal_error", detail)
    (line,) = (record for record in caplog.records if record.name == "clearway.serving")
    assert line.getMessage() == f"incident {incident}: unexpected ZeroDivisionError"
    assert line.exc_info is None
    assert CANARY not in caplog.text + response.text
    assert router.ledger.size() == 0
