"""`clearway sensitivity`: train a bundle of the sensitivity detector, judge it, promote it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearway.commands.options import (
    ApproverOption,
    HomeOption,
    JsonOption,
    PolicyOption,
    ReasonOption,
    RequesterOption,
    SignOption,
    people_console,
    print_json,
    settings,
)
from training.cli import NoMlflowOption, OutOption, next_folder
from training.sensitivity import DEFAULT_NAME, N_GENERATED

if TYPE_CHECKING:
    from clearway.promotion import Check, Promotion
    from clearway.sensitivity.bundle import SensitivityBundle
    from training.sensitivity.pipeline import Trained

app = typer.Typer(
    no_args_is_help=True, help="The sensitivity detector's models: train, judge by the gate, promote."
)


@app.command()
def train(
    *,
    out: OutOption = None,
    name: Annotated[str, typer.Option(help="Name of the model.")] = DEFAULT_NAME,
    generated: Annotated[
        int, typer.Option(min=1_000, help="Generated texts on each side of the split.")
    ] = N_GENERATED,
    seed: Annotated[int, typer.Option(min=0, help="Of the generator.")] = 0,
    tagger: Annotated[
        Path | None, typer.Option(help="Folder with a tagger of names.", show_default="learn one, in minutes")
    ] = None,
    no_mlflow: NoMlflowOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train the tagger of names and the class model, measure on held-out templates, write a bundle.

    Learns from the corpora in $CLEARWAY_CORPORA/pii and from generated text. The bundle decides nothing
    until it is promoted: see clearway sensitivity promote.
    """
    plan = {"name": name, "n_generated": generated, "seed": seed, "tagger": tagger}
    trained = _train(out, plan, keep_run=not no_mlflow)
    if as_json:
        entry = trained.mlflow
        print_json(
            {
                "bundle": str(trained.folder),
                "sha256": trained.sha256,
                "mlflow": entry and asdict(entry),
                "metrics": trained.metrics["held_out"],
            }
        )
    else:
        _print(trained)


@app.command()
def gate(
    bundle: Annotated[Path, typer.Argument(help="Folder of a bundle.")], as_json: JsonOption = False
) -> None:
    """Ask of a bundle what a shipped one must show; exit 1 when a check fails.

    Recall of each class at its target, its lower bound at most 3 points under it;
    at most 2% false pins on clean prompts of each source, 5% on harmless
    look-alikes and on clean conversations; pairs, sameness of bytes, latency.
    """
    from clearway.sensitivity.bundle import load_sensitivity_bundle
    from training.sensitivity.gate import Limits, judge_bundle

    checks = judge_bundle(load_sensitivity_bundle(bundle), Limits())
    passed = all(check.passed for check in checks)
    if as_json:
        print_json({"passed": passed, "checks": [check.as_json() for check in checks]})
    else:
        _print_checks(checks)
    raise typer.Exit(0 if passed else 1)


@app.command()
def promote(
    folder: Annotated[Path, typer.Argument(help="Folder of a bundle.")],
    approver: ApproverOption,
    reason: ReasonOption,
    key: SignOption = None,
    requester: RequesterOption = None,
    home: HomeOption = None,
    policy: PolicyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a bundle into service, if it passes the gate: the promotion is a record in the ledger.

    Exit 1 when the gate refuses; then nothing is promoted. What is promoted may be
    loaded with --sensitivity or CLEARWAY_SENSITIVITY, when the service starts; to go
    back, name another folder, or none for the shipped bundle. Where approvals are
    required, sign with --key.

    Example: clearway sensitivity promote bundles/own-1 --approver Ana --reason "our words"
    """
    from clearway.approvals import load_key
    from clearway.sensitivity_promotion import promote_sensitivity
    from training.sensitivity.gate import judge_candidate

    chosen, signer = settings(home, policy=policy), load_key(key) if key else None
    done = promote_sensitivity(
        chosen,
        folder,
        approver=approver,
        reason=reason,
        judge=judge_candidate,
        requester=requester,
        signer=signer,
    )
    if as_json:
        print_json(_promotion_json(done))
    else:
        _print_promotion(done)
    raise typer.Exit(0 if done.record else 1)


def _train(out: Path | None, plan: dict[str, Any], *, keep_run: bool) -> Trained:
    # Imported here, because the command line reads this module to print its help.
    from rich.console import Console

    from clearway.installation import data_folder
    from training.sensitivity.finding import make_find
    from training.sensitivity.pipeline import Plan, train_sensitivity
    from training.sensitivity.samples import corpora_folder
    from training.sensitivity.tracking import SensitivityTracker
    from training.tracking import default_home

    home = default_home()
    planned = Plan(
        out=out or next_folder(home / "bundles", plan["name"]),
        data=data_folder() / "sensitivity",
        corpora=corpora_folder(),
        **plan,
    )
    tracker = SensitivityTracker(home) if keep_run else None
    with Console(stderr=True).status("learning names") as status:
        return train_sensitivity(planned, make_find, tracker=tracker, report=status.update)


def _print(trained: Trained) -> None:
    from rich.table import Table

    from training.sensitivity.card import cell

    held_out = trained.metrics["held_out"]
    table = Table(
        "class", "recall", "false pins, clean", "false pins, look-alikes", title="Held-out templates"
    )
    for name, recall in held_out["recall"].items():
        pins = (held_out[key][name] for key in ("false_pins_by_class", "twins_by_class"))
        table.add_row(name, cell(recall), *map(cell, pins))
    console = people_console()
    console.print(table)
    console.print(f"bundle: {trained.folder}\ndigest: {trained.sha256}", soft_wrap=True, markup=False)


def _print_checks(checks: tuple[Check, ...]) -> None:
    from rich.table import Table

    table = Table("check", "value", "expected", "unit", "passed")
    for check in checks:
        bound = f"{check.bound.replace('_', ' ')} {check.limit}"
        table.add_row(check.name, str(check.value), bound, check.unit, "yes" if check.passed else "NO")
    people_console().print(table)


def _promotion_json(done: Promotion[SensitivityBundle]) -> dict[str, Any]:
    return {
        "promoted": done.record is not None,
        "bundle": done.bundle.identity.as_json(),
        "folder": done.folder and str(done.folder),
        "gate": done.gate.as_json(),
        "record": done.record,
    }


def _print_promotion(done: Promotion[SensitivityBundle]) -> None:
    """The checks, what failed first, then what to do next."""
    _print_checks(tuple(sorted(done.gate.checks, key=lambda check: check.passed)))
    console, named = people_console(), f"{done.bundle.identity.name} {done.bundle.identity.version}"
    if done.record is None:
        console.print(f"refused: {named} fails {len(done.gate.failed)} checks; nothing was promoted")
        return
    console.print(f"promoted: {named}, ledger entry {done.record['ledger_index']}", markup=False)
    console.print(f"serve it with: --sensitivity {done.folder}", soft_wrap=True, markup=False)
