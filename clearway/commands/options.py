"""Options and output that commands share."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from clearway.installation import Settings
from clearway.request import MAX_BODY_BYTES

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="State: ledger, keys, archive [CLEARWAY_HOME].")
]
RegisterOption = Annotated[
    Path | None, typer.Option("--register", help="Folder with providers, models, prices [CLEARWAY_REGISTER].")
]
PolicyOption = Annotated[
    Path | None, typer.Option("--policy", help="Folder with Cedar, callers, objectives [CLEARWAY_POLICY].")
]
BundleOption = Annotated[
    Path | None, typer.Option("--bundle", help="Folder of the complexity bundle [CLEARWAY_BUNDLE].")
]
SensitivityOption = Annotated[
    Path | None,
    typer.Option("--sensitivity", help="Folder of the sensitivity bundle [CLEARWAY_SENSITIVITY]."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")]
ApproverOption = Annotated[str, typer.Option(help="Who answers for it; goes on the record.")]
ReasonOption = Annotated[str, typer.Option(help="Why; goes on the record.")]
SignOption = Annotated[
    Path | None, typer.Option("--key", help="Your private key: signs under your name.", show_default="none")
]
RequesterOption = Annotated[
    str | None,
    typer.Option(help="Who asked for it, another person.", show_default="the account that runs this"),
]


def settings(
    home: Path | None,
    register: Path | None = None,
    policy: Path | None = None,
    bundle: Path | None = None,
    sensitivity: Path | None = None,
) -> Settings:
    """Settings from the options of a command."""
    return Settings.of(home=home, register=register, policy=policy, bundle=bundle, sensitivity=sensitivity)


def input_lines() -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each line of stdin that is not blank; a line over the limit comes cut short."""
    number = 0
    while raw := sys.stdin.buffer.readline(MAX_BODY_BYTES + 2):
        number += 1
        complete = raw.endswith(b"\n")
        while not complete:  # the rest of an oversize line, or the end of the input
            rest = sys.stdin.buffer.readline(MAX_BODY_BYTES)
            complete = not rest or rest.endswith(b"\n")
        if raw.strip():
            yield number, raw.rstrip(b"\r\n")


def people_console() -> Console:
    """Console on stdout for tables; wide enough for them where there is no terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=140)


def print_json(value: Any) -> None:
    """One JSON line on stdout, written out at once."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def print_error(text: str) -> None:
    """One line on stderr."""
    sys.stderr.write(text + "\n")
