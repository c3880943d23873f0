"""What a register says of a provider: its data-handling terms, and the review that vouches for them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from pydantic import AfterValidator, Field, StrictBool, StrictInt, StrictStr, WithJsonSchema, model_validator

from clearway.ledger.canonical import canonical_json
from clearway.strict_yaml import Strict

_IDENTIFIER: Final = r"[a-z0-9][a-zA-Z0-9._/@-]{0,127}"
_USD: Final = r"[0-9]{1,7}(\.[0-9]{1,9})?"

Basis = Literal["documented", "example"]
Visibility = Literal["none", "partial", "full"]
# Why no model of a provider, or this one, may be used.
ReviewCode = Literal["not_reviewed", "review_expired", "terms_changed"]
Days = Annotated[StrictInt, Field(ge=0, le=36_500)]
Tokens = Annotated[StrictInt, Field(ge=1, le=100_000_000)]
Text = Annotated[StrictStr, Field(min_length=1, max_length=2_000)]
Sha256 = Annotated[StrictStr, Field(pattern=r"^[0-9a-f]{64}$")]
_T = TypeVar("_T")


def _identifier(value: str) -> str:
    if not re.fullmatch(_IDENTIFIER, value):
        raise ValueError("expected letters, digits and ._/@- starting with a lower-case letter or digit")
    return value


def _usd(value: str) -> str:
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        raise ValueError('expected an exact decimal in quotes, such as "0.15"')
    if not re.fullmatch(_USD, value) or Decimal(value) > 1_000_000:
        raise ValueError("expected 0 to 1000000 USD with at most 9 decimals")
    return value


def _schema(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"})


Identifier = Annotated[StrictStr, AfterValidator(_identifier), _schema(_IDENTIFIER)]
Usd = Annotated[StrictStr, AfterValidator(_usd), _schema(_USD)]


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


class DatedReview(Sourced):
    """Who reviewed the provider, when, and until when that holds.

    Archived registers say no more than this; it vouches for whatever stood beside it.
    """

    reviewer: Text
    reviewed_on: date
    expires_on: date

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> DatedReview:
        if self.expires_on < self.reviewed_on:
            raise ValueError("expires_on lies before reviewed_on")
        return self


class Review(DatedReview):
    """A review of one provider: of these terms, for these models, on this evidence.

    Written by `clearway register review`. `expires_on` is the last day it holds: the next review is due then.
    `terms_sha256` and the digests of `models` bind it to what was reviewed; no model withdraws the provider.
    """

    provider: Identifier
    evidence: Text
    evidence_sha256: Sha256
    findings: Annotated[list[Text], Field(min_length=1)]
    terms_sha256: Sha256
    models: dict[Identifier, Sha256]


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
    review: DatedReview | None = None

    @property
    def content_kept_days(self) -> int:
        """Days for which prompts or responses are kept, whichever is longer."""
        return max(self.prompts.kept_days, self.responses.kept_days)

    @property
    def trains_on_content(self) -> bool:
        """Whether prompts, responses or metadata may be used for training."""
        return any(t.reused_for_training for t in (self.prompts, self.responses, self.metadata))

    @property
    def terms_sha256(self) -> str:
        """Digest of all that a review vouches for: everything but the display name and the review.

        Computed each time: a copy with another term must never keep the digest of the old one.
        """
        return digest_of(self.model_dump(mode="json", exclude={"name", "review"}))

    def review_code(self, day: date) -> ReviewCode | None:
        """Why the provider may not be used on a day, or None: the review's last day still counts."""
        if self.review is None:
            return "not_reviewed"
        if day < self.review.reviewed_on:  # archived registers called both ends the same
            return "not_reviewed" if isinstance(self.review, Review) else "review_expired"
        if day > self.review.expires_on:
            return "review_expired"
        changed = isinstance(self.review, Review) and self.review.terms_sha256 != self.terms_sha256
        return "terms_changed" if changed else None

    def is_covered(self, model_id: str, deployment_sha256: str) -> bool:
        """Whether the review, valid or not, was of this deployment."""
        if isinstance(self.review, Review):
            return self.review.models.get(model_id) == deployment_sha256
        return self.review is not None

    def is_review_valid(self, at: datetime) -> bool:
        """Whether a review vouches for these very terms on the day of `at` (UTC)."""
        return self.review_code(day_of(at)) is None

    @cached_property
    def example_terms(self) -> tuple[str, ...]:
        """Names of the terms that no public document supports, sorted."""
        terms = {name: getattr(self, name) for name in type(self).model_fields}
        return tuple(
            sorted(n for n, term in terms.items() if isinstance(term, Sourced) and term.basis == "example")
        )

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Provider:
        """A copy with other terms; what was computed from the old ones stays behind."""
        copy = super().model_copy(update=update, deep=deep)
        copy.__dict__.pop("example_terms", None)
        return copy


def day_of(at: datetime) -> date:
    """Day of an aware time in UTC."""
    return at.astimezone(UTC).date()


def digest_of(value: Any) -> str:
    """SHA-256 over the canonical JSON of a value."""
    return hashlib.sha256(canonical_json(value)).hexdigest()
