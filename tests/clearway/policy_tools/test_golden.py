"""Golden cases: they pass on the shipped pack, and say what is wrong where they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from clearway.errors import PolicyError
from clearway.installation import data_folder
from clearway.policy_tools.golden import Case, load_golden, run_case
from clearway.policy_tools.situations import Rulings
from clearway.testing import NOON, FakeSensitivity, shipped_policy, shipped_register

RULINGS = Rulings(shipped_policy(), shipped_register(), FakeSensitivity().class_levels, NOON)
GOLDEN = load_golden(data_folder() / "policy" / "tests.yaml")


def faults(**fields: object) -> tuple[str, ...]:
    """What a case of the shipped pack finds wrong."""
    case = Case.model_validate({"name": "a case", "caller": "clinic-scribe", **fields})
    return run_case(RULINGS, case).faults


def written(folder: Path, text: str) -> Path:
    """A file of cases."""
    path = folder / "tests.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("case", GOLDEN.cases, ids=lambda case: case.name)
def test_the_shipped_pack_passes_its_cases(case: Case) -> None:
    """What `data/policy/tests.yaml` states is so."""
    assert run_case(RULINGS, case).faults == ()


def test_the_cases_name_every_forbid_of_the_shipped_pack() -> None:
    """No forbid of the pack is without a case that it decides; lapsed reviews have tests of their own."""
    policy = shipped_policy()
    forbids = {name for name, rule in policy.policies.items() if rule["effect"] == "forbid"}
    named = {code for case in GOLDEN.cases for code in case.by or ()}
    assert forbids - named == {"no-provider-without-a-valid-review"}


def test_a_model_that_is_denied_and_should_be_allowed_is_a_fault() -> None:
    """The fault names the model and the rule."""
    assert faults(classes=["health"], allow=["openai/gpt-4o@us"]) == (
        "openai/gpt-4o@us: expected allowed, got denied by forbidden:health-data-only-under-a-baa",
    )


def test_a_model_that_is_allowed_and_should_be_denied_is_a_fault() -> None:
    """The fault names the model and the permit."""
    assert faults(deny=["openai/gpt-4o@us"]) == (
        "openai/gpt-4o@us: expected denied, got allowed by low-risk-data-to-any-reviewed-provider",
    )


def test_a_model_denied_by_another_rule_is_a_fault() -> None:
    """A case that names the rule fails when another one denies."""
    by = ["personal-data-not-to-providers-that-train"]
    assert faults(classes=["health"], deny=["openai/gpt-4o@us"], by=by) == (
        (
            "openai/gpt-4o@us: expected denied by personal-data-not-to-providers-that-train, "
            "got health-data-only-under-a-baa"
        ),
    )


def test_only_means_all_of_these_and_no_other() -> None:
    """`only` finds both a model too many and one too few."""
    found = faults(classes=["health"], only=["openai/gpt-4o@us"])
    assert "openai/gpt-4o@us: expected allowed, got denied by forbidden:health-data-only-under-a-baa" in found
    assert "on-premises/llama-3.1-8b-instruct@on_premises: expected denied, got allowed" in found
    assert faults(classes=["health"], only=["on-premises/*"]) == ()


def test_a_fallback_that_is_denied_is_a_fault() -> None:
    """`fall_back` asks whether a model may be a fallback."""
    assert faults(classes=["health"], fall_back=["openai/gpt-4o@us"]) == (
        "openai/gpt-4o@us: expected allowed as a fallback, got denied",
    )


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"deny": ["opena1/*"]}, "opena1/*: no model of the register is so named"),
        ({"deny": ["deepseek/*"], "by": ["no-such-rule"]}, "no-such-rule: no policy has this id"),
        (
            {"caller": "nobody", "only": []},
            "caller: not registered; add it to callers.yaml or correct the name",
        ),
        (
            {"classes": ["helth"], "only": []},
            (
                "class: expected one of contact, credentials, financial, government_id, health, personal, "
                "special_category, trade_secret, got helth"
            ),
        ),
        (
            {"purpose": "no_such", "only": []},
            (
                "purpose: expected one of general, customer_support, software_engineering, "
                "clinical_documentation, finance_operations, human_resources, research, got no_such"
            ),
        ),
    ],
)
def test_a_case_about_nothing_does_not_pass(fields: dict[str, object], fault: str) -> None:
    """A misspelt model, rule, caller, class or purpose is a fault, or the case would pass always."""
    assert fault in faults(**fields)


@pytest.mark.parametrize(
    ("cases", "fault"),
    [
        ("cases: []", "tests.yaml, line 1: cases: list should have at least 1 item after validation, not 0"),
        ("cases:\n- {name: a, caller: b}", "tests.yaml, line 2: cases: expected one of allow, deny, only"),
        ("cases:\n- {name: a, caller: b, only: [], by: [x]}", "by says why models are denied"),
        ("cases:\n- {name: a, caller: b, denies: [x]}", "line 2: denies: unknown key; did you mean deny?"),
        (
            "cases:\n- {name: a, caller: b, only: []}\n- {name: a, caller: b, only: []}",
            "tests.yaml, line 3: a: stands twice; rename or remove one",
        ),
    ],
)
def test_a_file_of_cases_that_is_wrong_does_not_load(tmp_path: Path, cases: str, fault: str) -> None:
    """The fault names the line and the remedy; a file without a case is a mistake."""
    with pytest.raises(PolicyError) as raised:
        load_golden(written(tmp_path, cases + "\n"))
    assert fault in str(raised.value)
