"""The HTTP face of the router. It adds no decision of its own: authenticate, parse, ask, answer."""

from __future__ import annotations

import hmac
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, cast

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

import clearway.request
from clearway.errors import (
    ClearwayError,
    InvalidRequestError,
    LedgerUnavailableError,
    MalformedBodyError,
    NotFoundError,
    RequestConflictError,
    RequestTooLargeError,
    UnauthenticatedError,
    UnknownCallerError,
)
from clearway.request import MAX_BODY_BYTES, Caller, assessment_line, parse_json, parse_request
from clearway.router import Router
from serving import openapi
from serving.loopback import names_loopback

Next = Callable[[Request], Awaitable[Response]]
RESERVED_HEADERS: Final = "x-clearway-"
_OPEN_PATHS: Final = frozenset({"/healthz", "/readyz"})

# The first class that fits gives the status; anything else is a fault of ours.
_STATUS: Final[tuple[tuple[type[ClearwayError], int], ...]] = (
    (MalformedBodyError, 400),
    (RequestTooLargeError, 413),
    (InvalidRequestError, 422),
    (UnauthenticatedError, 401),
    (UnknownCallerError, 403),
    (NotFoundError, 404),
    (RequestConflictError, 409),
    (LedgerUnavailableError, 503),
)

_log = logging.getLogger("clearway.serving")


def create_app(router: Router, *, token: str | None = None) -> FastAPI:
    """Application over a router.

    Args:
        router: Decides.
        token: Static credential that every request must carry as a bearer token; None only on loopback, where
            requests must then name a loopback host (a page in a browser cannot).
    """
    app = FastAPI(
        title="Clearway",
        version=clearway.__version__,
        description=openapi.DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    gateway = Gateway(router, "loopback" if token is None else "static_token")
    app.middleware("http")(_guard(token))
    app.exception_handler(ClearwayError)(_on_fault)
    app.exception_handler(HTTPException)(_on_http_fault)

    @app.post("/v1/route", **openapi.ROUTE)
    async def route(request: Request) -> dict[str, Any]:
        return await run_in_threadpool(gateway.decide, await _body(request))

    @app.post("/v1/assess", **openapi.ASSESS)
    async def assess(request: Request) -> dict[str, Any]:
        return await run_in_threadpool(gateway.assess, await _body(request))

    @app.get("/v1/decisions/{decision_id}", **openapi.DECISION)
    def decision(decision_id: str) -> dict[str, Any]:
        return gateway.record(decision_id)

    @app.get("/healthz", **openapi.HEALTH)
    def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz", **openapi.READY)
    def readyz() -> dict[str, str]:
        router.ledger.check_writable()
        return {"status": "ready"}

    return app


class Gateway:
    """What an authenticated gateway may ask of a router.

    Args:
        router: Decides.
        verified_by: How the gateway was authenticated; goes on the record.
    """

    def __init__(self, router: Router, verified_by: str) -> None:
        self._router = router
        self._callers = router.policy.callers
        self._verified_by = verified_by

    def decide(self, body: bytes) -> dict[str, Any]:
        """Decision line on a request line, recorded."""
        line = parse_json(body)
        caller = self._callers.from_gateway(self._callers.gateway, line, verified_by=self._verified_by)
        request = _request(line, caller, self._callers.purpose_of(caller, line))
        return self._router.decide(request).as_json()

    def assess(self, body: bytes) -> dict[str, Any]:
        """Assessment line of a text or messages; it depends on no caller, so it asks for none."""
        caller = Caller(self._callers.default_caller, None, self._verified_by, self._callers.gateway)
        request = _request(assessment_line(parse_json(body)), caller, "assessment")
        return self._router.assess(request).as_json(request.id)

    def record(self, decision_id: str) -> dict[str, Any]:
        """Record of a decision that this gateway asked for.

        Raises:
            NotFoundError: There is none, or another identity asked for it.
        """
        # One answer for both, so that nobody learns whether another's decision exists.
        unknown = NotFoundError("decision: none with this id; check the id")
        try:
            entry = self._router.ledger.find(decision_id)
        except NotFoundError:
            raise unknown from None
        if entry.record["caller"]["gateway"] != self._callers.gateway:
            raise unknown
        return entry.record


def _request(line: Mapping[str, Any], caller: Caller, purpose: str) -> clearway.request.Request:
    return parse_request(line, caller=caller, purpose=purpose, fallback_id=uuid.uuid4().hex)


def _guard(token: str | None) -> Callable[[Request, Next], Awaitable[Response]]:
    """Middleware: authenticate, refuse reserved headers, and let no unexpected fault tell its text."""

    async def guard(request: Request, call_next: Next) -> Response:
        try:
            _authenticate(request, token)
            _refuse_reserved_headers(request)
            return await call_next(request)
        except ClearwayError as fault:
            return problem(fault)
        except Exception as fault:  # noqa: BLE001  # its text may hold a prompt: only the type is told
            incident = uuid.uuid4().hex
            _log.error("incident %s: unexpected %s", incident, type(fault).__name__)
            return _problem(
                500, "internal_error", f"unexpected fault; incident {incident} in the service's log"
            )

    return guard


async def _on_fault(_: Request, fault: Exception) -> Response:
    return problem(cast("ClearwayError", fault))


async def _on_http_fault(_: Request, fault: Exception) -> Response:
    http_fault = cast("HTTPException", fault)
    response = _problem(http_fault.status_code, "http_error", HTTPStatus(http_fault.status_code).phrase)
    response.headers.update(http_fault.headers or {})  # such as Allow
    return response


def problem(fault: ClearwayError) -> Response:
    """Problem document (RFC 9457) of an expected error."""
    status = next((status for kind, status in _STATUS if isinstance(fault, kind)), 500)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("%s: %s", fault.code, fault)
    response = _problem(status, fault.code, str(fault))
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["www-authenticate"] = "Bearer"
    return response


def _problem(status: int, code: str, detail: str) -> Response:
    return JSONResponse(
        {
            "type": f"urn:clearway:problem:{code}",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "code": code,
            "detail": detail,
        },
        status_code=status,
        media_type="application/problem+json",
    )


async def _body(request: Request) -> bytes:
    """Body of a JSON request, read no further than the limit."""
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type != "application/json":
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                raise RequestTooLargeError(f"body: expected at most {MAX_BODY_BYTES} bytes, got more")
            chunks.append(chunk)
    except ClientDisconnect:
        raise MalformedBodyError("body: expected all of it, got a closed connection") from None
    return b"".join(chunks)


def _authenticate(request: Request, token: str | None) -> None:
    """The bearer token, or without one a loopback host name."""
    if request.scope["path"] in _OPEN_PATHS:  # not `url.path`, which is put together with the Host header
        return
    if token is None:
        if not names_loopback(request.headers.get("host", "")):
            raise UnauthenticatedError("host: expected a loopback host name, since the service has no token")
        return
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
        raise UnauthenticatedError("authorization: expected the service's token as a bearer token")


def _refuse_reserved_headers(request: Request) -> None:
    """No header names a decision, an identity or a class: those come from the body's caller, or from us."""
    reserved = sorted(name for name in request.headers if name.startswith(RESERVED_HEADERS))
    if reserved:
        raise InvalidRequestError(f"header: {RESERVED_HEADERS}* headers are reserved; remove them")
