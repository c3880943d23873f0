"""`clearway register`: list, show, review, expiring, diff."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from clearway.approvals import load_key
from clearway.callers import load_callers
from clearway.change_approval import sign_record
from clearway.commands.options import (
    HomeOption,
    PolicyOption,
    RegisterOption,
    print_error,
    print_json,
    settings,
)
from clearway.commands.register_tables import show_changes, show_one, show_providers
from clearway.errors import InvalidRequestError
from clearway.exception_steps import check_person
from clearway.installation import LOAD, Settings, archive_of, existing_ledger, operator
from clearway.ledger.checkpoint import Signer
from clearway.ledger.sqlite import open_ledger
from clearway.ledger.store import Entry
from clearway.load_records import stamp_of
from clearway.register import Register, load_register
from clearway.register_changes import compare_registers
from clearway.register_reviews import REVIEW, Finding, add_review, digest_of_file, make_review
from clearway.register_standing import model_json, provider_json, standing_json
from clearway.register_terms import day_of

app = typer.Typer(
    no_args_is_help=True, help="The providers: their terms, who reviewed them, and until when that holds."
)

JsonOption = Annotated[bool, typer.Option("--json", help="JSON lines instead of a table.")]
DayOption = Annotated[
    str | None, typer.Option("--on", metavar="DATE", help="Judge on this day, as 2026-12-31. Default: today.")
]


@app.command("list")
def list_providers(
    register: RegisterOption = None, on: DayOption = None, as_json: JsonOption = False
) -> None:
    """List the providers: what they keep and reuse, until when their review holds, how many models it covers.

    STANDING is `reviewed`, or the code that each decision gives for leaving the models out:

    not_reviewed: no review, or none that covers the model. review_expired: its last
    day has passed. terms_changed: the terms are not those that were reviewed.
    """
    loaded, at = load_register(settings(None, register).register), _noon(on)
    rows = [standing_json(loaded, name, at) for name in loaded.providers]
    if not as_json:
        show_providers(rows)
    for row in rows if as_json else []:
        print_json(row)


@app.command()
def show(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="Provider or model.")],
    register: RegisterOption = None,
    on: DayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show all that is known of a provider, with its reviews, or of a model, with the evidence for each fact.

    Example: clearway register show openai
    """
    loaded, at = load_register(settings(None, register).register), _noon(on)
    if identifier in loaded.providers:
        found = provider_json(loaded, identifier, at)
    elif identifier in loaded.models:
        found = model_json(loaded, identifier, at)
    else:
        raise InvalidRequestError(
            f"id: expected a provider ({', '.join(loaded.providers)}) or one of its models; "
            "see clearway register show PROVIDER"
        )
    if as_json:
        print_json(found)
    else:
        show_one(found)


@app.command()
def review(
    provider: Annotated[str, typer.Argument(metavar="ID", help="Provider.")],
    reviewer: Annotated[str, typer.Option(help="Who looked at it and answers for it.")],
    evidence: Annotated[str, typer.Option(help="https address of what was read.")],
    finding: Annotated[list[str], typer.Option(help="What was found; repeat for each.")],
    next_review: Annotated[
        str,
        typer.Option(
            "--next", metavar="DATE", help="Last day it holds, as 2027-06-30; the next is due then."
        ),
    ],
    evidence_file: Annotated[
        Path | None, typer.Option(help="Copy of the evidence: its SHA-256 is recorded, not its content.")
    ] = None,
    evidence_sha256: Annotated[
        str | None, typer.Option(help="That SHA-256, if the copy is elsewhere.")
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="Model it covers; repeat for each.", show_default="all it has now"),
    ] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Cover no model: take the provider out.")
    ] = False,
    example: Annotated[
        bool, typer.Option("--example", help="For demonstrations: decisions name it as an example.")
    ] = False,
    key: Annotated[
        Path | None, typer.Option(help="Private key of the person who approves it: not the reviewer.")
    ] = None,
    home: HomeOption = None,
    register: RegisterOption = None,
    policy: PolicyOption = None,
) -> None:
    """Record that somebody reviewed a provider: on the ledger, and in `reviews.yaml` of your register.

    The review holds for the terms and models as they stand now. A changed
    term, or the end of the day of --next (UTC), takes the models out by
    itself; a model that is added later stays out until a review covers it.

    Example: clearway register review openai --register DIR --reviewer "Ana Diaz"
    --evidence https://wiki.example/openai-2026 --evidence-file dpa.pdf
    --finding "Zero retention is in force" --next 2027-06-30
    """
    chosen = settings(home, register, policy)
    if "register" not in chosen.named:
        raise typer.BadParameter(
            "expected --register: the shipped register is an example; copy it and name it"
        )
    if withdraw and model:
        raise typer.BadParameter("expected --withdraw or --model, got both")
    stated = Finding(
        provider=provider,
        reviewer=reviewer,
        evidence=evidence,
        evidence_sha256=_sha256(evidence_file, evidence_sha256),
        findings=tuple(finding),
        models=() if withdraw else tuple(model) if model else None,
        reviewed_on=datetime.now(UTC).date(),
        expires_on=_day(next_review, "next"),
        is_example=example,
    )
    print_json(_review(chosen, stated, load_key(key) if key else None))


@app.command()
def expiring(
    days: Annotated[int, typer.Option(min=0, max=3_650, help="How far to look ahead.")] = 30,
    register: RegisterOption = None,
    on: DayOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the providers that are out, or will be within so many days. Exit 1 if there are any, 0 if none.

    Run it daily to be warned before decisions change.

    Example: clearway register expiring --days 30
    """
    loaded, at = load_register(settings(None, register).register), _noon(on)
    ahead = at + timedelta(days=days)
    rows = [
        standing_json(loaded, name, at) | {"days_left": _days_left(loaded, name, at)}
        for name in loaded.providers
        if standing_json(loaded, name, ahead)["n_eligible"] < standing_json(loaded, name, at)["n_models"]
    ]
    if as_json:
        for row in rows:
            print_json(row)
    elif rows:
        show_providers(rows)
    else:
        print_error(f"every model stays eligible for {days} days")
    raise typer.Exit(1 if rows else 0)


@app.command()
def diff(
    before: Annotated[
        str, typer.Argument(metavar="A", help="Folder, or digest of a version that was loaded.")
    ],
    after: Annotated[str, typer.Argument(metavar="B", help="The same.")],
    home: HomeOption = None,
    on: DayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two registers: terms, models, prices, reviews, and which models that takes out or lets in.

    A digest (its first 8 digits or more, as decisions and load records give it) is
    found in this installation's archive.

    Example: clearway register diff 3f9a01c2 my-register
    """
    chosen = settings(home)
    changes = compare_registers(_register_of(chosen, before), _register_of(chosen, after), _noon(on))
    if as_json:
        print_json(changes.as_json())
    else:
        show_changes(changes)


def _review(chosen: Settings, stated: Finding, signer: Signer | None) -> dict[str, Any]:
    """The review as recorded, with who approved it and its place in the ledger."""
    check_person(stated.reviewer, "reviewer", load_callers(chosen.policy / "callers.yaml"))
    made = make_review(load_register(chosen.register), stated)
    entries: list[Entry] = []

    def record(found: dict[str, Any]) -> None:
        reason = f"review of {made.provider} until {made.expires_on}"
        approval = sign_record(
            chosen, ledger, REVIEW, found, requester=made.reviewer, reason=reason, signer=signer
        )
        stamp = stamp_of(datetime.now(UTC), operator())
        entries.append(ledger.append(REVIEW, {**stamp, **found, "approval": approval}))

    with closing(open_ledger(chosen.home)) as ledger:
        add_review(chosen.register, made, record)
    approval = entries[0].record["approval"]
    return {
        **entries[0].record["review"],
        "approver": approval and approval["statement"]["person"],
        "ledger": {"index": entries[0].index},
    }


def _register_of(chosen: Settings, text: str) -> Register:
    if Path(text).is_dir():
        return load_register(Path(text), is_archived=True)
    ledger = existing_ledger(chosen)
    loads = [e.record for e in ledger.entries(kind=LOAD) if e.record["register"]["digest"].startswith(text)]
    if len(text) < 8 or not loads:
        raise InvalidRequestError(
            f"{text}: expected a folder, or at least 8 digits of a register digest that was loaded here"
        )
    found = loads[-1]["register"]["digest"], loads[-1]["prices"]["digest"]
    return load_register(archive_of(chosen).find("register", *found), is_archived=True)


def _days_left(register: Register, provider: str, at: datetime) -> int | None:
    review = register.providers[provider].review
    return (review.expires_on - day_of(at)).days if review else None


def _sha256(file: Path | None, sha256: str | None) -> str:
    if (file is None) == (sha256 is None):
        raise typer.BadParameter("expected --evidence-file or --evidence-sha256, one of them")
    return digest_of_file(file) if file else str(sha256)


def _noon(on: str | None) -> datetime:
    if on is None:
        return datetime.now(UTC)
    return datetime.combine(_day(on, "on"), datetime.min.time(), UTC)


def _day(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidRequestError(f"{name}: expected a day such as 2027-06-30, got another text") from None
