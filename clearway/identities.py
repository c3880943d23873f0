"""Entries of the callers file: identities with an owner and an end, and the credentials that prove them.

A key that came later is left out of the digest where it is not given: files without it keep the digest that
old records name.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, StrictStr, StringConstraints, model_validator

from clearway.strict_yaml import Strict

Name = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$")]
Text = Annotated[StrictStr, StringConstraints(min_length=1, max_length=512)]
Role = Literal["gateway", "caller", "auditor", "operator"]
# Each with a public key, and none of them `none`: the algorithm is the issuer's, never the token's choice.
Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]  # fmt: skip
_NOT_GIVEN: Final[Callable[[Any], bool]] = lambda value: not value  # noqa: E731  # a default argument
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Identity(Strict):
    """Someone registered: who answers for it, and until when.

    Attributes:
        id: Unique over the whole file.
        owner: Team or person that answers for it; without one it is refused.
        expires_on: Last day on which it is valid (UTC); None for no end.
    """

    id: Name
    owner: Name | None = Field(default=None, exclude_if=_NOT_GIVEN)
    expires_on: date | None = Field(default=None, exclude_if=_NOT_GIVEN)

    def is_expired(self, at: datetime) -> bool:
        """Whether its last day lies before that time."""
        return self.expires_on is not None and at.astimezone(UTC).date() > self.expires_on


class Principal(Identity):
    """Someone a policy decides about."""

    groups: list[Name]
    purposes: Annotated[list[Name], Field(min_length=1)]
    regions: list[Name]


class RegisteredCaller(Principal):
    """An agent or a service."""

    kind: Literal["agent", "service"]


class Gateway(Identity):
    """An identity that may name callers over HTTP."""

    speaks_for: list[Name]
    roles: list[Literal["auditor", "operator"]] = Field(default_factory=list, exclude_if=_NOT_GIVEN)


class Staff(Identity):
    """Someone who reads every decision (auditor), or tries requests without a decision (operator)."""

    roles: Annotated[list[Literal["auditor", "operator"]], Field(min_length=1)]


class StaticKey(Strict):
    """A key for small installations; the file holds its digest, never the key.

    Attributes:
        id: Names the key in records.
        identity: Whose key it is.
        sha256: Hex digest of the key, which is 256 random bits: no slower hash makes it harder to guess.
        expires_on: Last day on which it is valid (UTC).
    """

    id: Name
    identity: Name
    sha256: Annotated[StrictStr, Field(pattern=r"^[0-9a-f]{64}$")]
    expires_on: date

    def is_expired(self, at: datetime) -> bool:
        """Whether its last day lies before that time."""
        return at.astimezone(UTC).date() > self.expires_on


class Issuer(Strict):
    """Who signs tokens, and for whom: an OIDC issuer, or a SPIFFE trust domain.

    Attributes:
        id: Names the issuer in records.
        issuer: The `iss` of its tokens (OIDC); else `trust_domain` is given.
        trust_domain: Trust domain of its tokens' `sub` (SPIFFE JWT-SVID).
        audience: What `aud` must contain: a token made for somebody else is none.
        algorithms: What its tokens may be signed with.
        keys_file: JWK set, from the folder of the callers file; else `keys_url` is given.
        keys_url: Address of the JWK set; HTTPS, but on this machine.
        subjects: Registered id by `sub`; who is not named here is nobody.
    """

    id: Name
    issuer: Text | None = None
    trust_domain: Annotated[StrictStr, Field(pattern=r"^[a-z0-9._-]{1,255}$")] | None = None
    audience: Text
    algorithms: Annotated[list[Algorithm], Field(min_length=1)]
    keys_file: Text | None = None
    keys_url: Text | None = None
    subjects: dict[Text, Name]

    @property
    def source_key(self) -> str:
        """Names the key set and how it is read: equal for equal ones, over reloads."""
        return " ".join((self.id, self.keys_file or "", self.keys_url or "", *self.algorithms))

    @model_validator(mode="after")
    def _is_whole(self) -> Issuer:
        if (self.issuer is None) == (self.trust_domain is None):
            raise ValueError("expected one of issuer and trust_domain")
        if (self.keys_file is None) == (self.keys_url is None):
            raise ValueError("expected one of keys_file and keys_url")
        if self.keys_url is not None and not _is_private(self.keys_url):
            raise ValueError("expected keys_url to begin with https://")
        prefix = f"spiffe://{self.trust_domain}/"
        if self.trust_domain and not all(subject.startswith(prefix) for subject in self.subjects):
            raise ValueError(f"expected subjects to begin with {prefix}")
        return self


def _is_private(url: str) -> bool:
    """Whether nobody on the way can put another key set into the answer."""
    parts = urlsplit(url)
    is_local = parts.scheme == "http" and parts.hostname in _LOOPBACK
    return bool(parts.hostname) and (parts.scheme == "https" or is_local)
