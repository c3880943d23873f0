"""A decision in words and a table, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

NUSD_PER_USD = 1_000_000_000
# What the codes say that are not policy ids.
CODES = {
    "context_window": "The request and its answer do not fit the model's context.",
    "no_json": "The request needs JSON mode, which the model does not offer.",
    "no_price": "The register has no price for it on this day.",
    "no_success_estimate": "The complexity model knows no reference model for it.",
    "no_tools": "The request needs tools, which the model does not offer.",
    "no_vision": "The request holds an image, which the model cannot see.",
    "not_permitted": "No policy permits it.",
    "not_reviewed": "No review of its provider covers this deployment.",
    "output_limit": "The answer asked for is longer than the model can give.",
    "over_cost": "The expected cost is over the purpose's limit.",
    "policy_error": "A policy failed when it was asked, which counts as a denial.",
    "review_expired": "The review of its provider has expired.",
    "session_providers": "Its provider would be one more than the purpose lets a session reach.",
    "session_required": "The purpose requires a session, and the request names none.",
    "terms_changed": "The terms of its provider are not those that were reviewed.",
    "unread_part": "The request holds a part that is neither text nor image; no model is known to read it.",
    "too_slow": "Its stated latency is over the purpose's limit.",
}


def explain_record(record: Mapping[str, Any], reasons: Mapping[str, str]) -> RenderableType:
    """Explanation of a decision record.

    Args:
        record: A record of kind `decision`, or a preview of one.
        reasons: The `@reason` of each policy id.
    """
    lines = [
        _headline(record),
        _asked_by(record),
        _found(record),
        _policy(record, reasons),
        _exceptions(record),
        _observed(record, reasons),
        _session(record),
        _quality(record),
        _cost(record),
        _notes(record),
        _versions(record),
    ]
    return Group(*(Text(line) for line in lines if line), _candidates(record), Text(""))


def format_usd(nusd: int | None) -> str:
    """Dollars with six decimals.

    >>> format_usd(450_000)
    '$0.000450'
    """
    return "unknown" if nusd is None else f"${nusd / NUSD_PER_USD:.6f}"


def _headline(record: Mapping[str, Any]) -> str:
    if record["verdict"] != "route":
        return f"Refused: no model is cleared and capable  (decision {record['decision_id']})"
    fallbacks = ", then ".join(record["fallbacks"]) or "none"
    return f"Route to {record['model']}  (decision {record['decision_id']})\n  fallbacks: {fallbacks}"


def _asked_by(record: Mapping[str, Any]) -> str:
    caller = record["caller"]
    chain = f" for {' for '.join(caller['chain'])}" if caller.get("chain") else ""
    user = f"{chain} for user {caller['user']}" if caller["user"] else chain
    gateway = f" through {caller['gateway']}" if caller["gateway"] else ""
    who = f"{caller['agent']}{user}{gateway} ({caller['verified_by'].replace('_', ' ')})"
    return f"Asked by {who} for {record['purpose']} at {record['time']}"


def _found(record: Mapping[str, Any]) -> str:
    seen = record["classification"]
    classes = ", ".join(f"{name} ({seen['classes'].get(name, 0) / 10_000:.0f}%)" for name in seen["flagged"])
    labels = f"; labelled {', '.join(seen['labels'])}" if seen["labels"] else ""
    session = f"; session already {seen['session_level']}" if seen["session_level"] != "public" else ""
    return f"Data: {seen['level']}; found {classes or 'no data class'}{labels}{session}"


def _policy(record: Mapping[str, Any], reasons: Mapping[str, str]) -> str:
    if record["verdict"] == "route":
        ids = record["policy"]["determining"]
        return "\n".join(["Permitted by:", *(_reason(name, reasons) for name in ids)])
    counts = Counter(code for item in record["excluded"] for code in item["codes"])
    lines = [
        f"{_reason(code.removeprefix('forbidden:'), reasons)} ({count} of {len(record['excluded'])} models)"
        for code, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    return "\n".join(["Left out for:", *lines])


def _exceptions(record: Mapping[str, Any]) -> str:
    used = record["exceptions"]
    return f"Only by exception: {', '.join(used)}" if used else ""


def _observed(record: Mapping[str, Any], reasons: Mapping[str, str]) -> str:
    lines = [
        f"{_reason(seen['id'], reasons)} "
        f"(forbids {len(seen['forbids'])}, permits {len(seen['permits'])} models)"
        for seen in record["policy"]["observed"]
    ]
    return "\n".join(["Observed only, without effect:", *lines]) if lines else ""


def _session(record: Mapping[str, Any]) -> str:
    session = record.get("session_providers")  # records of format 1 have none
    if session is None:
        return ""
    limit = "no limit" if session["limit"] is None else f"at most {session['limit']}"
    return f"Session: {session['n_reached']} providers reached ({limit})"


def _reason(name: str, reasons: Mapping[str, str]) -> str:
    words = reasons.get(name) or CODES.get(name, "a policy that is no longer in the pack")
    return f"  {name}: {words}"


def _quality(record: Mapping[str, Any]) -> str:
    if record["success_ppm"] is None:
        return ""
    verdict = "meets" if record["floor_met"] else "does NOT meet"
    chance = f"{record['success_ppm'] / 10_000:.1f}% chance of an adequate answer ({record['success_basis']})"
    return f"Quality: {chance}, {verdict} the floor of {record['floor_ppm'] / 10_000:.1f}%"


def _cost(record: Mapping[str, Any]) -> str:
    cost = record["cost"]
    if cost["expected_nusd"] is None:
        return ""
    against = f"{cost['incumbent']} would cost {format_usd(cost['incumbent_nusd'])}"
    return f"Expected cost: {format_usd(cost['expected_nusd'])}; {against}"


def _notes(record: Mapping[str, Any]) -> str:
    notes = [note for note in record["notes"] if note != "example_terms"]
    lines = [f"Notes: {', '.join(notes)}"] if notes else []
    if record["example_terms"]:
        lines.append(
            f"Rests on {len(record['example_terms'])} example terms that your organisation must confirm: "
            f"{', '.join(record['example_terms'])}"
        )
    return "\n".join(lines)


def _versions(record: Mapping[str, Any]) -> str:
    model, detector = record["assessment"]["classifier"], record["classification"]["detector"]
    return (
        f"Decided with {model['name']} {model['version']} ({model['sha256'][:12]}), "
        f"{detector['name']} {detector['version']} ({detector['sha256'][:12]}), "
        f"policy {record['policy']['digest'][:12]}, register {record['register']['digest'][:12]}, "
        f"prices {record['prices']['digest'][:12]}"
    )


def _candidates(record: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False)
    for header in ("model", "success", "expected cost", "outcome"):
        table.add_column(header, no_wrap=header != "outcome", overflow="fold")
    left_out = {item["model"]: ", ".join(item["codes"]) for item in record["excluded"]}
    order = {model: rank for rank, model in enumerate([record["model"], *record["fallbacks"]])}
    for row in sorted(record["candidates"], key=lambda c: (order.get(c["model"], len(order)), c["model"])):
        model, success = row["model"], row["success_ppm"]
        outcome = (
            "chosen" if model == record["model"] else left_out.get(model) or f"fallback {order.get(model)}"
        )
        chance = "unknown" if success is None else f"{success / 10_000:.1f}%"
        table.add_row(model, chance, format_usd(row["cost_nusd"]), outcome)
    return table
