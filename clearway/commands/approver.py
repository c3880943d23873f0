"""`clearway approver`: keys of persons, and who is registered."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from clearway.approvals import load_approvers
from clearway.commands.options import (
    HomeOption,
    PolicyOption,
    people_console,
    print_error,
    print_json,
    settings,
)
from clearway.errors import ConfigurationError, LedgerError, NotFoundError
from clearway.installation import existing_ledger
from clearway.ledger.checkpoint import Signer
from clearway.load_records import authority

app = typer.Typer(no_args_is_help=True, help="The persons who approve changes, each with a key of their own.")
key_app = typer.Typer(no_args_is_help=True, help="Private keys of persons.")
app.add_typer(key_app, name="key")


@key_app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Your name, such as ana.diaz; no spaces.")],
    out: Annotated[Path, typer.Option(help="New file for the private key; only you can read it.")],
) -> None:
    """Make a private key for yourself, and print the entry for `approvers.yaml` with its public half.

    Keep the file where only you can use it, not on the machine that serves: whoever has it approves as you.

    Example: clearway approver key create ana.diaz --out ~/ana.diaz.key
    """
    try:
        signer = Signer.generate(name)
    except LedgerError as fault:
        raise typer.BadParameter(str(fault)) from None
    _write(out, signer.private_text() + "\n")
    print(f"- id: {signer.name}\n  public_key: {signer.verifier}")  # noqa: T201  # YAML, for the file
    print_error("put these lines under approvers: in approvers.yaml of your policy folder")


@app.command("list")
def list_approvers(
    home: HomeOption = None,
    policy: PolicyOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON line instead of a table.")] = False,
) -> None:
    """List who may approve now, and whether approvals are required.

    Where they are, the persons of the version in service count, not those of a file that is not approved yet.
    """
    chosen = settings(home, policy=policy)
    approvers = load_approvers(chosen.policy)
    try:
        ledger = existing_ledger(chosen)
    except NotFoundError:
        pass
    else:
        approvers = authority(ledger, approvers)
        ledger.close()
    if as_json:
        print_json(approvers.as_json())
        return
    table = Table("approver", "public key", title="approvals " + approvers.as_json()["approvals"])
    for name, key in sorted(approvers.keys.items()):
        table.add_row(name, str(key))
    people_console().print(table)


def _write(path: Path, text: str) -> None:
    """A new file that only its owner can read; an old one is never replaced."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigurationError(f"{path}: is there already; name a new file with --out") from None
    except OSError as fault:
        raise ConfigurationError(
            f"{path}: cannot be written ({fault.strerror}); name another file with --out"
        ) from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
