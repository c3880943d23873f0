"""The model card: what the classifier learned from, how good it is, where it fails. Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from training.measurements import CALIBRATION_LIMIT, LARGE_SOURCE_ROWS

_NAMES: Final = {"model": "this model", "constant": "constant per model", "shuffled": "shuffled grades"}
_INTRODUCTION: Final = """
Predicts, for each reference model, the chance that it answers a prompt adequately, and the answer's length.
A few latent skills: what a prompt demands of each, from hashed words and from how it is written (length,
options, numbers, symbols), against what each model has of it. It does not understand the prompt. The served
graph holds integers only. A prompt unlike the training prompts is noted `outside_training`."""
_FAILURES: Final = """
- The graded answers are mostly examination questions, school and competition mathematics, in English. On
  open-ended requests (mail, summaries, chat, agents, code review) the estimate is little more than the
  model's overall strength, and tends to be too low.
- Most of the well-known commercial models were graded on mathematics only. Elsewhere they inherit what the
  skills share with mathematics; models strong in it for their size are overrated elsewhere.
- On a source never seen the order of prompts is mostly still right, but the level is not (see ECE).
- Multiple-choice graders, strict formats and base models lower the level of the models that only they graded.
- Benchmarks leak into training sets. An estimate for a public question may be too high for a fresh one.
- Questions of school mathematics are hardly told apart without graded answers to such questions.
- Estimates are not calibrated beyond what the regression does, and no guarantee rests on them.
- Lengths learned from few-shot answers (`mmlu_pro`) are shorter than in a chat. Models without stored outputs
  get the mean.
- Text in other languages, tools and long conversations were hardly seen, or not at all. Only the first is
  recognised as outside training.
- The weights learned with a source removed (above) still used the words and the penalty learned with it."""


def render_card(name: str, metrics: Mapping[str, Any], libraries: Mapping[str, str]) -> str:
    """Markdown of a card.

    Args:
        name: Of the classifier.
        metrics: As in `metrics.json`.
        libraries: Versions that shaped the weights.
    """
    data = metrics["data"]
    sections = [
        f"# {name}",
        _INTRODUCTION.strip(),
        "\n## Data",
        f"{data['n_answers']} graded answers to {data['n_questions']} questions; one fifth of the questions",
        "held out, no question on both sides. The weights never saw the held-out fifth.",
        f"SHA-256 `{data['sha256']}`.\n",
        _source_table(data["sources"]),
        "\n## On held-out questions",
        "Value and 95% interval (bootstrap over questions); AUC over all models together.\n",
        _metric_table(metrics["by_source"], ("model", "constant", "shuffled")),
        "\n## On slices of them",
        "Categories, lengths and languages with at least 1,000 graded answers.\n",
        _metric_table(metrics["by_slice"], ("model", "constant")),
        "\n## Lengths of answers",
        "Predicted over observed total, and the factor by which single answers are off.\n",
        _length_table(metrics["length"]),
        "\n## On a source never seen",
        "The same questions, by a learner that saw nothing of that source; models seen elsewhere.\n",
        _metric_table(metrics["unseen_source"], ("model", "constant")),
        "\n## Export",
        _export(metrics),
        "\n## Ordinary prompts",
        "Estimates, not measurements: is a stronger model estimated higher?\n",
        _sanity_table(metrics["sanity"]),
        "",
        _pairs(metrics["sanity"]["pairs"]),
        "\n## Known failures" + _FAILURES + _uncalibrated(metrics["by_source"]),
        "\n## Left out",
        _excluded(data["excluded"]),
        "\n## Made with",
        ", ".join(f"{library} {version}" for library, version in sorted(libraries.items())) + ".",
    ]
    return "\n".join(sections) + "\n"


def _uncalibrated(by_source: Mapping[str, Any]) -> str:
    """Sources whose calibration error is over the target; the gate refuses to promote on them."""
    over = [
        f"{source} ({facts['model']['ece']['value']:.3f})"
        for source, facts in by_source.items()
        if facts["n_answers"] >= LARGE_SOURCE_ROWS and facts["model"]["ece"]["value"] > CALIBRATION_LIMIT
    ]
    return f"\n- Calibration error over {CALIBRATION_LIMIT}: {', '.join(over)}." if over else ""


def _source_table(sources: Mapping[str, Any]) -> str:
    columns = ("n_answers", "n_models", "threshold", "measure", "licence")
    return table(
        ["source", "answers", "models", "adequate from", "measure", "licence"],
        [[source, *(facts[column] for column in columns)] for source, facts in sources.items()],
    )


def _export(metrics: Mapping[str, Any]) -> str:
    parity = metrics["parity"]
    return (
        "Largest difference from scikit-learn over all held-out prompts: floating-point graph "
        f"{parity['float_probability']:.1e} of a probability,\n"
        f"served integer graph {parity['integer_ppm']:.2f} ppm."
    )


def _length_table(errors: Mapping[str, Any]) -> str:
    head = ["source", "total", "median factor", "factor of the worst tenth"]
    rows = [
        [source, *(_rounded(error[name]) for name in ("total_ratio", "median_factor", "factor_p90"))]
        for source, error in errors.items()
    ]
    return table(head, rows)


def _rounded(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _metric_table(by_source: Mapping[str, Any], predictors: Sequence[str]) -> str:
    rows = [
        [
            source if predictor == "model" else "",
            facts["n_answers"] if predictor == "model" else "",
            _NAMES[predictor],
        ]
        + [_interval(facts[predictor][metric]) for metric in ("auc", "log_loss", "brier", "ece")]
        for source, facts in by_source.items()
        for predictor in predictors
    ]
    return table(["source", "answers", "predictor", "AUC", "log loss", "Brier", "ECE"], rows)


def _interval(metric: Mapping[str, float | None]) -> str:
    if metric["value"] is None:
        return "-"
    if metric["low"] is None or metric["high"] is None:
        return f"{metric['value']:.3f}"
    return f"{metric['value']:.3f} ({metric['low']:.3f} to {metric['high']:.3f})"


def _sanity_table(facts: Mapping[str, Any]) -> str:
    models = list(facts["success"])
    if not models:
        return "None of the well-known models was trained."
    rows = [
        [
            prompt.replace("\n", " ").replace("|", "/")[:48],
            *(f"{facts['success'][model][index]:.2f}" for model in models),
        ]
        for index, prompt in enumerate(facts["prompts"])
    ]
    return table(["prompt", *models], rows)


def _pairs(pairs: Sequence[Mapping[str, Any]]) -> str:
    return "\n".join(
        f"- {pair['stronger']} over {pair['weaker']}: on {pair['n_higher']} of {pair['n_prompts']} prompts"
        for pair in pairs
    )


def _excluded(excluded: Mapping[str, str]) -> str:
    return "\n".join(f"- {model}: {reason}" for model, reason in excluded.items()) or "No model."


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
