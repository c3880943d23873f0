"""The card of a sensitivity bundle: what it learned from, how much it misses and pins. Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from training.card import table
from training.sensitivity.thresholds import RECALL_TARGETS

_INTRODUCTION: Final = """
Says how probable it is that a request holds each data class. Recognisers (patterns with check digits, a
tagger of names) find values; a logistic regression for each class weighs what was found: how surely, what
lies near it, which groups of words stand around it. The best finding of a request decides. No value and no
word of the text goes into the model, so that it cannot learn the style of a corpus. The served graphs hold
integers only."""
_LIMITS: Final = """
- `health`, `special_category` and `trade_secret` rest on generated text alone: no corpus here is labelled
  with them. Their numbers say how well templates are recognised that training never saw, not how
  well people's.
- The Presidio sets and the generated text are made of templates, each filled many times: the intervals count
  texts, and are too narrow where few templates stand behind them.
- The tagger of names learned from the training side of the same corpora.
- Gold of the shared corpora is made by rule from their annotations, and what was not annotated counts as
  harmless: some false pins are none.
- Other languages than English: patterns and names are found, health facts and trade secrets are not.
- A secret that looks like a word, a name that is a common word, and a value in an image are not found."""


def render_card(name: str, metrics: Mapping[str, Any], libraries: Mapping[str, str]) -> str:
    """Markdown of a card.

    Args:
        name: Of the model.
        metrics: As in `metrics.json`.
        libraries: Versions that shaped the weights.
    """
    data, held_out = metrics["data"], metrics["held_out"]
    sections = [
        f"# {name}",
        _INTRODUCTION.strip(),
        "\n## Data",
        f"{data['n_train']} training and {data['n_test']} held-out requests, no template on both sides.",
        f"SHA-256 `{data['sha256']}`.\n",
        _sources(data["sources"]),
        "\n## Recall on held-out templates",
        "Share of the requests of a class that are flagged, with its exact 95% interval.\n",
        table(
            ["class", "target", "recall"],
            [[c, RECALL_TARGETS[c], cell(s)] for c, s in held_out["recall"].items()],
        ),
        "\nBy source:\n",
        _recall_by_source(held_out["recall_by_source"]),
        "\n## False pins on clean prompts",
        "Share of requests without any class that are flagged for one.\n",
        _shares("source", held_out["false_pins"]),
        "\n## Harmless look-alikes",
        "Generated texts with a stand-in, a public or an invented person; flagged for a class not theirs.\n",
        _shares("kind", held_out["twins"]),
        f"\nMinimal pairs with both halves right: {cell(held_out['pairs'])}.",
        "\n## Export",
        f"Served graph and fitted weights differ by at most {metrics['parity']['integer_ppm']} ppm.",
        "\n## Known limits" + _LIMITS,
        "\n## Made with",
        ", ".join(f"{library} {version}" for library, version in sorted(libraries.items())) + ".",
    ]
    return "\n".join(sections) + "\n"


def _sources(sources: Mapping[str, Mapping[str, int]]) -> str:
    columns = ("n_train", "n_train_templates", "n_test", "n_test_templates")
    head = ["source", "training", "templates", "held out", "templates"]
    return table(head, [[source, *(facts[c] for c in columns)] for source, facts in sources.items()])


def _recall_by_source(by_source: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [[source, c, cell(s)] for source, classes in by_source.items() for c, s in classes.items()]
    return table(["source", "class", "recall"], rows)


def _shares(what: str, shares: Mapping[str, Any]) -> str:
    return table([what, "flagged"], [[name, cell(share)] for name, share in shares.items()])


def cell(share: Mapping[str, Any]) -> str:
    """A share with its interval and counts; a dash where there were no cases."""
    if not share["n"]:
        return "-"
    return (
        f"{share['value']:.4f} ({share['low']:.4f} to {share['high']:.4f}), {share['hits']} of {share['n']}"
    )
