"""Risk beside money: who is reached with which data, before and after, and what the detector misses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from training.benchmark.sensitivity.shares import share
from training.report.analysis.intervals import Resamples
from training.report.analysis.savings import total
from training.report.analysis.sums import MILLION, Sums, counts, split
from training.report.results import Detection, Estimate, Exposure, Measures
from training.report.routed import ROUTE

UNKNOWN: Final = "unknown"
# Ways through which requests go, told apart; far more than any register and set of classes make.
MAX_PATHS: Final = 100_000
# Providers that are named.
MAX_PROVIDERS: Final = 50
LEAKS: Final = (
    "Expected leaks of a class per million requests: with p the share of requests flagged with it, f its "
    "false flags and r its recall on the detector's card, (p - f) / (r - f) of the requests hold it, and "
    "1 - r of those are missed. A missed request goes where unflagged requests go; it counts where it "
    "reaches a provider and region that no request flagged with the class was sent to. The lower bound takes "
    "p low, and recall and false flags high, by their 95% intervals; the upper one p high, recall low, and "
    "no flag of this traffic for false: on other text than the card's there may be none. So a class that was "
    "never flagged has an upper bound too. That recall here is that of the card is assumed."
)


@dataclass
class Paths:
    """Where requests go: how many of each class reach a provider and region.

    Attributes:
        n: Requests.
        after: By class, provider and region.
        before: Likewise.
        providers_after: Providers reached.
        providers_before: Likewise.
        flagged: Requests by class.
        sent: Routed requests by provider and region.
        is_complete: Whether no way was too many to tell apart.
    """

    n: int = 0
    after: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    before: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    providers_after: set[str] = field(default_factory=set)
    providers_before: set[str] = field(default_factory=set)
    flagged: Counter[str] = field(default_factory=Counter)
    sent: Counter[tuple[str, str]] = field(default_factory=Counter)
    is_complete: bool = True


def paths_of(rows: Any) -> Paths:
    """Count the ways of all usable requests, refused ones too: without routing they would have gone.

    Args:
        rows: Ibis table of `sums.prepared`, without what is set aside.
    """
    names = ("classes", "verdict", "provider", "region", "before_provider", "before_region")
    found = counts(rows, *names, at_most=MAX_PATHS)
    paths = Paths(is_complete=len(found) < MAX_PATHS)
    for joined, verdict, provider, region, before_provider, before_region, n in found:
        classes = split(joined)
        paths.n += n
        paths.flagged.update(dict.fromkeys(classes, n))
        before = (before_provider or UNKNOWN, before_region or UNKNOWN)
        paths.providers_before.add(before[0])
        paths.before.update({(data_class, *before): n for data_class in classes})
        if verdict == ROUTE:
            after = (provider or UNKNOWN, region or UNKNOWN)
            paths.providers_after.add(after[0])
            paths.sent[after] += n
            paths.after.update({(data_class, *after): n for data_class in classes})
    return paths


def exposure_of(paths: Paths) -> tuple[Exposure, ...]:
    """Every path that is used before or after, by class."""
    return tuple(
        Exposure(*path, n_before=paths.before[path], n_after=paths.after[path])
        for path in sorted({*paths.before, *paths.after})
    )


def measures_of(paths: Paths, sums: Sums, resamples: Resamples) -> Measures:
    """The four measures of design.md.

    Audit completeness is over reported calls of requests that have a decision. Share routable is over
    requests whose model before, its terms and its cost are known; refused requests are among them.
    """
    return Measures(
        provider_count=len(paths.providers_after),
        provider_count_before=len(paths.providers_before),
        providers=tuple(sorted(paths.providers_after))[:MAX_PROVIDERS],
        providers_before=tuple(sorted(paths.providers_before))[:MAX_PROVIDERS],
        exposure_paths=len(paths.after),
        exposure_paths_before=len(paths.before),
        audit_completeness=resamples.share(sums["matched_calls"], sums["calls"]),
        n_calls=total(sums["calls"]),
        share_routable=resamples.share(sums["routable"], sums["posture_known"]),
        n_routable=total(sums["routable"]),
        saving_routable=resamples.saving(sums["routable_after"], sums["routable_before"]),
        n_weaker_terms=total(sums["weaker"]),
        share_weaker_terms=resamples.share(sums["weaker"], sums["terms_known"]),
    )


def detection_of(
    paths: Paths, card: Mapping[str, Any] | None, *, has_detector: bool
) -> tuple[Detection, ...]:
    """What the detector misses of each class, and what leaks of it here.

    Args:
        paths: Of the traffic.
        card: `metrics.json` of the sensitivity bundle; None where there is none.
        has_detector: Whether the requests were looked through: without, nothing can be said of leaks.
    """
    held_out = _part(card, "held_out")
    recalls, pins = _part(held_out, "recall"), _part(held_out, "false_pins_by_class")
    found = []
    for name in sorted({*recalls, *paths.flagged}):
        recall, n_recall = _share(recalls.get(name))
        pin, _ = _share(pins.get(name))
        leaks = leaks_per_million(paths, name, recall, pin) if has_detector and recall and pin else None
        found.append(Detection(name, paths.flagged[name], recall, n_recall, pin, leaks))
    return tuple(found)


def leaks_per_million(paths: Paths, name: str, recall: Estimate, pin: Estimate) -> Estimate | None:
    """Requests in a million that hold a class unflagged and go where flagged ones were never sent.

    With p = flagged / n, the share of requests that hold the class is (p - f) / (r - f), held in [0, 1];
    1 - r of them are missed; s of the unflagged requests are sent to a provider and region that no flagged
    request reached. Leaks are the product. They rise with p and fall as r and f rise, so that the bounds are
    at (low p, high r, high f) and (high p, low r, f = 0): false flags of a card say little of other text, and
    fewer flags here than the card has false ones are no proof that none is true.

    Args:
        paths: Of the traffic.
        name: The class.
        recall: r.
        pin: f.

    References:
        Rogan, Gladen (1978), American Journal of Epidemiology 107: prevalence from an imperfect test.
    """
    n_unflagged = paths.n - paths.flagged[name]
    if n_unflagged <= 0:
        return None
    sent = {(provider, region): n for (held, provider, region), n in paths.after.items() if held == name}
    # Of a place that flagged requests reached, none is a leak; of every other, all that is unflagged.
    astray = sum(n for place, n in paths.sent.items() if place not in sent) / n_unflagged
    flagged = share(paths.flagged[name], paths.n)

    def leaks(p: float, r: float, f: float) -> float:
        held = min(1.0, max(0.0, (p - f) / (r - f))) if r > f else 1.0
        return round(held * (1 - r) * astray * MILLION, 1)

    (r_low, r_high), (_, f_high) = _ends(recall), _ends(pin)
    value = leaks(paths.flagged[name] / paths.n, recall.value, pin.value)
    low, high = leaks(flagged["low"] or 0.0, r_high, f_high), leaks(flagged["high"] or 0.0, r_low, 0.0)
    return Estimate(value, min(low, value), max(high, value))


def _ends(estimate: Estimate) -> tuple[float, float]:
    low = estimate.value if estimate.low is None else estimate.low
    high = estimate.value if estimate.high is None else estimate.high
    return low, high


def _part(card: Any, name: str) -> Mapping[str, Any]:
    part = card.get(name) if isinstance(card, Mapping) else None
    return part if isinstance(part, Mapping) else {}


def _share(entry: Any) -> tuple[Estimate | None, int]:
    """A share of a card with its interval and its cases; nothing where the card has none, or no number."""
    if not isinstance(entry, Mapping):
        return None, 0
    value, low, high, n = (entry.get(name) for name in ("value", "low", "high", "n"))
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        return None, 0
    ends = (float(end) if isinstance(end, int | float) and 0 <= end <= 1 else None for end in (low, high))
    return Estimate(float(value), *ends), n if isinstance(n, int) else 0
