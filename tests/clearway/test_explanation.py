"""An explanation says in words what the record says in codes."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from clearway.active_exception import ActiveException
from clearway.decision import Decision
from clearway.explanation import CODES, explain_record, format_usd
from clearway.testing import FakeComplexity, fake_request, fake_router, policy_of, shipped_policy


def words(decision: Decision) -> str:
    """The explanation as plain text."""
    console = Console(file=StringIO(), width=200)
    console.print(explain_record(decision.record, shipped_policy().reasons))
    return str(console.file.getvalue())  # type: ignore[attr-defined]  # it is the StringIO above


def test_a_route_names_choice_caller_rule_quality_and_cost() -> None:
    """Everything a person asks first stands in the first lines."""
    text = words(
        fake_router().decide(fake_request(agent="support-bot", purpose="customer_support", user="ana"))
    )
    assert "Route to on-premises/llama-3.1-8b-instruct@on_premises" in text
    assert "Asked by support-bot for user ana (command line) for customer_support at 2026-12-01T12:00" in text
    assert "low-risk-data-to-any-reviewed-provider: Public and internal data may go to any provider" in text
    assert "Quality: 90.0% chance of an adequate answer (measured), meets the floor of 70.0%" in text
    assert "openai/gpt-4o@us would cost $0.001005" in text


def test_a_refusal_counts_every_reason() -> None:
    """Where no model sees images, the refusal says so and for how many models."""
    chat = {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}
    text = words(fake_router().decide(fake_request(request=chat)))
    assert "Refused: no model is cleared and capable" in text
    assert "no_vision: The request holds an image, which the model cannot see." in text
    assert "not_permitted: No policy permits it." in text


def test_below_the_floor_is_not_hidden() -> None:
    """A choice below the floor says that it does NOT meet it."""
    router = fake_router(complexity=FakeComplexity({"gpt-4o-2024-08-06": 100_000}))
    assert "does NOT meet the floor of 70.0%" in words(router.decide(fake_request()))


def test_exceptions_observed_policies_chain_and_session_are_told() -> None:
    """What an exception cleared, what is only watched, who stands between, how far a session got."""
    text = (
        '@id("lift") @reason("r") @exception permit (principal == ?principal, action, resource);\n'
        '@id("watch") @reason("r") @mode("observe") forbid (principal, action, resource);\n'
    )
    granted = ActiveException("e-1", "lift", "local-dev", model="openai/gpt-4o@us")
    told = words(fake_router(policy=policy_of(text), exceptions=(granted,)).decide(fake_request(session="s")))
    assert "Only by exception: e-1" in told
    assert "Observed only, without effect:\n  watch:" in told
    assert "(forbids 1, permits 0 models)" in told
    assert "Session: 1 providers reached (no limit)" in told
    record = {**fake_router().decide(fake_request()).record}
    record["caller"] = {**record["caller"], "chain": ["code-assistant"], "user": "ben"}
    assert "Asked by local-dev for code-assistant for user ben" in words(Decision(record, None))


def test_every_code_the_router_gives_has_words() -> None:
    """A code without words would read as a policy that is gone."""
    router = fake_router(complexity=FakeComplexity({}))
    chat = {"messages": [{"role": "user", "content": [{"type": "image_url"}]}], "max_tokens": 9_999_999}
    chat |= {"tools": [{"type": "function"}], "response_format": {"type": "json_object"}}
    record = router.decide(fake_request(request=chat)).record
    codes = {
        code for item in record["excluded"] for code in item["codes"] if not code.startswith("forbidden:")
    }
    assert codes
    assert codes <= set(CODES)


def test_money_is_shown_with_six_decimals() -> None:
    """An unknown cost is said, not shown as zero."""
    assert [format_usd(nusd) for nusd in (None, 0, 450_000)] == ["unknown", "$0.000000", "$0.000450"]
