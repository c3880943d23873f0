"""What `clearway register` shows to people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from clearway.commands.options import people_console
from clearway.register_changes import Changes, RegisterChanges

_REVIEWED = "reviewed"


def show_providers(rows: Iterable[Mapping[str, Any]]) -> None:
    """A line for each provider."""
    table = _table("PROVIDER", "LAW OF", "KEPT", "TRAINS", "STANDING", "UNTIL", "MODELS", "EXAMPLE TERMS")
    for row in rows:
        _add(
            table,
            row["provider"],
            row["jurisdiction"],
            f"{row['content_kept_days']} days",
            "yes" if row["trains_on_content"] else "no",
            _standing(row["standing"], row["review_basis"]),
            row["expires_on"] or "-",
            f"{row['n_eligible']} of {row['n_models']}",
            len(row["example_terms"]) or "none",
        )
    people_console().print(table)


def show_one(found: Mapping[str, Any]) -> None:
    """A provider or a model: standing, terms, models, reviews."""
    console = people_console()
    console.print(
        Text.assemble(
            (found.get("name") or found["model"], "bold"),
            "  ",
            _standing(found["standing"], found.get("review_basis")),
        )
    )
    table = _table("TERM", "VALUE", "BASIS", "EVIDENCE")
    for name, term in found["terms"].items():
        is_sourced = isinstance(term, Mapping) and "basis" in term
        basis = (term["basis"], _evidence(term)) if is_sourced else ("", "")
        _add(table, name, _value(term), *basis)
    console.print(table)
    if found.get("models"):
        models = _table("MODEL", "STANDING")
        for name, code in found["models"].items():
            _add(models, name, _standing(code or _REVIEWED))
        console.print(models)
    for review in found.get("reviews", []):
        console.print(_review_text(review))


def show_changes(changes: RegisterChanges) -> None:
    """What differs, kind by kind, then what it does."""
    console = people_console()
    if not changes:
        console.print("no difference")
        return
    table = _table("", "ID", "TERM", "BEFORE", "AFTER")
    if changes.incumbent:
        _add(table, "changed", "incumbent", "", changes.incumbent.before, changes.incumbent.after)
    for kind, of_kind in changes.kinds.items():
        _add_changes(table, kind, of_kind)
    console.print(table)
    for model, code in changes.lost.items():
        console.print(Text(f"{model} may not be used any more: {code}", "red"))
    for model in changes.gained:
        console.print(Text(f"{model} may be used now", "green"))


def _add_changes(table: Table, kind: str, changes: Changes) -> None:
    for word, names in (("added", changes.added), ("removed", changes.removed)):
        for name in names:
            _add(table, word, f"{kind}: {name}", "", "", "")
    for name, found in changes.changed.items():
        for change in found:
            _add(
                table, "changed", f"{kind}: {name}", change.path, _value(change.before), _value(change.after)
            )


def _review_text(review: Mapping[str, Any]) -> Text:
    lines = [
        f"{review['reviewed_on']} to {review['expires_on']}  {review['reviewer']} ({review['basis']})",
        f"  evidence  {review['evidence']}  sha256 {review['evidence_sha256']}",
        *(f"  finding   {finding}" for finding in review["findings"]),
        f"  covers    {', '.join(review['models']) or 'no model: withdrawn'}",
    ]
    return Text("\n".join(lines))


def _standing(code: str, basis: str | None = None) -> Text:
    note = " (example)" if (code, basis) == (_REVIEWED, "example") else ""
    return Text(code + note, "green" if code == _REVIEWED else "red")


def _evidence(term: Mapping[str, Any]) -> str:
    read = f" (read {term['read_on']})" if term["read_on"] else ""
    return f"{term['evidence'] or ''}{read}"


def _value(term: Any) -> str:
    """A term in a few words."""
    if isinstance(term, Mapping):
        own = {k: v for k, v in term.items() if k not in ("basis", "evidence", "read_on") and v is not None}
        return (
            _value(own["value"])
            if set(own) == {"value"}
            else ", ".join(f"{k} {_value(v)}" for k, v in own.items())
        )
    if isinstance(term, list):
        return ", ".join(map(str, term)) or "none"
    if isinstance(term, bool):
        return "yes" if term else "no"
    return "-" if term is None else str(term)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _add(table: Table, *cells: Any) -> None:
    table.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in cells))
