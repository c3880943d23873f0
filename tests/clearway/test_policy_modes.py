"""An observed policy changes no decision and says in the record what it would have changed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearway.assessment import Level
from clearway.errors import PolicyError
from clearway.policy import Observation, PolicyClearing, PolicyQuestion
from clearway.request import Caller
from clearway.testing import fake_request, fake_router, policy_of, shipped_policy, shipped_register

REGISTER, POLICY = shipped_register(), shipped_policy()
ALLOW = '@id("allow") @reason("r") permit (principal, action, resource);\n'
TRAINS = "resource.provider.trains_on_content"
QUESTION = POLICY.question(Caller("local-dev"), "general", (), Level.PUBLIC, tuple(REGISTER.providers))
TRAINERS = tuple(m for m in REGISTER.models if REGISTER.provider_of(m).trains_on_content)
OTHERS = tuple(m for m in REGISTER.models if m not in TRAINERS)


def observed(effect: str, condition: str, name: str = "watch") -> str:
    """One observed policy."""
    head = f'@id("{name}") @reason("r") @mode("observe") {effect} (principal, action, resource)'
    return f"{head} when {{ {condition} }};\n"


def seen(text: str, question: PolicyQuestion = QUESTION) -> tuple[Observation, ...]:
    """What the policies of a text observe."""
    return PolicyClearing(policy_of(text), REGISTER).observe(question)


def test_an_observed_forbid_names_the_models_it_would_take_out() -> None:
    """The models stay cleared; the observation lists those that the forbid speaks of."""
    text = ALLOW + observed("forbid", TRAINS)
    assert TRAINERS
    assert seen(text) == (Observation("watch", TRAINERS, ()),)
    assert all(c.route for c in PolicyClearing(policy_of(text), REGISTER).clear(QUESTION).values())


def test_an_observed_permit_names_the_models_it_would_let_in() -> None:
    """The models stay out, for want of an enforced permit."""
    text = observed("permit", f"!({TRAINS})")
    assert seen(text) == (Observation("watch", (), OTHERS),)
    answers = PolicyClearing(policy_of(text), REGISTER).clear(QUESTION)
    assert {answer.codes for answer in answers.values()} == {("not_permitted",)}


def test_an_observed_policy_that_changes_nothing_is_not_named() -> None:
    """A permit of what is permitted, and a forbid of what is not, are no news."""
    assert seen(ALLOW + observed("permit", "true") + observed("forbid", "false", "never")) == ()
    assert seen(observed("forbid", "true")) == ()


def test_each_observed_policy_is_tried_alone() -> None:
    """Two observed forbids of the same models are both named, sorted by id."""
    text = ALLOW + observed("forbid", TRAINS, "z") + observed("forbid", TRAINS, "a")
    assert [found.policy for found in seen(text)] == ["a", "z"]


def test_an_observed_policy_that_errs_would_deny() -> None:
    """Doubt denies: if it were enforced, its error would take the models out, and that is what is said."""
    text = ALLOW + observed("permit", "resource.provider.content_kept_days + 9223372036854775807 > 0")
    kept = tuple(m for m in REGISTER.models if REGISTER.provider_of(m).content_kept_days > 0)
    assert seen(text) == (Observation("watch", kept, ()),)


def test_the_record_says_what_was_observed() -> None:
    """The same model is chosen as without it, and `policy.observed` has id, forbids and permits."""
    text = ALLOW + observed("forbid", "true")
    with_it, without = (fake_router(policy=policy_of(t)).decide(fake_request()) for t in (text, ALLOW))
    assert with_it.model == without.model
    every = list(REGISTER.models)
    assert with_it.record["policy"]["observed"] == [{"id": "watch", "forbids": every, "permits": []}]
    assert without.record["policy"]["observed"] == []
    assert with_it.record["policy"]["determining"] == without.record["policy"]["determining"]


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["permit", "forbid"]),
            st.sampled_from(["true", TRAINS, 'resource.region == "eu"', "principal is User"]),
        ),
        max_size=4,
    ),
    st.sampled_from(
        [QUESTION, POLICY.question(Caller("support-bot", "ana"), "general", (), Level.PUBLIC, ())]
    ),
)
def test_observed_policies_never_change_a_clearing(
    rules: list[tuple[str, str]], question: PolicyQuestion
) -> None:
    """Whatever is observed, the clearing is that of the enforced policies alone."""
    text = ALLOW + "".join(observed(*rule, name=f"r{n}") for n, rule in enumerate(rules))
    answers = [PolicyClearing(policy_of(t), REGISTER).clear(question) for t in (text, ALLOW)]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("mode", ["Observe", "off", "", "observe ", "log"])
def test_any_other_mode_refuses_to_load(mode: str) -> None:
    """A misspelt mode would leave a policy enforced, or not, against its author's will."""
    text = f'@id("a") @reason("r") @mode("{mode}") forbid (principal, action, resource);'
    message = r'^rules.cedar: @id\("a"\) has an unknown @mode; expected "enforce" or "observe"$'
    with pytest.raises(PolicyError, match=message):
        policy_of(text)


def test_a_mode_without_a_word_refuses_to_load() -> None:
    """`@mode` alone says nothing."""
    with pytest.raises(PolicyError, match="unknown @mode"):
        policy_of('@id("a") @reason("r") @mode forbid (principal, action, resource);')


def test_enforce_may_be_said() -> None:
    """`@mode("enforce")` is what stands without it."""
    text = '@id("a") @reason("r") @mode("enforce") forbid (principal, action, resource);'
    assert policy_of(text).observed_sets == {}
