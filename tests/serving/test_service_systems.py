"""The service as an operator runs it: two at once, a full disk, and the starts that it refuses."""

from __future__ import annotations

import json
import os
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from clearway.installation import data_folder

pytestmark = pytest.mark.systems
CLEARWAY = str(Path(sys.executable).with_name("clearway"))
Start = Callable[..., Any]


def line(request_id: str, text: str = "Hello") -> dict[str, Any]:
    """A request line."""
    chat = {"messages": [{"role": "user", "content": text}]}
    return {"id": request_id, "caller": "local-dev", "request": chat}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line, ended by itself within a minute."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("CLEARWAY_")}
    return subprocess.run(
        [CLEARWAY, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**inherited, **environment},
    )


def verified_size(home: Path) -> int:
    """Number of records of a ledger that `clearway ledger verify` finds sound."""
    done = run("ledger", "verify", "--home", str(home))
    assert done.returncode == 0, done.stdout + done.stderr
    return int(json.loads(done.stdout)["size"])


def test_two_services_share_one_home(tmp_path: Path, start_service: Start) -> None:
    """Two services keep one ledger: a request that is sent to both at once has one decision."""
    home = tmp_path / "home"
    services = [start_service(home, is_real=True) for _ in range(2)]
    with ThreadPoolExecutor(8) as pool, services[0].client() as one, services[1].client() as two:
        asked = [
            (name, pool.submit(client.post, "/v1/route", json=line(name)))
            for name in [f"r-{n}" for n in range(40)]
            for client in (one, two)
        ]
        answers = [(name, answer.result(60)) for name, answer in asked]
        assert {answer.status_code for _, answer in answers} == {200}
        decided = {(name, answer.json()["decision_id"]) for name, answer in answers}
        record = two.get(f"/v1/decisions/{one.post('/v1/route', json=line('r-0')).json()['decision_id']}")
        assert record.json()["request"]["id"] == "r-0"
    assert len(decided) == 40
    assert verified_size(home) >= 40


@pytest.mark.parametrize("is_real", [False, True])
def test_a_full_disk_gives_no_answer_without_a_record(
    tmp_path: Path, start_service: Start, is_real: bool
) -> None:
    """Once no file can grow, a request is 503 or is on record; with room again the service goes on."""
    home = tmp_path / "home"
    service = start_service(home, is_real=is_real)
    limits = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE)
    with service.client() as client:
        answered = [client.post("/v1/route", json=line("before")).json()]
        largest = max(path.stat().st_size for path in home.iterdir() if path.is_file())
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (largest + 65_536, limits[1]))
        refused: list[dict[str, Any]] = []
        for n in range(400):
            response = client.post("/v1/route", json=line(f"r-{n}"))
            (answered if response.status_code == 200 else refused).append(response.json())
        assert refused
        assert {(problem["status"], problem["code"]) for problem in refused} == {(503, "ledger_unavailable")}
        assert not any("decision_id" in problem or "model" in problem for problem in refused)
        # What was decided before the disk was full is still told.
        assert client.post("/v1/route", json=line("before")).json() == answered[0]
        assert client.get("/healthz").status_code == 200
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, limits)
        answered.append(client.post("/v1/route", json=line("after")).json())
        for answer in answered:
            assert client.get(f"/v1/decisions/{answer['decision_id']}").status_code == 200
    service.kill()
    assert verified_size(home) - len(answered) in (0, 1)  # the real service also records what it loaded
    assert "Hello" not in service.log.read_text()


def broken_copy(tmp_path: Path, kind: str, file: str, text: str | None) -> Path:
    """A copy of a shipped folder in which one file has another text, or is gone."""
    source = data_folder() / {"bundle": "classifiers/default"}.get(kind, kind)
    folder = tmp_path / kind
    shutil.copytree(source, folder)
    (folder / file).unlink()
    if text is not None:
        (folder / file).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("kind", "file", "text"),
    [
        ("register", "models.yaml", "models: [}"),
        ("register", "models.yaml", "models: []\n"),
        ("register", "providers.yaml", None),
        ("policy", "default.cedar", "permit (principal, action"),
        ("policy", "callers.yaml", "callers: 7\n"),
        ("policy", "schema.cedarschema", None),
        ("bundle", "manifest.json", "{}"),
        ("bundle", "model.onnx", "not a model"),
        ("bundle", "features.json", None),
    ],
)
def test_a_broken_part_refuses_to_start(tmp_path: Path, kind: str, file: str, text: str | None) -> None:
    """A register, policy or bundle that does not load is exit 2 and one line that names the file."""
    folder = broken_copy(tmp_path, kind, file, text)
    home = tmp_path / "home"
    done = run("serve", "--port", "0", "--home", str(home), f"--{kind}", str(folder))
    assert done.returncode == 2, done.stderr
    loading, error = done.stderr.strip().split("\n")
    assert loading == "loading register, policy and classifiers ..."
    assert error.startswith("error: ")
    assert file in error or "sha" in error.lower() or "digest" in error
    assert done.stdout == ""


def test_a_bundle_nobody_promoted_refuses_to_start(tmp_path: Path) -> None:
    """A whole bundle that is neither pinned nor promoted is not served."""
    folder = tmp_path / "bundle"
    shutil.copytree(data_folder() / "classifiers" / "default", folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "version": "2"}, separators=(",", ":")))
    done = run("serve", "--port", "0", "--home", str(tmp_path / "home"), "--bundle", str(folder))
    assert done.returncode == 2, done.stderr
    assert "error: " in done.stderr
    assert "promote" in done.stderr


@pytest.mark.parametrize(
    ("token", "fault"),
    [
        ({}, "CLEARWAY_TOKEN: required for an address other than loopback; set it"),
        ({"CLEARWAY_TOKEN": "short"}, "CLEARWAY_TOKEN: expected at least 32 characters"),
    ],
)
def test_an_open_address_without_a_token_refuses_to_start(
    tmp_path: Path, token: dict[str, str], fault: str
) -> None:
    """An address that others reach is refused before anything is loaded or written."""
    home = tmp_path / "home"
    done = run("serve", "--host", "0.0.0.0", "--port", "0", "--home", str(home), **token)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"error: {fault}\n")
    assert not home.exists()


def test_a_port_in_use_is_wrong_use(tmp_path: Path) -> None:
    """A port that another program has is exit 2 with a remedy."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run("serve", "--port", str(port), "--home", str(tmp_path / "home"))
    assert done.returncode == 2
    assert done.stderr.endswith(
        f"error: http://127.0.0.1:{port}: cannot be listened on; choose another --port\n"
    )
