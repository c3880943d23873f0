"""`clearway callers`: list, orphans, key create."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from clearway.callers import Callers, load_callers
from clearway.commands.options import PolicyOption, people_console, print_error, print_json, settings
from clearway.errors import InvalidRequestError
from clearway.identities import Principal
from clearway.request import parse_identifier
from clearway.static_keys import key_digest, make_key

app = typer.Typer(
    no_args_is_help=True, help="Who may ask: registered identities, their owners, ends and credentials."
)
key_app = typer.Typer(no_args_is_help=True, help="Static keys, for installations without an issuer.")
app.add_typer(key_app, name="key")

JsonOption = Annotated[bool, typer.Option("--json", help="JSON lines instead of a table.")]
DayOption = Annotated[
    datetime | None,
    typer.Option("--on", formats=["%Y-%m-%d"], help="Judge on this day (UTC). Default: today."),
]
MAX_DAYS: Final = 366
_KINDS: Final = (("callers", "caller"), ("users", "user"), ("gateways", "gateway"), ("staff", "staff"))


@app.command("list")
def list_callers(policy: PolicyOption = None, on: DayOption = None, as_json: JsonOption = False) -> None:
    """List every identity: its owner, what it is for, its last day, and what proves it.

    STANDING is valid, expired (past its last day) or ownerless (no owner, or one that is not in `owners`);
    the service and the command line refuse the latter two.
    """
    _show(_inventory(_load(policy), _moment(on)), as_json=as_json)


@app.command()
def orphans(policy: PolicyOption = None, on: DayOption = None, as_json: JsonOption = False) -> None:
    """List the identities that nobody answers for: expired or ownerless. Exit 1 when there are any.

    Example: clearway callers orphans --on 2027-01-01
    """
    rows = [row for row in _inventory(_load(policy), _moment(on)) if row["standing"] != "valid"]
    if rows or as_json:
        _show(rows, as_json=as_json)
    print_error(f"{len(rows)} without an owner or past their end" if rows else "every identity has an owner")
    raise typer.Exit(int(bool(rows)))


@key_app.command("create")
def create_key(
    identity: Annotated[str, typer.Argument(help="Caller, gateway or staff whose key it shall be.")],
    name: Annotated[str | None, typer.Option("--id", help="Name of the key in records.")] = None,
    days: Annotated[int, typer.Option(min=1, max=MAX_DAYS, help="Days it is valid.")] = 90,
    policy: PolicyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a static key: the key on stdout, this once; the entry for `keys:` of callers.yaml on stderr.

    callers.yaml holds the digest only, so a lost key is replaced, never recovered. To rotate, add the new
    entry, hand over the key, and remove the old entry.

    Example: clearway callers key create support-bot --days 30 > support-bot.key
    """
    callers = _load(policy)
    if not callers.roles(identity):
        raise InvalidRequestError("identity: expected a caller, gateway or staff of callers.yaml")
    key, last = make_key(), (datetime.now(UTC) + timedelta(days=days)).date()
    name = parse_identifier(name or f"{identity}-{key_digest(key)[:8]}", "id")
    if any(known.id == name for known in callers.keys.values()):
        raise InvalidRequestError("id: expected a name that no other key has; choose another")
    entry = {"id": name, "identity": identity, "sha256": key_digest(key), "expires_on": last.isoformat()}
    if as_json:
        print_json({"key": key, "entry": entry})
        return
    typer.echo(key)
    written = f'id: {name}, identity: {identity}, sha256: "{entry["sha256"]}", expires_on: {last}'
    print_error(f"add to keys: in callers.yaml:\n  - {{{written}}}")


def _load(policy: Any) -> Callers:
    return load_callers(settings(None, policy=policy).policy / "callers.yaml")


def _moment(day: datetime | None) -> datetime:
    return datetime.combine(day or datetime.now(UTC), time(12), UTC)


def _inventory(callers: Callers, at: datetime) -> list[dict[str, Any]]:
    """A row for each identity, in the order of the file."""
    return [
        {
            "id": name,
            "kind": kind,
            "owner": identity.owner,
            "purposes": list(identity.purposes) if isinstance(identity, Principal) else [],
            "roles": sorted(callers.roles(name)),
            "expires_on": identity.expires_on.isoformat() if identity.expires_on else None,
            "standing": callers.lapse(name, at) or "valid",
            "credentials": _credentials(callers, name, at),
        }
        for section, kind in _KINDS
        for name, identity in getattr(callers, section).items()
    ]


def _credentials(callers: Callers, name: str, at: datetime) -> list[str]:
    """What would prove this identity at that time."""
    keys = [
        f"key:{key.id}" for key in callers.keys.values() if key.identity == name and not key.is_expired(at)
    ]
    issuers = [f"token:{issuer.id}" for issuer in callers.issuers if name in issuer.subjects.values()]
    spoken_for = [
        f"gateway:{gateway.id}" for gateway in callers.gateways.values() if name in gateway.speaks_for
    ]
    is_open = not callers.issuers and not callers.keys
    own = ["CLEARWAY_TOKEN", *(["loopback"] if is_open else [])] if name == callers.gateway else []
    return [*keys, *issuers, *spoken_for, *own]


def _show(rows: Iterable[Mapping[str, Any]], *, as_json: bool) -> None:
    if as_json:
        for row in rows:
            print_json(row)
        return
    table = Table(box=None, pad_edge=False)
    for title in ("ID", "KIND", "OWNER", "FOR", "LAST DAY", "STANDING", "PROVED BY"):
        table.add_column(title, overflow="fold")
    for row in rows:
        purposes = row["purposes"] or row["roles"]
        cells = (row["id"], row["kind"], row["owner"] or "-", ", ".join(purposes), row["expires_on"] or "-")
        table.add_row(*cells, row["standing"], ", ".join(row["credentials"]) or "-")
    people_console().print(table)
