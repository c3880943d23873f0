"""A question asked before costs no call of Cedar; what an answer depends on is a part of the question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cedarpy
import pytest

from clearway.active_exception import ActiveException
from clearway.assessment import Level
from clearway.policy import PolicyClearing, PolicyQuestion
from clearway.request import Caller
from clearway.testing import policy_of, shipped_policy, shipped_register

POLICY, REGISTER = shipped_policy(), shipped_register()
QUESTION = POLICY.question(Caller("local-dev"), "general", (), Level.PUBLIC, tuple(REGISTER.providers))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Size of each batch that Cedar was asked."""
    found: list[int] = []
    ask: Callable[..., Any] = cedarpy.is_authorized_batch

    def counted(requests: list[Any], *rest: Any) -> Any:
        found.append(len(requests))
        return ask(requests, *rest)

    monkeypatch.setattr(cedarpy, "is_authorized_batch", counted)
    return found


def test_the_same_question_is_asked_once(calls: list[int]) -> None:
    """An equal question, not only the same object, is answered from the cache, observations too."""
    clearing = PolicyClearing(POLICY, REGISTER)
    for question in (QUESTION, replace(QUESTION), QUESTION):
        clearing.clear(question)
        clearing.observe(question)
    assert calls == [2 * len(REGISTER.models)]


@pytest.mark.parametrize(
    "other",
    [
        replace(QUESTION, principals=(("Service", "research-batch"),)),
        replace(QUESTION, purpose="research"),
        replace(QUESTION, purpose_regions=("eu",)),
        replace(QUESTION, classes=("health",)),
        replace(QUESTION, level=Level.RESTRICTED),
        replace(QUESTION, reviewed=()),
        replace(QUESTION, session_level=Level.RESTRICTED),
        replace(QUESTION, exceptions=(ActiveException("e", "t", "local-dev"),)),
    ],
    ids=lambda other: next(n for n in other.__slots__ if getattr(other, n) != getattr(QUESTION, n)),
)
def test_another_question_is_asked_anew(calls: list[int], other: PolicyQuestion) -> None:
    """Whatever of it differs, no answer to another question is given."""
    clearing = PolicyClearing(POLICY, REGISTER)
    clearing.clear(QUESTION)
    clearing.clear(other)
    assert len(calls) >= 2


def test_another_policy_has_no_answers_of_the_old_one() -> None:
    """The cache belongs to one policy and one register: a new digest begins with an empty one."""
    allow = policy_of('@id("allow") @reason("r") permit (principal, action, resource);')
    nothing = policy_of("")
    assert all(c.route for c in PolicyClearing(allow, REGISTER).clear(QUESTION).values())
    assert not any(c.route for c in PolicyClearing(nothing, REGISTER).clear(QUESTION).values())
