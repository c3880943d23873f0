"""What was saved, and at what quality: the compared requests, and each other way to route the same ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from training.report.analysis.intervals import IntArray, Resamples
from training.report.analysis.sums import MILLION, Sums, one, where
from training.report.results import Arm, Counts, Estimate, Money, QualityByBasis
from training.report.routed import ARMS, COST_UNREPORTED, MAPPED, MEASURED, MODELLED

BASES: Final = (MEASURED, MODELLED, MAPPED)
# Ways to route that ask this classifier too, and so bear its cost.
_DECIDING: Final = ("routed", "routed_98")


def summed(rows: Any) -> dict[str, Any]:
    """What to add up over usable rows for money, arms and quality.

    Args:
        rows: Ibis table of `sums.prepared`, without what is set aside.
    """
    return {
        **_of_money(rows),
        **_of_posture(rows),
        **_of_quality(rows),
        **{name: sum_ for arm in ARMS for name, sum_ in _of_arm(rows, arm).items()},
    }


def _of_money(rows: Any) -> dict[str, Any]:
    compared = rows.compared == 1
    cleared = compared & rows.before_cleared
    reported = compared & (rows.n_calls > 0) & rows.expected_nusd.notnull()
    reported &= ~rows.faults.contains(COST_UNREPORTED)
    expected = compared & rows.expected_nusd.notnull()
    wasted = rows.wasted == 1
    asked = compared | (rows.refused == 1) | wasted
    return {
        "used": rows.one,
        "routed": rows.routed,
        "refused": rows.refused,
        "compared": rows.compared,
        "before": where(compared, rows.before_nusd),
        "spent": where(compared, rows.spent_nusd) + where(wasted, rows.failed_nusd),
        "failed": where(compared | wasted, rows.failed_nusd),
        "deciding": where(asked, rows.router_nusd),
        "deciding_compared": where(compared, rows.router_nusd),
        "retried": one((compared | wasted) & (rows.n_calls > 1)),
        "reported": one((rows.routed == 1) & (rows.n_calls > 0)),
        "cleared": one(cleared),
        "cleared_before": where(cleared, rows.before_nusd),
        "cleared_after": where(cleared, rows.spent_nusd + rows.router_nusd),
        "answered": where(reported, rows.spent_nusd - rows.failed_nusd),
        "answered_expected": where(reported, rows.expected_nusd),
        "expected_before": where(expected, rows.before_nusd),
        "expected_after": where(expected, rows.expected_nusd)
        + where(expected | wasted, rows.failed_nusd)
        + where(expected | (rows.refused == 1) | wasted, rows.router_nusd),
    }


def _of_posture(rows: Any) -> dict[str, Any]:
    """Requests whose terms before are known, and those with a cheaper model on terms nowhere weaker."""
    known = rows.before_nusd.notnull() & ~rows.before_region.isin(["", "unknown"])
    routable = known & rows.posture_nusd.notnull()
    matched = rows.n_matched_calls.notnull()
    return {
        "calls": where(matched, rows.n_calls),
        "matched_calls": where(matched, rows.n_matched_calls),
        "posture_known": one(known),
        "terms_known": one((rows.routed == 1) & rows.weaker_terms.notnull()),
        "weaker": one((rows.routed == 1) & rows.weaker_terms),
        "routable": one(routable),
        "routable_before": where(routable, rows.before_nusd),
        "routable_after": where(routable, rows.posture_nusd + rows.router_nusd),
    }


def paired(rows: Any) -> dict[str, Any]:
    """Quality of the choice beside that of the model before, where both are known, and on what basis."""
    pair = (rows.routed == 1) & rows.quality_ppm.notnull() & rows.before_quality_ppm.notnull()
    return {
        "pairs": one(pair),
        "quality": where(pair, rows.quality_ppm),
        "before_quality": where(pair, rows.before_quality_ppm),
        **{f"own_{basis}": one(pair & (rows.quality_basis == basis)) for basis in BASES},
        **{f"other_{basis}": one(pair & (rows.before_quality_basis == basis)) for basis in BASES},
    }


def _of_quality(rows: Any) -> dict[str, Any]:
    sums = paired(rows)
    for basis in BASES:
        known = (rows.routed == 1) & rows.quality_ppm.notnull() & (rows.quality_basis == basis)
        pair = known & rows.before_quality_ppm.notnull() & (rows.before_quality_basis == basis)
        sums |= {
            f"{basis}_n": one(known),
            f"{basis}_quality": where(known, rows.quality_ppm),
            f"{basis}_pairs": one(pair),
            f"{basis}_paired": where(pair, rows.quality_ppm),
            f"{basis}_before": where(pair, rows.before_quality_ppm),
        }
    return sums


def _of_arm(rows: Any, arm: str) -> dict[str, Any]:
    nusd, quality = rows[f"{arm}_nusd"], rows[f"{arm}_quality_ppm"]
    priced = (rows.compared == 1) & nusd.notnull()
    pair = (rows.routed == 1) & quality.notnull() & rows.before_quality_ppm.notnull()
    return {
        f"{arm}_priced": one(priced),
        f"{arm}_nusd": where(priced, nusd + rows.router_nusd if arm in _DECIDING else nusd),
        f"{arm}_before": where(priced, rows.before_nusd),
        f"{arm}_pairs": one(pair),
        f"{arm}_quality": where(pair, quality),
        f"{arm}_before_quality": where(pair, rows.before_quality_ppm),
    }


def counts_of(sums: Sums, n_rows: int, n_set_aside: int) -> Counts:
    """How many rows there are of each kind."""
    return Counts(
        n_rows=n_rows,
        n_routed=total(sums["routed"]),
        n_refused=total(sums["refused"]),
        n_set_aside=n_set_aside,
        n_compared=total(sums["compared"]),
        n_reported=total(sums["reported"]),
        n_graded=total(sums[f"{MEASURED}_n"]),
        n_before_cleared=total(sums["cleared"]),
    )


def money_of(sums: Sums, resamples: Resamples) -> Money:
    """Spend, and what was saved of it."""
    before, spent, deciding = sums["before"], sums["spent"], sums["deciding"]
    return Money(
        before_nusd=total(before),
        spent_nusd=total(spent),
        router_nusd=total(deciding),
        failed_nusd=total(sums["failed"]),
        n_retried=total(sums["retried"]),
        gross_saving=resamples.saving(spent, before),
        net_saving=resamples.saving(spent + deciding, before),
        net_saved_nusd=resamples.total(before - spent - deciding) if total(sums["compared"]) else None,
        saving_where_before_cleared=resamples.saving(sums["cleared_after"], sums["cleared_before"]),
        spent_over_expected=resamples.ratio(sums["answered"], sums["answered_expected"]),
        net_saving_as_expected=resamples.saving(sums["expected_after"], sums["expected_before"]),
    )


def arms_of(sums: Sums, resamples: Resamples, known: Mapping[str, str]) -> tuple[Arm, ...]:
    """The routed requests, the model before, and each arm of which anything is known.

    Args:
        sums: Of `summed`.
        resamples: For the intervals.
        known: As `Gathered.arm_bases`; an arm that is not there is known as the model before is.
    """
    n, n_pairs = total(sums["compared"]), total(sums["pairs"])
    before = Arm(
        "before",
        n,
        total(sums["before"]),
        None,
        n_pairs,
        _mean(sums["before_quality"], sums["pairs"], resamples),
        None,
        bases_of(sums, ("other",)),
    )
    routed = Arm(
        "routed",
        n,
        total(sums["spent"]) + total(sums["deciding"]),
        resamples.saving(sums["spent"] + sums["deciding"], sums["before"]),
        n_pairs,
        _mean(sums["quality"], sums["pairs"], resamples),
        difference(sums, resamples),
        bases_of(sums),
    )
    others = (_arm(sums, resamples, arm, known.get(arm, "")) for arm in ARMS)
    return (before, routed, *(arm for arm in others if arm.n or arm.n_quality))


def estimates_of(sums: Sums) -> dict[str, str]:
    """What arms of unknown basis may rest on: every kind of estimate that routed requests rest on.

    A grade is that of the answer that was given, and so of no other model.
    """
    kinds = [basis for basis in bases_of(sums).split("+") if basis != MEASURED]
    return dict.fromkeys(ARMS, "+".join(kinds))


def _arm(sums: Sums, resamples: Resamples, name: str, known: str) -> Arm:
    nusd, pairs = sums[f"{name}_nusd"], sums[f"{name}_pairs"]
    quality, before = sums[f"{name}_quality"], sums[f"{name}_before_quality"]
    bases = {*bases_of(sums, ("other",)).split("+"), *known.split("+")} if total(pairs) else set()
    return Arm(
        name,
        total(sums[f"{name}_priced"]),
        total(nusd),
        resamples.saving(nusd, sums[f"{name}_before"]),
        total(pairs),
        _mean(quality, pairs, resamples),
        _gap(quality - before, pairs, resamples),
        "+".join(basis for basis in BASES if basis in bases),
    )


def quality_of(sums: Sums, resamples: Resamples) -> tuple[QualityByBasis, ...]:
    """Quality of requests whose quality, and that of the model before, is known in the same way."""
    return tuple(
        QualityByBasis(
            basis,
            total(sums[f"{basis}_n"]),
            _mean(sums[f"{basis}_quality"], sums[f"{basis}_n"], resamples),
            total(sums[f"{basis}_pairs"]),
            _gap(sums[f"{basis}_paired"] - sums[f"{basis}_before"], sums[f"{basis}_pairs"], resamples),
        )
        for basis in BASES
        if total(sums[f"{basis}_n"])
    )


def difference(sums: Mapping[str, IntArray], resamples: Resamples) -> Estimate | None:
    """Mean quality routed less before, of the pairs of `paired`."""
    return _gap(sums["quality"] - sums["before_quality"], sums["pairs"], resamples)


def _mean(quality: IntArray, n: IntArray, resamples: Resamples) -> Estimate | None:
    return resamples.ratio(quality, n, scale=MILLION, bounds=(0.0, 1.0))


def _gap(gained: IntArray, n: IntArray, resamples: Resamples) -> Estimate | None:
    return resamples.ratio(gained, n, scale=MILLION, bounds=(-1.0, 1.0))


def bases_of(sums: Mapping[str, IntArray], sides: Iterable[str] = ("own", "other")) -> str:
    """How the qualities of the pairs are known, joined by "+"."""
    return "+".join(basis for basis in BASES if any(total(sums[f"{side}_{basis}"]) for side in sides))


def total(values: IntArray) -> int:
    """Sum over all buckets, exact."""
    return sum(values.tolist())
