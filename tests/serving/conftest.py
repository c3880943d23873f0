"""Routers over an empty ledger, clients on loopback, real processes, and the one form of every problem."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from clearway.router import Router
from clearway.testing import fake_router, shipped_policy, shipped_register
from serving.app import create_app

MakeRouter = Callable[..., Router]
MakeClient = Callable[..., TestClient]
ExpectProblem = Callable[..., None]
LAUNCHER = Path(__file__).parent / "launcher.py"
START_S = 60.0


@dataclass(frozen=True)
class Service:
    """A service in a process of its own.

    Attributes:
        process: The process.
        url: Where it listens.
        log: File with what it wrote to stdout and stderr.
    """

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def client(self) -> httpx.Client:
        """A client that no setting of the environment reroutes."""
        return httpx.Client(base_url=self.url, trust_env=False, timeout=30)

    def kill(self) -> None:
        """End it without warning (SIGKILL), by its own id."""
        self.process.kill()
        self.process.wait(30)


@pytest.fixture
def start_service(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Starts services, over the fake classifiers or by the real command line, and ends them all."""
    started: list[Service] = []

    def start(home: Path, *, is_real: bool = False, options: Sequence[str] = ()) -> Service:
        port = _free_port()
        name = Path(sys.executable).with_name("clearway")
        command = [str(name), "serve", "--port", str(port), "--home", str(home), *options]
        if not is_real:
            command = [sys.executable, str(LAUNCHER), str(home), str(port)]
        environment = {name: text for name, text in os.environ.items() if not name.startswith("CLEARWAY_")}
        log = tmp_path / f"service-{len(started)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
        started.append(Service(process, f"http://127.0.0.1:{port}", log))
        _wait_until_ready(started[-1])
        return started[-1]

    yield start
    for service in started:
        service.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(service: Service) -> None:
    deadline = time.monotonic() + START_S
    with service.client() as client:
        while time.monotonic() < deadline:
            assert service.process.poll() is None, service.log.read_text()
            try:
                if client.get("/readyz").status_code == HTTPStatus.OK:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
    raise AssertionError(f"not ready after {START_S} s: {service.log.read_text()}")


@pytest.fixture(scope="session")
def make_router() -> MakeRouter:
    """`fake_router`, the register and the policy read once."""
    return partial(fake_router, register=shipped_register(), policy=shipped_policy())


@pytest.fixture
def router(make_router: MakeRouter) -> Router:
    """A router over an empty ledger in memory."""
    return make_router()


@pytest.fixture(scope="session")
def client_of() -> MakeClient:
    """A client on loopback of the service over a router, with a token or without."""

    def make(router: Router, token: str | None = None) -> TestClient:
        return TestClient(create_app(router, token=token), base_url="http://127.0.0.1")

    return make


@pytest.fixture
def client(router: Router, client_of: MakeClient) -> TestClient:
    """A client of the service over `router`."""
    return client_of(router)


@pytest.fixture(scope="session")
def expect_problem() -> ExpectProblem:
    """Checks that an answer is a problem document (RFC 9457), whole."""

    def expect(response: Any, status: int, code: str, detail: str) -> None:
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json() == {
            "type": f"urn:clearway:problem:{code}",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "code": code,
            "detail": detail,
        }
        assert response.status_code == status

    return expect
