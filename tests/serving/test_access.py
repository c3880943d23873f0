"""Who gets in: the token, the host check on loopback, and the headers that nobody may send."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from clearway.errors import ConfigurationError
from clearway.router import Router
from serving.cli import service_token

MakeClient = Callable[..., TestClient]
ExpectProblem = Callable[..., None]
TOKEN = "correct-horse-battery-staple-0123"
LINE = {"id": "r-1", "caller": "local-dev", "request": {"messages": [{"role": "user", "content": "Hello"}]}}
NO_TOKEN = "authorization: expected the service's token as a bearer token"
NO_LOOPBACK = "host: expected a loopback host name, since the service has no token"


@pytest.fixture
def guarded(router: Router, client_of: MakeClient) -> TestClient:
    """A client of the service with a token, which it does not send by itself."""
    return client_of(router, TOKEN)


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        TOKEN,
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN.upper()}",
        f"Bearer {TOKEN} {TOKEN}",
        b"Bearer \xe9\xff",
    ],
)
def test_without_the_token_nothing_is_answered(
    guarded: TestClient, router: Router, authorization: str | bytes | None, expect_problem: ExpectProblem
) -> None:
    """No token, or any but the right one, is 401 with its challenge (RFC 9110, 11.6.1), on any path."""
    headers = {} if authorization is None else {"authorization": authorization}
    answers = [guarded.post("/v1/route", json=LINE, headers=headers)]  # type: ignore[arg-type]  # bytes on purpose
    answers += [
        guarded.get(path, headers=headers)  # type: ignore[arg-type]  # as above
        for path in ("/v1/decisions/a", "/openapi.json", "/nothing")
    ]
    for answer in answers:
        expect_problem(answer, 401, "unauthenticated", NO_TOKEN)
        assert answer.headers["www-authenticate"] == "Bearer"
    assert router.ledger.size() == 0


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_with_the_token_the_record_says_so(guarded: TestClient, scheme: str) -> None:
    """The right token lets in, whatever the case of the scheme, and the record names it as the proof."""
    headers = {"authorization": f"{scheme} {TOKEN}"}
    decision = guarded.post("/v1/route", json=LINE, headers=headers).json()
    record = guarded.get(f"/v1/decisions/{decision['decision_id']}", headers=headers).json()
    assert record["caller"]["verified_by"] == "static_token"
    assert record["caller"]["gateway"] == "local-gateway"


def test_health_needs_no_token(guarded: TestClient) -> None:
    """Who balances the load has no credential."""
    assert guarded.get("/healthz").status_code == guarded.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    "host", ["x/healthz?", "x/healthz#", "[", "a@b", "127.0.0.1:99999", "/healthz?:80", ""]
)
@pytest.mark.parametrize("token", [None, TOKEN])
def test_no_host_header_opens_a_path(
    router: Router, client_of: MakeClient, expect_problem: ExpectProblem, host: str, token: str | None
) -> None:
    """A Host header made to look like an open path, or like no host at all, opens and breaks nothing."""
    answer = client_of(router, token).post("/v1/route", json=LINE, headers={"host": host})
    if token is None and host.startswith("127."):
        assert answer.status_code == 200
    else:
        expect_problem(answer, 401, "unauthenticated", NO_LOOPBACK if token is None else NO_TOKEN)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.example:127.0.0.1",
        "127.0.0.1:80@evil.example",
        "0.0.0.0",
        "10.0.0.1",
        "[::2]",
        "[::1].evil.example",
        "::1",
    ],
)
def test_another_host_name_is_refused_on_loopback(
    client: TestClient, router: Router, expect_problem: ExpectProblem, host: str
) -> None:
    """A page in a browser that resolves its own name to this machine (DNS rebinding) is turned away."""
    expect_problem(
        client.post("/v1/route", json=LINE, headers={"host": host}), 401, "unauthenticated", NO_LOOPBACK
    )
    assert router.ledger.size() == 0


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8080", "127.0.0.2", "localhost", "LocalHost:1", "[::1]", "[::1]:8080"]
)
def test_a_loopback_host_name_is_let_in(client: TestClient, host: str) -> None:
    """Every way to name this machine, with a port or without."""
    assert client.post("/v1/route", json=LINE, headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "x-clearway-decision",
        "X-Clearway-Caller",
        "x-clearway-user",
        "X-CLEARWAY-LEVEL",
        "x-clearway-classes",
        "x-clearway-skip",
        "x-clearway-",
    ],
)
@pytest.mark.parametrize("path", ["/v1/route", "/v1/assess", "/v1/decisions/a", "/healthz"])
def test_reserved_headers_are_refused(
    client: TestClient, router: Router, expect_problem: ExpectProblem, name: str, path: str
) -> None:
    """No client names a decision, an identity or a class in a header: such headers are refused."""
    answer = client.post(path, json=LINE, headers={name: "restricted"})
    detail = "header: x-clearway-* headers are reserved; remove them"
    expect_problem(answer, 422, "invalid_request", detail)
    assert router.ledger.size() == 0


@pytest.mark.parametrize(
    "name",
    ["x-vsr-skip-processing", "x-ai-eg-model", "x-user-id", "x-forwarded-user", "x-litellm-tags", "x-model"],
)
def test_headers_that_steer_other_routers_steer_nothing_here(
    client: TestClient, router: Router, name: str
) -> None:
    """Identity, routing and skip headers that others believed (vSR #1443, #1445) change no record."""
    records = []
    for number, headers in enumerate(({}, {name: "hr-assistant"})):
        decided = client.post("/v1/route", json={**LINE, "id": f"r-{number}"}, headers=headers).json()
        record = router.ledger.find(decided["decision_id"]).record
        records.append({k: record[k] for k in ("caller", "purpose", "model", "fallbacks", "classification")})
    assert records[0] == records[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_loopback_needs_no_token(host: str) -> None:
    """On loopback there is no token unless one is set; then it is asked for."""
    assert service_token(host, None) is None
    assert service_token(host, TOKEN) == TOKEN


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.1", "clearway.internal", "127.1"])
def test_any_other_address_needs_a_token(host: str) -> None:
    """An address that others reach, or that is not known to be loopback, is not served without a token."""
    assert service_token(host, TOKEN) == TOKEN
    with pytest.raises(ConfigurationError) as caught:
        service_token(host, None)
    assert str(caught.value) == "CLEARWAY_TOKEN: required for an address other than loopback; set it"


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("token", ["", "short", "x" * 31])
def test_a_short_token_is_refused(host: str, token: str) -> None:
    """A token that can be guessed is none; an empty one is not `no token`. 32 characters are enough."""
    with pytest.raises(ConfigurationError) as caught:
        service_token(host, token)
    assert str(caught.value) == "CLEARWAY_TOKEN: expected at least 32 characters"
    assert service_token(host, "x" * 32) == "x" * 32


@pytest.mark.parametrize("character", [" ", "\n", "\t", "é", "\udcff"])
def test_a_token_that_no_header_can_carry_is_refused(character: str) -> None:
    """A token with a stray newline would lock everyone out; it is refused at the start instead."""
    with pytest.raises(ConfigurationError) as caught:
        service_token("0.0.0.0", TOKEN + character)
    assert str(caught.value) == "CLEARWAY_TOKEN: expected visible ASCII characters only, without spaces"


def test_callers_with_credentials_of_their_own_need_no_token() -> None:
    """With issuers or keys in the callers file any address may be served without CLEARWAY_TOKEN."""
    assert service_token("0.0.0.0", None, has_credentials=True) is None
    assert service_token("0.0.0.0", TOKEN, has_credentials=True) == TOKEN
