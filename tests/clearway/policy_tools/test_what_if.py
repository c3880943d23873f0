"""`what-if` decides recorded facts again under other parts, and counts what changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from clearway.installation import data_folder
from clearway.policy import Policy
from clearway.policy_tools.what_if import Comparison, compare, recorded_router, summary
from clearway.register import Register
from clearway.router import Router
from clearway.sensitivity import load_class_table
from clearway.testing import (
    NOON,
    FakeSensitivity,
    fake_request,
    fake_router,
    memory_ledger,
    policy_of,
    shipped_policy,
    shipped_register,
)

TABLE = load_class_table(data_folder() / "sensitivity")
NARROW = (
    '@id("one") @reason("One provider.") permit(principal, action, resource) '
    'when { resource.provider == Provider::"openai" };'
)
EVERYTHING = '@id("all") @reason("All may go anywhere.") permit(principal, action, resource);'


def decided(router: Router | None = None) -> list[dict[str, Any]]:
    """Records of three decisions: a harmless one, one with a name, one with health data."""
    router = router or fake_router(sensitivity=FakeSensitivity({"name": "personal", "ill": "health"}))
    texts = {"r-1": "Hello", "r-2": "name", "r-3": "ill"}
    return [dict(router.decide(fake_request(text, id=i)).record) for i, text in texts.items()]


def tried(
    records: Sequence[dict[str, Any]], *, policy: Policy | None = None, register: Register | None = None
) -> list[Comparison]:
    """The records under other parts, judged at noon."""
    router = recorded_router(
        policy or shipped_policy(), register or shipped_register(), TABLE, memory_ledger()
    )
    return list(compare(router, records, NOON))


def test_the_same_policy_and_register_change_nothing() -> None:
    """Recorded facts decided again by the same parts come out the same."""
    found = summary(tried(decided()))
    assert (found["n_decisions"], found["n_changed"], found["n_newly_refused"]) == (3, 0, 0)
    assert found["cost_before_nusd"] == found["cost_after_nusd"] > 0


def test_an_empty_policy_refuses_all() -> None:
    """Each routed decision is newly refused, and named."""
    records = decided()
    found = summary(tried(records, policy=policy_of("")))
    assert found["n_newly_refused"] == found["n_model"] == 3
    assert found["newly_refused"] == [record["decision_id"] for record in records]
    assert found["n_routed_both"] == 0


def test_a_wider_policy_is_cheaper() -> None:
    """Model, provider and region are counted apart, and the cost is summed over both."""
    found = summary(tried(decided(fake_router(policy=policy_of(NARROW))), policy=policy_of(EVERYTHING)))
    assert (found["n_model"], found["n_provider"], found["n_region"]) == (3, 3, 3)
    assert (found["n_cost"], found["n_routed_both"]) == (3, 3)
    assert found["cost_after_nusd"] < found["cost_before_nusd"]


def test_what_was_refused_may_be_routed() -> None:
    """The other direction is counted too."""
    records = decided(fake_router(policy=policy_of("")))
    assert summary(tried(records))["n_newly_routed"] == 3


def test_a_model_that_left_the_register_is_said_to_have() -> None:
    """The recorded model is not in the other register."""
    records = decided()[:1]
    register = shipped_register()
    kept = {name: m for name, m in register.models.items() if name != records[0]["model"]}
    found = tried(records, register=replace(register, models=kept))[0]
    assert found.codes == ("not_in_register",)
    assert found.changes("model")


def test_a_caller_that_is_gone_is_refused() -> None:
    """Decisions of an identity that the other policy does not register are newly refused."""
    policy = shipped_policy()
    callers = {n: c for n, c in policy.callers.callers.items() if n != "local-dev"}
    other = replace(policy, callers=replace(policy.callers, callers=callers))
    found = tried(decided(), policy=other)
    assert all(comparison.is_newly_refused for comparison in found)
    assert {comparison.codes for comparison in found} == {("unknown_caller",)}


def test_reviews_count_as_of_the_day_that_is_asked() -> None:
    """Judged after the reviews have lapsed, everything is refused; on its own day, nothing."""
    records = decided()
    router = recorded_router(shipped_policy(), shipped_register(), TABLE, memory_ledger())
    later = list(compare(router, records, NOON + timedelta(days=800)))
    assert summary(later)["n_newly_refused"] == 3
    assert "review_expired" in later[0].codes
    assert summary(compare(router, records, None))["n_changed"] == 0


def test_what_the_recorded_model_lacks_is_said() -> None:
    """A change is explained by what leaves out the model it went to."""
    records = decided()[:1]
    provider = records[0]["provider"]
    policy = policy_of(
        EVERYTHING + f'@id("no") @reason("r") forbid(principal, action, resource) '
        f'when {{ resource.provider == Provider::"{provider}" }};'
    )
    found = tried(records, policy=policy)[0]
    assert found.codes == ("forbidden:no",)
    assert found.as_json()["before"]["provider"] == provider
    assert found.changes("provider")


def test_nothing_is_recorded() -> None:
    """The ledger that is asked is as long as before."""
    ledger = memory_ledger()
    router = recorded_router(shipped_policy(), shipped_register(), TABLE, ledger)
    list(compare(router, decided(), NOON))
    assert ledger.size() == 0
