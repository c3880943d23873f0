"""`clearway exception`: request, approve, list, revoke."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from clearway.approvals import Approvers, load_approvers, load_key
from clearway.commands.options import (
    HomeOption,
    PolicyOption,
    RegisterOption,
    people_console,
    print_error,
    print_json,
    settings,
)
from clearway.errors import InvalidRequestError
from clearway.exception_steps import (
    Known,
    Person,
    approve_exception,
    new_id,
    request_exception,
    revoke_exception,
    state_of,
)
from clearway.exceptions import ExceptionBook, RequestedException
from clearway.installation import Settings, data_folder, existing_ledger
from clearway.ledger.sqlite import open_ledger
from clearway.ledger.store import Ledger
from clearway.load_records import authority
from clearway.policy import load_policy
from clearway.register import load_register
from clearway.sensitivity import load_class_table

ANY = "any"
app = typer.Typer(
    no_args_is_help=True,
    help="Exceptions to an absent permit: asked for, approved by another person, counted, and with an end.",
)

NameArgument = Annotated[str, typer.Argument(metavar="ID", help="Id of the exception.")]
ByOption = Annotated[
    str | None, typer.Option("--by", metavar="PERSON", help="Your name, never a caller's; or give --key.")
]
KeyOption = Annotated[
    Path | None, typer.Option("--key", help="Your private key: signs, under the key's own name.")
]
ReasonOption = Annotated[str, typer.Option(help="Why; one line.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON lines instead of a table.")]


@app.command()
def request(
    template: Annotated[str, typer.Option(help="@id of the policy template that it links.")],
    caller: Annotated[str, typer.Option(help="The one caller or user it permits.")],
    data_class: Annotated[str, typer.Option("--class", help="The one data class, or `any`.")],
    purpose: Annotated[str, typer.Option(help="The one purpose, or `any`.")],
    expires: Annotated[
        str, typer.Option(metavar="DATE|TIME", help="Last day (UTC), or end as 2027-01-31T18:00:00Z.")
    ],
    max_uses: Annotated[int, typer.Option(help="Number of decisions that may need it.")],
    reason: ReasonOption,
    model: Annotated[str | None, typer.Option(help="The one model; or name a provider.")] = None,
    provider: Annotated[str | None, typer.Option(help="The one provider; or name a model.")] = None,
    by: ByOption = None,
    key: KeyOption = None,
    home: HomeOption = None,
    register: RegisterOption = None,
    policy: PolicyOption = None,
) -> None:
    """Ask for an exception. It permits nothing until another person approves it.

    By a template of the policy it lifts the lack of a permit, and never a
    forbid. It ends by itself: at its end, or after so many decisions.

    Example: clearway exception request --template TEMPLATE --caller clinic-scribe
    --class health --purpose clinical_documentation --model MODEL
    --expires 2026-12-31 --max-uses 50 --reason "Migration week" --by "Ana Diaz"
    """
    chosen, person = settings(home, register, policy), _person(by, key)
    wanted = RequestedException(
        id=new_id(),
        template=template,
        caller=caller,
        model=model,
        provider=provider,
        data_class=None if data_class == ANY else data_class,
        purpose=None if purpose == ANY else purpose,
        requester=person.name.strip(),
        reason=reason.strip(),
        expires_at=_end(expires),
        max_uses=max_uses,
    )
    with closing(open_ledger(chosen.home)) as ledger:
        known, now = _known(chosen, ledger), datetime.now(UTC)
        request_exception(ledger, wanted, signer=person.signer, known=known, at=now)
        print_json(state_of(ledger, wanted.id, known.approvers).as_json(now))


@app.command()
def approve(
    name: NameArgument,
    reason: ReasonOption,
    by: ByOption = None,
    key: KeyOption = None,
    home: HomeOption = None,
    register: RegisterOption = None,
    policy: PolicyOption = None,
) -> None:
    """Approve an exception that another person requested: it is in force from now on.

    Look at it first, with clearway exception list. With --key the approval is
    signed; where approvals are required, or you have a registered key, it must be.

    Example: clearway exception approve ID --key ben.key --reason "Seen, one week"
    """
    chosen, person = settings(home, register, policy), _person(by, key)
    with closing(existing_ledger(chosen)) as ledger:
        known, now = _known(chosen, ledger), datetime.now(UTC)
        approve_exception(ledger, name, approver=person, reason=reason, known=known, at=now)
        print_json(state_of(ledger, name, known.approvers).as_json(now))


@app.command()
def revoke(
    name: NameArgument,
    reason: ReasonOption,
    by: Annotated[str, typer.Option("--by", metavar="PERSON", help="Your name; never a caller's.")],
    home: HomeOption = None,
    policy: PolicyOption = None,
) -> None:
    """End an exception, or a request for one, now. Whoever sees the need may, without a key."""
    chosen = settings(home, policy=policy)
    callers = load_policy(chosen.policy).callers
    with closing(existing_ledger(chosen)) as ledger:
        now = datetime.now(UTC)
        revoke_exception(ledger, name, person=by, reason=reason, callers=callers, at=now)
        print_json(state_of(ledger, name, _approvers(chosen, ledger)).as_json(now))


@app.command("list")
def list_exceptions(
    every: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    home: HomeOption = None,
    policy: PolicyOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the exceptions that are in force or wait for approval, and how often each was used.

    STATUS is `requested`, `active`, or why it is over: `expired`, `used_up`, `revoked`.
    """
    chosen, now = settings(home, policy=policy), datetime.now(UTC)
    with closing(existing_ledger(chosen)) as ledger:
        book = ExceptionBook(ledger, _approvers(chosen, ledger))
        states = [state.as_json(now) for state in book.states()]
    rows = [row for row in states if every or row["status"] in ("requested", "active")]
    for row in rows if as_json else []:
        print_json(row)
    if not as_json and rows:
        _show(rows)
    if not as_json:
        print_error(f"{len(rows)} exceptions; {len(states) - len(rows)} more have ended")


def _known(chosen: Settings, ledger: Ledger) -> Known:
    return Known(
        load_policy(chosen.policy),
        load_register(chosen.register),
        load_class_table(data_folder() / "sensitivity").class_levels,
        _approvers(chosen, ledger),
    )


def _approvers(chosen: Settings, ledger: Ledger) -> Approvers:
    return authority(ledger, load_approvers(chosen.policy))


def _person(by: str | None, key: Path | None) -> Person:
    if (by is None) == (key is None):
        raise typer.BadParameter("expected --by or --key, one of them")
    if key is None:
        return Person(str(by))
    signer = load_key(key)
    return Person(signer.name, signer)


def _end(text: str) -> datetime:
    """The end of a day, or a time."""
    try:
        if len(text) == len("2027-01-31"):
            return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC) + timedelta(days=1)
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        at = None
    if at is None or at.tzinfo is None:
        raise InvalidRequestError(
            "expires: expected a day such as 2027-01-31, or a time with its zone such as 2027-01-31T18:00:00Z"
        )
    return at.astimezone(UTC)


def _show(rows: list[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("ID", "STATUS", "CALLER", "CLASS", "TO", "PURPOSE", "UNTIL", "USES", "BY", "REASON"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in _cells(row)))
    people_console().print(table)


def _cells(row: Mapping[str, Any]) -> Iterator[str]:
    approver = row["approved"] and row["approved"]["by"]
    yield from (row["id"], row["status"], row["caller"], row["data_class"] or ANY)
    yield row["model"] or f"{row['provider']} (all)"
    yield from (row["purpose"] or ANY, row["expires_at"][:16], f"{row['n_uses']} of {row['max_uses']}")
    yield f"{row['requester']}, approved by {approver}" if approver else row["requester"]
    yield row["reason"]
