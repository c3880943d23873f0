"""Reviews: they hold to their last day, for the terms and deployments that were reviewed, for no other."""

from __future__ import annotations

import hashlib
import shutil
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearway.errors import InvalidRequestError, LedgerUnavailableError, RegisterError
from clearway.installation import data_folder
from clearway.register import Model, Provider, Register, Review, load_register
from clearway.register_reviews import Finding, add_review, digest_of_file, make_review
from clearway.register_terms import DatedReview
from clearway.testing import NOON, shipped_register

REGISTER = shipped_register()
TERMS = sorted(set(Provider.model_fields) - {"id", "name", "review"})
FINDING = Finding(
    provider="openai",
    reviewer="Ana Diaz",
    evidence="https://wiki.example/openai",
    evidence_sha256="ab" * 32,
    findings=("Zero retention is not in force",),
    models=None,
    reviewed_on=date(2026, 12, 1),
    expires_on=date(2027, 6, 30),
)
Record = dict[str, Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A register of one's own: a copy of the shipped one."""
    return Path(shutil.copytree(data_folder() / "register", tmp_path / "register"))


def changed(register: Register, provider: Provider) -> Register:
    """The register with another version of a provider."""
    return replace(register, providers={**register.providers, provider.id: provider})


def with_model(register: Register, model: Model) -> Register:
    """The register with one model more, or with another version of it."""
    return replace(register, models={**register.models, model.id: model})


def models_of(provider: str) -> set[str]:
    """Ids of a provider's shipped models."""
    return {model.id for model in REGISTER.models.values() if model.provider == provider}


def review_of(register: Register, provider: str) -> Review:
    """The review in force."""
    found = register.providers[provider].review
    assert isinstance(found, Review)
    return found


def other(value: Any) -> Any:
    """A valid value other than this one, in the same form."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, list):
        return [*value, "another"]
    return {"full": "partial", "partial": "full", "us": "fr"}.get(value, "us")


def test_every_shipped_model_is_eligible() -> None:
    """The shipped reviews cover every shipped model on its present terms, as examples."""
    assert dict(REGISTER.not_eligible(NOON)) == {}
    assert REGISTER.reviewed(NOON) == tuple(sorted(REGISTER.providers))
    assert {review.basis for review in REGISTER.reviews} == {"example"}


def test_the_shipped_evidence_is_the_file_it_names() -> None:
    """Each shipped review carries the digest of the page it points to."""
    content = (data_folder() / "register" / "example_evidence.md").read_bytes()
    assert {review.evidence_sha256 for review in REGISTER.reviews} == {hashlib.sha256(content).hexdigest()}


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        ("2026-10-31T23:59:59+00:00", "not_reviewed"),
        ("2026-11-01T00:00:00+00:00", None),
        ("2027-10-31T23:59:59+00:00", None),
        ("2027-11-01T00:00:00+00:00", "review_expired"),
        ("2027-11-01T09:00:00+14:00", None),
        ("2026-11-01T09:00:00+14:00", "not_reviewed"),
    ],
)
def test_a_review_holds_to_its_last_day(moment: str, code: str | None) -> None:
    """First and last day count, and a day is one of UTC wherever the clock stands."""
    at = datetime.fromisoformat(moment)
    assert set(REGISTER.not_eligible(at).values()) == ({code} if code else set())
    assert REGISTER.providers["openai"].is_review_valid(at) is (code is None)
    assert bool(REGISTER.reviewed(at)) is (code is None)


@pytest.mark.parametrize("term", TERMS)
def test_any_changed_term_takes_the_provider_out(term: str) -> None:
    """Whichever value of the terms changes, its models are `terms_changed` at once, and no others."""
    provider = REGISTER.providers["openai"]
    content = provider.model_dump()[term]
    variants: list[Any] = [not content]
    if isinstance(content, dict):
        values = {k: v for k, v in content.items() if k not in ("evidence", "read_on", "basis")}
        variants = [{**content, name: other(value)} for name, value in values.items()]
    for variant in variants:
        new = Provider.model_validate({**provider.model_dump(exclude={"review"}), term: variant})
        register = changed(REGISTER, new.model_copy(update={"review": provider.review}))
        assert dict(register.not_eligible(NOON)) == dict.fromkeys(models_of("openai"), "terms_changed")
        assert "openai" not in register.reviewed(NOON)


def test_evidence_is_part_of_the_terms() -> None:
    """A fact that rests on another document, or on none, is not the fact that was reviewed."""
    provider = REGISTER.providers["openai"]
    update = {"basis": "example", "evidence": None, "read_on": None}
    prompts = provider.prompts.model_copy(update=update)
    assert provider.model_copy(update={"prompts": prompts}).review_code(NOON.date()) == "terms_changed"


def test_the_display_name_is_no_term() -> None:
    """Spelling a provider's name otherwise takes nobody out."""
    provider = REGISTER.providers["openai"].model_copy(update={"name": "Open AI"})
    assert provider.is_review_valid(NOON)


def test_a_copy_forgets_what_was_computed_from_the_old_terms() -> None:
    """A copy with other terms keeps neither the digest nor the list of examples of the first."""
    provider = REGISTER.providers["openai"]
    assert "contract" in provider.example_terms
    contract = provider.contract.model_copy(update={"basis": "documented"})
    assert "contract" not in provider.model_copy(update={"contract": contract}).example_terms


def test_a_new_model_waits_for_a_review() -> None:
    """A model added after the review is `not_reviewed`; those beside it stay."""
    new = REGISTER.models["openai/gpt-4o@us"].model_copy(update={"id": "openai/gpt-6@us"})
    assert dict(with_model(REGISTER, new).not_eligible(NOON)) == {"openai/gpt-6@us": "not_reviewed"}


@pytest.mark.parametrize(
    ("field", "value"), [("region", "eu"), ("upstream_name", "gpt-6"), ("provider", "azure")]
)
def test_an_old_name_hides_no_new_deployment(field: str, value: str) -> None:
    """A covered id that leads elsewhere is another deployment: `not_reviewed`."""
    moved = REGISTER.models["openai/gpt-4o@us"].model_copy(update={field: value})
    assert dict(with_model(REGISTER, moved).not_eligible(NOON)) == {moved.id: "not_reviewed"}


def test_limits_and_latency_need_no_review() -> None:
    """What changes nothing about where data goes takes no model out."""
    model = REGISTER.models["openai/gpt-4o@us"].model_copy(
        update={"max_output_tokens": 7, "capabilities": []}
    )
    assert dict(with_model(REGISTER, model).not_eligible(NOON)) == {}


def test_another_provider_cannot_borrow_a_review() -> None:
    """A review vouches for the provider it names, even for the same terms word by word."""
    twin = REGISTER.providers["openai"].model_copy(update={"id": "openai-2"})
    assert twin.review_code(NOON.date()) == "terms_changed"


def test_without_reviews_nobody_is_eligible(folder: Path) -> None:
    """Doubt denies: a register without `reviews.yaml` loads, and no model of it may be used."""
    (folder / "reviews.yaml").unlink()
    register = load_register(folder)
    assert dict(register.not_eligible(NOON)) == dict.fromkeys(register.models, "not_reviewed")
    assert register.reviewed(NOON) == ()


INLINE = "    review: {reviewer: r, reviewed_on: 2026-11-01, expires_on: 2027-10-31, basis: example}\n"


def test_a_review_without_digests_decides_nothing_new(folder: Path) -> None:
    """A review beside the terms, as registers once had it, refuses to load unless only to replay."""
    path = folder / "providers.yaml"
    text = path.read_text().replace("    name: OpenAI\n", f"    name: OpenAI\n{INLINE}")
    path.write_text(text)
    (folder / "reviews.yaml").unlink()
    line = text[: text.index(INLINE)].count("\n") + 1
    expected = (
        rf"\Aproviders\.yaml, line {line}: review: a review stands in reviews\.yaml; remove this one, "
        r"then run clearway register review openai\Z"
    )
    with pytest.raises(RegisterError, match=expected):
        load_register(folder)
    archived = load_register(folder, is_archived=True)
    assert type(archived.providers["openai"].review) is DatedReview
    assert archived.reviewed(NOON) == ("openai",)
    assert models_of("openai").isdisjoint(archived.not_eligible(NOON))


def test_the_newest_review_counts(folder: Path) -> None:
    """A newer review replaces an older one that would hold longer; of one day, the later in the file."""
    for expires_on in (date(2027, 1, 31), date(2026, 12, 31)):
        finding = replace(FINDING, expires_on=expires_on)
        add_review(folder, make_review(load_register(folder), finding), lambda _: None)
    register = load_register(folder)
    assert review_of(register, "openai").expires_on == date(2026, 12, 31)
    assert [review.provider for review in register.reviews].count("openai") == 3
    assert set(register.not_eligible(datetime(2027, 1, 1, tzinfo=UTC))) == models_of("openai")


def test_a_review_names_what_it_was_made_on() -> None:
    """Its digests are those of the register, and it covers all models of the provider unless told."""
    review = make_review(REGISTER, FINDING)
    assert review.terms_sha256 == REGISTER.providers["openai"].terms_sha256
    assert set(review.models) == models_of("openai")
    one = make_review(REGISTER, replace(FINDING, models=("openai/gpt-4o@us",)))
    provider = REGISTER.providers["openai"].model_copy(update={"review": one})
    left = models_of("openai") - {"openai/gpt-4o@us"}
    assert dict(changed(REGISTER, provider).not_eligible(NOON)) == dict.fromkeys(left, "not_reviewed")


def test_a_review_can_withdraw(folder: Path) -> None:
    """A review that covers no model takes the provider out that day."""
    add_review(folder, make_review(load_register(folder), replace(FINDING, models=())), lambda _: None)
    codes = dict(load_register(folder).not_eligible(NOON))
    assert codes == dict.fromkeys(models_of("openai"), "not_reviewed")


def test_a_changed_term_is_reviewed_and_back(folder: Path) -> None:
    """A changed term takes the models out until it is reviewed; then the old terms would be out."""
    path = folder / "providers.yaml"
    old = path.read_text()
    path.write_text(old.replace("EXAMPLE-OPENAI-001", "OPENAI-2027"))
    assert set(load_register(folder).not_eligible(NOON).values()) == {"terms_changed"}
    add_review(folder, make_review(load_register(folder), FINDING), lambda _: None)
    assert dict(load_register(folder).not_eligible(NOON)) == {}
    path.write_text(old)
    assert set(load_register(folder).not_eligible(NOON).values()) == {"terms_changed"}


def test_a_review_changes_the_digest(folder: Path) -> None:
    """A decision names the reviews it rested on by the register's digest."""
    add_review(folder, make_review(load_register(folder), FINDING), lambda _: None)
    assert load_register(folder).digest != REGISTER.digest
    assert load_register(folder).price_digest == REGISTER.price_digest


def test_no_review_without_a_record(folder: Path) -> None:
    """When the ledger cannot be written the file stays as it was, and nothing is left beside it."""

    def fail(_: Record) -> None:
        raise LedgerUnavailableError("full")

    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with pytest.raises(LedgerUnavailableError):
        add_review(folder, make_review(load_register(folder), FINDING), fail)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
    assert [path.name for path in folder.iterdir() if path.is_dir()] == ["schema"]


def test_the_record_says_what_was_reviewed(folder: Path) -> None:
    """The record holds the review, its digest, and the digest of the register it was made on."""
    records: list[Record] = []
    review = make_review(load_register(folder), FINDING)
    add_review(folder, review, records.append)
    assert records[0]["review"] == review.model_dump(mode="json")
    assert records[0]["register"] == {"digest": REGISTER.digest}
    assert review_of(load_register(folder), "openai") == review


def test_comments_in_the_file_stay(folder: Path) -> None:
    """What people wrote into `reviews.yaml` is kept."""
    path = folder / "reviews.yaml"
    path.write_text(path.read_text() + "# a note\n")
    before = path.read_text()
    add_review(folder, make_review(load_register(folder), FINDING), lambda _: None)
    assert path.read_text().startswith(before)


def test_a_list_in_another_style_is_refused(folder: Path) -> None:
    """A file that cannot be appended to is left alone."""
    path = folder / "reviews.yaml"
    lines = [line.removeprefix("  ") for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines) + "\n")
    before = path.read_text()
    with pytest.raises(RegisterError, match=r"\Areviews\.yaml, line \d+: not YAML; correct the syntax\Z"):
        add_review(folder, make_review(load_register(folder), FINDING), lambda _: None)
    assert path.read_text() == before


def test_two_reviewers_lose_nothing(folder: Path) -> None:
    """Reviews that are added at once all stand in the file."""
    register = load_register(folder)
    providers = ("openai", "azure", "google", "mistral")
    made = [make_review(register, replace(FINDING, provider=name)) for name in providers]
    threads = [threading.Thread(target=add_review, args=(folder, one, lambda _: None)) for one in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {r.provider for r in load_register(folder).reviews if r.reviewer == "Ana Diaz"} == set(providers)


def test_terms_that_change_during_a_review_are_not_vouched_for(folder: Path) -> None:
    """A review of terms that are no longer there is refused."""
    review = make_review(load_register(folder), FINDING)
    path = folder / "providers.yaml"
    path.write_text(path.read_text().replace("EXAMPLE-OPENAI-001", "OPENAI-2027"))
    text = r"\Aopenai: its terms changed meanwhile; review it again\Z"
    with pytest.raises(InvalidRequestError, match=text):
        add_review(folder, review, lambda _: None)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"provider": "acne"}, "provider: expected one of anthropic, .*; add it to providers.yaml"),
        ({"models": ("azure/gpt-4o@eu",)}, "model: azure/gpt-4o@eu: no model of openai; expected openai/.*"),
        ({"evidence": "on my desk"}, "review: basis documented needs evidence: the https address of .*"),
        ({"evidence_sha256": "AB"}, r"evidence_sha256: string should match pattern .*; correct it"),
        ({"findings": ()}, "findings: list should have at least 1 item after validation, not 0; correct it"),
        ({"findings": (" ",)}, r"findings\.0: string should have at least 1 character; correct it"),
        ({"reviewer": " "}, "reviewer: string should have at least 1 character; correct it"),
        (
            {"findings": ("fine", "\x1b[2J")},
            "findings: expected printable text on one line, got a control character",
        ),
        ({"expires_on": date(2026, 11, 30)}, "review: expires_on lies before reviewed_on; correct it"),
    ],
)
def test_what_is_no_review_is_refused(change: dict[str, Any], text: str) -> None:
    """A review without a person, evidence with digest, findings or an end is none; the text says which."""
    with pytest.raises(InvalidRequestError, match=rf"\A{text}\Z"):
        make_review(REGISTER, replace(FINDING, **change))


def test_evidence_is_digested(tmp_path: Path) -> None:
    """The digest is SHA-256 of the file's bytes; nothing is no evidence, nor is what cannot be read."""
    path = tmp_path / "dpa.pdf"
    path.write_bytes(b"terms")
    assert digest_of_file(path) == hashlib.sha256(b"terms").hexdigest()
    path.write_bytes(b"")
    with pytest.raises(InvalidRequestError, match=r"expected evidence of 1 to 268435456 bytes, got 0\Z"):
        digest_of_file(path)
    with pytest.raises(InvalidRequestError, match=r"cannot be read \(No such file or directory\); name an "):
        digest_of_file(tmp_path / "none")


@settings(max_examples=200, deadline=None)
@given(
    days=st.integers(-400, 800), last=st.integers(0, 700), provider=st.sampled_from(list(REGISTER.providers))
)
def test_a_day_decides_alone(days: int, last: int, provider: str) -> None:
    """On any day a provider is out exactly when its review has not begun or has ended."""
    begin = date(2026, 11, 1)
    update = {"reviewed_on": begin, "expires_on": begin + timedelta(days=last)}
    review = review_of(REGISTER, provider).model_copy(update=update)
    register = changed(REGISTER, REGISTER.providers[provider].model_copy(update={"review": review}))
    at = datetime(2026, 11, 1, 12, tzinfo=UTC) + timedelta(days=days)
    out = models_of(provider) <= set(register.not_eligible(at))
    assert out is not (0 <= days <= last)
    assert (provider in register.reviewed(at)) is not out


def test_a_review_ends_within_400_days() -> None:
    """Nobody looks at a provider once and vouches for it for ever."""
    last = FINDING.reviewed_on + timedelta(days=400)
    assert make_review(REGISTER, replace(FINDING, expires_on=last)).expires_on == last
    with pytest.raises(InvalidRequestError, match=r"\Anext: expected a day within 400 days from now; "):
        make_review(REGISTER, replace(FINDING, expires_on=last + timedelta(days=1)))
