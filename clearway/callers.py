"""Callers: the registered identities, and who a request line really comes from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field

from clearway.errors import IdentityLapsedError, InvalidRequestError, PolicyError, UnknownCallerError
from clearway.identities import Gateway, Identity, Issuer, RegisteredCaller, Role, Staff, StaticKey
from clearway.identities import Name as Name
from clearway.identities import Principal as Principal
from clearway.ledger.canonical import canonical_json
from clearway.request import Caller, parse_identifier, parse_identity
from clearway.strict_yaml import Strict, YamlFile

_NOBODY: Final = "nobody is registered for it; correct it or add it to callers.yaml"
_SECTIONS: Final = ("callers", "users", "gateways", "staff")
Lapse = Literal["expired", "ownerless"]


def _is_empty(value: object) -> bool:
    return not value


class _CallersFile(Strict):
    default_caller: Name
    gateway: Name
    callers: list[RegisteredCaller]
    users: list[Principal]
    gateways: list[Gateway]
    # What came later is left out of the digest where it is not given.
    owners: list[Name] = Field(default_factory=list, exclude_if=_is_empty)
    staff: list[Staff] = Field(default_factory=list, exclude_if=_is_empty)
    issuers: list[Issuer] = Field(default_factory=list, exclude_if=_is_empty)
    keys: list[StaticKey] = Field(default_factory=list, exclude_if=_is_empty)


@dataclass(frozen=True)
class Callers:
    """The callers file as loaded.

    Attributes:
        callers: Agents and services by id.
        users: Users by id.
        gateways: Gateways by id.
        default_caller: Caller of a command-line request that names none.
        gateway: Identity of whoever calls the service on loopback, or with the service's one token.
        digest: SHA-256 over the content of the file.
        staff: Auditors and operators by id.
        owners: Who may own an identity; empty where the file does not say.
        issuers: Whose tokens are believed.
        keys: Static keys by the digest of the key.
        folder: Where the file lies; key sets are looked for from here.
    """

    callers: Mapping[str, RegisteredCaller]
    users: Mapping[str, Principal]
    gateways: Mapping[str, Gateway]
    default_caller: str
    gateway: str
    digest: str
    staff: Mapping[str, Staff] = field(default_factory=dict)
    owners: frozenset[str] = frozenset()
    issuers: tuple[Issuer, ...] = ()
    keys: Mapping[str, StaticKey] = field(default_factory=dict)
    folder: Path = Path()

    @property
    def identities(self) -> Mapping[str, Identity]:
        """Everyone registered, by id."""
        return {**self.callers, **self.users, **self.gateways, **self.staff}

    def roles(self, name: str) -> frozenset[Role]:
        """What an identity may do over HTTP; nothing for a user alone, or for nobody."""
        if name in self.callers:
            return frozenset({"caller"})
        if name in self.gateways:
            return frozenset({"gateway", *self.gateways[name].roles})
        return frozenset(self.staff[name].roles) if name in self.staff else frozenset()

    def lapse(self, name: str, at: datetime) -> Lapse | None:
        """Why a registered identity is refused at that time, or None."""
        identity = self.identities[name]
        if identity.is_expired(at):
            return "expired"
        has_owner = identity.owner is not None and identity.owner in (self.owners or {identity.owner})
        return None if has_owner else "ownerless"

    def check_in_force(self, name: str, at: datetime, place: str = "caller") -> None:
        """Refuse an identity that has expired or has no owner.

        Raises:
            IdentityLapsedError: It has.
        """
        lapse = self.lapse(name, at)
        if lapse == "expired":
            raise IdentityLapsedError(
                f"{place}: its registration has expired; its owner must review it in callers.yaml"
            )
        if lapse == "ownerless":
            raise IdentityLapsedError(f"{place}: nobody owns it; name an owner in callers.yaml")

    def from_command_line(self, line: Mapping[str, Any], *, at: datetime | None = None) -> Caller:
        """Caller of a local request line; the default one where it names none.

        Args:
            line: The request line.
            at: Time at which identities must be in force; now by default.

        Raises:
            InvalidRequestError: The field is malformed.
            UnknownCallerError: The caller or the user is not registered, has expired or has no owner.
        """
        agent, user = parse_identity(line["caller"]) if "caller" in line else (self.default_caller, None)
        self.check_chain((agent,), user, at)
        return Caller(agent=agent, user=user, verified_by="command_line")

    def from_gateway(
        self, gateway_id: str, line: Mapping[str, Any], *, verified_by: str, at: datetime | None = None
    ) -> Caller:
        """Caller that an authenticated gateway names, if it may speak for it.

        Raises:
            InvalidRequestError: The field is missing or malformed.
            UnknownCallerError: The caller or the user is not registered, has expired or has no owner, or the
                gateway may not speak for it.
        """
        if "caller" not in line:
            raise InvalidRequestError(
                "caller: required field is missing; name the caller the gateway speaks for"
            )
        agent, user = parse_identity(line["caller"])
        self.check_chain((agent,), user, at)
        if agent not in self.gateways[gateway_id].speaks_for:
            raise UnknownCallerError(f"caller: {gateway_id} may not speak for it; add it to speaks_for")
        return Caller(agent=agent, user=user, verified_by=verified_by, gateway=gateway_id)

    def purpose_of(self, caller: Caller, line: Mapping[str, Any]) -> str:
        """Purpose a line names, or the caller's first; whether it is allowed is for policy to say.

        A purpose that nobody has is refused here: records hold no words of the caller's own.

        Raises:
            InvalidRequestError: The field is not an id, or nobody is registered for it.
        """
        purpose = parse_identifier(line.get("purpose", self.callers[caller.agent].purposes[0]), "purpose")
        everyone = (*self.callers.values(), *self.users.values())
        if not any(purpose in principal.purposes for principal in everyone):
            raise InvalidRequestError(f"purpose: {_NOBODY}")
        return purpose

    def principals(self, caller: Caller) -> tuple[tuple[str, Principal], ...]:
        """Cedar type and entry of everyone who must be permitted: agent, each link of its chain, user.

        Raises:
            UnknownCallerError: A link of the chain is not registered: a missing link denies.
        """
        links = [self.callers.get(name) for name in (caller.agent, *caller.chain)]
        if None in links:
            raise UnknownCallerError("caller.chain: a link is not registered; add it to callers.yaml")
        found: list[tuple[str, Principal]] = [(link.kind.capitalize(), link) for link in links if link]
        if caller.user is not None:
            found.append(("User", self.users[caller.user]))
        return tuple(found)

    def check_chain(self, agents: Iterable[str], user: str | None, at: datetime | None = None) -> None:
        """Everyone who takes part is registered as what it is used for, owned and not expired.

        Raises:
            UnknownCallerError: One is not; a missing link denies.
        """
        now = at or datetime.now(UTC)
        for agent in agents:
            if agent not in self.callers:
                raise UnknownCallerError("caller: not registered; add it to callers.yaml or correct the name")
            self.check_in_force(agent, now)
        if user is not None:
            if user not in self.users:
                raise UnknownCallerError(
                    "caller.user: not registered; add it to callers.yaml or correct the name"
                )
            self.check_in_force(user, now, "caller.user")


def load_callers(path: Path) -> Callers:
    """Callers of a file.

    Raises:
        PolicyError: The file does not parse, or names something that is not in it.
    """
    file = YamlFile(path, PolicyError)
    parsed = file.parse(_CallersFile)
    _check_unique(file, parsed)
    _check_references(file, parsed)
    _check_credentials(file, parsed)
    return Callers(
        callers={caller.id: caller for caller in parsed.callers},
        users={user.id: user for user in parsed.users},
        gateways={gateway.id: gateway for gateway in parsed.gateways},
        default_caller=parsed.default_caller,
        gateway=parsed.gateway,
        digest=hashlib.sha256(canonical_json(parsed.model_dump(mode="json"))).hexdigest(),
        staff={person.id: person for person in parsed.staff},
        owners=frozenset(parsed.owners),
        issuers=tuple(parsed.issuers),
        keys={key.sha256: key for key in parsed.keys},
        folder=path.parent,
    )


def _check_unique(file: YamlFile, parsed: _CallersFile) -> None:
    """One name, one identity: ids are unique over all sections; one issuer, one key set."""
    uniques = (
        (_SECTIONS, ("id",)),
        (("issuers",), ("id", "issuer", "trust_domain")),
        (("keys",), ("id", "sha256")),
    )
    for sections, fields in uniques:
        for name in fields:
            _check_once(file, parsed, sections, name)


def _check_once(file: YamlFile, parsed: _CallersFile, sections: tuple[str, ...], name: str) -> None:
    seen: set[str] = set()
    for section in sections:
        for index, entry in enumerate(getattr(parsed, section)):
            value = getattr(entry, name)
            if value is not None and value in seen:
                raise file.fault((section, index, name), f"{value}: duplicate {name}; rename or remove one")
            seen.add(value)


def _check_references(file: YamlFile, parsed: _CallersFile) -> None:
    """Whom one entry names, another registers."""
    callers = {caller.id for caller in parsed.callers}
    gateways = {gateway.id for gateway in parsed.gateways}
    if parsed.default_caller not in callers:
        raise file.fault(
            ("default_caller",), f"{parsed.default_caller}: no such caller; name one of this file"
        )
    if parsed.gateway not in gateways:
        raise file.fault(("gateway",), f"{parsed.gateway}: no such gateway; name one of this file")
    for index, gateway in enumerate(parsed.gateways):
        for name in gateway.speaks_for:
            if name not in callers:
                raise file.fault(
                    ("gateways", index, "speaks_for"), f"{name}: no such caller; add it or remove it"
                )


def _check_credentials(file: YamlFile, parsed: _CallersFile) -> None:
    """A credential is somebody's; a user is named by tokens only, since it acts through an agent."""
    known = {entry.id for entry in (*parsed.callers, *parsed.gateways, *parsed.staff)}
    for index, key in enumerate(parsed.keys):
        if key.identity not in known:
            raise file.fault(
                ("keys", index, "identity"),
                f"{key.identity}: no such caller, gateway or staff; add it or remove the key",
            )
    known.update(user.id for user in parsed.users)
    for index, issuer in enumerate(parsed.issuers):
        for name in issuer.subjects.values():
            if name not in known:
                raise file.fault(
                    ("issuers", index, "subjects"), f"{name}: no such identity; add it or remove it"
                )
