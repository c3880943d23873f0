"""`clearway route` and `clearway assess`: requests in, decisions or assessments out."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from clearway.commands.options import (
    BundleOption,
    HomeOption,
    PolicyOption,
    RegisterOption,
    SensitivityOption,
    input_lines,
    people_console,
    print_error,
    print_json,
    settings,
)
from clearway.decision import Decision
from clearway.errors import InvalidRequestError, RequestConflictError, UnknownCallerError
from clearway.explanation import explain_record
from clearway.installation import open_router
from clearway.request import Request, assessment_line, parse_json, parse_request
from clearway.router import Router
from clearway.sensitivity.unknown import UnknownDetector

_BAD_LINE = (InvalidRequestError, UnknownCallerError, RequestConflictError)


def route(
    home: HomeOption = None,
    register: RegisterOption = None,
    policy: PolicyOption = None,
    bundle: BundleOption = None,
    sensitivity: SensitivityOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Decide, but write no record.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Text for people instead of JSON lines.")
    ] = False,
) -> None:
    """Decide requests: a JSON line in, a decision line out, each recorded before it is printed.

    A line is {"id", "caller", "purpose", "session", "labels": [...], "request": {"messages": [...], ...}};
    only "request" is required. Exit 1 when a request was refused, 2 when a line was wrong (the line's number
    and the fault are on stderr; the other lines are decided).

    Example: echo '{"request": {"messages": [{"role": "user", "content": "Hello"}]}}' | clearway route
    """
    router = open_router(settings(home, register, policy, bundle, sensitivity), is_dry=dry_run)
    _warn_of_unknown(router)
    console = people_console()
    refused = False

    def answer(line: Mapping[str, Any]) -> None:
        nonlocal refused
        request = local_request(router, line)
        decision: Decision = router.preview(request) if dry_run else router.decide(request)
        refused |= decision.verdict != "route"
        if explain:
            console.print(explain_record(decision.record, router.policy.reasons))
        else:
            print_json(decision.as_json())

    wrong = _answer_lines(answer)
    raise typer.Exit(2 if wrong else int(refused))


def assess(
    home: HomeOption = None,
    register: RegisterOption = None,
    policy: PolicyOption = None,
    bundle: BundleOption = None,
    sensitivity: SensitivityOption = None,
) -> None:
    """Assess prompts: {"id", "text"} or {"id", "messages"} a line in, an assessment a line out.

    Example: echo '{"id": "1", "text": "What is the capital of France?"}' | clearway assess
    """
    router = open_router(settings(home, register, policy, bundle, sensitivity))
    _warn_of_unknown(router)

    def answer(line: Mapping[str, Any]) -> None:
        request = local_request(router, assessment_line(line))
        print_json(router.assess(request).as_json(request.id))

    raise typer.Exit(2 if _answer_lines(answer) else 0)


def _warn_of_unknown(router: Router) -> None:
    """One line on stderr where every request will count as restricted."""
    if isinstance(router.sensitivity, UnknownDetector):
        typer.echo(f"warning: every request counts as restricted: {router.sensitivity.fault}", err=True)


def local_request(router: Router, line: Mapping[str, Any]) -> Request:
    """Request of a line of the local command line.

    Raises:
        InvalidRequestError: The line is malformed.
        UnknownCallerError: Its caller is not registered.
    """
    callers = router.policy.callers
    caller = callers.from_command_line(line)
    purpose = callers.purpose_of(caller, line)
    return parse_request(line, caller=caller, purpose=purpose, fallback_id=uuid.uuid4().hex)


def _answer_lines(answer: Callable[[Mapping[str, Any]], None]) -> bool:
    """Answer each line; whether any was wrong."""
    wrong = False
    for number, raw in input_lines():
        try:
            answer(parse_json(raw))
        except _BAD_LINE as fault:
            wrong = True
            print_error(f"line {number}: {fault}")
    return wrong
