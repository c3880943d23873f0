"""`clearway serve`: the HTTP service."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from clearway.callers import load_callers
from clearway.commands.options import (
    BundleOption,
    HomeOption,
    PolicyOption,
    RegisterOption,
    SensitivityOption,
    settings,
)
from clearway.errors import ConfigurationError
from clearway.load_records import Versions
from serving.loopback import is_loopback

if TYPE_CHECKING:
    from clearway.reload import LiveRouter

MIN_TOKEN_CHARACTERS: Final = 32
MAX_CONNECTIONS: Final = 256


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on.")] = 8080,
    home: HomeOption = None,
    register: RegisterOption = None,
    policy: PolicyOption = None,
    bundle: BundleOption = None,
    sensitivity: SensitivityOption = None,
) -> None:
    """Serve decisions over HTTP: POST /v1/route, /v1/assess, GET /v1/decisions/ID, /openapi.json.

    On loopback no credential is needed, unless callers.yaml has issuers or keys: then every request carries a
    signed token or a key of these as a bearer token. For any other address without them, put a token of at
    least 32 characters into CLEARWAY_TOKEN. Refuses to start without a valid register, policy and bundle.

    Changed files go into service within seconds, or at once on SIGHUP; each request sees one version. What
    does not load, or lacks an approval, leaves the old version serving: /readyz and the log say so.
    """
    chosen = settings(home, register, policy, bundle, sensitivity)
    token = os.environ.get("CLEARWAY_TOKEN")
    is_asking = token is None and not is_loopback(host)
    token = service_token(host, token, has_credentials=is_asking and _has_credentials(chosen.policy))
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print("loading register, policy and classifiers ...")

    from clearway.reload import open_live

    live = open_live(chosen, lambda versions: _check_guarded(versions, host, token))
    signal.signal(signal.SIGHUP, lambda *_: live.ask())
    n_models = len(live.current.register.models)
    console.print(f"serving {n_models} models on {_url(host, port)} (Ctrl+C to stop)")
    with live.watch():
        _run(live, token, host, port)


def _run(live: LiveRouter, token: str | None, host: str, port: int) -> None:
    import uvicorn

    from serving.app import create_app

    try:
        uvicorn.run(
            create_app(live, token=token),
            host=host,
            port=port,
            access_log=False,
            log_level="warning",
            server_header=False,
            limit_concurrency=MAX_CONNECTIONS,
        )
    except SystemExit:  # uvicorn has logged the system's own words
        raise ConfigurationError(
            f"{_url(host, port)}: cannot be listened on; choose another --port"
        ) from None


def _check_guarded(versions: Versions, host: str, token: str | None) -> None:
    """A new callers file that takes the last credential away must not open the service to everyone."""
    callers = versions.policy.callers
    service_token(host, token, has_credentials=bool(callers.issuers or callers.keys))


def _has_credentials(policy: Path) -> bool:
    callers = load_callers(policy / "callers.yaml")
    return bool(callers.issuers or callers.keys)


def service_token(host: str, token: str | None, *, has_credentials: bool = False) -> str | None:
    """The one token to ask for, or None where callers have their own, or on loopback.

    Raises:
        ConfigurationError: The token is too short or cannot stand in a header, or is missing for an address
            that others reach.
    """
    if token is not None and len(token) < MIN_TOKEN_CHARACTERS:
        raise ConfigurationError(f"CLEARWAY_TOKEN: expected at least {MIN_TOKEN_CHARACTERS} characters")
    if token is not None and not _is_header_word(token):
        raise ConfigurationError("CLEARWAY_TOKEN: expected visible ASCII characters only, without spaces")
    if token is None and not has_credentials and not is_loopback(host):
        raise ConfigurationError("CLEARWAY_TOKEN: required for an address other than loopback; set it")
    return token


def _is_header_word(token: str) -> bool:
    return token.isascii() and token.isprintable() and " " not in token


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
