"""Signed tokens: which are believed, and every way to forge, borrow or stretch one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clearway.errors import UnauthenticatedError
from clearway.router import Router
from serving.app import create_app
from serving.front import Front
from tests.serving.issuers import OIDC, SECTIONS, SPIFFE, FakeIssuer, edwards, elliptic, policy_with

MakeRouter = Callable[..., Router]
MakeClient = Callable[..., TestClient]
ExpectProblem = Callable[..., None]
CHAT = {"messages": [{"role": "user", "content": "Hello"}]}
LINE = {"id": "r-1", "request": CHAT}
BOT = f"{SPIFFE}/ns/cs/sa/bot"
DENIED = "authorization: expected a valid token or key of this service as a bearer token"


@pytest.fixture(scope="module")
def rsa_issuer() -> FakeIssuer:
    """The OIDC issuer with its RSA key."""
    return FakeIssuer()


@pytest.fixture(scope="module")
def mesh() -> FakeIssuer:
    """The SPIFFE trust domain; its tokens have no `iss`."""
    return FakeIssuer(ec.generate_private_key(ec.SECP256R1()), "ES256", "m-1", None)


@pytest.fixture
def idp_router(make_router: MakeRouter, tmp_path: Path, rsa_issuer: FakeIssuer, mesh: FakeIssuer) -> Router:
    """A router whose callers file believes both issuers."""
    policy = policy_with(tmp_path, SECTIONS, idp=[rsa_issuer.jwk()], mesh=[mesh.jwk(use="jwt-svid")])
    return make_router(policy=policy)


@pytest.fixture
def idp_client(idp_router: Router, client_of: MakeClient) -> TestClient:
    """A client of the service over it."""
    return client_of(idp_router)


def bearer(token: str) -> dict[str, str]:
    """The header that carries a credential."""
    return {"authorization": f"Bearer {token}"}


def caller_of(client: TestClient, token: str, **line: Any) -> Any:
    """Caller on the record of a request with this token."""
    decided = client.post("/v1/route", json={**LINE, **line}, headers=bearer(token))
    assert decided.status_code == 200, decided.text
    record = client.get(f"/v1/decisions/{decided.json()['decision_id']}", headers=bearer(token))
    return record.json()["caller"]


def test_an_agent_is_who_its_token_says(idp_client: TestClient, rsa_issuer: FakeIssuer) -> None:
    """The caller on the record is the token's subject, and how it was verified names the issuer."""
    assert caller_of(idp_client, rsa_issuer.token("s-bot")) == {
        "agent": "support-bot", "user": None, "verified_by": "jwt:idp", "gateway": None, "chain": [],
    }  # fmt: skip


def test_a_spiffe_workload_is_who_its_svid_says(idp_client: TestClient, mesh: FakeIssuer) -> None:
    """A JWT-SVID has no `iss`: the trust domain of its `sub` says whose keys verify it."""
    assert caller_of(idp_client, mesh.token(BOT))["verified_by"] == "spiffe:mesh"


def test_an_agent_acts_for_a_user(idp_client: TestClient, rsa_issuer: FakeIssuer) -> None:
    """The user is `sub`, who acts now the outermost `act`, and those in between the chain (RFC 8693)."""
    token = rsa_issuer.token("s-ana", act={"sub": "s-bot", "act": {"sub": "s-code"}})
    assert caller_of(idp_client, token) == {
        "agent": "support-bot", "user": "ana", "verified_by": "jwt:idp", "gateway": None,
        "chain": ["code-assistant"],
    }  # fmt: skip


def test_an_agent_acts_for_an_agent(idp_client: TestClient, rsa_issuer: FakeIssuer) -> None:
    """Where the chain ends in a service and no user, every link of it is an agent or service."""
    caller = caller_of(idp_client, rsa_issuer.token("s-batch", act={"sub": "s-bot"}))
    assert (caller["agent"], caller["user"], caller["chain"]) == ("support-bot", None, ["research-batch"])


def test_both_must_be_cleared(idp_client: TestClient, rsa_issuer: FakeIssuer) -> None:
    """An agent that is cleared alone is refused for a user who is not, and through a link that is not."""

    def verdict(token: str) -> Any:
        line = {"request": CHAT, "purpose": "customer_support"}
        return idp_client.post("/v1/route", json=line, headers=bearer(token)).json()["verdict"]

    assert verdict(rsa_issuer.token("s-bot")) == "route"
    assert verdict(rsa_issuer.token("s-ana", act={"sub": "s-bot"})) == "route"
    assert verdict(rsa_issuer.token("s-batch", act={"sub": "s-bot"})) == "refuse"
    through = {"sub": "s-bot", "act": {"sub": "s-code"}}
    assert verdict(rsa_issuer.token("s-ana", act=through)) == "refuse"


@pytest.mark.parametrize(
    "act",
    [
        None,
        {},
        "s-bot",
        ["s-bot"],
        {"sub": "s-nobody"},
        {"sub": ""},
        {"sub": None},
        {"sub": ["s-bot"]},
        {"sub": "s-gate"},
        {"sub": "s-audit"},
        {"sub": "s-ana"},
        {"sub": "s-bot", "act": {}},
        {"sub": "s-bot", "act": None},
        {"sub": "s-bot", "act": {"sub": "s-nobody"}},
        {"sub": "s-bot", "act": {"sub": "s-ana"}},
        {"sub": "s-bot", "iss": "https://other.example"},
    ],
)
def test_a_missing_link_denies(
    idp_router: Router, rsa_issuer: FakeIssuer, expect_problem: ExpectProblem, act: Any, client_of: MakeClient
) -> None:
    """A link that is nobody, no agent, of another issuer or not readable: the whole chain is refused."""
    claims = {"iss": rsa_issuer.name, "sub": "s-ana", "aud": "clearway", "exp": int(time.time()) + 60}
    token = jwt.encode({**claims, "act": act}, rsa_issuer.key, "RS256", {"kid": "k-1"})
    answer = client_of(idp_router).post("/v1/route", json=LINE, headers=bearer(token))
    expect_problem(answer, 401, "unauthenticated", DENIED)
    assert idp_router.ledger.size() == 0


def test_a_chain_has_an_end(idp_client: TestClient, rsa_issuer: FakeIssuer) -> None:
    """Eight agents may stand in a row, not nine."""

    def status(n_links: int) -> int:
        act: dict[str, Any] = {"sub": "s-bot"}
        for _ in range(n_links - 1):
            act = {"sub": "s-bot", "act": act}
        token = rsa_issuer.token("s-ana", act=act)
        return idp_client.post("/v1/route", json={"request": CHAT}, headers=bearer(token)).status_code

    assert [status(8), status(9)] == [200, 401]


def test_a_user_alone_is_no_caller(
    idp_client: TestClient, rsa_issuer: FakeIssuer, expect_problem: ExpectProblem
) -> None:
    """A user acts through an agent: its own token, good for signing in, asks nothing here."""
    answer = idp_client.post("/v1/route", json=LINE, headers=bearer(rsa_issuer.token("s-ana")))
    expect_problem(answer, 401, "unauthenticated", DENIED)


def encoded(value: object) -> str:
    """A segment of a token."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forged(rsa_issuer: FakeIssuer) -> dict[str, tuple[str, str]]:
    """Tokens that must not be believed, each with the reason that is counted."""
    good, now = rsa_issuer.token("s-bot"), int(time.time())
    header, claims, signature = good.split(".")
    other = FakeIssuer()
    public = rsa_issuer.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    said = {"iss": rsa_issuer.name, "sub": "s-bot", "aud": "clearway", "exp": now + 300}

    def by_hand(head: dict[str, Any], end: str = "") -> str:
        return f"{encoded(head)}.{encoded(said)}.{end}"

    confused = f"{encoded({'alg': 'HS256', 'kid': 'k-1'})}.{encoded(said)}"
    mac = encoded(hmac.new(public, confused.encode(), hashlib.sha256).digest())
    own = {"jwk": other.jwk(), "jku": "https://evil.example/keys", "x5u": "https://evil.example/cert"}
    return {
        "alg none": (by_hand({"alg": "none", "kid": "k-1"}), "algorithm"),
        "alg None": (by_hand({"alg": "None", "kid": "k-1"}), "algorithm"),
        "no alg": (by_hand({"kid": "k-1"}), "algorithm"),
        "alg none, with a signature": (by_hand({"alg": "none", "kid": "k-1"}, signature), "algorithm"),
        "public key as a secret": (f"{confused}.{mac}", "algorithm"),
        "another algorithm of the key": (rsa_issuer_with(rsa_issuer, "RS512"), "algorithm"),
        "algorithm of another key": (elliptic().token("s-bot"), "unknown_key"),
        "another's key": (other.token("s-bot"), "signature"),
        "its own key in the header": (other.token("s-bot", headers=own), "signature"),
        "its own key under its own id": (
            other.token("s-bot", headers={**own, "kid": "own"}), "unknown_key"
        ),
        "unknown key id": (rsa_issuer.token("s-bot", headers={"kid": "k-2"}), "unknown_key"),
        "no key id": (jwt.encode(said, rsa_issuer.key, "RS256"), "unknown_key"),
        "changed claims": (f"{header}.{encoded({**said, 'sub': 's-gate'})}.{signature}", "signature"),
        "cut signature": (good[:-10], "signature"),
        "no signature": (f"{header}.{claims}.", "signature"),
        "expired": (rsa_issuer.token("s-bot", exp=now - 31), "expired"),
        "no expiry": (rsa_issuer.token("s-bot", exp=None), "malformed"),
        "endless": (jwt.encode({**said, "exp": float("inf")}, rsa_issuer.key, "RS256", {"kid": "k-1"}),
                    "malformed"),
        "expiry in words": (
            jwt.encode({**said, "exp": "never"}, rsa_issuer.key, "RS256", {"kid": "k-1"}), "malformed"
        ),
        "not yet valid": (rsa_issuer.token("s-bot", nbf=now + 60), "not_yet_valid"),
        "made tomorrow": (rsa_issuer.token("s-bot", iat=now + 86_400), "not_yet_valid"),
        "a day and a minute long": (rsa_issuer.token("s-bot", exp=now + 86_460), "too_long"),
        "long, in milliseconds": (rsa_issuer.token("s-bot", exp=1000 * (now + 300)), "too_long"),
        "bound to a certificate": (rsa_issuer.token("s-bot", cnf={"x5t#S256": "AAAA"}), "sender_constrained"),
        "bound to a proof key": (rsa_issuer.token("s-bot", cnf={"jkt": "AAAA"}), "sender_constrained"),
        "bound to nothing": (
            jwt.encode({**said, "cnf": None}, rsa_issuer.key, "RS256", {"kid": "k-1"}), "sender_constrained"
        ),
        "good elsewhere": (rsa_issuer.token("s-bot", aud="billing"), "audience"),
        "good elsewhere, several": (rsa_issuer.token("s-bot", aud=["billing", "clearway2"]), "audience"),
        "no audience": (rsa_issuer.token("s-bot", aud=None), "audience"),
        "empty audience": (rsa_issuer.token("s-bot", aud=[]), "audience"),
        "another issuer": (rsa_issuer.token("s-bot", iss="https://evil.example"), "unknown_issuer"),
        "no issuer": (rsa_issuer.token("s-bot", iss=None), "unknown_issuer"),
        "an issuer that is a list": (
            f"{header}.{encoded({**said, 'iss': [rsa_issuer.name]})}.{signature}", "unknown_issuer"
        ),
        "no subject": (jwt.encode({k: v for k, v in said.items() if k != "sub"}, rsa_issuer.key, "RS256",
                                  {"kid": "k-1"}), "malformed"),
        "unknown subject": (rsa_issuer.token("s-stranger"), "unknown_subject"),
        "registered id as subject": (rsa_issuer.token("support-bot"), "unknown_subject"),
        "another's trust domain": (rsa_issuer.token(BOT, iss=None), "algorithm"),
        "a logout token": (rsa_issuer.token("s-bot", headers={"typ": "logout+jwt"}), "malformed"),
        "a critical extension": (rsa_issuer.token("s-bot", headers={"crit": ["exp"]}), "malformed"),
        "no JSON": (f"{header}.{encoded(b'x')}.{signature}", "malformed"),
        "a list": (f"{header}.{encoded([1])}.{signature}", "malformed"),
        "no base64": ("a.b.c", "malformed"),
        "deep": (f"{header}.{encoded(b'[' * 9_000)}.{signature}", "malformed"),
        "long": (f"{header}.{'a' * 17_000}.{signature}", "malformed"),
        "five parts": (f"{good}.a.b", "unknown_credential"),
        "words": ("let-me-in", "unknown_credential"),
    }  # fmt: skip


def rsa_issuer_with(issuer: FakeIssuer, algorithm: str) -> str:
    """A token signed with the issuer's key in another way."""
    return FakeIssuer(issuer.key, algorithm, issuer.kid).token("s-bot")


def test_no_forged_borrowed_or_stretched_token_is_believed(
    idp_router: Router, rsa_issuer: FakeIssuer, expect_problem: ExpectProblem
) -> None:
    """Each is 401 with the same words, is counted under its own reason, and makes no record by itself."""
    for name, (token, reason) in forged(rsa_issuer).items():
        front = Front(lambda: idp_router, None)
        client = TestClient(create_app(idp_router, front=front), base_url="http://127.0.0.1")
        answer = client.post("/v1/route", json=LINE, headers=bearer(token))
        expect_problem(answer, 401, "unauthenticated", DENIED)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert front.refusals.counts == {reason: 1}, name
    assert idp_router.ledger.size() == 0


def test_thirty_seconds_are_forgiven(idp_client: TestClient, rsa_issuer: FakeIssuer) -> None:
    """Clocks differ a little: a token just expired, or not quite valid, is still believed."""
    now = int(time.time())
    for token in (rsa_issuer.token("s-bot", exp=now - 15), rsa_issuer.token("s-bot", nbf=now + 15)):
        assert idp_client.post("/v1/route", json={"request": CHAT}, headers=bearer(token)).status_code == 200


def test_a_token_may_be_good_for_a_day(idp_client: TestClient, rsa_issuer: FakeIssuer) -> None:
    """Twenty-four hours from now is the longest a token is believed."""
    token = rsa_issuer.token("s-bot", exp=int(time.time()) + 86_400)
    assert idp_client.post("/v1/route", json=LINE, headers=bearer(token)).status_code == 200


def test_an_audience_among_several_is_ours(idp_client: TestClient, rsa_issuer: FakeIssuer) -> None:
    """A token made for several services names this one among them."""
    token = rsa_issuer.token("s-bot", aud=["billing", "clearway"])
    assert idp_client.post("/v1/route", json=LINE, headers=bearer(token)).status_code == 200


def test_with_issuers_nobody_is_let_in_without_a_credential(
    idp_router: Router, client_of: MakeClient, expect_problem: ExpectProblem
) -> None:
    """Not on loopback either: an agent there could leave its token away, and be the gateway."""
    client = client_of(idp_router)
    expect_problem(client.post("/v1/route", json=LINE), 401, "unauthenticated", DENIED)
    assert client.get("/readyz").status_code == 200


def test_two_credentials_are_none(
    idp_client: TestClient, rsa_issuer: FakeIssuer, expect_problem: ExpectProblem
) -> None:
    """Two Authorization headers, of which two readers could believe either, are refused."""
    token = rsa_issuer.token("s-bot")
    headers = [("authorization", f"Bearer {token}"), ("authorization", f"Bearer {token}")]
    answer = idp_client.post("/v1/route", json=LINE, headers=headers)
    expect_problem(answer, 401, "unauthenticated", DENIED)


@pytest.mark.parametrize("make", [elliptic, edwards])
def test_other_algorithms(
    make_router: MakeRouter, client_of: MakeClient, tmp_path: Path, make: Callable[[], FakeIssuer]
) -> None:
    """ES256 and EdDSA verify like RS256, where the issuer lists them."""
    issuer = make()
    policy = policy_with(tmp_path, SECTIONS, idp=[issuer.jwk()], mesh=[elliptic().jwk()])
    client = client_of(make_router(policy=policy))
    answer = client.post("/v1/route", json=LINE, headers=bearer(issuer.token("s-bot")))
    assert answer.status_code == 200


def test_no_token_is_told_or_logged(
    idp_client: TestClient, rsa_issuer: FakeIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither an answer nor a log line holds a credential, good or bad."""
    with caplog.at_level("DEBUG"):
        for token, _ in forged(rsa_issuer).values():
            answer = idp_client.post("/v1/route", json=LINE, headers=bearer(token))
            assert token not in answer.text + caplog.text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
headers_of_tokens = st.fixed_dictionaries(
    {"alg": st.sampled_from(["RS256", "none", "HS256"]) | json_values, "kid": st.just("k-1") | json_values},
    optional={"typ": json_values, "crit": json_values, "b64": json_values, "jwk": json_values},
)
claims_of_tokens = st.fixed_dictionaries(
    {"iss": st.just(OIDC) | json_values, "sub": st.sampled_from(["s-bot", "s-ana", BOT]) | json_values},
    optional=dict.fromkeys(("aud", "exp", "nbf", "iat", "act", "jti", "cnf"), json_values),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    credential=st.text(max_size=60)
    | st.tuples(headers_of_tokens, claims_of_tokens, st.binary(max_size=300)).map(
        lambda parts: ".".join(encoded(part) for part in parts)
    )
)
def test_no_words_break_the_door(idp_router: Router, credential: str) -> None:
    """Whatever stands in the header, without the issuer's signature it is refused, and no more."""
    front = Front(lambda: idp_router, None)
    for scheme in ("Bearer ", ""):
        with pytest.raises(UnauthenticatedError):
            front.admit(scheme + credential, "127.0.0.1")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(claims=claims_of_tokens, extra=st.dictionaries(st.sampled_from(["typ", "cty"]), json_values))
def test_no_signed_claims_break_the_door(
    idp_router: Router, rsa_issuer: FakeIssuer, claims: dict[str, Any], extra: dict[str, Any]
) -> None:
    """An issuer may sign anything: odd claims are refused, and never an unexpected fault."""
    head = encoded({"alg": "RS256", "kid": "k-1", **extra})
    said = f"{head}.{encoded({'aud': 'clearway', 'exp': int(time.time()) + 300, **claims})}"
    signature = rsa_issuer.key.sign(said.encode(), padding.PKCS1v15(), hashes.SHA256())
    with suppress(UnauthenticatedError):
        Front(lambda: idp_router, None).admit(f"Bearer {said}.{encoded(signature)}", "127.0.0.1")
