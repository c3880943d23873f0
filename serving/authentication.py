"""Who asks: proved by a credential, never by what a request says of itself."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime

from clearway.callers import Callers
from clearway.errors import ForbiddenError, UnauthenticatedError
from clearway.identities import Role
from clearway.request import Caller
from clearway.static_keys import PREFIX, key_digest
from serving.key_sets import KeySets
from serving.loopback import names_loopback
from serving.tokens import Tokens, refusal


@dataclass(frozen=True, slots=True)
class Asker:
    """An authenticated identity.

    Attributes:
        id: Its registered id.
        roles: What it may do.
        verified_by: How it was established: `loopback`, `static_token`, `static_key:ID`, `jwt:ISSUER` or
            `spiffe:ISSUER`.
        caller: The caller it is; None for a gateway or staff.
    """

    id: str
    roles: frozenset[Role]
    verified_by: str
    caller: Caller | None = None

    def check_role(self, role: Role) -> None:
        """Refuse who has not the role.

        Raises:
            ForbiddenError: It has not.
        """
        if role not in self.roles:
            raise ForbiddenError(f"role: expected {role}, got {', '.join(sorted(self.roles))}")


class Authenticator:
    """Finds out who asks, for one version of the callers file.

    Args:
        callers: Identities, issuers and static keys.
        key_sets: Public keys of the issuers.
        token: The service's one token, or None.
    """

    def __init__(self, callers: Callers, key_sets: KeySets, token: str | None) -> None:
        self._callers = callers
        self._tokens = Tokens(callers, key_sets)
        self._token = token
        # Where callers have credentials of their own, who has none is nobody: on this machine, too.
        self._is_open = token is None and not callers.issuers and not callers.keys

    def authenticate(self, authorization: str, host: str, at: datetime) -> Asker:
        """Who sent a request with these headers.

        Args:
            authorization: The Authorization header, or nothing.
            host: The Host header, or nothing.
            at: Now.

        Raises:
            UnauthenticatedError: Its credential is missing or not believed.
            IdentityLapsedError: Its identity has expired or has no owner.
        """
        asker = self._open(host) if self._is_open else self._by_credential(authorization, at)
        self._callers.check_in_force(asker.id, at, "identity")
        return asker

    def _open(self, host: str) -> Asker:
        if not names_loopback(host):
            raise UnauthenticatedError(
                "host: expected a loopback host name, since the service has no token", "host"
            )
        return self._asker(self._callers.gateway, "loopback")

    def _by_credential(self, authorization: str, at: datetime) -> Asker:
        scheme, _, given = authorization.partition(" ")
        given = given.strip()
        if scheme.lower() != "bearer" or not given:
            raise self._refusal("no_credential")
        if self._token is not None and hmac.compare_digest(given.encode(), self._token.encode()):
            return self._asker(self._callers.gateway, "static_token")
        if given.startswith(PREFIX):
            return self._by_key(given, at)
        if self._callers.issuers and given.count(".") == 2:  # header, claims, signature
            name, caller, how = self._tokens.verify(given, at)
            return self._asker(name, how, caller)
        raise self._refusal("unknown_credential")

    def _by_key(self, given: str, at: datetime) -> Asker:
        """Whose static key it is; the lookup is by digest, so its time tells nothing of a key."""
        key = self._callers.keys.get(key_digest(given))
        if key is None:
            raise self._refusal("unknown_key")
        if key.is_expired(at):
            raise self._refusal("expired")
        how = f"static_key:{key.id}"
        is_caller = key.identity in self._callers.callers
        return self._asker(key.identity, how, Caller(key.identity, None, how) if is_caller else None)

    def _asker(self, name: str, how: str, caller: Caller | None = None) -> Asker:
        return Asker(name, self._callers.roles(name), how, caller)

    def _refusal(self, reason: str) -> UnauthenticatedError:
        """What the client is told: the same for every reason, so that it learns nothing from trying."""
        if self._callers.issuers or self._callers.keys:
            return refusal(reason)
        return UnauthenticatedError("authorization: expected the service's token as a bearer token", reason)
