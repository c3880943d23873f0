"""A request sees one whole version while versions change; a bad one leaves the old one serving, visibly."""

from __future__ import annotations

import logging
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import clearway.installation
from clearway.approvals import approve, load_approvers, request_approval
from clearway.errors import ConfigurationError, LedgerUnavailableError
from clearway.installation import Settings, data_folder
from clearway.ledger.checkpoint import Signer
from clearway.load_records import APPROVAL, APPROVAL_REQUESTED, LOAD, LOAD_FAILED
from clearway.policy import load_policy
from clearway.register import load_register
from clearway.reload import LiveRouter, fingerprint, open_live
from clearway.router import Router
from clearway.testing import (
    NOON,
    FakeSensitivity,
    fake_router,
    memory_ledger,
    shipped_policy,
    shipped_register,
)
from serving.app import create_app
from serving.cli import _check_guarded

N_REQUESTS, N_RELOADS = 100, 50
LINE = {"caller": "support-bot", "request": {"messages": [{"role": "user", "content": "Hello"}]}}
RULE = (
    '@id("one") @reason("a test") forbid (principal, action, resource) when { context.level == "public" };\n'
)


def edit(path: Path, old: str, new: str) -> None:
    """Replace the first such text."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def wait_for(holds: Callable[[], object]) -> None:
    """Until it holds, at most half a minute."""
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation with folders of its own."""
    monkeypatch.setattr(clearway.installation, "open_detector", FakeSensitivity)
    folders = {
        name: shutil.copytree(data_folder() / name, tmp_path / name) for name in ("policy", "register")
    }
    return Settings.of({}, home=tmp_path / "home", **folders)


@pytest.fixture
def live(settings: Settings) -> Iterator[LiveRouter]:
    """Its router in service."""
    opened = open_live(settings)
    yield opened
    opened.current.ledger.close()


def records(live: LiveRouter, kind: str) -> list[dict[str, Any]]:
    """Records of a kind."""
    return [entry.record for entry in live.current.ledger.entries(kind=kind)]


def client_of(live: LiveRouter) -> TestClient:
    """A client of the service over it."""
    return TestClient(create_app(live), base_url="http://127.0.0.1")


def two_versions(folder: Path) -> list[Router]:
    """Two routers over one ledger of which every part differs."""
    policy = Path(shutil.copytree(data_folder() / "policy", folder / "policy"))
    register = Path(shutil.copytree(data_folder() / "register", folder / "register"))
    (policy / "more.cedar").write_text("// another digest\n")
    edit(policy / "callers.yaml", "purposes: [customer_support]", "purposes: [customer_support, general]")
    edit(policy / "objectives.yaml", "max_fallbacks: ", "max_fallbacks: 1")
    edit(register / "models.yaml", "p95_ms: ", "p95_ms: 1")
    edit(register / "prices.yaml", 'input_usd_per_mtok: "', 'input_usd_per_mtok: "1')
    ledger, changed = memory_ledger(), load_policy(policy)
    return [
        fake_router(ledger=ledger, policy=shipped_policy(), register=shipped_register()),
        fake_router(ledger=ledger, policy=changed, register=load_register(register)),
    ]


def digests_of(record: dict[str, Any]) -> tuple[str, ...]:
    """Everything a record says it was decided with."""
    parts = ("policy", "callers", "objectives", "register", "prices")
    return tuple(record[part]["digest"] for part in parts)


def versions_of(router: Router) -> tuple[str, ...]:
    """The same of a router."""
    policy, register = router.policy, router.register
    return (
        policy.digest,
        policy.callers.digest,
        policy.objectives.digest,
        register.digest,
        register.price_digest,
    )


def test_no_request_sees_two_versions(tmp_path: Path) -> None:
    """100 concurrent requests over 50 reloads: each is parsed, cleared and recorded by one version."""
    routers = two_versions(tmp_path)
    live = LiveRouter(routers[0], lambda: "", lambda now: routers[now is routers[0]])
    client = client_of(live)

    seen: list[tuple[tuple[str, ...], str]] = []

    def ask(number: int) -> None:
        for turn in range(3):
            line = {**LINE, "id": f"r-{number}-{turn}", "purpose": "general"}
            answer = client.post("/v1/route", json=line).json()
            record = live.current.ledger.find(answer["decision_id"]).record
            seen.append((digests_of(record), answer["verdict"]))

    with ThreadPoolExecutor(N_REQUESTS) as pool:
        asked = pool.map(ask, range(N_REQUESTS))
        for count in range(N_RELOADS):
            wait_for(lambda: len(seen) > 4 * count)  # noqa: B023  # asked before the next turn
            assert live.reload()
        assert list(asked) == [None] * N_REQUESTS
    assert set(seen) == {(versions_of(routers[0]), "refuse"), (versions_of(routers[1]), "route")}


def test_a_changed_file_goes_into_service(live: LiveRouter, settings: Settings) -> None:
    """With a load record that says what changed; the classifiers stay as they are."""
    first = live.current
    assert not live.poll()
    (settings.policy / "one.cedar").write_text(RULE)
    assert live.poll()
    assert live.current.policy.digest != first.policy.digest
    assert live.current.sensitivity is first.sensitivity
    assert records(live, LOAD)[-1]["diff"]["policy"]["added"] == ["one"]
    assert not live.poll()


def test_a_bad_version_leaves_the_old_one_serving(
    live: LiveRouter, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """The fault is in the log, on the ledger once for the version, and in /readyz without its text."""
    first, client = live.current, client_of(live)
    assert client.get("/readyz").json() == {"status": "ready"}
    (settings.policy / "one.cedar").write_text("permit (")
    with caplog.at_level(logging.ERROR, "clearway.reload"):
        assert not live.poll()
        assert not live.poll()
        assert not live.reload()
    assert live.current is first
    assert client.post("/v1/route", json={**LINE, "id": "r-1"}).status_code == 200
    told = client.get("/readyz").json()["reload"]
    assert (told["status"], told["code"], told["n_failures"]) == ("failed", "policy", 2)
    assert "one.cedar" not in str(told)
    assert "clearway_reload_failures=2 code=policy: one.cedar: " in caplog.text
    failed = records(live, LOAD_FAILED)
    assert [record["sources"]["sha256"] for record in failed] == [fingerprint(settings)]
    assert failed[0]["fault"]["code"] == "policy"
    assert len(records(live, LOAD)) == 1


def test_a_repaired_version_ends_the_fault(live: LiveRouter, settings: Settings) -> None:
    """And the same mistake again is no second record."""
    path = settings.policy / "one.cedar"
    for text in ("permit (", RULE, "permit ("):
        path.write_text(text)
        live.poll()
        assert (live.fault is None) == (text == RULE)
    assert len(records(live, LOAD_FAILED)) == 1


def test_what_was_refused_loads_once_it_is_approved(live: LiveRouter, settings: Settings) -> None:
    """The files did not change, the ledger did."""
    ana, ben = Signer.generate("ana"), Signer.generate("ben")
    people = "".join(f"- id: {key.name}\n  public_key: {key.verifier}\n" for key in (ana, ben))
    (settings.policy / "approvers.yaml").write_text(f"approvals: required\napprovers:\n{people}")
    assert not live.poll()
    assert live.fault is not None
    assert live.fault.code == "approval"
    approvers, ledger = load_approvers(settings.policy), live.current.ledger
    versions = clearway.installation.read_versions(settings)
    for kind in ("policy", "register"):
        subject = versions.subject(kind)
        asked = request_approval(kind, subject, reason="x", signer=ana, approvers=approvers, at=NOON)
        signed = approve(kind, subject, requester="ana", reason="x", signer=ben, approvers=approvers, at=NOON)
        index = ledger.append(APPROVAL_REQUESTED, {"approval": asked.as_json()}).index
        ledger.append(APPROVAL, {"approval": signed.as_json(), "request": {"ledger_index": index}})
    assert live.poll()
    assert records(live, LOAD)[-1]["approvals"]["policy"]["approver"] == "ben"


def test_no_record_no_new_version(router: Router) -> None:
    """A ledger that cannot be written keeps the old version, and is tried again at the next poll."""
    tries = []

    def load(_: Router) -> Router:
        tries.append(1)
        raise LedgerUnavailableError("full")

    live = LiveRouter(router, lambda: str(len(tries) > 0), load)
    assert not live.reload()
    assert not live.poll()
    assert (live.current, len(tries)) == (router, 2)


def test_an_unexpected_fault_tells_its_type_only(router: Router) -> None:
    """Its text may hold anything."""

    def load(_: Router) -> Router:
        raise RuntimeError("secret")

    live = LiveRouter(router, lambda: "", load)
    assert not live.reload()
    assert live.fault is not None
    assert live.fault.code == "internal_error"
    assert records(live, LOAD_FAILED)[0]["fault"]["text"] == "unexpected RuntimeError"


def test_files_are_watched(live: LiveRouter, settings: Settings) -> None:
    """Without anybody asking; and `ask` reloads at once, long before the next poll."""
    with live.watch(poll_s=0.05):
        (settings.policy / "one.cedar").write_text(RULE)
        wait_for(lambda: "one" in live.current.policy.policies)
    with live.watch(poll_s=3_600):
        (settings.policy / "one.cedar").unlink()
        live.ask()
        wait_for(lambda: "one" not in live.current.policy.policies)


def test_a_reload_does_not_open_the_service_to_everyone() -> None:
    """A callers file that loses its last credential is refused where others reach the address."""

    class Given:
        """Versions with the shipped callers, who have no credentials."""

        policy = shipped_policy()

    with pytest.raises(ConfigurationError) as caught:
        _check_guarded(Given(), "0.0.0.0", None)  # type: ignore[arg-type]  # a part of one
    assert str(caught.value) == "CLEARWAY_TOKEN: required for an address other than loopback; set it"
    _check_guarded(Given(), "127.0.0.1", None)  # type: ignore[arg-type]  # a part of one


@pytest.mark.systems
def test_a_signal_reloads_a_real_service(start_service: Callable[..., Any], tmp_path: Path) -> None:
    """SIGHUP ends no service; a bad policy shows in /readyz while the old one decides."""
    policy = Path(shutil.copytree(data_folder() / "policy", tmp_path / "policy"))
    service = start_service(tmp_path / "home", is_real=True, options=["--policy", str(policy)])
    with service.client() as client:
        (policy / "one.cedar").write_text("permit (")
        service.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "reload" in client.get("/readyz").json())
        assert client.post("/v1/route", json={**LINE, "id": "r-1"}).status_code == 200
        (policy / "one.cedar").write_text("// nothing\n")
        service.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "reload" not in client.get("/readyz").json())
