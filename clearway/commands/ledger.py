"""`clearway ledger`: verify, prove, checkpoint, export, erase."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from clearway.body import parse_json
from clearway.commands.options import HomeOption, print_error, print_json, settings
from clearway.errors import InvalidRequestError
from clearway.installation import existing_ledger
from clearway.ledger.checkpoint import Verifier
from clearway.ledger.export import export_lines, prove, snapshot
from clearway.ledger.verify import Verification, verify_entries, verify_export, verify_extends, verify_proof

app = typer.Typer(no_args_is_help=True, help="The tamper-evident log of records.")

KeyOption = Annotated[
    str | None,
    typer.Option("--key", help="The log's public key, kept elsewhere. Default: this installation's."),
]


@app.command()
def verify(
    home: HomeOption = None,
    key: KeyOption = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="An older checkpoint, kept elsewhere: finds a rolled-back ledger.")
    ] = None,
    export: Annotated[Path | None, typer.Option(help="Verify this export instead of the ledger.")] = None,
    proof: Annotated[Path | None, typer.Option(help="Verify this proof of one decision instead.")] = None,
) -> None:
    """Check that no record was altered, removed or added: recompute the tree, compare with what was signed.

    Exit 1 when it does not hold; the line names the first fault. With --export or --proof give --key: the
    key inside a file proves nothing.
    """
    if (export or proof) and key is None:
        raise typer.BadParameter("expected --key with --export or --proof")
    if proof:
        _report(verify_proof(parse_json(_read(proof)), _verifier(str(key))))
    elif export:
        _report(verify_export(_read(export).splitlines(keepends=True), _verifier(str(key))))
    else:
        _verify_own(home, key, checkpoint)


@app.command("prove")
def prove_decision(
    decision_id: Annotated[str, typer.Argument(help="Decision id.")], home: HomeOption = None
) -> None:
    """Print a decision's record with the proof that it is in the ledger, for `verify --proof`."""
    print_json(prove(existing_ledger(settings(home)), decision_id))


@app.command()
def checkpoint(
    home: HomeOption = None,
    show_key: Annotated[bool, typer.Option("--key", help="Print the log's public key instead.")] = False,
) -> None:
    """Print the latest signed checkpoint. Keep it elsewhere: it shows later that nothing was taken back."""
    ledger = existing_ledger(settings(home))
    sys.stdout.write(f"{ledger.public_key}\n" if show_key else ledger.checkpoint())


@app.command()
def export(home: HomeOption = None) -> None:
    """Print every record as a JSON line, then the signed checkpoint."""
    for line in export_lines(existing_ledger(settings(home))):
        sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


@app.command()
def erase(decision_id: Annotated[str, typer.Argument(help="Decision id.")], home: HomeOption = None) -> None:
    """Delete what ties a decision to its request (salt and index row); the ledger still verifies."""
    ledger = existing_ledger(settings(home))
    erased = ledger.erase(decision_id)
    print_json({"decision_id": decision_id, "erased": erased, "ledger": {"size": ledger.size()}})


def _verify_own(home: Path | None, key: str | None, older: Path | None) -> None:
    ledger = existing_ledger(settings(home))
    verifier = _verifier(key or ledger.public_key)
    leaves, current = snapshot(ledger)
    result = verify_entries(leaves, current, verifier)
    if result.ok and older is not None:
        result = verify_extends(ledger.leaves(), _read(older).decode("utf-8", "replace"), verifier)
    _report(result)


def _report(result: Verification) -> None:
    print_json(result.as_json())
    print_error("verified" if result.ok else f"NOT verified: {result.fault.text if result.fault else ''}")
    raise typer.Exit(0 if result.ok else 1)


def _verifier(text: str) -> Verifier:
    return Verifier.parse(text)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise InvalidRequestError(
            f"{path}: cannot be read ({fault.strerror}); name an existing file"
        ) from None
