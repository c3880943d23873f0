"""Rows of the generator's test templates, which no training has seen, as rows of a corpus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any, Final

from training.benchmark.sensitivity.corpus import Gold, Row

if TYPE_CHECKING:
    from training.sensitivity.generator.model import Example

SOURCE: Final = "generated"
N_EXAMPLES: Final = 3_000
N_SPLICED: Final = 600
_N_CLASSES: Final = 8
# A spliced row has a host of its own; longer hosts hide more.
_LONG_HOST: Final = 5_000


def generated_rows(hosts: Sequence[str], *, sample: int | None, seed: int) -> list[Row]:
    """Examples of the test templates, and some of them again inside clean prompts, short and long.

    Args:
        hosts: Clean prompts to splice into; nothing is spliced where there are none.
        sample: Bounds the examples to as many of each class, about.
        seed: Another seed, other values.
    """
    from training.sensitivity.generator import examples

    n = min(N_EXAMPLES, sample * _N_CLASSES) if sample else N_EXAMPLES
    made = examples("test", n, seed)
    whole = [*made, *(_spliced(made, hosts, min(N_SPLICED, n // 4), seed) if hosts else ())]
    return [as_row(example, f"{SOURCE}/{index}") for index, example in enumerate(whole)]


def as_row(example: Example, doc_id: str) -> Row:
    """The example as a row."""
    return Row(
        text=example.text,
        source=SOURCE,
        doc_id=doc_id,
        spans=tuple(Gold(span.start, span.end, span.entity) for span in example.spans),
        classes=example.classes,
        kind=example.kind,
        pair=example.pair,
        template=example.template,
    )


def _spliced(made: Sequence[Any], hosts: Sequence[str], n: int, seed: int) -> list[Any]:
    """Short examples, sensitive and harmless, at some place of a clean prompt; each third prompt is long."""
    from training.sensitivity.generator import splice

    short = [e for e in made if len(e.text) <= 300 and e.kind in ("positive", "harmless_twin")]
    generator = Random(f"{seed}:spliced")  # noqa: S311
    chosen = generator.sample(short, min(n, len(short)))
    spliced = []
    for index, example in enumerate(chosen):
        host = generator.choice(hosts)
        while index % 3 == 0 and len(host) < _LONG_HOST:
            host += "\n\n" + generator.choice(hosts)
        inside = splice(example, [host], seed + index)
        spliced.append(replace(inside, kind=f"{inside.kind}, corpora", pair=""))
    return spliced
