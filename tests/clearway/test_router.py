"""The invariants of the design that the path of a request must hold, each tried to be broken."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clearway.assessment import Level
from clearway.errors import InvalidRequestError, LedgerUnavailableError
from clearway.installation import data_folder
from clearway.ledger.canonical import canonical_json
from clearway.ledger.checkpoint import Verifier
from clearway.ledger.export import snapshot
from clearway.ledger.verify import verify_entries
from clearway.policy import load_policy
from clearway.record import facts_of
from clearway.request import Request
from clearway.router import Router
from clearway.testing import (
    NOON,
    FakeComplexity,
    FakeSensitivity,
    fake_request,
    fake_router,
    memory_ledger,
    references,
    shipped_policy,
    shipped_register,
)

REGISTER, POLICY = shipped_register(), shipped_policy()
CLASSES = tuple(FakeSensitivity().class_levels)
CALLERS = [(agent.id, purpose) for agent in POLICY.callers.callers.values() for purpose in agent.purposes]
USERS = [None, *POLICY.callers.users]
CANARY = "Zq7-canary-4417"

situations = st.fixed_dictionaries(
    {
        "who": st.sampled_from(CALLERS),
        "user": st.sampled_from(USERS),
        "classes": st.sets(st.sampled_from(CLASSES)),
        "labels": st.sets(st.sampled_from([*CLASSES, "internal", "restricted"]), max_size=3),
        "success": st.lists(st.integers(0, 1_000_000), min_size=40, max_size=40),
        "extra": st.sampled_from([{}, {"tools": [{"type": "function"}]}, {"max_tokens": 6_000}]),
    }
)
slow = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def router_for(situation: dict[str, Any]) -> Router:
    """A router whose classifiers say what the situation says."""
    success = dict(zip(references(REGISTER), situation["success"], strict=False))
    return fake_router(
        register=REGISTER,
        policy=POLICY,
        complexity=FakeComplexity(success),
        sensitivity=FakeSensitivity({f"<{name}>": name for name in CLASSES}),
    )


def request_for(situation: dict[str, Any], **fields: object) -> Request:
    """A request in which each class of the situation is found."""
    agent, purpose = situation["who"]
    text = "x " + " ".join(f"<{name}>" for name in sorted(situation["classes"]))
    chat = {"messages": [{"role": "user", "content": text}], **situation["extra"]}
    given_fields: dict[str, Any] = {"labels": sorted(situation["labels"]), "request": chat, **fields}
    return fake_request(agent=agent, purpose=purpose, user=situation["user"], **given_fields)


class FullDisk:
    """A ledger that reads but cannot write."""

    def __init__(self) -> None:
        self._ledger = memory_ledger()

    def __getattr__(self, name: str) -> object:
        if name == "append":
            raise LedgerUnavailableError("ledger: disk full; free some space")
        return getattr(self._ledger, name)


@slow
@given(situations)
def test_every_decision_is_in_the_ledger_as_given(situation: dict[str, Any]) -> None:
    """No record, no route: what `decide` returns is what the ledger holds, and the ledger verifies."""
    router = router_for(situation)
    decision = router.decide(request_for(situation))
    entry = router.ledger.find(decision.id)
    assert entry.record == decision.record
    assert entry.leaf_hash.hex() == decision.leaf
    leaves, checkpoint = snapshot(router.ledger)
    assert verify_entries(leaves, checkpoint, Verifier.parse(router.ledger.public_key)).ok


def test_a_ledger_that_cannot_be_written_gives_no_decision() -> None:
    """No record, no route: a full disk is an error, not an answer."""
    router = fake_router(ledger=FullDisk())  # type: ignore[arg-type]  # stands in for the protocol by delegation
    with pytest.raises(LedgerUnavailableError, match=r"^ledger: disk full; free some space$"):
        router.decide(fake_request())


def test_a_broken_detector_counts_as_restricted() -> None:
    """Doubt denies: with the sensitivity unknown, only self-hosted or zero-retention models remain."""
    router = fake_router(sensitivity=FakeSensitivity(is_broken=True))
    decision = router.decide(fake_request())
    assert decision.record["classification"]["level"] == "restricted"
    assert "sensitivity_unknown" in decision.record["notes"]
    for model in (decision.model, *decision.fallbacks):
        provider = REGISTER.provider_of(str(model))
        assert provider.self_hosted or provider.content_kept_days == 0


def test_an_empty_policy_clears_nothing(tmp_path: Path) -> None:
    """Doubt denies: without a permit every request is refused, and every model says so."""
    for name in ("schema.cedarschema", "callers.yaml", "objectives.yaml"):
        source = (shipped_folder() / name).read_bytes()
        (tmp_path / name).write_bytes(source)
    (tmp_path / "empty.cedar").write_text("")
    decision = fake_router(policy=load_policy(tmp_path)).decide(fake_request())
    assert decision.verdict == "refuse"
    assert {tuple(item["codes"]) for item in decision.record["excluded"]} == {("not_permitted",)}


def test_a_lapsed_review_takes_its_models_out_that_day() -> None:
    """Doubt denies: on the day after a review ends its models are `review_expired`, the day before not."""
    provider = REGISTER.provider_of("openai/gpt-4o@us")
    assert provider.review is not None
    last_day = datetime.combine(provider.review.expires_on, datetime.min.time(), UTC)
    for at, expired in ((last_day, False), (last_day + timedelta(days=1), True)):
        record = fake_router(clock=partial(_same, at)).decide(fake_request()).record
        codes = {item["model"]: item["codes"] for item in record["candidates"]}
        assert ("review_expired" in codes["openai/gpt-4o@us"]) is expired


@slow
@given(situations)
def test_every_fallback_is_cleared_like_the_first_choice(situation: dict[str, Any]) -> None:
    """Choice and fallbacks pass the same policy question, capability and review checks."""
    router = router_for(situation)
    record = router.decide(request_for(situation)).record
    facts = facts_of(record)
    classes = tuple(sorted({*record["classification"]["flagged"], *(situation["labels"] & set(CLASSES))}))
    level = Level.parse(record["classification"]["level"])
    reviewed = router.clearing.reviewed(facts.at)
    question = POLICY.question(facts.caller, facts.purpose, classes, level, reviewed)
    cleared = router.clearing.clear(question)
    if record["model"] is not None:
        assert cleared[record["model"]].route
    for model in record["fallbacks"]:
        assert cleared[model].route
        assert cleared[model].fall_back
        assert set(facts.needs) <= set(REGISTER.models[model].capabilities)
        assert REGISTER.models[model].provider in reviewed


@slow
@given(situations)
def test_every_model_is_chosen_a_fallback_or_excluded_with_a_code(situation: dict[str, Any]) -> None:
    """Nothing is left out without a reason."""
    record = router_for(situation).decide(request_for(situation)).record
    named = [*([record["model"]] if record["model"] else []), *record["fallbacks"]]
    named += [item["model"] for item in record["excluded"]]
    assert sorted(named) == sorted(REGISTER.models)
    assert all(item["codes"] for item in record["excluded"])


@slow
@given(situations)
def test_the_same_facts_give_the_same_bytes(situation: dict[str, Any]) -> None:
    """Whatever the order of the register, another router, or eight threads: the same record to the byte."""
    router = router_for(situation)
    facts = facts_of(router.preview(request_for(situation)).record)
    shuffled = replace(REGISTER, models=dict(reversed(list(REGISTER.models.items()))))
    other = fake_router(register=shuffled, policy=POLICY, sensitivity=FakeSensitivity({"a": "contact"}))
    expected = canonical_json(router.resolve(facts))
    resolved = other.resolve(facts)
    resolved["candidates"].sort(key=lambda item: item["model"])
    assert canonical_json(resolved) == expected
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: canonical_json(router.resolve(facts)), range(8))) == {expected}


@slow
@given(situations, st.sets(st.sampled_from([*CLASSES, *(level.label for level in Level)]), max_size=16))
def test_labels_only_raise(situation: dict[str, Any], more: set[str]) -> None:
    """More labels never lower the level, and never clear a model that was not cleared without them."""
    router = router_for(situation)
    plain = router.preview(request_for(situation)).record
    fields = {"labels": sorted(situation["labels"] | more)[:16]}
    if not situation["labels"] <= set(fields["labels"]):
        return
    labelled = router.preview(request_for(situation, **fields)).record
    assert level_of(labelled) >= level_of(plain)
    assert cleared_in(labelled) <= cleared_in(plain)


@slow
@given(situations, st.sets(st.sampled_from(CLASSES)))
def test_more_data_classes_never_clear_more_models(situation: dict[str, Any], more: set[str]) -> None:
    """A class found in addition never opens a model: the pack's cleared set only shrinks."""
    router = router_for(situation)
    plain = router.preview(request_for(situation)).record
    worse = router.preview(request_for({**situation, "classes": situation["classes"] | more})).record
    assert level_of(worse) >= level_of(plain)
    assert cleared_in(worse) <= cleared_in(plain)


def test_no_text_of_the_request_is_in_record_log_or_repr(caplog: pytest.LogCaptureFixture) -> None:
    """A canary in every place a text can stand shows up nowhere but in the request."""
    chat = {
        "messages": [
            {"role": "system", "content": CANARY},
            {"role": "user", "name": CANARY, "content": [{"type": "text", "text": CANARY}]},
            {"role": "tool", "tool_call_id": "t", "content": CANARY},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "description": CANARY}}],
        "metadata": {CANARY: CANARY},
    }
    router = fake_router(sensitivity=FakeSensitivity({CANARY: "trade_secret"}))
    request = fake_request(request=chat, session=CANARY)
    with caplog.at_level(logging.DEBUG):
        decision = router.decide(request)
    assessment = router.assess(request)
    seen = [json.dumps(decision.record), json.dumps(decision.as_json()), repr(request), repr(request.parts)]
    seen += [repr(assessment), json.dumps(assessment.as_json("1")), repr(decision), caplog.text]
    seen += [leaf.decode() for leaf in router.ledger.leaves()]
    assert assessment.sensitivity.flagged == ("trade_secret",)
    assert not any(CANARY in text for text in seen)


@pytest.mark.parametrize(
    ("content", "agent", "purpose", "level"),
    [
        (
            {"type": "image_url", "image_url": {"url": "https://example.com/x"}},
            "local-dev",
            "general",
            "restricted",
        ),
        ({"type": "image_url"}, "support-bot", "customer_support", "confidential"),
        ({"type": "input_audio"}, "support-bot", "customer_support", "restricted"),
    ],
)
def test_what_was_not_seen_is_said_and_counts(
    content: dict[str, Any], agent: str, purpose: str, level: str
) -> None:
    """An image is restricted unless policy vouches for the caller and purpose; other media always are."""
    chat = {"messages": [{"role": "user", "content": [content]}]}
    record = fake_router().decide(fake_request(request=chat, agent=agent, purpose=purpose)).record
    assert record["classification"]["level"] == level
    assert {"image", "unread_part"} & set(record["notes"])


def test_a_part_that_no_model_is_known_to_read_is_refused() -> None:
    """Audio is not routed to a model that reads text: the request is refused, and says why."""
    chat = {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}
    record = fake_router().decide(fake_request(request=chat)).record
    assert record["verdict"] == "refuse"
    assert all("unread_part" in item["codes"] for item in record["excluded"])


def test_an_image_needs_a_model_that_sees() -> None:
    """A model without vision is left out as `no_vision`."""
    chat = {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}
    record = fake_router().decide(fake_request(request=chat)).record
    blind = [c for c in record["candidates"] if "vision" not in REGISTER.models[c["model"]].capabilities]
    assert blind
    assert all("no_vision" in candidate["codes"] for candidate in blind)


def test_an_unknown_label_is_refused() -> None:
    """A misspelt class must not pass as no class."""
    expected = ", ".join([*CLASSES, "public", "internal", "confidential", "restricted"])
    text = rf"^labels: expected data classes or levels \({expected}\)$"
    with pytest.raises(InvalidRequestError, match=text):
        fake_router().decide(fake_request(labels=["persnal"]))


def test_a_preview_writes_nothing() -> None:
    """A dry run leaves the ledger as it was and says that it has no place there."""
    router = fake_router()
    preview = router.preview(fake_request())
    assert router.ledger.size() == 0
    assert preview.as_json()["ledger"] == {"index": None, "leaf": None}


def test_below_the_floor_the_best_is_taken_and_said() -> None:
    """Where no model meets the floor, the likeliest one is chosen and the decision says so."""
    success = {name: 100_000 + 1_000 * rank for rank, name in enumerate(references(REGISTER))}
    record = fake_router(complexity=FakeComplexity(success)).decide(fake_request()).record
    best = max(c["success_ppm"] for c in record["candidates"] if not c["codes"])
    assert (record["success_ppm"], record["floor_met"]) == (best, False)
    assert "floor_not_met" in record["notes"]


def test_a_prompt_outside_training_goes_to_the_incumbent_if_it_is_cleared() -> None:
    """However cheap and good another model is said to be: the estimates are not believed, and it is said."""
    register = shipped_register()
    success = dict.fromkeys({model.success.reference for model in register.models.values()}, 999_999)
    outside = fake_router(complexity=FakeComplexity(success, notes=("outside_training",)))
    record = outside.decide(fake_request()).record
    assert record["model"] == register.incumbent
    assert not record["floor_met"]
    assert "outside_training" in record["notes"]
    within = fake_router(complexity=FakeComplexity(success)).decide(fake_request()).record
    assert within["model"] != register.incumbent
    secret = outside.decide(fake_request(id="another", labels=["credentials"])).record
    assert register.incumbent in {entry["model"] for entry in secret["excluded"]}


def test_a_decision_names_the_example_terms_it_rests_on() -> None:
    """The shipped review is an example, so every routed decision says so."""
    record = fake_router().decide(fake_request()).record
    assert "provider.review" in record["example_terms"]
    assert "example_terms" in record["notes"]


def test_the_record_answers_an_investigators_four_questions() -> None:
    """Request, model, policy and data classification, each by name, with the versions behind them."""
    record = fake_router().decide(fake_request()).record
    assert set(record["request"]) == {
        "id", "commitment", "n_parts", "n_characters", "needs", "max_output_tokens",
    }  # fmt: skip
    assert {"model", "provider", "region", "fallbacks", "candidates", "excluded"} <= set(record)
    assert set(record["policy"]) == {"digest", "determining", "observed"}
    assert {"level", "classes", "flagged", "detector", "session_level"} <= set(record["classification"])
    assert {"register", "prices", "callers", "objectives", "software", "time", "ledger_index"} <= set(record)


def test_an_unknown_purpose_is_refused() -> None:
    """A purpose that nobody is registered for reaches no region and no model."""
    decision = fake_router().decide(fake_request(purpose="world-domination"))
    assert decision.verdict == "refuse"
    assert "only-for-a-purpose-of-the-caller" in decision.record["policy"]["determining"]


def test_time_is_in_the_record_in_utc() -> None:
    """The injected clock is what the record says."""
    assert fake_router().decide(fake_request()).record["time"] == "2026-12-01T12:00:00.000000Z"
    assert NOON.tzinfo is UTC


def level_of(record: Mapping[str, Any]) -> Level:
    """Level of a record."""
    return Level.parse(record["classification"]["level"])


def cleared_in(record: Mapping[str, Any]) -> set[str]:
    """Models of a record that policy cleared."""
    denied = ("forbidden:", "not_permitted", "policy_error", "review_expired")
    return {
        c["model"] for c in record["candidates"] if not any(code.startswith(denied) for code in c["codes"])
    }


def shipped_folder() -> Path:
    """Folder of the shipped policy."""
    return data_folder() / "policy"


def _same(at: datetime) -> datetime:
    return at
