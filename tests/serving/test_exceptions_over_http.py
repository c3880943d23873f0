"""A service uses exceptions that persons have made, and makes none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fastapi.testclient import TestClient

from clearway.testing import memory_ledger
from serving.app import create_app
from tests.clearway.granting import MODEL, granted, router_over


def paths(routes: list[Any]) -> Iterator[str]:
    """Paths of an app's routes, mounted ones included."""
    for route in routes:
        yield str(getattr(route, "path", ""))
        yield from paths(getattr(route, "routes", None) or [])


def test_no_path_of_the_service_makes_an_exception() -> None:
    """There is none to request, approve or revoke one."""
    app = create_app(router_over(memory_ledger()))
    found = list(paths(app.routes))
    assert "/v1/route" in found
    assert not [path for path in found if "exception" in path]


def test_a_decision_over_http_names_its_exception(client_of: Callable[..., TestClient]) -> None:
    """And is counted like any other; what is decided leaves no record of an exception's life."""
    ledger = memory_ledger()
    granted(ledger)
    client = client_of(router_over(ledger))
    line = {"id": "r", "caller": "local-dev", "request": {"messages": [{"role": "user", "content": "Hi"}]}}
    decision = client.post("/v1/route", json=line).json()
    assert (decision["model"], decision["exceptions"]) == (MODEL, ["exc-1"])
    kinds = [entry.kind for entry in ledger.entries()]
    assert kinds == ["exception_requested", "exception_approved", "decision"]
