"""`clearway approval`: ask for a change of policy or register, approve another person's, check them all."""

from __future__ import annotations

from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from clearway.approvals import Act, load_key
from clearway.change_approval import check_records, sign_change
from clearway.commands.options import (
    HomeOption,
    PolicyOption,
    RegisterOption,
    people_console,
    print_error,
    print_json,
    settings,
)
from clearway.installation import Settings, existing_ledger
from clearway.ledger.sqlite import open_ledger

app = typer.Typer(
    no_args_is_help=True, help="Changes of policy and register: asked for by one person, approved by another."
)


class Part(StrEnum):
    """What goes into service together."""

    POLICY = "policy"
    REGISTER = "register"


PartArgument = Annotated[Part, typer.Argument(help="What is to go into service.")]
ReasonOption = Annotated[str, typer.Option(help="Why; one line.")]
KeyOption = Annotated[
    Path, typer.Option("--key", help="Your private key, from clearway approver key create.")
]


@app.command()
def request(
    part: PartArgument,
    reason: ReasonOption,
    key: KeyOption,
    home: HomeOption = None,
    register: RegisterOption = None,
    policy: PolicyOption = None,
) -> None:
    """Ask for the policy or the register in its folder to go into service. Prints what would change.

    The request is for exactly these bytes: after another edit, ask again.

    Example: clearway approval request policy --policy DIR --reason "EU only" --key ana.key
    """
    print_json(_sign("request", part, reason, key, settings(home, register, policy)))


@app.command()
def approve(
    part: PartArgument,
    reason: ReasonOption,
    key: KeyOption,
    home: HomeOption = None,
    register: RegisterOption = None,
    policy: PolicyOption = None,
) -> None:
    """Approve what another person asked for, if it is what stands in the folder now. Prints what changes.

    It is good for this change only: to go back to an older version later takes another approval.

    Example: clearway approval approve policy --policy DIR --reason "reviewed" --key ben.key
    """
    print_json(_sign("approve", part, reason, key, settings(home, register, policy)))


@app.command()
def verify(
    home: HomeOption = None,
    policy: PolicyOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines instead of a table.")] = False,
) -> None:
    """Check every person's signature in the ledger: requests, approvals, reviews, exceptions, promotions.

    Exit 1 when one does not hold. Whether the records themselves are unaltered says `clearway ledger verify`.
    """
    chosen = settings(home, policy=policy)
    with closing(existing_ledger(chosen)) as ledger:
        findings = check_records(chosen, ledger)
    table = Table("record", "kind", "about", "person", "holds")
    for found in findings:
        if as_json:
            print_json(found.as_json())
        table.add_row(
            str(found.index), found.kind, found.about or "", found.person or "", found.fault or "yes"
        )
    if not as_json:
        people_console().print(table)
    n_bad = sum(found.fault is not None for found in findings)
    print_error(f"{len(findings)} signatures, {n_bad} do not hold")
    raise typer.Exit(1 if n_bad else 0)


def _sign(act: Act, part: Part, reason: str, key: Path, chosen: Settings) -> dict[str, Any]:
    signer = load_key(key)
    with closing(open_ledger(chosen.home)) as ledger:
        entry, diff = sign_change(chosen, ledger, act, part.value, reason=reason, signer=signer)
    return {**entry.record["approval"]["statement"], "diff": diff, "ledger": {"index": entry.index}}
