"""Laws of the choice: cleared, good enough, cheapest, the same in any order, and everyone accounted for."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.optimiser import Candidate, choose

# Few values, so that ties are common, and most candidates eligible, so that there is something to choose.
ppm = st.sampled_from([*range(8), *range(8), 1_000_000, None])
nusd = st.sampled_from([*range(8), *range(8), 10**15, None])
code_sets = st.sampled_from([(), (), (), (), ("no_tools",), ("forbidden:x", "too_slow")])
bodies = st.lists(st.tuples(ppm, nusd, code_sets, st.booleans()), max_size=8)
pools = bodies.map(lambda rows: [Candidate(f"m{index}", *row) for index, row in enumerate(rows)])
floors = st.integers(0, 9)
limits = st.integers(0, 4)


def is_eligible(candidate: Candidate) -> bool:
    """Cleared and capable, with a known success and cost."""
    return not candidate.codes and candidate.success_ppm is not None and candidate.cost_nusd is not None


@given(pools, floors, limits)
def test_the_choice_is_cleared_and_capable(pool: list[Candidate], floor: int, limit: int) -> None:
    """Choice and fallbacks are eligible and cleared as such; there is a choice if any model is eligible."""
    by_id = {candidate.model: candidate for candidate in pool}
    choice = choose(pool, floor_ppm=floor, max_fallbacks=limit)
    assert (choice.model is None) == (not any(map(is_eligible, pool)))
    if choice.model is not None:
        assert is_eligible(by_id[choice.model])
    assert all(is_eligible(by_id[name]) and by_id[name].may_fall_back for name in choice.fallbacks)
    assert len(choice.fallbacks) <= limit


@given(pools, floors, limits)
def test_no_cheaper_model_meets_the_floor(pool: list[Candidate], floor: int, limit: int) -> None:
    """The choice is the cheapest eligible model that meets the floor; if none does, the best one."""
    choice = choose(pool, floor_ppm=floor, max_fallbacks=limit)
    eligible = [c for c in pool if is_eligible(c)]
    good = [c for c in eligible if (c.success_ppm or 0) >= floor]
    assert choice.floor_met == bool(good)
    chosen = next((c for c in eligible if c.model == choice.model), None)
    if good:
        assert chosen in good
        assert choice.expected_nusd == min(c.cost_nusd or 0 for c in good)
    elif chosen:
        assert chosen.success_ppm == max(c.success_ppm or 0 for c in eligible)
        assert choice.expected_nusd == chosen.cost_nusd
    else:
        assert choice.expected_nusd is None


@given(pools, floors, limits, st.randoms(use_true_random=False))
def test_order_does_not_matter(
    pool: list[Candidate], floor: int, limit: int, shuffler: random.Random
) -> None:
    """The same candidates in another order give the same choice."""
    other = shuffler.sample(pool, len(pool))
    first, second = (choose(c, floor_ppm=floor, max_fallbacks=limit) for c in (pool, other))
    assert first == second


@given(pools, floors, limits)
def test_everyone_is_accounted_for(pool: list[Candidate], floor: int, limit: int) -> None:
    """Each model is once the choice, a fallback or excluded, and the excluded have a code."""
    choice = choose(pool, floor_ppm=floor, max_fallbacks=limit)
    excluded = [entry.model for entry in choice.excluded]
    named = [*([choice.model] if choice.model else []), *choice.fallbacks, *excluded]
    assert sorted(named) == sorted(candidate.model for candidate in pool)
    assert all(entry.codes for entry in choice.excluded)
    assert excluded == sorted(excluded)


@given(pools, floors, limits)
def test_everything_is_an_integer(pool: list[Candidate], floor: int, limit: int) -> None:
    """Money in, money out: no float ever appears."""
    assert type(choose(pool, floor_ppm=floor, max_fallbacks=limit).expected_nusd) in (int, type(None))


@given(pools, floors)
def test_fallbacks_follow_the_choice(pool: list[Candidate], floor: int) -> None:
    """Without the choice, the first fallback that may be one would be chosen next."""
    choice = choose(pool, floor_ppm=floor, max_fallbacks=8)
    rest = [c for c in pool if c.model != choice.model and c.may_fall_back]
    following = choose(rest, floor_ppm=floor, max_fallbacks=8)
    names = [*([following.model] if following.model else []), *following.fallbacks]
    assert list(choice.fallbacks) == names


def test_ties() -> None:
    """Equal cost goes to the better model, and equal in both to the first id."""
    pool = [Candidate("c", 8, 5), Candidate("b", 9, 5), Candidate("a", 9, 5), Candidate("d", 1, 0)]
    choice = choose(pool, floor_ppm=8, max_fallbacks=3)
    assert (choice.model, choice.fallbacks) == ("a", ("b", "c", "d"))


def test_cheaper_comes_before_better() -> None:
    """Among models that are good enough the cheapest is chosen, not the best."""
    pool = [Candidate("best", 10, 9), Candidate("cheap", 8, 1), Candidate("poor", 7, 0)]
    assert choose(pool, floor_ppm=8, max_fallbacks=0).model == "cheap"


@pytest.mark.parametrize(
    ("candidate", "codes"),
    [
        (Candidate("x", 9, 9), ("not_cheapest",)),
        (Candidate("x", 8, 9), ("not_cheapest",)),
        (Candidate("x", 7, 0), ("below_floor",)),
        (Candidate("x", 9, 0, ("no_json", "no_tools")), ("no_json", "no_tools")),
        (Candidate("x", None, None), ("no_success_estimate",)),
        (Candidate("x", 9, None), ("no_price",)),
    ],
)
def test_why_a_model_was_left_out(candidate: Candidate, codes: tuple[str, ...]) -> None:
    """Its own codes count; an unknown price is never free; else it is dearer or below the floor."""
    choice = choose([Candidate("a", 9, 5), candidate], floor_ppm=8, max_fallbacks=0)
    assert choice.model == "a"
    assert [entry.codes for entry in choice.excluded] == [codes]


@given(pools, floors, limits)
def test_unknown_prompts_go_to_the_incumbent(pool: list[Candidate], floor: int, limit: int) -> None:
    """Where estimates say nothing: the incumbent if it is eligible, else the best; no floor counts as met."""
    choice = choose(pool, floor_ppm=floor, max_fallbacks=limit, unknown_goes_to="m1")
    eligible = {c.model: c for c in pool if is_eligible(c)}
    if "m1" in eligible:
        assert choice.model == "m1"
    elif eligible:
        assert choice.model is not None
        assert eligible[choice.model].success_ppm == max(c.success_ppm or 0 for c in eligible.values())
    assert not choice.floor_met
    codes = {entry.model: entry.codes for entry in choice.excluded}
    assert all(codes[name] == ("outside_training",) for name in codes if name in eligible)
    assert all(codes[c.model] != ("outside_training",) for c in pool if not is_eligible(c))
