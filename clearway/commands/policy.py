"""`clearway policy`: check, test, matrix, what-if, lint, why-not."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from clearway.assessment import Level
from clearway.commands.options import (
    HomeOption,
    PolicyOption,
    RegisterOption,
    print_error,
    print_json,
    settings,
)
from clearway.commands.policy_tables import (
    show_answer,
    show_cases,
    show_checked,
    show_findings,
    show_matrix,
    show_summary,
)
from clearway.errors import ConfigurationError, InvalidRequestError
from clearway.installation import Settings, check_agreement, data_folder, existing_ledger
from clearway.policy import load_policy
from clearway.policy_tools.golden import load_golden, run_case
from clearway.policy_tools.lint import lint as find_faults
from clearway.policy_tools.lint import rules_json
from clearway.policy_tools.matrix import make_matrix
from clearway.policy_tools.matrix_page import matrix_page
from clearway.policy_tools.situations import Rulings
from clearway.policy_tools.what_if import compare, recorded_router, summary
from clearway.policy_tools.why_not import why_not as explain_model
from clearway.register import load_register
from clearway.sensitivity import ClassTable, load_class_table

app = typer.Typer(
    no_args_is_help=True,
    help="Who may send which data where: check a policy, test it, show it, and try another one.",
)

JsonOption = Annotated[bool, typer.Option("--json", help="JSON lines instead of a table.")]
DayOption = Annotated[
    str | None, typer.Option("--on", metavar="DATE", help="Judge on this day, as 2026-12-31. Default: today.")
]
ClassesOption = Annotated[
    list[str] | None, typer.Option("--class", help="Data class of the request; repeat for each.")
]
LevelOption = Annotated[
    str, typer.Option(help="Level of the request: public, internal, confidential, restricted.")
]


@app.command()
def check(policy: PolicyOption = None, register: RegisterOption = None, as_json: JsonOption = False) -> None:
    """Check that a policy loads, and that it speaks of classes, purposes and regions that exist.

    Exit 0 if it does, 1 if it does not, with the file, the policy and the remedy.
    """
    try:
        rulings = _rulings(settings(None, register, policy), None)
    except ConfigurationError as fault:
        if as_json:
            print_json({"ok": False, "code": fault.code, "fault": str(fault)})
        else:
            print_error(f"error: {fault}")
        raise typer.Exit(1) from None
    checked = {"ok": True, "digest": rulings.policy.digest, "rules": rules_json(rulings.policy)}
    if as_json:
        print_json(checked)
    else:
        show_checked(checked)


@app.command("test")
def run_cases(
    file: Annotated[
        Path | None, typer.Argument(help="Cases. Default: tests.yaml of the policy's folder.")
    ] = None,
    policy: PolicyOption = None,
    register: RegisterOption = None,
    on: DayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the golden cases of a policy: exit 0 if all pass, 1 if one does not.

    A case states a request as policy sees it and what must come of it:

    cases:
      - name: Payment data goes only where nothing is kept
        caller: finance-ops
        classes: [financial]
        allow: ["on-premises/*"]
        deny: ["openai/*"]
        by: [id-of-the-policy]

    The shipped tests.yaml lists all that a case may say. Make it a step of your CI.
    """
    chosen = settings(None, register, policy)
    golden = load_golden(file or chosen.policy / "tests.yaml")
    rulings = _rulings(chosen, on or (golden.on.isoformat() if golden.on else None))
    results = [run_case(rulings, case) for case in golden.cases]
    if as_json:
        for result in results:
            print_json(result.as_json())
    else:
        show_cases(results)
    raise typer.Exit(1 if any(result.faults for result in results) else 0)


@app.command()
def matrix(
    caller: Annotated[
        str | None, typer.Option(help="Only this caller. Default: all that are registered.")
    ] = None,
    purpose: Annotated[str | None, typer.Option(help="Only this purpose.")] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write the page for an auditor to this file.")
    ] = None,
    policy: PolicyOption = None,
    register: RegisterOption = None,
    on: DayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which data class may reach which provider in which region, or by which rule not.

    yes: every caller, for each purpose it is registered for. 3/8: so many of them.
    no: nobody. The numbers name the rules that leave out those who may not.
    """
    rulings = _rulings(settings(None, register, policy), on)
    asked = [
        (who, why) for who, why in rulings.everyone() if caller in (None, who) and purpose in (None, why)
    ]
    if not asked:
        raise InvalidRequestError("caller, purpose: expected a registered caller and a purpose it has")
    made = make_matrix(rulings, asked)
    if html is not None:
        _write(html, matrix_page(made))
    if as_json:
        for cell in made.cells.values():
            print_json(cell.as_json())
    elif html is None:
        show_matrix(made)


@app.command("what-if")
def what_if(
    home: HomeOption = None,
    policy: PolicyOption = None,
    register: RegisterOption = None,
    on: DayOption = None,
    as_recorded: Annotated[
        bool, typer.Option("--as-of-decision", help="Judge each decision on its own day instead.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Decide the ledger's decisions again under another policy or register, and count what changes.

    Nothing is recorded. Reviews, prices and identities count as they are on the day (--on), so that a
    register reviewed today can be tried on last week's requests.

    Example: clearway policy what-if --policy new-policy --register my-register
    """
    if on and as_recorded:
        raise typer.BadParameter("expected --on or --as-of-decision, got both")
    chosen = settings(home, register, policy)
    rulings, ledger = _rulings(chosen, on), existing_ledger(chosen)
    router = recorded_router(rulings.policy, rulings.register, _table(), ledger)
    records = (entry.record for entry in ledger.entries(kind="decision"))
    found = list(compare(router, records, None if as_recorded else rulings.at))
    if as_json:
        for comparison in found:
            print_json(comparison.as_json())
        print_error(", ".join(f"{v} {k}" for k, v in summary(found).items() if isinstance(v, int)))
    else:
        show_summary(summary(found), found)


@app.command()
def lint(
    max_kept_days: Annotated[
        int, typer.Option(min=0, max=36_500, help="Days a provider may keep restricted data.")
    ] = 0,
    policy: PolicyOption = None,
    register: RegisterOption = None,
    on: DayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look for what a policy should never allow, over all callers, purposes, classes and models.

    Restricted data must not reach a provider that trains on it, keeps it for longer
    than --max-kept-days (unless you host it yourself) or is unreviewed, whatever
    terms providers may have tomorrow; and no fallback may lie outside policy. Lists
    what an exception may lift (the lack of a permit) and what none may (each forbid).
    Exit 1 if there is a finding. Takes seconds.
    """
    rulings = _rulings(settings(None, register, policy), on)
    findings = find_faults(rulings, max_kept_days=max_kept_days)
    rules = rules_json(rulings.policy)
    if as_json:
        print_json(
            {"ok": not findings, "findings": [finding.as_json() for finding in findings], "rules": rules}
        )
    else:
        show_findings(findings, rules)
    raise typer.Exit(1 if findings else 0)


@app.command("why-not")
def why_not(
    model: Annotated[str, typer.Argument(help="Model of the register.")],
    caller: Annotated[str | None, typer.Option(help="Caller. Default: that of the command line.")] = None,
    user: Annotated[str | None, typer.Option(help="User the caller acts for.")] = None,
    purpose: Annotated[str | None, typer.Option(help="Purpose. Default: the caller's first.")] = None,
    classes: ClassesOption = None,
    level: LevelOption = "public",
    session_level: Annotated[str, typer.Option(help="Level the session had reached.")] = "public",
    policy: PolicyOption = None,
    register: RegisterOption = None,
    on: DayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say why policy leaves out a model, and what its provider would have to offer.

    Each offer is a smallest set of terms that would do. Exceptions in force, capabilities, price and speed
    are not looked at.
    Exit 0 if the model is cleared, 1 if not.

    Example: clearway policy why-not openai/gpt-4o@us --caller clinic-scribe --class health
    """
    rulings = _rulings(settings(None, register, policy), on)
    if model not in rulings.register.models:
        raise InvalidRequestError("model: not in the register; see clearway register show PROVIDER")
    situation = rulings.situation(
        caller or rulings.policy.callers.default_caller,
        purpose,
        tuple(classes or ()),
        user=user,
        level=_level(level),
        session_level=_level(session_level),
    )
    answer = explain_model(rulings, model, situation)
    if as_json:
        print_json(answer.as_json())
    else:
        show_answer(answer, rulings.policy)
    raise typer.Exit(1 if answer.codes else 0)


def _rulings(chosen: Settings, on: str | None) -> Rulings:
    """Policy and register that fit each other, on a day."""
    policy, register, table = load_policy(chosen.policy), load_register(chosen.register), _table()
    check_agreement(register, policy, table.class_levels)
    return Rulings(policy, register, table.class_levels, _day(on))


def _table() -> ClassTable:
    return load_class_table(data_folder() / "sensitivity")


def _day(on: str | None) -> datetime:
    if on is None:
        return datetime.now(UTC)
    try:
        return datetime.combine(date.fromisoformat(on), datetime.min.time(), UTC)
    except ValueError:
        raise InvalidRequestError("on: expected a day such as 2027-06-30, got another text") from None


def _level(label: str) -> Level:
    try:
        return Level.parse(label)
    except KeyError:
        known = ", ".join(level.label for level in Level)
        raise InvalidRequestError(f"level: expected one of {known}") from None


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as fault:
        raise InvalidRequestError(
            f"{path}: cannot be written ({fault.strerror}); name another file"
        ) from fault
