"""What `clearway policy` shows to people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from clearway.commands.options import people_console
from clearway.policy import Policy
from clearway.policy_tools.golden import Result
from clearway.policy_tools.lint import FAULTS, Finding
from clearway.policy_tools.matrix import Cell, Matrix
from clearway.policy_tools.matrix_page import say_code
from clearway.policy_tools.what_if import Comparison
from clearway.policy_tools.why_not import Answer

_COLOURS: Final = {"all": "green", "some": "yellow", "none": "red"}
_DATA: Final = ("prompts", "responses", "metadata")
_MOST_SHOWN: Final = 20
_TERMS: Final = {
    "trains_on_content": "trains on nothing it is sent",
    "content_kept_days": "keeps prompts and responses for {} days",
    "business_associate_agreement": "signs a business associate agreement",
    "certifications": "is certified for {}",
    "jurisdiction": "is under the law of {}",
    "region": "serves it in region {}",
    "self_hosted": "is hosted by you",
    "review_valid": "passes a review that covers the model",
}


def show_checked(checked: Mapping[str, Any]) -> None:
    """That it loads, and its rules."""
    people_console().print(f"the policy loads: {len(checked['rules'])} rules, digest {checked['digest']}")
    _show_rules(checked["rules"])


def show_cases(results: Sequence[Result]) -> None:
    """A line for each case, and each of its faults."""
    console = people_console()
    for result in results:
        console.print(Text.assemble(("fail  ", "red") if result.faults else ("pass  ", "green"), result.name))
        for fault in result.faults:
            console.print(Text(f"        {fault}"))
    failed = sum(bool(result.faults) for result in results)
    console.print(f"{len(results)} cases, {failed} failed")


def show_matrix(matrix: Matrix) -> None:
    """A line for each provider and region, a column for each kind of data, the rules below."""
    console = people_console()
    used = {code for cell in matrix.cells.values() for code in cell.codes}
    numbers = {code: number for number, code in enumerate(sorted(used), 1)}
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("PROVIDER")
    table.add_column("REGION")
    for row in matrix.rows:
        table.add_column((row.classes or (row.level.label,))[0].replace("_", "\n"))
    for provider, region in matrix.places:
        cells = [matrix.cells[row, provider, region] for row in matrix.rows]
        table.add_row(provider, region, *(_cell(cell, numbers, len(matrix.asked)) for cell in cells))
    console.print(table)
    reasons = matrix.rulings.policy.reasons
    for code, number in numbers.items():
        reason = reasons.get(code.removeprefix("forbidden:"))
        console.print(Text(f"{number}  {say_code(code)}" + (f": {reason}" if reason else "")))
    console.print("a lacking permit is named only where no forbid applies")
    n_asked = len(matrix.asked)
    console.print(
        f"7/8: cleared for 7 of 8; here {n_asked} pairs of a caller and its purpose are asked about"
    )
    _show_terms(matrix)


def show_findings(findings: Sequence[Finding], rules: Iterable[Mapping[str, Any]]) -> None:
    """Each finding with an example, then the rules."""
    console = people_console()
    for finding in findings:
        when = "as soon as one has such terms" if finding.is_hypothetical else "today"
        console.print(Text(f"{FAULTS[finding.fault]}, {when}", "red"))
        by = ", ".join(finding.permitted_by) or "no rule"
        console.print(Text(f"  permitted by {by} in {finding.n_situations} situations"))
        console.print(Text("  such as " + ", ".join(f"{k} {_say(v)}" for k, v in finding.example.items())))
    if not findings:
        console.print(Text("no finding", "green"))
    _show_rules(rules)


def show_summary(found: Mapping[str, Any], comparisons: Iterable[Comparison]) -> None:
    """Counts, cost, and the first decisions that change."""
    console = people_console()
    table = _table("OF", str(found["n_decisions"]), "DECISIONS")
    for name in (
        "changed",
        "model",
        "provider",
        "region",
        "fallbacks",
        "cost",
        "newly_refused",
        "newly_routed",
    ):
        what = (
            name.replace("_", " ")
            if name in ("changed", "newly_refused", "newly_routed")
            else f"other {name}"
        )
        table.add_row("", str(found[f"n_{name}"]), what)
    console.print(table)
    console.print(
        f"expected cost of the {found['n_routed_both']} routed both times: "
        f"{found['cost_before_nusd']} nUSD before, {found['cost_after_nusd']} nUSD after"
    )
    changed = [c for c in comparisons if c.changes("model")]
    if changed:
        console.print(_changes(changed[:_MOST_SHOWN]))
    if len(changed) > _MOST_SHOWN:
        console.print(f"and {len(changed) - _MOST_SHOWN} more; --json lists all")


def show_answer(answer: Answer, policy: Policy) -> None:
    """Why not, and what would do."""
    console = people_console()
    if not answer.codes:
        console.print(Text(f"{answer.model} is cleared, by {', '.join(answer.permitted_by)}", "green"))
        return
    console.print(Text(f"{answer.model} is not cleared", "red"))
    for code in answer.codes:
        reason = policy.reasons.get(code.removeprefix("forbidden:"))
        console.print(Text(f"  {say_code(code)}" + (f": {reason}" if reason else "")))
    for number, offer in enumerate(answer.offers):
        terms = " and ".join(_TERMS[name].format(_say(value)) for name, value in offer.terms.items())
        console.print(Text(f"{'or' if number else 'it would be if the provider'} {terms}"))
    if not answer.offers:
        console.print(
            "nothing that the provider could offer would clear it: the caller or the purpose may not"
        )
    for template in answer.exceptions:
        console.print(Text(f"an exception may lift it: {template}"))


def _cell(cell: Cell, numbers: Mapping[str, int], n_asked: int) -> Text:
    word = {"all": "yes", "some": f"{len(cell.cleared)}/{n_asked}", "none": "no"}[cell.status]
    by = ",".join(str(numbers[code]) for code in cell.codes)
    return Text.assemble((word, _COLOURS[cell.status]), f" {by}" if by else "")


def _show_terms(matrix: Matrix) -> None:
    """What each provider sees, keeps and may reuse; a star marks what no public document supports."""
    table = _table("PROVIDER", "LAW OF", *(name.upper() for name in _DATA), "HEALTH AGREEMENT", "REVIEW")
    for provider in matrix.providers():
        terms = provider["terms"]
        agreement = "signed" if terms["business_associate_agreement"]["value"] else "none"
        cells = [_starred(provider["jurisdiction"], terms["jurisdiction"]["basis"])]
        cells += [_starred(_data_terms(terms[name]), terms[name]["basis"]) for name in _DATA]
        cells += [_starred(agreement, terms["business_associate_agreement"]["basis"])]
        until = f" until {provider['expires_on']}" if provider["expires_on"] else ""
        cells += [_starred(provider["standing"] + until, provider["review_basis"])]
        table.add_row(provider["provider"], *cells)
    console = people_console()
    console.print(table)
    console.print("* an example: replace it from your own contract and review")


def _data_terms(terms: Mapping[str, Any]) -> str:
    reuse = "trains" if terms["reused_for_training"] else "no reuse"
    return f"sees {terms['seen']}, keeps {terms['kept_days']}d, {reuse}"


def _starred(text: str, basis: str | None) -> Text:
    return Text(text + (" *" if basis == "example" else ""))


def _changes(comparisons: Iterable[Comparison]) -> Table:
    table = _table("DECISION", "WENT TO", "WOULD GO TO", "BECAUSE")
    for found in comparisons:
        table.add_row(
            Text(found.decision_id),
            Text(found.before["model"] or "refused"),
            Text(found.after["model"] or "refused"),
            Text(", ".join(found.codes) or "another is cheaper or better now"),
        )
    return table


def _show_rules(rules: Iterable[Mapping[str, Any]]) -> None:
    table = _table("RULE", "EFFECT", "MODE", "EXCEPTIONS", "REASON")
    lifts = {"permit": "may stand in for it", "forbid": "may not lift it", "exception": "link it"}
    for rule in rules:
        cells = (rule["id"], rule["effect"], rule["mode"], lifts[rule["effect"]], rule["reason"])
        table.add_row(*map(Text, cells))
    people_console().print(table)


def _say(value: Any) -> str:
    return (", ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
