"""Routing without a look at the prompt, as far as a ledger tells: one model, or a fixed mix of them.

Cost and quality of a model that was not called are the classifier's estimates, prompt by prompt.

References:
    Hu et al. (2024), RouterBench, arXiv 2403.12031, section 3: the zero router mixes single models.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from training.benchmark.curves import hull

# A model that few prompts have an estimate for is compared with nothing.
MIN_KNOWN: Final = 0.95
_PARTS: Final = 1_000_000
# Weight of each model of a mix, in whole numbers.
Mix = Mapping[str, int]


@dataclass
class Totals:
    """Sums over routed decisions, for the choice of the mixes.

    Attributes:
        n: Decisions.
        expected_nusd: Expected cost of the choices.
        chosen: How often each model was chosen.
        known: For how many each model has a cost and an estimate.
        nusd: Cost of each model over those.
        success_ppm: Estimated success of each over those, summed.
    """

    n: int = 0
    expected_nusd: int = 0
    chosen: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    nusd: Counter[str] = field(default_factory=Counter)
    success_ppm: Counter[str] = field(default_factory=Counter)

    def add(self, record: Mapping[str, Any]) -> None:
        """Count a routed decision."""
        self.n += 1
        self.expected_nusd += record["cost"]["expected_nusd"]
        self.chosen[record["model"]] += 1
        for one in record["candidates"]:
            if one["cost_nusd"] is not None and one["success_ppm"] is not None:
                self.known[one["model"]] += 1
                self.nusd[one["model"]] += one["cost_nusd"]
                self.success_ppm[one["model"]] += one["success_ppm"]


def mixes(totals: Totals) -> dict[str, Mix]:
    """The mixes by the name of their arm, such as `best_single`; none where nothing was routed.

    `best_single` is the model with the highest mean estimate, the cheaper of two equal ones. `random_mix`
    deals each request a model, as often as routing chose it. `zero_router` mixes the two models next to the
    router's mean cost on the hull of single models, so that it costs as much.
    """
    usual = sorted(model for model, n in totals.known.items() if n >= MIN_KNOWN * totals.n)
    if not usual:
        return {}
    best = min(usual, key=lambda m: (-totals.success_ppm[m] / totals.known[m], totals.nusd[m], m))
    return {
        "best_single": {best: 1},
        "random_mix": dict(totals.chosen),
        "zero_router": _zero_router(totals, usual),
    }


def expected(record: Mapping[str, Any], mix: Mix) -> tuple[int | None, int | None]:
    """Expected cost in nano-dollars and success in ppm of a mix on one prompt; None where a part is unknown.

    >>> models = [{"model": "a", "cost_nusd": 10, "success_ppm": 500_000},
    ...           {"model": "b", "cost_nusd": 40, "success_ppm": 800_000}]
    >>> expected({"candidates": models}, {"a": 2, "b": 1})
    (20, 600000)
    """
    parts = [(mix[one["model"]], one) for one in record["candidates"] if one["model"] in mix]
    if len(parts) < len(mix):
        return None, None
    values = [(weight, one["cost_nusd"], one["success_ppm"]) for weight, one in parts]
    if any(cost is None or success is None for _, cost, success in values):
        return None, None
    total = sum(mix.values())
    nusd, success_ppm = (sum(value[0] * value[at] for value in values) for at in (1, 2))
    return _rounded(nusd, total), _rounded(success_ppm, total)


def _zero_router(totals: Totals, models: list[str]) -> Mix:
    cost = np.array([totals.nusd[model] / totals.known[model] for model in models])
    quality = np.array([totals.success_ppm[model] / totals.known[model] for model in models])
    wanted = totals.expected_nusd / totals.n
    costs, qualities = hull(cost, quality)
    names = [
        next(m for m, c, q in zip(models, cost, quality, strict=True) if (c, q) == corner)
        for corner in zip(costs, qualities, strict=True)
    ]
    above = int(np.searchsorted(costs, wanted))
    if above in (0, len(names)):
        return {names[min(above, len(names) - 1)]: 1}
    low, high = costs[above - 1], costs[above]
    weight = round((wanted - low) / (high - low) * _PARTS)
    mix = {names[above - 1]: _PARTS - weight, names[above]: weight}
    return {name: part for name, part in mix.items() if part}


def _rounded(number: int, divisor: int) -> int:
    """The quotient to the nearest whole number, halves up."""
    return (2 * number + divisor) // (2 * divisor)
