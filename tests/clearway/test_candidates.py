"""Every limit that can leave a model out does, and only beyond it; costs are those of the call."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from clearway.policy import Policy
from clearway.testing import (
    FakeComplexity,
    fake_request,
    fake_router,
    references,
    shipped_policy,
    shipped_register,
)

REGISTER, POLICY = shipped_register(), shipped_policy()
MODEL = "openai/gpt-4o@us"
CHAT: dict[str, Any] = {"messages": [{"role": "user", "content": "x" * 396}]}  # 100 tokens to the fake


def policy_with(**limits: int) -> Policy:
    """The shipped policy with other limits for the purpose `general`."""
    purposes = dict(POLICY.objectives.purposes)
    purposes["general"] = purposes["general"].model_copy(update=limits)
    return replace(POLICY, objectives=replace(POLICY.objectives, purposes=purposes))


def candidate(policy: Policy = POLICY, n_output: int = 200, **fields: Any) -> dict[str, Any]:
    """The incumbent's row in the record of a decision."""
    complexity = FakeComplexity(dict.fromkeys(references(REGISTER), 900_000), n_output)
    record = (
        fake_router(policy=policy, complexity=complexity).preview(fake_request(request=CHAT | fields)).record
    )
    return next(row for row in record["candidates"] if row["model"] == MODEL)


def test_the_cost_is_that_of_the_call() -> None:
    """100 tokens in at 2.50 USD and 200 out at 10 USD a million."""
    assert candidate()["cost_nusd"] == 100 * 2_500 + 200 * 10_000


@pytest.mark.parametrize(("max_tokens", "n_paid"), [(50, 50), (200, 200), (500, 200)])
def test_the_callers_bound_caps_the_cost(max_tokens: int, n_paid: int) -> None:
    """An answer is not paid for beyond what was asked for, nor beyond what is expected."""
    assert candidate(max_tokens=max_tokens)["cost_nusd"] == 100 * 2_500 + n_paid * 10_000


def test_the_larger_of_two_bounds_counts() -> None:
    """A small bound beside a large one must not make the request look cheap or short."""
    row = candidate(max_tokens=1_000_000, max_completion_tokens=1)
    assert "output_limit" in row["codes"]


@pytest.mark.parametrize(("limit", "is_out"), [(2_250_000, False), (2_249_999, True)])
def test_a_model_over_the_cost_limit_is_left_out(limit: int, is_out: bool) -> None:
    """At the limit it stays."""
    assert ("over_cost" in candidate(policy_with(max_cost_nusd=limit))["codes"]) is is_out


@pytest.mark.parametrize(("margin", "is_out"), [(0, False), (-1, True)])
def test_a_model_slower_than_the_purpose_allows_is_left_out(margin: int, is_out: bool) -> None:
    """At the limit it stays."""
    limit = REGISTER.models[MODEL].latency.p95_ms + margin
    assert ("too_slow" in candidate(policy_with(max_latency_p95_ms=limit))["codes"]) is is_out


@pytest.mark.parametrize(("extra", "is_out"), [(0, False), (1, True)])
def test_an_answer_longer_than_the_model_gives_leaves_it_out(extra: int, is_out: bool) -> None:
    """At the limit it stays."""
    row = candidate(max_tokens=REGISTER.models[MODEL].max_output_tokens + extra)
    assert ("output_limit" in row["codes"]) is is_out


@pytest.mark.parametrize(("extra", "is_out"), [(0, False), (1, True)])
def test_a_request_beyond_the_context_leaves_the_model_out(extra: int, is_out: bool) -> None:
    """Prompt and expected answer together must fit."""
    row = candidate(n_output=REGISTER.models[MODEL].context_window_tokens - 100 + extra)
    assert ("context_window" in row["codes"]) is is_out


def test_an_image_is_vouched_for_one_caller_only() -> None:
    """What policy says of the support bot's images says nothing of another caller's."""
    purposes = dict(POLICY.objectives.purposes)
    purposes["general"] = purposes["general"].model_copy(update={"images": {"support-bot": "public"}})
    policy = replace(POLICY, objectives=replace(POLICY.objectives, purposes=purposes))
    chat = {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}
    record = fake_router(policy=policy).preview(fake_request(request=chat)).record
    assert record["classification"]["level"] == "restricted"
