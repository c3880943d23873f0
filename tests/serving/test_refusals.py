"""Refused authentications on the ledger: counted, together, at most once a minute."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from clearway.errors import LedgerUnavailableError
from clearway.router import Router
from clearway.testing import memory_ledger
from serving.app import create_app
from serving.front import Front
from serving.refusals import REFUSED, Refusals

MakeRouter = Callable[..., Router]
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
TOKEN = "correct-horse-battery-staple-0123"


class Full:
    """A ledger that takes nothing until it is emptied."""

    def __init__(self) -> None:
        self._ledger = memory_ledger()
        self.is_full = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def append(self, *arguments: Any) -> Any:
        """Refuse while full."""
        if self.is_full:
            raise LedgerUnavailableError("ledger: disk full; free some space")
        return self._ledger.append(*arguments)


def test_strangers_cannot_fill_the_ledger(router: Router) -> None:
    """A thousand refused requests are one record, after a minute, with their number by reason."""
    now = [NOON]
    front = Front(lambda: router, TOKEN, clock=lambda: now[0])
    client = TestClient(create_app(router, front=front), base_url="http://127.0.0.1")
    for number in range(1_000):
        now[0] = NOON + timedelta(milliseconds=50 * number)
        headers = {"authorization": f"Bearer guess-{number}"} if number % 4 else {}
        assert client.get("/v1/decisions/a", headers=headers).status_code == 401
        front.tick()
    assert router.ledger.size() == 0
    now[0] = NOON + timedelta(seconds=60)
    front.tick()
    front.tick()
    (entry,) = router.ledger.entries()
    assert (entry.kind, entry.record) == (
        REFUSED,
        {
            "kind": REFUSED,
            "ledger_index": 0,
            "time": "2026-12-01T12:01:00.000000Z",
            "since": "2026-12-01T12:00:00.000000Z",
            "refused": {"no_credential": 250, "unknown_credential": 750},
        },
    )


def test_each_minute_has_its_own_record() -> None:
    """What was counted is counted once; a minute without a refusal has no record."""
    refusals, ledger = Refusals(), memory_ledger()
    for minute in (0, 1, 5):
        refusals.count("expired", NOON + timedelta(minutes=minute))
        refusals.record(ledger, NOON + timedelta(minutes=minute + 1))
        refusals.record(ledger, NOON + timedelta(minutes=minute + 3))
    assert [entry.record["refused"] for entry in ledger.entries()] == [{"expired": 1}] * 3


def test_the_last_ones_are_recorded_when_the_service_stops(router: Router) -> None:
    """A stop does not lose the minute that had begun."""
    front = Front(lambda: router, TOKEN)
    with TestClient(create_app(router, front=front), base_url="http://127.0.0.1") as client:
        assert client.get("/v1/decisions/a").status_code == 401
    assert [entry.record["refused"] for entry in router.ledger.entries()] == [{"no_credential": 1}]


def test_what_cannot_be_written_is_written_later(caplog: pytest.LogCaptureFixture) -> None:
    """A full ledger loses no count and is tried again after a minute, not at each tick."""
    refusals, ledger = Refusals(), Full()
    refusals.count("expired", NOON)
    refusals.record(ledger, NOON + timedelta(minutes=1))
    refusals.count("signature", NOON + timedelta(minutes=1))
    refusals.record(ledger, NOON + timedelta(minutes=1, seconds=30))
    assert [r.getMessage() for r in caplog.records] == [
        "ledger_unavailable: ledger: disk full; free some space"
    ]
    ledger.is_full = False
    refusals.record(ledger, NOON + timedelta(minutes=2))
    (entry,) = ledger.entries()
    assert entry.record["refused"] == {"expired": 1, "signature": 1}


def test_housekeeping_survives_a_fault(
    router: Router, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An unexpected fault of a tick is logged by its type alone, and the next tick comes."""
    ticks: list[int] = []

    def fail(**_: object) -> None:
        ticks.append(1)
        if len(ticks) < 3:
            raise ZeroDivisionError("with a prompt in its text")

    front = Front(lambda: router, TOKEN)
    monkeypatch.setattr(front, "tick", fail)
    monkeypatch.setattr("serving.front.TICK_S", 0.01)
    with TestClient(create_app(router, front=front), base_url="http://127.0.0.1") as client:
        while len(ticks) < 4:
            assert client.get("/healthz").status_code == 200
    assert [r.getMessage() for r in caplog.records if r.name == "clearway.serving"] == [
        "housekeeping: unexpected ZeroDivisionError"
    ] * 2
