"""The HTTP face of the router. It adds no decision of its own: authenticate, parse, ask, answer."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final, cast

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

import clearway
from clearway.errors import (
    ClearwayError,
    ForbiddenError,
    InvalidRequestError,
    LedgerUnavailableError,
    MalformedBodyError,
    NotFoundError,
    RateLimitedError,
    RequestConflictError,
    RequestTooLargeError,
    UnauthenticatedError,
    UnknownCallerError,
)
from clearway.reload import LiveRouter
from clearway.request import MAX_BODY_BYTES
from clearway.router import Router
from serving import openapi
from serving.access import Access
from serving.front import Front

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
    (ForbiddenError, 403),
    (RateLimitedError, 429),
    (NotFoundError, 404),
    (RequestConflictError, 409),
    (LedgerUnavailableError, 503),
)

_log = logging.getLogger("clearway.serving")


def create_app(
    router: Router | Callable[[], Router], *, token: str | None = None, front: Front | None = None
) -> FastAPI:
    """Application over a router.

    Args:
        router: Decides; or what returns the one in service, where it may be replaced.
        token: The service's one credential, as a bearer token. Without it, and without issuers and keys in
            the callers file, requests need none but must name a loopback host (a page in a browser cannot).
        front: Lets identities in; by default one made of the other two.
    """
    current = router if callable(router) else lambda: router
    front = front or Front(current, token)
    app = FastAPI(
        title="Clearway",
        version=clearway.__version__,
        description=openapi.DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=front.lifespan,
    )
    app.middleware("http")(_guard(front))
    app.exception_handler(ClearwayError)(_on_fault)
    app.exception_handler(HTTPException)(_on_http_fault)
    _add_operations(app)
    _add_health(app, current)
    return app


def _add_operations(app: FastAPI) -> None:
    """What takes a credential."""

    @app.post("/v1/route", **openapi.ROUTE)
    async def route(request: Request) -> dict[str, Any]:
        access = _access(request)
        answer = access.preview if _is_dry_run(request) else access.decide
        return await run_in_threadpool(answer, await _body(request))

    @app.post("/v1/assess", **openapi.ASSESS)
    async def assess(request: Request) -> dict[str, Any]:
        return await run_in_threadpool(_access(request).assess, await _body(request))

    @app.post("/v1/outcomes", **openapi.OUTCOME)
    async def outcomes(request: Request) -> dict[str, Any]:
        return await run_in_threadpool(_access(request).report, await _body(request))

    @app.get("/v1/decisions/{decision_id}", **openapi.DECISION)
    def decision(request: Request, decision_id: str) -> dict[str, Any]:
        return _access(request).record(decision_id)


def _add_health(app: FastAPI, current: Callable[[], Router]) -> None:
    """What takes none: who balances the load has no credential."""

    @app.get("/healthz", **openapi.HEALTH)
    def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz", **openapi.READY)
    def readyz() -> dict[str, Any]:
        current().ledger.check_writable()
        fault = current.fault if isinstance(current, LiveRouter) else None
        return {"status": "ready", **({"reload": fault.as_json()} if fault else {})}


def _access(request: Request) -> Access:
    return cast("Access", request.state.access)


def _is_dry_run(request: Request) -> bool:
    """What the query says; anything else in it is refused, since a misspelt dry run would be a decision."""
    query = request.query_params.multi_items()
    if query not in ([], [("dry_run", "true")], [("dry_run", "false")]):
        raise InvalidRequestError("query: expected nothing, or dry_run=true or false")
    return query == [("dry_run", "true")]


def _guard(front: Front) -> Callable[[Request, Next], Awaitable[Response]]:
    """Middleware: authenticate, refuse reserved headers, and let no unexpected fault tell its text."""

    async def guard(request: Request, call_next: Next) -> Response:
        try:
            if request.scope["path"] not in _OPEN_PATHS:  # not `url.path`, put together with the Host header
                request.state.access = front.admit(
                    _header(request, "authorization"), _header(request, "host")
                )
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
    if isinstance(fault, RateLimitedError):
        response.headers["retry-after"] = str(fault.retry_after_s)
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


def _header(request: Request, name: str) -> str:
    """A header that came once; one that came twice says nothing, since two readers could believe either."""
    values = request.headers.getlist(name)
    return values[0] if len(values) == 1 else ""


def _refuse_reserved_headers(request: Request) -> None:
    """No header names a decision, an identity or a class: those come from the body's caller, or from us."""
    reserved = sorted(name for name in request.headers if name.startswith(RESERVED_HEADERS))
    if reserved:
        raise InvalidRequestError(f"header: {RESERVED_HEADERS}* headers are reserved; remove them")
