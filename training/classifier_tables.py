"""What `clearway classifier` shows to people."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from clearway.assessment import PPM
from clearway.commands.options import people_console

if TYPE_CHECKING:
    from clearway.bundle import Bundle
    from clearway.promotion import Check, Promotion
    from training.registry import Version

_SHOWN_METRICS = ("auc", "log_loss", "ece")


def version_json(version: Version, known: Mapping[str, Any]) -> dict[str, Any]:
    """A version as `list --json` prints it.

    Args:
        version: Of the registry.
        known: Digests in the ledger: `promoted`, all so far, and `live`.
    """
    return {
        "version": version.version,
        "aliases": list(version.aliases),
        "sha256": version.sha256,
        "training_data_sha256": version.params.get("training_data_sha256"),
        "created": version.created.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "run_id": version.run_id,
        "metrics": {metric: version.metrics.get(f"{metric}.all") for metric in _SHOWN_METRICS},
        "promoted": version.sha256 is not None and version.sha256 in known["promoted"],
        "live": version.sha256 is not None and version.sha256 == known["live"],
    }


def show_versions(name: str, lines: Sequence[Mapping[str, Any]]) -> None:
    """One row a version."""
    headers = ("version", "aliases", "in the ledger", "trained", "AUC", "log loss", "ECE", "digest")
    rows = [
        (
            line["version"],
            ", ".join(line["aliases"]),
            ", ".join(word for word in ("promoted", "live") if line[word]),
            line["created"][:16].replace("T", " "),
            *(_text(line["metrics"][metric]) for metric in _SHOWN_METRICS),
            (line["sha256"] or "not finished")[:16],
        )
        for line in lines
    ]
    _print_table(name, headers, rows)


def show_difference(result: Mapping[str, Any]) -> None:
    """Identity, then what differs, a table each."""
    a, b = result["a"], result["b"]
    names = ("name", "version", "sha256", "training_data_sha256")
    _print_table("bundles", ("", "a", "b"), [(name, a[name], b[name]) for name in names])
    models = [(kind, ", ".join(result["models"][kind]) or "none") for kind in ("added", "removed")]
    _print_table("models in b", ("", "models"), models)
    for part in ("parameters", "metrics"):
        rows = [(name, _text(v["a"]), _text(v["b"])) for name, v in result[part].items()]
        _print_table(part, ("", "a", "b"), rows or [("the same", "", "")])
    traffic = result["traffic"]
    people_console().print(
        f"of {traffic['n_requests']} requests: {traffic['share_of_other_models']:.1%} get another model, "
        f"{traffic['share_moved']:.1%} another provider or region"
    )


def refusal_hints(promotion: Promotion[Bundle], known: Collection[str]) -> list[str]:
    """What may help where the gate refused.

    Args:
        promotion: Refused.
        known: Reference models that the register names.
    """
    hints = [
        f"traffic.moved: {check.value / PPM:.1%} of the requests would go to another provider or region; if "
        "so many are meant to, say the largest share: --max-moved"
        for check in promotion.gate.failed
        if check.name == "traffic.moved" and check.value is not None
    ]
    models = promotion.bundle.manifest.reference_models
    if not set(models) & set(known):
        hints.append(
            f"the register names none of the bundle's {len(models)} models ({', '.join(models[:3])}"
            f"{', ...' if models[3:] else ''}), so none can be chosen: give its models success.measured or "
            "mapped_to, as in models.yaml"
        )
    return hints


def show_promotion(promotion: Promotion[Bundle], alias: str | None, hints: Sequence[str]) -> None:
    """The checks, what failed first, then what to do next."""
    console, identity = people_console(), promotion.bundle.identity
    checks = sorted(promotion.gate.checks, key=lambda check: check.passed)
    _print_table("gate", ("check", "value", "asked for", ""), [_check_row(check) for check in checks])
    for note in promotion.gate.notes:
        console.print(f"note: {note}", markup=False)
    named = f"{identity.name} {identity.version}"
    if promotion.record is None:
        console.print(f"refused: {named} fails {len(promotion.gate.failed)} checks; nothing was promoted")
        for hint in hints:
            console.print(f"hint: {hint}", soft_wrap=True, markup=False)
        return
    console.print(f"promoted: {named}, ledger entry {promotion.record['ledger_index']}")
    if alias:
        console.print(f"alias: {alias}", markup=False)
    console.print(f"serve it with: --bundle {promotion.folder}", soft_wrap=True, markup=False)


def show_live(found: Mapping[str, Any]) -> None:
    """Two or three lines."""
    console, live, promoted = people_console(), found["live"], found["promoted"]
    console.print(f"at {found['at']}", markup=False)
    for word, version in (("live", live), ("promoted last", promoted)):
        text = f"{version['name']} {version['version']}  {version['sha256']}" if version else "none"
        since = f"  since {version['since']} (ledger entry {version['ledger_index']})" if version else ""
        console.print(f"{word}: {text}{since}", soft_wrap=True, markup=False)
    promotion = found["promotion"]
    if live:
        signed = f"approved by {promotion['approver']}: {promotion['reason']}" if promotion else ""
        console.print(signed or "no promotion: pinned in the package", soft_wrap=True, markup=False)


def _check_row(check: Check) -> tuple[str, str, str, str]:
    relation = "at most" if check.bound == "at_most" else "at least"
    value = "not known" if check.value is None else f"{check.value:,} {check.unit}"
    return check.name, value, f"{relation} {check.limit:,} {check.unit}", "" if check.passed else "FAILED"


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _print_table(title: str, headers: Iterable[str], rows: Iterable[Sequence[Any]]) -> None:
    table = Table(*headers, title=title, title_justify="left", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(str(cell).replace("[", "\\[") for cell in row))
    people_console().print(table)
