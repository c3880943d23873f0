"""Signed tokens (JWT): whose, for us, in time, and for whom the bearer acts.

OIDC (RFC 7519, RFC 8725) and SPIFFE JWT-SVID. A token says who signed it (`iss`, or the trust domain of
`sub`) and with which of that issuer's keys (`kid`). What else could steer its own verification is not read
(`jku`, `x5u`, `jwk`) or refuses it (an `alg` that is not on the issuer's list, `crit`). A token bound to its
sender (`cnf`) is refused, since the binding is not checked. Nor is revocation before expiry: so none is
believed that expires more than a day from now.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import jwt

from clearway.callers import Callers
from clearway.errors import UnauthenticatedError
from clearway.identities import Issuer
from clearway.request import Caller
from serving.key_sets import KeySets

LEEWAY_S: Final = 30
MAX_LIFE_S: Final = 24 * 60 * 60
MAX_TOKEN_CHARACTERS: Final = 16_384
MAX_LINKS: Final = 8
# RFC 8725, section 3.11: a signed text of another type (logout, security event, proof) is no access token.
_TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_SPIFFE_TYPES: Final = frozenset({"jwt", "jose"})
_SPIFFE: Final = "spiffe://"
_TELL: Final = "authorization: expected a valid token or key of this service as a bearer token"


def refusal(reason: str) -> UnauthenticatedError:
    """The one error for every credential that is not believed; its reason is counted, and not told."""
    return UnauthenticatedError(_TELL, reason)


class Tokens:
    """Verifies tokens.

    Args:
        callers: Issuers, and who their subjects are.
        key_sets: Their public keys.
    """

    def __init__(self, callers: Callers, key_sets: KeySets) -> None:
        self._callers = callers
        self._key_sets = key_sets
        self._by_issuer = {issuer.issuer: issuer for issuer in callers.issuers if issuer.issuer}
        self._by_domain = {issuer.trust_domain: issuer for issuer in callers.issuers if issuer.trust_domain}

    def verify(self, token: str, at: datetime) -> tuple[str, Caller | None, str]:
        """Registered id of the bearer, the caller it is (None for a gateway or staff), and how that is known.

        Raises:
            UnauthenticatedError: The token is not believed, or its bearer or a link of its chain is nobody.
            UnknownCallerError: Its bearer or a link has expired or has no owner.
        """
        header, claims = _read(token)
        issuer = self._issuer(claims)
        verified = self._verified(token, header, issuer, at)
        how = f"{'spiffe' if issuer.trust_domain else 'jwt'}:{issuer.id}"
        chain = _chain(issuer, verified)
        if len(chain) == 1 and chain[0] not in {*self._callers.callers, *self._callers.users}:
            return chain[0], None, how
        caller = self._caller(chain, how)
        self._callers.check_chain((caller.agent, *caller.chain), caller.user, at)
        return caller.agent, caller, how

    def _issuer(self, claims: Mapping[str, Any]) -> Issuer:
        """Who claims to have signed it; the signature decides."""
        name, subject = claims.get("iss"), claims.get("sub")
        if isinstance(name, str) and name in self._by_issuer:
            return self._by_issuer[name]
        if isinstance(subject, str) and subject.startswith(_SPIFFE):
            domain = subject.removeprefix(_SPIFFE).split("/")[0]
            if domain in self._by_domain:
                return self._by_domain[domain]
        raise refusal("unknown_issuer")

    def _verified(
        self, token: str, header: Mapping[str, Any], issuer: Issuer, at: datetime
    ) -> Mapping[str, Any]:
        """Claims of a token whose signature, audience and time are good."""
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in issuer.algorithms:
            raise refusal("algorithm")
        types = _SPIFFE_TYPES if issuer.trust_domain else _TYPES
        if str(header.get("typ", "jwt")).lower() not in types or {"crit", "b64"} & set(header):
            raise refusal("malformed")
        key = self._key_sets.find(issuer, kid, at).get(algorithm) if isinstance(kid, str) else None
        if key is None:
            raise refusal("unknown_key")
        claims = _decode(token, key, issuer)
        if "cnf" in claims:  # RFC 7800: good only for who also proves to hold a key
            raise refusal("sender_constrained")
        _check_time(claims, at)
        return claims

    def _caller(self, chain: tuple[str, ...], how: str) -> Caller:
        """Caller of a chain of ids: who acts now, through whom, and for whom at its end."""
        *agents, last = chain
        user = last if last in self._callers.users else None
        agents = agents if user else [*agents, last]
        if not agents or not set(agents) <= set(self._callers.callers):
            raise refusal("delegation")
        return Caller(agents[0], user, how, None, tuple(agents[1:]))


def _read(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims, not verified: only to find out whose key to verify them with."""
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise refusal("malformed")
    try:
        read = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise refusal("malformed") from None
    return read["header"], read["payload"]


def _decode(token: str, key: jwt.PyJWK, issuer: Issuer) -> Mapping[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            audience=issuer.audience,
            issuer=issuer.issuer,
            options={
                "require": ["exp", "sub", "aud"],
                "verify_iss": issuer.issuer is not None,
                "verify_exp": False,  # these by our clock, in `_check_time`
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except (jwt.InvalidAudienceError, jwt.MissingRequiredClaimError) as fault:
        is_audience = isinstance(fault, jwt.InvalidAudienceError) or fault.claim == "aud"
        raise refusal("audience" if is_audience else "malformed") from None
    except jwt.InvalidSignatureError:
        raise refusal("signature") from None
    except (jwt.PyJWTError, ValueError):
        raise refusal("malformed") from None
    return claims


def _check_time(claims: Mapping[str, Any], at: datetime) -> None:
    """Expired from `exp` on; not valid before `nbf` or `iat`: each give or take the leeway.

    An `exp` more than a day off is not believed, without leeway.
    """
    now, expiry = at.timestamp(), _instant(claims["exp"])
    if now >= expiry + LEEWAY_S:
        raise refusal("expired")
    if expiry > now + MAX_LIFE_S:
        raise refusal("too_long")
    if any(now < _instant(claims[name]) - LEEWAY_S for name in ("nbf", "iat") if name in claims):
        raise refusal("not_yet_valid")


def _instant(value: object) -> float:
    """Seconds of a NumericDate (RFC 7519, section 2)."""
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except OverflowError:
        pass
    raise refusal("malformed")


def _chain(issuer: Issuer, claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Registered ids from who acts now to for whom it acts.

    RFC 8693, section 4.1: `sub` is for whom, the outermost `act` who acts now, nested ones who acted before.
    A link that cannot be read, or that nobody is registered for, denies.
    """
    links: list[object] = []
    node: Mapping[str, Any] = claims
    while "act" in node:
        node = node["act"]
        is_own = isinstance(node, dict) and node.get("iss", claims.get("iss")) == claims.get("iss")
        if not is_own or len(links) == MAX_LINKS:
            raise refusal("delegation")
        links.append(node.get("sub"))
    names = [issuer.subjects.get(link) if isinstance(link, str) else None for link in (*links, claims["sub"])]
    if None in names:
        raise refusal("delegation" if links else "unknown_subject")
    return tuple(name for name in names if name is not None)
