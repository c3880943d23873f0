"""`clearway explain` and `clearway replay`: past decisions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from clearway.commands.options import (
    BundleOption,
    HomeOption,
    PolicyOption,
    RegisterOption,
    SensitivityOption,
    people_console,
    print_error,
    print_json,
    settings,
)
from clearway.errors import InvalidRequestError
from clearway.explanation import explain_record
from clearway.installation import existing_ledger
from clearway.ledger.store import Entry, Ledger
from clearway.policy import load_policy
from clearway.replay import Replayer, match_requests
from clearway.request import Request, parse_json


def explain(
    decision_id: Annotated[str, typer.Argument(help="Decision id, as in a decision line.")],
    home: HomeOption = None,
    policy: PolicyOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole record as JSON.")] = False,
) -> None:
    """Say why a past decision came out as it did: who asked, what was found, which rules applied."""
    chosen = settings(home, policy=policy)
    entry = existing_ledger(chosen).find(decision_id)
    if as_json:
        print_json(entry.record)
    else:
        reasons = load_policy(chosen.policy).reasons
        people_console().print(explain_record(entry.record, reasons))


def replay(
    decision_id: Annotated[str | None, typer.Argument(help="Decision id; or use --all.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Replay every decision of the ledger.")] = False,
    requests: Annotated[
        Path | None, typer.Option("--requests", help="Request lines with their text: assess them again too.")
    ] = None,
    home: HomeOption = None,
    register: RegisterOption = None,
    policy: PolicyOption = None,
    bundle: BundleOption = None,
    sensitivity: SensitivityOption = None,
) -> None:
    """Compute past decisions again and compare: one JSON line each, and a summary on stderr.

    From the record alone the policy, the register and the optimiser run again; with --requests the
    classifiers do too. Exit 1 when a decision differs: its line names the first difference.
    """
    if (decision_id is None) != every:
        raise typer.BadParameter("expected a decision id or --all")
    chosen = settings(home, register, policy, bundle, sensitivity)
    ledger = existing_ledger(chosen)
    replayer = Replayer(chosen, ledger)
    texts = _texts(requests, ledger) if requests else {}
    counts = {"same": 0, "differs": 0, "erased": 0}
    entries: Iterator[Entry] = (
        ledger.entries(kind="decision") if every else iter([ledger.find(str(decision_id))])
    )
    for entry in entries:
        result = replayer.replay(entry, texts.get(entry.index))
        counts[result.status] += 1
        print_json(result.as_json())
    summary = ", ".join(f"{count} {name}" for name, count in counts.items())
    print_error(f"{sum(counts.values())} decisions: {summary}; {len(texts)} with their text")
    raise typer.Exit(1 if counts["differs"] else 0)


def _texts(path: Path, ledger: Ledger) -> dict[int, Request]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as fault:
        raise InvalidRequestError(
            f"{path}: cannot be read ({fault.strerror}); name a file of request lines"
        ) from None
    matched = match_requests(ledger, (parse_json(line) for line in lines if line.strip()))
    if not matched:
        raise InvalidRequestError(f"{path}: no line belongs to a decision of this ledger; name another file")
    return matched
