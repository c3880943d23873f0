"""Sudden death: a service that is killed under load has a record of every answer it gave."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from clearway.ledger.sqlite import open_ledger

N_CLIENTS = 6
LIMIT_S = 60.0


def line(request_id: str) -> dict[str, Any]:
    """A request line whose text depends on its id."""
    chat = {"messages": [{"role": "user", "content": f"What is {request_id}?"}]}
    return {"id": request_id, "caller": "local-dev", "session": "s", "request": chat}


def ask_until_dead(service: Any, name: str, answers: dict[str, Any], dead: threading.Event) -> None:
    """Ask one request after the other, keeping every answer, until the service is gone."""
    with service.client() as client:
        for n in range(100_000):
            try:
                response = client.post("/v1/route", json=line(f"{name}-{n}"))
            except httpx.TransportError:
                assert dead.is_set(), f"unanswered before the kill: {name}-{n}"
                return
            assert response.status_code == 200, response.text
            answers[f"{name}-{n}"] = response.json()


def kill_under_load(service: Any, name: str, n_answers: int) -> dict[str, Any]:
    """Every answer that several clients got of a service killed after `n_answers` of them."""
    answers: dict[str, Any] = {}
    dead = threading.Event()
    deadline = time.monotonic() + LIMIT_S
    with ThreadPoolExecutor(N_CLIENTS) as pool:
        asking = [
            pool.submit(ask_until_dead, service, f"{name}-{n}", answers, dead) for n in range(N_CLIENTS)
        ]
        while len(answers) < n_answers and time.monotonic() < deadline and not any(a.done() for a in asking):
            time.sleep(0.005)
        dead.set()
        service.kill()
        for asked in asking:
            asked.result(LIMIT_S)
    assert len(answers) >= n_answers
    return answers


def verified_size(home: Path) -> int:
    """Number of records of a ledger that `clearway ledger verify` finds sound."""
    command = [str(Path(sys.executable).with_name("clearway")), "ledger", "verify", "--home", str(home)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    assert result["ok"] is True
    return int(result["size"])


@pytest.mark.parametrize("is_real", [False, pytest.param(True, marks=pytest.mark.systems)])
def test_a_killed_service_loses_no_answer(
    tmp_path: Path, start_service: Callable[..., Any], is_real: bool
) -> None:
    """After SIGKILL the ledger verifies and has every answered decision; a retry gets the same one again."""
    home = tmp_path / "home"
    answers: dict[str, Any] = {}
    for name, n_answers in (("first", 40), ("second", 25)):
        service = start_service(home, is_real=is_real)
        with service.client() as client:
            again = {key: client.post("/v1/route", json=line(key)).json() for key in answers}
        assert again == answers
        answers |= kill_under_load(service, name, n_answers)
        size = verified_size(home)
        ledger = open_ledger(home)
        for answer in answers.values():
            entry = ledger.find(answer["decision_id"])
            assert answer["ledger"] == {"index": entry.index, "leaf": entry.leaf_hash.hex()}
        n_decided = sum(1 for _ in ledger.entries(kind="decision"))
        ledger.close()
        # A decision may be recorded whose answer the kill cut off, one for each client and kill at most.
        assert len(answers) <= n_decided <= len(answers) + 2 * N_CLIENTS
        assert n_decided <= size
