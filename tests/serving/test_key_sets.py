"""Key sets: what of them is used, how keys rotate, and that nobody waits for them."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt import algorithms

from clearway.callers import Callers
from clearway.errors import ConfigurationError, LedgerUnavailableError
from clearway.identities import Issuer
from clearway.ledger.store import Ledger
from clearway.router import Router
from clearway.testing import memory_ledger
from serving.front import Front
from serving.key_set_records import KEY_SETS, KeySetRecords
from serving.key_sets import KeySets, fetch_url, parse_keys
from tests.serving.issuers import FakeIssuer, elliptic, policy_with, write_keys

MakeRouter = Callable[..., Router]
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
BY_FILE = """
issuers:
  - id: idp
    issuer: https://idp.example
    audience: clearway
    algorithms: [ES256, RS256]
    keys_file: idp.json
    subjects: {s-bot: support-bot}
"""
BY_URL = BY_FILE.replace("keys_file: idp.json", "keys_url: https://idp.example/keys")


def callers_with(folder: Path, sections: str, **files: list[dict[str, Any]]) -> Callers:
    """The shipped callers and these sections."""
    return policy_with(folder, sections, **files).callers


def issuer_of(folder: Path) -> Issuer:
    """The issuer of the sections above."""
    return callers_with(folder, BY_FILE).issuers[0]


@pytest.mark.parametrize(
    ("changes", "usable"),
    [
        ({}, {"ES256"}),
        ({"use": "enc"}, set()),
        ({"use": "jwt-svid"}, {"ES256"}),
        ({"alg": "ES384"}, set()),
        ({"alg": None}, set()),
        ({"crv": "P-384"}, set()),
        ({"kty": "RSA"}, set()),
        ({"kty": "oct"}, set()),
        ({"x": "AAAA"}, set()),
        ({"kid": 7}, set()),
    ],
)
def test_a_key_is_used_for_what_it_is_for(tmp_path: Path, changes: dict[str, Any], usable: set[str]) -> None:
    """A key of another use, algorithm, curve or kind, a broken one or one without an id, verifies nothing."""
    other = elliptic("other").jwk()
    content = json.dumps({"keys": [elliptic().jwk(**changes), other]}).encode()
    assert set(parse_keys(issuer_of(tmp_path), content).get("k-1", {})) == usable


def test_a_key_that_names_no_algorithm_is_used_for_those_of_the_issuer(tmp_path: Path) -> None:
    """`alg` is optional in a key set: kind and curve then say which of the issuer's algorithms fit."""
    key = elliptic().jwk()
    del key["alg"], key["use"]
    assert set(parse_keys(issuer_of(tmp_path), json.dumps({"keys": [key]}).encode())["k-1"]) == {"ES256"}


def test_a_short_rsa_key_is_not_used(tmp_path: Path) -> None:
    """Below 2048 bits a key can be broken."""
    weak = FakeIssuer(rsa.generate_private_key(65_537, 1024)).jwk(kid="weak")
    keys = parse_keys(issuer_of(tmp_path), json.dumps({"keys": [weak, elliptic().jwk()]}).encode())
    assert set(keys) == {"k-1"}


SECRET = algorithms.ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "expected a JWK set, got something else"),
        (b"[]", "expected a JWK set, got something else"),
        (b'{"keys": 1}', "expected a JWK set, got something else"),
        (b'{"keys": ["a"]}', "expected a JWK set, got something else"),
        (b'{"keys": []}', "no key of it has an id and fits the issuer's algorithms"),
        (
            json.dumps({"keys": [elliptic().jwk(), elliptic().jwk()]}).encode(),
            "a key id stands twice; keep one",
        ),
        (
            json.dumps({"keys": [{**SECRET, "kid": "k-1"}]}).encode(),
            "it holds a secret key; publish public keys only, and replace that one",
        ),
        (
            json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "k-1"}]}).encode(),
            "it holds a secret key; publish public keys only, and replace that one",
        ),
    ],
)
def test_a_set_that_cannot_be_used_is_refused(tmp_path: Path, content: bytes, text: str) -> None:
    """What is no set, ambiguous, empty or holds a secret is refused whole, in words that hold no key."""
    (tmp_path / "idp.json").write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        KeySets().load(callers_with(tmp_path, BY_FILE), NOON)
    assert str(caught.value) == f"issuer idp: key set: {text}"


def test_a_missing_file_is_refused_at_the_start(tmp_path: Path) -> None:
    """A service that could believe nobody does not start."""
    with pytest.raises(ConfigurationError) as caught:
        KeySets().load(callers_with(tmp_path, BY_FILE), NOON)
    text = "issuer idp: key set: cannot be read (No such file or directory); restore the file"
    assert str(caught.value) == text


def test_keys_rotate(tmp_path: Path) -> None:
    """A new key is known, and a withdrawn one unknown, at the first refresh after five minutes."""
    callers = callers_with(tmp_path, BY_FILE, idp=[elliptic("old").jwk()])
    sets, (issuer,) = KeySets(), callers.issuers
    sets.load(callers, NOON)
    write_keys(tmp_path / "idp.json", elliptic("new").jwk())
    for minutes, known in ((4, "old"), (5, "new")):
        at = NOON + timedelta(minutes=minutes)
        sets.refresh(callers, at)
        assert [kid for kid in ("old", "new") if sets.find(issuer, kid, at)] == [known]


def test_a_bad_set_leaves_the_old_one_for_an_hour(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """While what is read is no set its keys stay, and the log says so; after an hour nobody is believed."""
    callers = callers_with(tmp_path, BY_FILE, idp=[elliptic().jwk()])
    sets, (issuer,) = KeySets(), callers.issuers
    sets.load(callers, NOON)
    (tmp_path / "idp.json").write_text("{")
    for age, is_known in ((timedelta(hours=1), True), (timedelta(hours=1, seconds=1), False)):
        sets.refresh(callers, NOON + age)
        assert bool(sets.find(issuer, "k-1", NOON + age)) is is_known
    message = "configuration: issuer idp: key set: expected a JWK set, got something else"
    assert [r.getMessage() for r in caplog.records] == [message]


def test_an_address_that_falls_silent_is_believed_for_an_hour(tmp_path: Path) -> None:
    """A fault of the network says nothing of the keys: they stay, but not for longer than an hour."""
    callers, answers = callers_with(tmp_path, BY_URL), [json.dumps({"keys": [elliptic().jwk()]}).encode()]

    def fetch(_: str) -> bytes:
        if not answers:
            raise TimeoutError("slow")
        return answers.pop()

    sets, (issuer,) = KeySets(fetch), callers.issuers
    sets.load(callers, NOON)
    for age, is_known in ((timedelta(hours=1), True), (timedelta(hours=1, seconds=1), False)):
        sets.refresh(callers, NOON + age)
        assert bool(sets.find(issuer, "k-1", NOON + age)) is is_known


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ([], "no key of it has an id and fits the issuer's algorithms"),
        ([elliptic().jwk(use="enc")], "no key of it has an id and fits the issuer's algorithms"),
        ([elliptic().jwk(), elliptic().jwk()], "a key id stands twice; keep one"),
        (
            [elliptic().jwk(d="AAAA")],
            "it holds a secret key; publish public keys only, and replace that one",
        ),
        (None, "cannot be read (No such file or directory); restore the file"),
    ],
)
def test_withdrawn_keys_are_believed_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, keys: list[dict[str, Any]] | None, text: str
) -> None:
    """A set without a key that may be used, or a file that is gone, ends belief at the next refresh."""
    good = elliptic().jwk()
    callers = callers_with(tmp_path, BY_FILE, idp=[good])
    sets, (issuer,), path = KeySets(), callers.issuers, tmp_path / "idp.json"
    sets.load(callers, NOON)
    path.unlink() if keys is None else write_keys(path, *keys)
    for minutes, is_known in ((4, True), (5, False)):
        at = NOON + timedelta(minutes=minutes)
        sets.refresh(callers, at)
        assert bool(sets.find(issuer, "k-1", at)) is is_known
    assert sets.digests(callers) == {}
    assert [r.getMessage() for r in caplog.records] == [f"configuration: issuer idp: key set: {text}"]
    write_keys(path, good)
    sets.refresh(callers, NOON + timedelta(minutes=10))
    assert sets.find(issuer, "k-1", NOON + timedelta(minutes=10))


def test_an_address_that_answers_without_keys_is_believed_no_more(tmp_path: Path) -> None:
    """An issuer that publishes an empty set has withdrawn its keys: that is an answer, and no fault."""
    callers = callers_with(tmp_path, BY_URL)
    answers = [b'{"keys": []}', json.dumps({"keys": [elliptic().jwk()]}).encode()]
    sets, (issuer,) = KeySets(lambda _: answers.pop()), callers.issuers
    sets.load(callers, NOON)
    assert sets.find(issuer, "k-1", NOON)
    sets.refresh(callers, NOON + timedelta(minutes=5))
    assert not sets.find(issuer, "k-1", NOON + timedelta(minutes=5))


def test_an_address_that_does_not_answer_is_asked_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A provider that is down keeps nobody from starting: its tokens are believed once it answers."""
    callers = callers_with(tmp_path, BY_URL)
    answers: list[bytes] = []

    def fetch(url: str) -> bytes:
        assert url == "https://idp.example/keys"
        if not answers:
            raise TimeoutError("slow")
        return answers[0]

    sets, (issuer,) = KeySets(fetch), callers.issuers
    sets.load(callers, NOON)
    assert not sets.find(issuer, "k-1", NOON)
    answers.append(json.dumps({"keys": [elliptic().jwk()]}).encode())
    sets.refresh(callers, NOON + timedelta(minutes=5))
    assert sets.find(issuer, "k-1", NOON + timedelta(minutes=5))
    assert [r.getMessage() for r in caplog.records] == [
        "configuration: issuer idp: key set cannot be fetched (TimeoutError); check keys_url"
    ]


def test_looking_for_a_key_reads_nothing(tmp_path: Path) -> None:
    """However often an unknown key id is asked for, no file is read and no address asked."""
    n_fetched = 0

    def fetch(_: str) -> bytes:
        nonlocal n_fetched
        n_fetched += 1
        return json.dumps({"keys": [elliptic().jwk()]}).encode()

    callers = callers_with(tmp_path, BY_URL)
    sets, (issuer,) = KeySets(fetch), callers.issuers
    sets.load(callers, NOON)
    for number in range(100):
        assert not sets.find(issuer, f"unknown-{number}", NOON)
    assert n_fetched == 1


def test_changed_key_sets_are_on_the_ledger(make_router: MakeRouter, tmp_path: Path) -> None:
    """Whose keys were believed from when: one record at first, one for each rotation, none in between."""
    policy = policy_with(tmp_path, BY_FILE, idp=[elliptic("old").jwk()])
    router, now = make_router(policy=policy), [NOON]
    fronts = [Front(lambda: router, None, clock=lambda: now[0]) for _ in range(2)]

    def tick(minute: int) -> str:
        now[0] = NOON + timedelta(minutes=minute)
        for front in fronts:
            front.tick()
        return hashlib.sha256((tmp_path / "idp.json").read_bytes()).hexdigest()

    digests = [tick(0), tick(1)][:1]
    write_keys(tmp_path / "idp.json", elliptic("new").jwk())
    digests.append(tick(5))
    assert [entry.kind for entry in router.ledger.entries()] == [KEY_SETS] * 2
    assert [entry.record["key_sets"] for entry in router.ledger.entries()] == [{"idp": d} for d in digests]


def test_key_sets_wait_for_a_full_ledger(caplog: pytest.LogCaptureFixture) -> None:
    """What cannot be recorded is tried again after a minute, not at each tick."""
    records, ledger = KeySetRecords(), memory_ledger()

    class Full:
        def latest(self, _: str) -> None:
            raise LedgerUnavailableError("ledger: disk full; free some space")

    for seconds in (0, 1, 59):
        records.record(cast("Ledger", Full()), {"idp": "a" * 64}, NOON + timedelta(seconds=seconds))
    assert [r.getMessage() for r in caplog.records] == [
        "ledger_unavailable: ledger: disk full; free some space"
    ]
    records.record(ledger, {"idp": "a" * 64}, NOON + timedelta(seconds=60))
    assert ledger.size() == 1


class _Keys(BaseHTTPRequestHandler):
    """Answers with a set, with a redirect to it, or with too much."""

    def do_GET(self) -> None:
        """One answer for each path."""
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("location", "/keys")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}" if self.path == "/keys" else b" " * (1024 * 1024 + 1))

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    """A server of key sets on this machine."""
    with HTTPServer(("127.0.0.1", 0), _Keys) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_only_the_operators_address_is_asked(address: str) -> None:
    """A set is fetched; a redirect is not followed, and no more is read than a set may be long."""
    assert fetch_url(f"{address}/keys") == b"{}"
    with pytest.raises(OSError, match="302"):
        fetch_url(f"{address}/moved")
    with pytest.raises(ValueError, match=r"\Akey set: too large\Z"):
        fetch_url(f"{address}/large")


def test_no_proxy_stands_between_this_machine_and_itself(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain HTTP is for loopback only: a proxy, which could answer with its own keys, is not asked."""
    for name in ("no_proxy", "NO_PROXY", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert fetch_url(f"{address}/keys") == b"{}"


def test_https_goes_through_the_proxy_of_the_installation(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where HTTPS leaves by a proxy only, key sets do too: this one is asked, and makes no tunnel."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", address)
    with pytest.raises(OSError, match="501"):
        fetch_url("https://idp.example/keys")
