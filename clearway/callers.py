"""Callers: the registered identities, and who a request line really comes from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StrictStr

from clearway.errors import InvalidRequestError, PolicyError, UnknownCallerError
from clearway.ledger.canonical import canonical_json
from clearway.request import Caller, parse_identifier, parse_identity
from clearway.strict_yaml import Strict, YamlFile

Name = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$")]


_NOBODY: Final = "nobody is registered for it; correct it or add it to callers.yaml"


class Principal(Strict):
    """Someone a policy decides about."""

    id: Name
    owner: Name
    groups: list[Name]
    purposes: Annotated[list[Name], Field(min_length=1)]
    regions: list[Name]


class RegisteredCaller(Principal):
    """An agent or a service."""

    kind: Literal["agent", "service"]


class Gateway(Strict):
    """An identity that may name callers over HTTP."""

    id: Name
    owner: Name
    speaks_for: list[Name]


class _CallersFile(Strict):
    default_caller: Name
    gateway: Name
    callers: list[RegisteredCaller]
    users: list[Principal]
    gateways: list[Gateway]


@dataclass(frozen=True)
class Callers:
    """The callers file as loaded.

    Attributes:
        callers: Agents and services by id.
        users: Users by id.
        gateways: Gateways by id.
        default_caller: Caller of a command-line request that names none.
        gateway: Identity of whoever calls the service.
        digest: SHA-256 over the content of the file.
    """

    callers: Mapping[str, RegisteredCaller]
    users: Mapping[str, Principal]
    gateways: Mapping[str, Gateway]
    default_caller: str
    gateway: str
    digest: str

    def from_command_line(self, line: Mapping[str, Any]) -> Caller:
        """Caller of a local request line; the default one where it names none.

        Raises:
            InvalidRequestError: The field is malformed.
            UnknownCallerError: The caller or the user is not registered.
        """
        agent, user = parse_identity(line["caller"]) if "caller" in line else (self.default_caller, None)
        self._check_known(agent, user)
        return Caller(agent=agent, user=user, verified_by="command_line")

    def from_gateway(self, gateway_id: str, line: Mapping[str, Any], *, verified_by: str) -> Caller:
        """Caller that an authenticated gateway names, if it may speak for it.

        Raises:
            InvalidRequestError: The field is missing or malformed.
            UnknownCallerError: The caller or the user is not registered, or the gateway may not speak for it.
        """
        if "caller" not in line:
            raise InvalidRequestError(
                "caller: required field is missing; name the caller the gateway speaks for"
            )
        agent, user = parse_identity(line["caller"])
        self._check_known(agent, user)
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

    def _check_known(self, agent: str, user: str | None) -> None:
        if agent not in self.callers:
            raise UnknownCallerError("caller: not registered; add it to callers.yaml or correct the name")
        if user is not None and user not in self.users:
            raise UnknownCallerError(
                "caller.user: not registered; add it to callers.yaml or correct the name"
            )


def load_callers(path: Path) -> Callers:
    """Callers of a file.

    Raises:
        PolicyError: The file does not parse, or names something that is not in it.
    """
    file = YamlFile(path, PolicyError)
    parsed = file.parse(_CallersFile)
    _check_unique(file, parsed)
    callers = {caller.id: caller for caller in parsed.callers}
    gateways = {gateway.id: gateway for gateway in parsed.gateways}
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
    return Callers(
        callers=callers,
        users={user.id: user for user in parsed.users},
        gateways=gateways,
        default_caller=parsed.default_caller,
        gateway=parsed.gateway,
        digest=hashlib.sha256(canonical_json(parsed.model_dump(mode="json"))).hexdigest(),
    )


def _check_unique(file: YamlFile, parsed: _CallersFile) -> None:
    """One name, one identity: ids are unique over all three sections."""
    seen: set[str] = set()
    for section in ("callers", "users", "gateways"):
        for index, entry in enumerate(getattr(parsed, section)):
            if entry.id in seen:
                raise file.fault((section, index, "id"), f"{entry.id}: duplicate id; rename or remove one")
            seen.add(entry.id)
