"""Register: providers with their data-handling terms, models, and dated prices.

Every fact says whether a public document supports it (`documented`, with the link) or whether it is an
`example` that the organisation must replace from its own contract. A decision names the example terms it
rests on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field, StrictInt, model_validator

from clearway.errors import RegisterError
from clearway.register_terms import (
    DatedReview,
    Identifier,
    Provider,
    Review,
    ReviewCode,
    Sourced,
    Text,
    Tokens,
    Usd,
    day_of,
    digest_of,
)
from clearway.strict_yaml import Strict, YamlFile

__all__ = [
    "Capability",
    "DatedReview",
    "Model",
    "Price",
    "PriceRow",
    "Provider",
    "Register",
    "Review",
    "ReviewCode",
    "load_register",
]

NUSD_PER_USD = 1_000_000_000
TOKENS_PER_MTOK = 1_000_000

Capability = Literal["json", "tools", "vision"]


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

    @property
    def deployment_sha256(self) -> str:
        """Digest of where a prompt would go: provider, region and what is called there."""
        return digest_of(self.model_dump(mode="json", include={"id", "provider", "region", "upstream_name"}))


class PriceRow(Strict):
    """A price from a day on, until the next row of the same model."""

    model: Identifier
    effective_from: date
    input_usd_per_mtok: Usd
    output_usd_per_mtok: Usd
    basis: Literal["list_price", "example"]
    source: Text


class ProvidersFile(Strict):
    """Content of `providers.yaml`."""

    providers: list[Provider]


class ModelsFile(Strict):
    """Content of `models.yaml`."""

    incumbent: Identifier
    models: list[Model]


class PricesFile(Strict):
    """Content of `prices.yaml`."""

    source: Text
    seeded_on: date
    prices: list[PriceRow]


class ReviewsFile(Strict):
    """Content of `reviews.yaml`: every review there was, so that none is forgotten."""

    reviews: list[Review]


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


@dataclass(frozen=True, slots=True)
class _Standing:
    """What reviews allow on one day."""

    reviewed: tuple[str, ...]
    not_eligible: Mapping[str, ReviewCode]


@dataclass(frozen=True)
class Register:
    """Providers, models and prices as loaded; build it with `load_register`.

    Attributes:
        providers: By id, each with its newest review.
        models: By id, in order of id.
        prices: Rows of each model, oldest first.
        incumbent: Id of the model all traffic would go to without routing.
        digest: SHA-256 over providers, models and reviews.
        price_digest: SHA-256 over prices.
        reviews: All of them, as they stand in the file.
    """

    providers: Mapping[str, Provider]
    models: Mapping[str, Model]
    prices: Mapping[str, tuple[PriceRow, ...]]
    incumbent: str
    digest: str
    price_digest: str
    reviews: tuple[Review, ...] = ()

    def not_eligible(self, at: datetime) -> Mapping[str, ReviewCode]:
        """Models that no review vouches for on the day of `at` (UTC), with the reason; by id.

        `not_reviewed`: the provider was never reviewed, or the review covers another deployment.
        `review_expired`: its last day has passed. `terms_changed`: the terms are not those reviewed.
        """
        return self._standing(day_of(at)).not_eligible

    def reviewed(self, at: datetime) -> tuple[str, ...]:
        """Providers that a review vouches for on the day of `at` (UTC), sorted."""
        return self._standing(day_of(at)).reviewed

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

    @cached_property
    def _standing(self) -> Callable[[date], _Standing]:
        """The same for every decision of a day, and digests cost too much to take for each."""
        return lru_cache(maxsize=64)(self._find_standing)

    def _find_standing(self, day: date) -> _Standing:
        by_provider = {name: provider.review_code(day) for name, provider in self.providers.items()}
        codes = {name: self._model_code(model, by_provider) for name, model in self.models.items()}
        return _Standing(
            reviewed=tuple(sorted(name for name, code in by_provider.items() if code is None)),
            not_eligible=MappingProxyType({name: code for name, code in codes.items() if code is not None}),
        )

    def _model_code(self, model: Model, by_provider: Mapping[str, ReviewCode | None]) -> ReviewCode | None:
        covered = self.providers[model.provider].is_covered(model.id, model.deployment_sha256)
        return by_provider[model.provider] if covered else "not_reviewed"

    def _price_row(self, model_id: str, at: datetime) -> PriceRow | None:
        rows = [row for row in self.prices.get(model_id, ()) if row.effective_from <= day_of(at)]
        return rows[-1] if rows else None


def load_register(folder: Path, *, is_archived: bool = False, prices_file: Path | None = None) -> Register:
    """Register of a folder with `providers.yaml`, `models.yaml`, `prices.yaml` and `reviews.yaml`.

    A lapsed review or a changed term loads: the models are excluded when a decision is made. Without
    `reviews.yaml` nobody has been reviewed.

    Args:
        folder: Where the files lie.
        is_archived: Whether it only serves to compute old decisions again. Registers once held a review
            without the digest of its terms; such a one vouches for anything, so no new decision rests on it.
        prices_file: Prices in place of the folder's own, as a what-if tries them.

    Raises:
        RegisterError: A file does not parse, or contradicts another; names file, line and remedy.
    """
    paths = {name: folder / f"{name}.yaml" for name in ("providers", "models", "prices")}
    paths["prices"] = prices_file or paths["prices"]
    files = {name: YamlFile(path, RegisterError) for name, path in paths.items()}
    providers = files["providers"].parse(ProvidersFile)
    models = files["models"].parse(ModelsFile)
    prices = files["prices"].parse(PricesFile)
    reviews = read_reviews(folder)
    _check_providers(files["providers"], providers, is_archived=is_archived)
    _check_models(files["models"], models, {provider.id: provider for provider in providers.providers})
    _check_prices(files["prices"], prices, {model.id for model in models.models})
    return Register(
        providers={p.id: _reviewed(p, reviews) for p in sorted(providers.providers, key=lambda p: p.id)},
        models={m.id: m for m in sorted(models.models, key=lambda m: m.id)},
        prices=_by_model(prices.prices),
        incumbent=models.incumbent,
        digest=digest_of(_content(providers, models, reviews)),
        price_digest=digest_of(prices.model_dump(mode="json")),
        reviews=reviews,
    )


def read_reviews(folder: Path) -> tuple[Review, ...]:
    """Reviews of a register's folder, as they stand; none where it has no `reviews.yaml`.

    Raises:
        RegisterError: The file does not parse.
    """
    path = folder / "reviews.yaml"
    if not path.exists():
        return ()
    return tuple(YamlFile(path, RegisterError).parse(ReviewsFile).reviews)


def _content(
    providers: ProvidersFile, models: ModelsFile, reviews: tuple[Review, ...]
) -> dict[str, dict[str, Any] | list[Any]]:
    """What the digest is of; a part that is absent is left out, as it was before there was that part."""
    listed = [provider.model_dump(mode="json") for provider in providers.providers]
    kept = [{k: v for k, v in one.items() if (k, v) != ("review", None)} for one in listed]
    content: dict[str, Any] = {"providers": {"providers": kept}, "models": models.model_dump(mode="json")}
    return content | ({"reviews": [review.model_dump(mode="json") for review in reviews]} if reviews else {})


def _reviewed(provider: Provider, reviews: tuple[Review, ...]) -> Provider:
    """The provider with its newest review; of two from one day the one that stands later."""
    own = sorted((r for r in reviews if r.provider == provider.id), key=lambda review: review.reviewed_on)
    return provider.model_copy(update={"review": own[-1]}) if own else provider


def _check_providers(file: YamlFile, parsed: ProvidersFile, *, is_archived: bool) -> None:
    _check_unique(file, "providers", [provider.id for provider in parsed.providers])
    for index, provider in enumerate(parsed.providers):
        if provider.review is not None and not is_archived:
            raise file.fault(
                ("providers", index, "review"),
                "review: a review stands in reviews.yaml; remove this one, then run "
                f"clearway register review {provider.id}",
            )


def _check_models(file: YamlFile, parsed: ModelsFile, providers: Mapping[str, Provider]) -> None:
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


def _check_prices(file: YamlFile, parsed: PricesFile, models: set[str]) -> None:
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


def _nusd(usd: str) -> int:
    return int(Decimal(usd) * NUSD_PER_USD)
