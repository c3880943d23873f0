"""Register: providers with their data-handling terms, models, and dated prices.

Every fact says whether a public document supports it (`documented`, with the link) or whether it is an
`example` that the organisation must replace from its own contract. A decision names the example terms it
rests on.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, Field, StrictBool, StrictInt, StrictStr, model_validator

from clearway.errors import RegisterError
from clearway.ledger.canonical import canonical_json
from clearway.strict_yaml import Strict, YamlFile

NUSD_PER_USD = 1_000_000_000
TOKENS_PER_MTOK = 1_000_000

Basis = Literal["documented", "example"]
Visibility = Literal["none", "partial", "full"]
Capability = Literal["json", "tools", "vision"]
Days = Annotated[StrictInt, Field(ge=0, le=36_500)]
Tokens = Annotated[StrictInt, Field(ge=1, le=100_000_000)]
Text = Annotated[StrictStr, Field(min_length=1, max_length=2_000)]
_T = TypeVar("_T")


def _identifier(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-zA-Z0-9._/@-]{0,127}", value):
        raise ValueError("expected letters, digits and ._/@- starting with a lower-case letter or digit")
    return value


def _usd(value: str) -> str:
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        raise ValueError('expected an exact decimal in quotes, such as "0.15"')
    if not re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,9})?", value) or Decimal(value) > 1_000_000:
        raise ValueError("expected 0 to 1000000 USD with at most 9 decimals")
    return value


Identifier = Annotated[StrictStr, AfterValidator(_identifier)]
Usd = Annotated[StrictStr, AfterValidator(_usd)]


class Sourced(Strict):
    """Something that is either documented, with the link, or an example."""

    basis: Basis
    evidence: Text | None = None
    read_on: date | None = None

    @model_validator(mode="after")
    def _documented_has_evidence(self) -> Sourced:
        if self.basis == "documented" and not (self.evidence or "").startswith("https://"):
            raise ValueError("basis documented needs evidence: the https address of the document")
        return self


class Term(Sourced, Generic[_T]):
    """One fact of the terms."""

    value: _T


class DataTerms(Sourced):
    """What the provider sees of one kind of data, how long it keeps it, whether it may train on it."""

    seen: Visibility
    kept_days: Days
    reused_for_training: StrictBool


class IncidentNotice(Sourced):
    """How soon the provider tells of an incident."""

    within_hours: Annotated[StrictInt, Field(ge=0, le=8_760)]


class Contract(Sourced):
    """Reference of the contract that binds the provider."""

    reference: Text


class Review(Sourced):
    """Who reviewed the provider, when, and until when that holds."""

    reviewer: Text
    reviewed_on: date
    expires_on: date


class Provider(Strict):
    """An organisation behind a trust boundary, with its data-handling terms."""

    id: Identifier
    name: Text
    self_hosted: StrictBool
    legal_entity: Term[Text]
    jurisdiction: Term[Annotated[StrictStr, Field(pattern=r"^[a-z]{2}$")]]
    regions: Term[list[Identifier]]
    prompts: DataTerms
    responses: DataTerms
    metadata: DataTerms
    business_associate_agreement: Term[StrictBool]
    certifications: Term[list[Identifier]]
    sub_processors: Term[list[Text]]
    incident_notice: IncidentNotice
    contract: Contract
    review: Review

    @property
    def content_kept_days(self) -> int:
        """Days for which prompts or responses are kept, whichever is longer."""
        return max(self.prompts.kept_days, self.responses.kept_days)

    @property
    def trains_on_content(self) -> bool:
        """Whether prompts, responses or metadata may be used for training."""
        return any(t.reused_for_training for t in (self.prompts, self.responses, self.metadata))

    def is_review_valid(self, at: datetime) -> bool:
        """Whether the review covers the day of `at` (UTC); its last day counts."""
        return self.review.reviewed_on <= _day(at) <= self.review.expires_on

    @cached_property
    def example_terms(self) -> tuple[str, ...]:
        """Names of the terms that no public document supports, sorted."""
        terms = {name: getattr(self, name) for name in type(self).model_fields}
        return tuple(
            sorted(n for n, term in terms.items() if isinstance(term, Sourced) and term.basis == "example")
        )


class Latency(Sourced):
    """Time to the full answer, measured on a day."""

    p50_ms: Annotated[StrictInt, Field(ge=1)]
    p95_ms: Annotated[StrictInt, Field(ge=1)]
    measured_on: date


class Success(Strict):
    """Where the success probability comes from: graded answers of this model, or of another one."""

    measured: Text | None = None
    mapped_to: Text | None = None
    reason: Text | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Success:
        if (self.measured is None) == (self.mapped_to is None):
            raise ValueError("expected either measured, or mapped_to with a reason")
        if self.mapped_to is not None and self.reason is None:
            raise ValueError("mapped_to needs a reason")
        return self

    @property
    def reference(self) -> str:
        """Name in the graded answers."""
        return self.measured or self.mapped_to or ""

    @property
    def basis(self) -> Literal["measured", "mapped"]:
        """`measured` or `mapped`."""
        return "measured" if self.measured is not None else "mapped"


class PriceSource(Strict):
    """Where the price table finds this model."""

    provider: Text
    model: Text


class Model(Strict):
    """One deployment at one provider in one region."""

    id: Identifier
    provider: Identifier
    region: Identifier
    upstream_name: Text
    context_window_tokens: Tokens
    max_output_tokens: Tokens
    capabilities: list[Capability]
    latency: Latency
    success: Success
    price_source: PriceSource | None = None


class PriceRow(Strict):
    """A price from a day on, until the next row of the same model."""

    model: Identifier
    effective_from: date
    input_usd_per_mtok: Usd
    output_usd_per_mtok: Usd
    basis: Literal["list_price", "example"]
    source: Text


class _ProvidersFile(Strict):
    providers: list[Provider]


class _ModelsFile(Strict):
    incumbent: Identifier
    models: list[Model]


class _PricesFile(Strict):
    source: Text
    seeded_on: date
    prices: list[PriceRow]


@dataclass(frozen=True, slots=True)
class Price:
    """Exact price in nano-dollars per million tokens."""

    input_nusd_per_mtok: int
    output_nusd_per_mtok: int

    def cost_nusd(self, n_input_tokens: int, n_output_tokens: int) -> int:
        """Cost of a call in nano-dollars: sum first, divide once, round half to even.

        >>> Price(150_000_000, 600_000_000).cost_nusd(1_000, 500)
        450000
        """
        total = self.input_nusd_per_mtok * n_input_tokens + self.output_nusd_per_mtok * n_output_tokens
        quotient, remainder = divmod(total, TOKENS_PER_MTOK)
        return quotient + (2 * remainder + (quotient & 1) > TOKENS_PER_MTOK)


@dataclass(frozen=True)
class Register:
    """Providers, models and prices as loaded; build it with `load_register`.

    Attributes:
        providers: By id.
        models: By id, in order of id.
        prices: Rows of each model, oldest first.
        incumbent: Id of the model all traffic would go to without routing.
        digest: SHA-256 over providers and models.
        price_digest: SHA-256 over prices.
    """

    providers: Mapping[str, Provider]
    models: Mapping[str, Model]
    prices: Mapping[str, tuple[PriceRow, ...]]
    incumbent: str
    digest: str
    price_digest: str

    def provider_of(self, model_id: str) -> Provider:
        """Provider of a model of the register."""
        return self.providers[self.models[model_id].provider]

    def price(self, model_id: str, at: datetime) -> Price | None:
        """Price in force on the day of `at` (UTC), or None where the register has none."""
        row = self._price_row(model_id, at)
        if row is None:
            return None
        return Price(_nusd(row.input_usd_per_mtok), _nusd(row.output_usd_per_mtok))

    def example_terms(self, model_id: str, at: datetime) -> tuple[str, ...]:
        """What a decision for this model rests on without a public document, sorted."""
        row = self._price_row(model_id, at)
        terms = [f"provider.{name}" for name in self.provider_of(model_id).example_terms]
        terms += ["model.latency"] if self.models[model_id].latency.basis == "example" else []
        terms += ["model.price"] if row is not None and row.basis == "example" else []
        return tuple(sorted(terms))

    def _price_row(self, model_id: str, at: datetime) -> PriceRow | None:
        rows = [row for row in self.prices.get(model_id, ()) if row.effective_from <= _day(at)]
        return rows[-1] if rows else None


def load_register(folder: Path) -> Register:
    """Register of a folder with `providers.yaml`, `models.yaml` and `prices.yaml`.

    A lapsed review loads: its models are excluded when a decision is made.

    Raises:
        RegisterError: A file does not parse, or contradicts another; names file, line and remedy.
    """
    files = {
        name: YamlFile(folder / f"{name}.yaml", RegisterError) for name in ("providers", "models", "prices")
    }
    providers = files["providers"].parse(_ProvidersFile)
    models = files["models"].parse(_ModelsFile)
    prices = files["prices"].parse(_PricesFile)
    _check_providers(files["providers"], providers)
    _check_models(files["models"], models, {provider.id: provider for provider in providers.providers})
    _check_prices(files["prices"], prices, {model.id for model in models.models})
    return Register(
        providers={p.id: p for p in sorted(providers.providers, key=lambda p: p.id)},
        models={m.id: m for m in sorted(models.models, key=lambda m: m.id)},
        prices=_by_model(prices.prices),
        incumbent=models.incumbent,
        digest=_digest(
            {"providers": providers.model_dump(mode="json"), "models": models.model_dump(mode="json")}
        ),
        price_digest=_digest(prices.model_dump(mode="json")),
    )


def _check_providers(file: YamlFile, parsed: _ProvidersFile) -> None:
    _check_unique(file, "providers", [provider.id for provider in parsed.providers])
    for index, provider in enumerate(parsed.providers):
        if provider.review.expires_on < provider.review.reviewed_on:
            location = ("providers", index, "review", "expires_on")
            raise file.fault(location, "expires_on: lies before reviewed_on; correct one of them")


def _check_models(file: YamlFile, parsed: _ModelsFile, providers: Mapping[str, Provider]) -> None:
    _check_unique(file, "models", [model.id for model in parsed.models])
    for index, model in enumerate(parsed.models):
        provider = providers.get(model.provider)
        if provider is None:
            raise file.fault(
                ("models", index, "provider"), f"{model.provider}: no such provider; add it to providers.yaml"
            )
        if model.region not in provider.regions.value:
            raise file.fault(
                ("models", index, "region"),
                f"{model.region}: not among the regions of {provider.id}; correct one",
            )
    if parsed.incumbent not in {model.id for model in parsed.models}:
        raise file.fault(("incumbent",), f"{parsed.incumbent}: no such model; name one of this file")


def _check_prices(file: YamlFile, parsed: _PricesFile, models: set[str]) -> None:
    seen: set[tuple[str, date]] = set()
    for index, row in enumerate(parsed.prices):
        if row.model not in models:
            raise file.fault(("prices", index, "model"), f"{row.model}: no such model; add it to models.yaml")
        if (row.model, row.effective_from) in seen:
            raise file.fault(
                ("prices", index, "model"), f"{row.model}: two prices from the same day; keep one"
            )
        seen.add((row.model, row.effective_from))


def _check_unique(file: YamlFile, key: str, ids: list[str]) -> None:
    for index, identifier in enumerate(ids):
        if identifier in ids[:index]:
            raise file.fault((key, index, "id"), f"{identifier}: duplicate id; rename or remove one")


def _by_model(rows: list[PriceRow]) -> dict[str, tuple[PriceRow, ...]]:
    result: dict[str, tuple[PriceRow, ...]] = {}
    for row in sorted(rows, key=lambda row: (row.model, row.effective_from)):
        result[row.model] = (*result.get(row.model, ()), row)
    return result


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()


def _nusd(usd: str) -> int:
    return int(Decimal(usd) * NUSD_PER_USD)


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical_json(value)).hexdigest()
