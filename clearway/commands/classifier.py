"""`clearway classifier`: let a trained bundle into service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clearway.commands.options import HomeOption, print_json, settings
from clearway.installation import promote_bundle

app = typer.Typer(no_args_is_help=True, help="Versions of the classifiers.")


@app.command()
def promote(
    folder: Annotated[Path, typer.Argument(help="Folder of the bundle, as `clearway train` wrote it.")],
    approver: Annotated[str, typer.Option(help="Who approves it; goes on the record.")],
    reason: Annotated[str, typer.Option(help="Why; goes on the record.")],
    home: HomeOption = None,
) -> None:
    """Verify a bundle and record that it may be loaded; then name it with --bundle or CLEARWAY_BUNDLE."""
    print_json(promote_bundle(settings(home), folder, approver=approver, reason=reason))


@app.callback()
def _group() -> None:
    """Keep `promote` a subcommand while it is the only one."""
