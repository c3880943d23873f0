"""The register: money to the nano-dollar, prices to the day, every mistake with line and remedy."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearway.errors import RegisterError
from clearway.register import Price, Register, load_register
from clearway.testing import NOON, shipped_register

TERMS = "seen: full, kept_days: 0, reused_for_training: false, basis: example"
PROVIDERS = """providers:
  - id: acme
    name: Acme
    self_hosted: false
    legal_entity: {value: Acme Ltd, basis: example}
    jurisdiction: {value: us, basis: example}
    regions: {value: [us, eu], basis: example}
    prompts: {TERMS}
    responses: {TERMS}
    metadata: {TERMS}
    business_associate_agreement: {value: false, basis: example}
    certifications: {value: [], basis: example}
    sub_processors: {value: [], basis: documented, evidence: "https://acme.example/list"}
    incident_notice: {within_hours: 72, basis: example}
    contract: {reference: A-1, basis: example}
""".replace("TERMS", TERMS)
MODELS = """incumbent: acme/big@us
models:
  - id: acme/big@us
    provider: acme
    region: us
    upstream_name: big
    context_window_tokens: 1000
    max_output_tokens: 100
    capabilities: [json]
    latency: {p50_ms: 1, p95_ms: 2, measured_on: 2026-11-01, basis: example}
    success: {measured: big}
  - id: acme/small@eu
    provider: acme
    region: eu
    upstream_name: small
    context_window_tokens: 1000
    max_output_tokens: 100
    capabilities: []
    latency: {p50_ms: 1, p95_ms: 2, measured_on: 2026-11-01, basis: documented, evidence: "https://a.example"}
    success: {mapped_to: tiny, reason: same line}
"""
PRICES = """source: by hand
seeded_on: 2026-11-01
prices:
  - model: acme/big@us
    effective_from: 2026-11-10
    input_usd_per_mtok: "2.5"
    output_usd_per_mtok: "10"
    basis: list_price
    source: page
  - model: acme/big@us
    effective_from: 2026-11-01
    input_usd_per_mtok: "0.000000001"
    output_usd_per_mtok: "1000000"
    basis: example
    source: page
"""

REGISTER = shipped_register()
# Small ones and such as a float cannot hold.
amounts = st.integers(0, 100) | st.integers(10**14, 10**15)
counts = st.integers(0, 100) | st.integers(10**7, 10**8)


def load(folder: Path, *, providers: str = PROVIDERS, models: str = MODELS, prices: str = PRICES) -> Register:
    """Register of these files."""
    for name, text in (("providers", providers), ("models", models), ("prices", prices)):
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return load_register(folder)


def at(day: str) -> datetime:
    """Noon of a day."""
    return datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC)


@given(amounts, amounts, counts, counts)
def test_money_is_exact(price_in: int, price_out: int, n_in: int, n_out: int) -> None:
    """A cost is the exact sum over both kinds of tokens, rounded once, half to even."""
    exact = Fraction(price_in * n_in + price_out * n_out, 1_000_000)
    assert Price(price_in, price_out).cost_nusd(n_in, n_out) == round(exact)


@pytest.mark.parametrize(
    ("total", "cost"), [(0, 0), (499_999, 0), (500_000, 0), (500_001, 1), (1_500_000, 2), (2_500_000, 2)]
)
def test_halves_go_to_even(total: int, cost: int) -> None:
    """Half a nano-dollar goes to the even neighbour, and its neighbours to the nearer one."""
    assert Price(total, 0).cost_nusd(1, 0) == cost


@settings(deadline=None)
@given(st.integers(0, 10**15))
def test_prices_are_read_exactly(nusd: int) -> None:
    """A price in dollars with nine decimals is the same number of nano-dollars."""
    text = f"{nusd // 10**9}.{nusd % 10**9:09}"
    row = REGISTER.prices["openai/gpt-4o@us"][0].model_copy(update={"input_usd_per_mtok": text})
    register = replace(REGISTER, prices={"openai/gpt-4o@us": (row,)})
    price = register.price("openai/gpt-4o@us", NOON)
    assert price is not None
    assert price.input_nusd_per_mtok == nusd


@pytest.mark.parametrize(
    ("day", "price"),
    [
        ("2026-10-31", None),
        ("2026-11-01", Price(1, 10**15)),
        ("2026-11-09", Price(1, 10**15)),
        ("2026-11-10", Price(2_500_000_000, 10_000_000_000)),
    ],
)
def test_a_price_holds_from_its_day(tmp_path: Path, day: str, price: Price | None) -> None:
    """The newest row that is in force counts, whatever the order in the file; before the first, none."""
    assert load(tmp_path).price("acme/big@us", at(day)) == price
    assert load(tmp_path).price("acme/small@eu", at(day)) is None


def test_prices_change_at_midnight_utc(tmp_path: Path) -> None:
    """The day of a price is one of UTC too."""
    register = load(tmp_path)
    moment = datetime(2026, 11, 10, 9, tzinfo=timezone(timedelta(hours=14)))
    assert register.price("acme/big@us", moment) == Price(1, 10**15)


def test_what_a_model_rests_on(tmp_path: Path) -> None:
    """Example terms of provider, latency and price are named; documented ones are not."""
    register = load(tmp_path)
    big, small = (register.example_terms(name, at("2026-11-05")) for name in ("acme/big@us", "acme/small@eu"))
    assert set(big) - set(small) == {"model.latency", "model.price"}
    assert "provider.contract" in small
    assert "provider.sub_processors" not in small
    assert "model.price" not in register.example_terms("acme/big@us", at("2026-11-10"))


@pytest.mark.parametrize("kind", ["prompts", "responses", "metadata"])
def test_any_reuse_is_training(kind: str) -> None:
    """A provider trains on content if it may reuse prompts, responses or metadata."""
    provider = REGISTER.providers["on-premises"]
    terms = getattr(provider, kind).model_copy(update={"reused_for_training": True})
    assert not provider.trains_on_content
    assert provider.model_copy(update={kind: terms}).trains_on_content


@pytest.mark.parametrize(("kind", "days"), [("prompts", 3), ("responses", 3), ("metadata", 0)])
def test_content_is_prompts_and_responses(kind: str, days: int) -> None:
    """Content is kept for the longer of prompts and responses; metadata is not content."""
    provider = REGISTER.providers["on-premises"]
    terms = getattr(provider, kind).model_copy(update={"kept_days": 3})
    assert provider.model_copy(update={kind: terms}).content_kept_days == days


def test_success_is_measured_or_mapped(tmp_path: Path) -> None:
    """A model names its own graded answers or another's, and says which."""
    found = [(m.success.reference, m.success.basis) for m in load(tmp_path).models.values()]
    assert found == [("big", "measured"), ("tiny", "mapped")]


def test_digests_are_of_the_content(tmp_path: Path) -> None:
    """Comments and spacing change no digest; a term changes the register's, a price the prices'."""
    plain = load(tmp_path)
    spaced = load(tmp_path, providers="# hi\n" + PROVIDERS.replace("name: Acme", "name:    Acme"))
    term = load(tmp_path, providers=PROVIDERS.replace("within_hours: 72", "within_hours: 71"))
    model = load(tmp_path, models=MODELS.replace("p95_ms: 2", "p95_ms: 3", 1))
    price = load(tmp_path, prices=PRICES.replace('"2.5"', '"2.6"'))
    assert (spaced.digest, spaced.price_digest) == (plain.digest, plain.price_digest)
    assert len({plain.digest, term.digest, model.digest}) == 3
    assert {term.price_digest, model.price_digest} == {plain.price_digest}
    assert (price.digest == plain.digest, price.price_digest == plain.price_digest) == (True, False)


def test_the_shipped_register_loads() -> None:
    """In the shipped pack the incumbent exists, and every model has a provider, its region and a price."""
    assert REGISTER.incumbent in REGISTER.models
    for name, model in REGISTER.models.items():
        assert model.region in REGISTER.provider_of(name).regions.value
        assert REGISTER.price(name, NOON) is not None


AGAIN = PROVIDERS.removeprefix("providers:\n")
DECIMAL = 'expected an exact decimal in quotes, such as "0.15"; correct the value'
RANGE = "expected 0 to 1000000 USD with at most 9 decimals; correct the value"
EVIDENCE = "basis documented needs evidence: the https address of the document; correct the value"
ID = "expected letters, digits and ._/@- starting with a lower-case letter or digit; correct the value"


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "text"),
    [
        ("providers", "    name: Acme\n", "    nmae: Acme\n", 3, "nmae: unknown key; did you mean name?"),
        (
            "providers",
            "    name: Acme\n",
            "    name: Acme\n    colour: red\n",
            4,
            "colour: unknown key; remove it",
        ),
        (
            "providers",
            "incident_notice: {within_hours",
            "incident_notice: {within",
            14,
            "within: unit is missing; write within_hours",
        ),
        (
            "providers",
            "prompts: {seen: full, kept_days",
            "prompts: {seen: full, kept",
            8,
            "kept: unit is missing; write kept_days",
        ),
        (
            "providers",
            "self_hosted: false",
            "self_hosted: no",
            4,
            "self_hosted: input should be a valid boolean; correct the value",
        ),
        (
            "prices",
            "effective_from: 2026-11-10",
            "effective_from: 2026-11-31",
            5,
            "no such date, number or character; correct the value",
        ),
        ("providers", ', evidence: "https://acme.example/list"', "", 13, f"sub_processors: {EVIDENCE}"),
        ("providers", "https://acme", "http://acme", 13, f"sub_processors: {EVIDENCE}"),
        ("providers", "id: acme", "id: Acme Ltd", 2, f"id: {ID}"),
        (
            "providers",
            "basis: example}\n",
            "basis: sure}\n",
            5,
            "basis: input should be 'documented' or 'example'; correct the value",
        ),
        ("providers", PROVIDERS, PROVIDERS + AGAIN, 16, "acme: duplicate id; rename or remove one"),
        (
            "models",
            "provider: acme\n    region: eu",
            "provider: acne\n    region: eu",
            13,
            "acne: no such provider; add it to providers.yaml",
        ),
        ("models", "region: eu", "region: uk", 14, "uk: not among the regions of acme; correct one"),
        (
            "models",
            "incumbent: acme/big",
            "incumbent: acme/bag",
            1,
            "acme/bag@us: no such model; name one of this file",
        ),
        (
            "models",
            "id: acme/small@eu",
            "id: acme/big@us",
            12,
            "acme/big@us: duplicate id; rename or remove one",
        ),
        (
            "models",
            "max_output_tokens: 100",
            "max_output: 100",
            8,
            "max_output: unit is missing; write max_output_tokens",
        ),
        (
            "models",
            "{measured: big}",
            "{}",
            11,
            "success: expected either measured, or mapped_to with a reason; correct the value",
        ),
        (
            "models",
            "{measured: big}",
            "{measured: big, mapped_to: b}",
            11,
            "success: expected either measured, or mapped_to with a reason; correct the value",
        ),
        ("models", ", reason: same line", "", 20, "success: mapped_to needs a reason; correct the value"),
        (
            "models",
            "[json]",
            "[jsn]",
            9,
            "capabilities: input should be 'json', 'tools' or 'vision'; correct the value",
        ),
        (
            "prices",
            "model: acme/big@us\n    effective_from: 2026-11-10",
            "model: acme/bug@us\n    effective_from: 2026-11-10",
            4,
            "acme/bug@us: no such model; add it to models.yaml",
        ),
        ("prices", "2026-11-10", "2026-11-01", 10, "acme/big@us: two prices from the same day; keep one"),
        ("prices", "input_usd_per_mtok", "input", 6, "input: unit is missing; write input_usd_per_mtok"),
        (
            "prices",
            '"2.5"',
            "2.5",
            6,
            "input_usd_per_mtok: input should be a valid string; correct the value",
        ),
        ("prices", '"2.5"', '"NaN"', 6, f"input_usd_per_mtok: {DECIMAL}"),
        ("prices", '"2.5"', '"-1"', 6, f"input_usd_per_mtok: {DECIMAL}"),
        ("prices", '"2.5"', '"1_0"', 6, f"input_usd_per_mtok: {DECIMAL}"),
        ("prices", '"2.5"', '"1000000.1"', 6, f"input_usd_per_mtok: {RANGE}"),
        ("prices", '"2.5"', f'"0.{"1" * 10}"', 6, f"input_usd_per_mtok: {RANGE}"),
        ("prices", '"2.5"', f'"0.1{"0" * 40}1"', 6, f"input_usd_per_mtok: {RANGE}"),
    ],
)
def test_a_mistake_names_file_line_and_remedy(
    tmp_path: Path, file: str, old: str, new: str, line: int, text: str
) -> None:
    """Each mistake is refused with its file, its line and what to do."""
    source = {"providers": PROVIDERS, "models": MODELS, "prices": PRICES}[file]
    assert old in source
    changed: dict[str, Any] = {file: source.replace(old, new, 1)}
    with pytest.raises(RegisterError, match=rf"\A{file}\.yaml, line {line}: {re.escape(text)}\Z"):
        load(tmp_path, **changed)
