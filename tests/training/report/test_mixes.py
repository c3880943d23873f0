"""Mixes of single models cost and answer what their weights say."""

from __future__ import annotations

from typing import Any

from training.report.sources.mixes import Totals, expected, mixes


def record_of(chosen: str, **models: tuple[int | None, int | None]) -> dict[str, Any]:
    """A decision with cost and estimate of each model."""
    candidates = [{"model": name, "cost_nusd": c, "success_ppm": s} for name, (c, s) in models.items()]
    return {
        "model": chosen,
        "candidates": candidates,
        "cost": {"expected_nusd": next(c["cost_nusd"] for c in candidates if c["model"] == chosen)},
    }


def totals_of(*records: dict[str, Any]) -> Totals:
    """Sums over decisions."""
    totals = Totals()
    for record in records:
        totals.add(record)
    return totals


def test_the_best_single_model_is_best_on_the_whole() -> None:
    """The highest mean estimate wins, and of two equal ones the cheaper."""
    one = record_of("a", a=(10, 900_000), b=(5, 500_000), c=(9, 700_000))
    two = record_of("b", a=(10, 500_000), b=(5, 500_000), c=(9, 700_000))
    assert mixes(totals_of(one, two))["best_single"] == {"c": 1}


def test_the_random_mix_has_the_shares_of_routing() -> None:
    """Two of three requests to one model make it two thirds of the mix, of cost and of quality."""
    cheap, dear = (record_of(name, a=(10, 600_000), b=(40, 900_000)) for name in "ab")
    found = mixes(totals_of(cheap, cheap, dear))
    assert found["random_mix"] == {"a": 2, "b": 1}
    assert expected(dear, found["random_mix"]) == (20, 700_000)


def test_the_zero_router_costs_what_routing_costs() -> None:
    """It mixes the models beside the mean cost on the hull, never one that lies under it."""
    models: dict[str, tuple[int | None, int | None]] = {
        "a": (100, 500_000),
        "b": (300, 900_000),
        "x": (150, 400_000),
    }
    records = [record_of("a", **models), record_of("b", **models)]
    found = mixes(totals_of(*records))["zero_router"]
    assert found == {"a": 500_000, "b": 500_000}
    assert expected(records[0], found) == (200, 700_000)


def test_the_zero_router_is_one_model_at_the_ends() -> None:
    """Where routing costs as little as the cheapest corner, the corner is the mix."""
    models: dict[str, tuple[int | None, int | None]] = {"a": (100, 500_000), "b": (300, 900_000)}
    assert mixes(totals_of(record_of("a", **models)))["zero_router"] == {"a": 1}
    assert mixes(totals_of(record_of("b", **models)))["zero_router"] == {"b": 1_000_000}


def test_an_unknown_part_makes_the_mix_unknown() -> None:
    """A model without cost, without estimate or not there at all leaves the prompt out."""
    for models in ({"a": (1, 2), "b": (None, 5)}, {"a": (1, 2), "b": (5, None)}, {"a": (1, 2)}):
        assert expected(record_of("a", **models), {"a": 1, "b": 1}) == (None, None)


def test_a_model_that_few_prompts_know_is_no_single_model() -> None:
    """One good estimate does not make the best model of all."""
    known, rare = record_of("a", a=(1, 500_000)), record_of("a", a=(1, 500_000), b=(1, 999_999))
    assert mixes(totals_of(*[known] * 9, rare))["best_single"] == {"a": 1}
    assert mixes(Totals()) == {}
