"""The command line: `clearway COMMAND`. JSON lines in, JSON lines out; exit 0 done, 1 no, 2 wrong use."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.metadata import entry_points

import typer
from rich.console import Console

from clearway.commands import (
    approval,
    approver,
    callers,
    decisions,
    exception,
    ledger,
    outcome,
    policy,
    register,
    requests,
)
from clearway.errors import ClearwayError

app = typer.Typer(
    name="clearway",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Every prompt takes the cheapest route it is cleared for, and can prove it.",
    epilog="CLEARWAY_HOME holds the state; CLEARWAY_REGISTER, _POLICY and _BUNDLE name other folders.",
)
app.command("route")(requests.route)
app.command("assess")(requests.assess)
app.command("explain")(decisions.explain)
app.command("replay")(decisions.replay)
app.command("outcome")(outcome.outcome)
app.add_typer(approval.app, name="approval")
app.add_typer(approver.app, name="approver")
app.add_typer(callers.app, name="callers")
app.add_typer(exception.app, name="exception")
app.add_typer(ledger.app, name="ledger")
app.add_typer(policy.app, name="policy")
app.add_typer(register.app, name="register")


def main() -> None:
    """Run the command line; an expected error is one line on stderr and exit 2."""
    for point in sorted(entry_points(group="clearway.commands"), key=lambda point: point.name):
        _add(point.name, point.load())
    try:
        app()
    except ClearwayError as fault:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"error: {fault}", markup=False)
        sys.exit(2)
    except BrokenPipeError:  # the reader left, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _add(name: str, found: typer.Typer | Callable[..., None]) -> None:
    """One command of another package, or a group of them."""
    if isinstance(found, typer.Typer):
        app.add_typer(found, name=name)
    else:
        app.command(name)(found)
