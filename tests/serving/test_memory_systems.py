"""What a worker of the service takes in memory."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.systems
MAX_MEGABYTES = 400
SENTENCE = "Ann Lee (ann{n}@example.org, card 4111 1111 1111 1111) asked on day {n} why the bill is wrong. "


def peak_megabytes(pid: int) -> float:
    """Most that a process has held in memory so far (VmHWM of proc(5))."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


def test_a_worker_stays_under_its_memory(tmp_path: Path, start_service: Callable[..., Any]) -> None:
    """After 200 requests, no two alike, up to 20,000 characters, a worker has peaked under 400 MB."""
    service = start_service(tmp_path / "home", is_real=True)
    with service.client() as client:
        for n in range(200):
            text = "".join(SENTENCE.format(n=f"{n}-{k}") for k in range(220 if n % 10 == 0 else 10))
            chat = {"messages": [{"role": "user", "content": text}]}
            answer = client.post("/v1/route", json={"id": f"r-{n}", "caller": "local-dev", "request": chat})
            assert answer.status_code == 200, answer.text
            assert answer.json()["level"] == "restricted"
    assert peak_megabytes(service.process.pid) < MAX_MEGABYTES
