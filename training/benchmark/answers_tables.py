"""What `clearway benchmark answers` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from clearway.commands.options import people_console, print_json
from training.benchmark.trial import left_out_lines

NAMES = {
    "success": "classifier",
    "neighbours": "kNN",
    "shuffled": "shuffled",
    "random_same_mix": "random, same mix",
    "zero_router": "zero-router",
}
_TARGETS = {"equal": "equal quality", "at_98": "98% quality"}


def show(result: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the result for programs or for people."""
    if as_json:
        print_json(result)
        return
    console = people_console()
    for line in left_out_lines(result["left_out"]):
        console.print(f"left out: {line}", soft_wrap=True, markup=False)
    if result["prices_repeated"]:
        n = len(result["prices_repeated"])
        console.print(f"prices: {n} models are priced more than once; their first row counts")
    sources = result["sources"]
    console.print(_probabilities(sources), _costs(sources))
    shares = ", ".join(f"{name} {facts['share_outside']:.1%}" for name, facts in sources.items())
    console.print(
        f"\nprompts unlike the training prompts, which the best single model answers: {shares}",
        soft_wrap=True,
        markup=False,
    )
    console.print(
        "\nSavings (none: no trade-off was good enough in training, so the best single model answers all)",
        soft_wrap=True,
    )
    for name, facts in sources.items():
        _show_savings(console, name, facts["savings"])
        if facts["pair"]:
            console.print(
                pair_table(
                    f"{name}: {facts['pair']['strong']} against {facts['pair']['weak']}", facts["pair"]
                )
            )


def cell(value: Mapping[str, float | None] | None, *, percent: bool = False) -> str:
    """An estimate with its interval."""
    if value is None or value["value"] is None:
        return "-"
    scale, digits = (100, 1) if percent else (1, 3)
    numbers = [None if value[key] is None else value[key] * scale for key in ("value", "low", "high")]  # type: ignore[operator]
    shown = ["-" if number is None else f"{number:.{digits}f}" for number in numbers]
    return f"{shown[0]}{'%' if percent else ''} [{shown[1]},{shown[2]}]"


def _probabilities(sources: Mapping[str, Any]) -> Table:
    table = Table(
        "source", "answers", "predictor", "AUC, models' mean", "AUC, pooled", "log loss", "Brier", "ECE",
        "target", title="Success on unseen questions (target: ECE <= 0.03, from 2,000 answers)", box=None,
        pad_edge=False,
    )  # fmt: skip
    for name, facts in sources.items():
        counts = [escape(name), str(facts["n_answers"])]
        for predictor, metrics in facts["metrics"].items():
            losses = [f"{metrics[key]['value']:.3f}" for key in ("log_loss", "brier")]
            areas = [cell(metrics[key]) for key in ("auc_mean_of_models", "auc_pooled")]
            target = _target(facts["calibration_target"]) if predictor == "success" else ""
            table.add_row(*counts, NAMES[predictor], *areas, *losses, cell(metrics["ece"]), target)
            counts = [""] * 2
    return table


def _target(target: Mapping[str, Any]) -> str:
    if not target["applies"]:
        return "few answers"
    return "met" if target["met"] else "missed"


def _costs(sources: Mapping[str, Any]) -> Table:
    table = Table(
        "source", "answers", "expected / actual, output", "with input", "target", "models p5-p50-p95",
        "answers p5-p50-p95", title="Expected over actual spend", box=None, pad_edge=False,
    )  # fmt: skip
    for name, facts in sources.items():
        error = facts["cost_error"]
        if "left_out" in error:
            table.add_row(escape(name), "-", error["left_out"])
            continue
        met = "met" if error["target"]["met"] else "missed"
        spread = [
            " - ".join(f"{error[key][p]:.2f}" for p in ("p5", "p50", "p95"))
            for key in ("of_models", "of_answers")
        ]
        ratios = [cell(error["output"]), cell(error["with_input"])]
        table.add_row(escape(name), str(error["n_answers"]), *ratios, met, *spread)
    return table


def _show_savings(console: Console, name: str, savings: Mapping[str, Any]) -> None:
    if "left_out" in savings:
        console.print(f"\n{name}: no savings: {savings['left_out']}", soft_wrap=True, markup=False)
        return
    for comparison in savings["by"]:
        best = comparison["best_single"]
        console.print(
            f"\n{name}, by mean {comparison['quality']}: {comparison['n_prompts']} of "
            f"{comparison['n_prompts_offered']} prompts, {len(comparison['models'])} models; "
            f"cost is {savings['cost_basis']}{_others(savings['models_left_out'])}\n"
            f"best single model, chosen on {best['chosen_on']}: {best['model']}, {cell(best['quality'])} for "
            f"{best['cost_usd']} USD a prompt (best of the test: {best['of_test']['model']}, "
            f"{cell(best['of_test']['quality'])})",
            soft_wrap=True,
            markup=False,
        )
        console.print(_savings_table(comparison))


def _others(left_out: Mapping[str, str]) -> str:
    """Models that are no candidates, by reason."""
    reasons: dict[str, list[str]] = {}
    for model, reason in left_out.items():
        reasons.setdefault(reason, []).append(model)
    return "".join(f"\nleft out: {reason}: {', '.join(models)}" for reason, models in reasons.items())


def _savings_table(comparison: Mapping[str, Any]) -> Table:
    table = Table(
        "way", "target", "quality achieved", "of best", "saving", "off the test's curve", "AIQ",
        box=None, pad_edge=False,
    )  # fmt: skip
    for target, label in _TARGETS.items():
        chosen = comparison["chosen_on_training"][target] or {}
        read = comparison["read_off_test_curve"][target]
        for way in NAMES:
            if way not in chosen and way not in read:
                continue
            facts = chosen.get(way)
            achieved = _achieved(facts) if facts else ["-"] * 3
            area = comparison["aiq"].get(way) if target == "equal" else None
            table.add_row(
                NAMES[way], label, *achieved, cell(read.get(way), percent=True), cell(area) if area else ""
            )
    table.add_row("oracle", "", *_achieved(comparison["oracle"]), "", "")
    over = comparison["aiq_over_zero_router"]
    verdict = "wholly below" if over["high"] is not None and over["high"] < 0 else "not wholly below"
    table.caption = f"AIQ over the zero-router, paired: {cell(over)}, {verdict} 0"
    return table


def _achieved(facts: Mapping[str, Any]) -> list[str]:
    none = " none" if facts.get("trade_off", 0) is None else ""
    return [
        cell(facts["quality"]),
        _percent(facts["quality_over_best_single"]["value"]),
        cell(facts["saving"], percent=True) + none,
    ]


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def pair_table(title: str, pair: Mapping[str, Any]) -> Table:
    """APGR and CPT of each way of ranking; random calls are known without measuring."""
    table = Table("ranked by", "APGR", "CPT(50%)", "CPT(80%)", title=escape(title), box=None, pad_edge=False)
    for way, metrics in pair.items():
        if isinstance(metrics, Mapping):
            table.add_row(
                NAMES.get(way, way),
                cell(metrics["apgr"]),
                cell(metrics["cpt_50"], percent=True),
                cell(metrics["cpt_80"], percent=True),
            )
    table.add_row("random", "0.500", "50.0%", "80.0%")
    return table
