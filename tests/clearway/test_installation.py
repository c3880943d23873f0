"""A router opens only over parts that fit each other."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import clearway.installation
from clearway.errors import ConfigurationError, LedgerError, SensitivityError
from clearway.installation import Settings, data_folder, open_router
from clearway.policy import load_policy
from clearway.testing import FakeSensitivity, fake_request

CLASSES = "contact, credentials, financial, government_id, health, personal, special_category, trade_secret"


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped policy, for one test to misspell."""
    monkeypatch.setattr(clearway.installation, "open_detector", FakeSensitivity)
    return Path(shutil.copytree(data_folder() / "policy", tmp_path / "policy"))


def open_with(policy: Path) -> None:
    """Open a router over a policy and the other defaults."""
    open_router(Settings.of({}, home=policy.parent / "home", policy=policy)).ledger.close()


@pytest.mark.parametrize(
    ("name", "old", "new", "text"),
    [
        (
            "default.cedar",
            '"health"',
            '"helth"',
            f"policy: unknown classes: helth; expected one of {CLASSES}",
        ),
        (
            "default.cedar",
            '"confidential"',
            '"confidental"',
            "policy: unknown level: confidental; expected one of confidential, internal, public, restricted",
        ),
    ],
)
def test_a_misspelt_word_in_a_policy_is_refused(
    policy: Path, name: str, old: str, new: str, text: str
) -> None:
    """A rule about no class at all would forbid nothing, and nobody would notice."""
    replace_in(policy / name, old, new)
    with pytest.raises(ConfigurationError) as caught:
        open_with(policy)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("name", "old", "new", "beginning"),
    [
        (
            "callers.yaml",
            "[eu, on_premises]",
            "[moon]",
            "callers.yaml: unknown region of hr-assistant: moon; ",
        ),
        (
            "callers.yaml",
            "[finance_operations]",
            "[fun]",
            "callers.yaml: unknown purpose of finance-ops: fun; ",
        ),
        (
            "objectives.yaml",
            "[eu, on_premises]",
            "[mars]",
            "objectives.yaml: unknown region of human_resources: ",
        ),
    ],
)
def test_a_region_or_purpose_that_nothing_has_is_refused(
    policy: Path, name: str, old: str, new: str, beginning: str
) -> None:
    """A caller would lose models, or every model, without a word."""
    replace_in(policy / name, old, new)
    with pytest.raises(ConfigurationError) as caught:
        open_with(policy)
    assert str(caught.value).startswith(beginning)


FORBID = '\n@id("x") @reason("r") forbid (principal{0}, action, resource{1}) when {{ {2} }};\n'


@pytest.mark.parametrize(
    ("principal", "resource", "condition", "beginning"),
    [
        (' in Group::"clincal"', "", "true", "unknown Group: clincal; expected one of clinical, "),
        (' is Agent in Group::"clincal"', "", "true", "unknown Group: clincal; "),
        ("", "", 'principal in [Group::"people", Group::"peple"]', "unknown Group: peple; "),
        (' == Agent::"support-bt"', "", "true", "unknown Agent: support-bt; "),
        (' == Service::"support-bot"', "", "true", "unknown Service: support-bot; "),
        ("", "", 'principal == User::"anna"', "unknown User: anna; expected one of ana"),
        ("", "", 'resource.provider == Provider::"opnai"', "unknown Provider: opnai; "),
        ("", ' == Model::"openai/gpt-4o"', "true", "unknown Model: openai/gpt-4o; "),
    ],
)
def test_a_policy_about_nobody_is_refused(
    policy: Path, principal: str, resource: str, condition: str, beginning: str
) -> None:
    """A rule that names a caller, group, provider or model that is not there would forbid nothing."""
    path = policy / "default.cedar"
    path.write_text(path.read_text() + FORBID.format(principal, resource, condition))
    with pytest.raises(ConfigurationError) as caught:
        open_with(policy)
    assert str(caught.value).startswith(f"policy: {beginning}")


@pytest.mark.parametrize(
    ("principal", "resource", "condition"),
    [
        (' in Group::"clinical"', "", 'principal == User::"ana"'),
        (' == Agent::"support-bot"', ' == Model::"openai/gpt-4o@us"', "true"),
        (' == Service::"local-dev"', "", 'resource.provider == Provider::"openai"'),
    ],
)
def test_a_policy_about_who_is_registered_opens(
    policy: Path, principal: str, resource: str, condition: str
) -> None:
    """Groups, callers and users of the callers file, providers and models of the register may be named."""
    path = policy / "default.cedar"
    path.write_text(path.read_text() + FORBID.format(principal, resource, condition))
    open_with(policy)


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ('resource.provider.jurisdiction == "usa"', "unknown jurisdiction: usa; expected one of cn, fr, us"),
        (
            'resource.provider.certifications.contains("soc3")',
            "unknown certifications: soc3; expected one of iso27001, soc2, soc2_type2",
        ),
        (
            'context.level like "restrict*"',
            "level is compared by like, which cannot be checked; compare it by == or contains",
        ),
        (
            '(if resource.provider.self_hosted then resource.region else "us") like "e*"',
            "region is compared by like, which cannot be checked; compare it by == or contains",
        ),
    ],
)
def test_a_condition_that_nothing_can_meet_is_refused(policy: Path, condition: str, text: str) -> None:
    """Terms of no provider are refused like misspelt classes, and so are patterns in their place."""
    path = policy / "default.cedar"
    path.write_text(path.read_text() + FORBID.format("", "", condition))
    with pytest.raises(ConfigurationError) as caught:
        open_with(policy)
    assert str(caught.value) == f"policy: {text}"


@pytest.mark.parametrize(
    "condition",
    [
        'resource.provider.jurisdiction == "fr"',
        '!resource.provider.certifications.contains("soc2")',
        'principal.owner like "data-*"',
    ],
)
def test_a_condition_on_terms_that_occur_opens(policy: Path, condition: str) -> None:
    """What a provider of the register has may be asked for; what nobody checks may be matched by pattern."""
    path = policy / "default.cedar"
    path.write_text(path.read_text() + FORBID.format("", "", condition))
    open_with(policy)


def test_the_words_of_the_shipped_pack_are_read() -> None:
    """Levels and classes that the rules compare are found, whichever way round they stand."""
    words = load_policy(data_folder() / "policy").words
    assert words["level"] == {"public", "internal", "confidential", "restricted"}
    assert words["classes"] == {"health", "financial", "credentials"}


def test_the_shipped_parts_fit_each_other(policy: Path) -> None:
    """The defaults open."""
    open_with(policy)


def replace_in(path: Path, old: str, new: str) -> None:
    """Replace the first such text in a file, which must hold it."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_each_change_of_what_decides_is_a_record(policy: Path) -> None:
    """Opening twice over the same versions is one load; each change is one more."""
    settings = Settings.of({}, home=policy.parent / "home", policy=policy)
    sizes = []
    for change in ("", "", "// a comment\n", ""):
        path = policy / "default.cedar"
        path.write_text(change + path.read_text())
        ledger = open_router(settings).ledger
        sizes.append(ledger.size())
        ledger.close()
    assert sizes == [1, 1, 2, 2]


def test_a_ledger_that_was_deleted_is_not_begun_again(policy: Path) -> None:
    """A fresh log in the place of a lost one would verify."""
    open_with(policy)
    for path in (policy.parent / "home").glob("ledger.db*"):
        path.unlink()
    with pytest.raises(LedgerError, match=r"ledger\.db: was here and is gone; restore it from a backup$"):
        open_with(policy)


@pytest.fixture
def altered(monkeypatch: pytest.MonkeyPatch) -> str:
    """What an altered model of the detector is refused with."""
    fault = "classes.onnx: expected the digest of the manifest, got another; restore the bundle"

    def refuse(folder: Path, trusted: frozenset[str], bundle: Path | None) -> None:
        raise SensitivityError(fault)

    monkeypatch.setattr(clearway.installation, "load_detector", refuse)
    return fault


def test_an_altered_detector_counts_every_request_as_restricted(tmp_path: Path, altered: str) -> None:
    """Without its models the detector knows nothing: the decision is restricted, and its record says so."""
    router = open_router(Settings.of({}, home=tmp_path / "home"))
    record = router.decide(fake_request("Hello")).record
    assert record["classification"]["level"] == "restricted"
    assert "sensitivity_unknown" in record["classification"]["notes"]
    assert record["classification"]["detector"] == router.sensitivity.identity.as_json()
    router.ledger.close()


def test_a_service_does_not_start_without_its_detector(tmp_path: Path, altered: str) -> None:
    """A service that would count everything as restricted is refused, with what to restore."""
    with pytest.raises(ConfigurationError) as caught:
        open_router(Settings.of({}, home=tmp_path / "home"), is_service=True)
    assert str(caught.value) == f"sensitivity: {altered}"
