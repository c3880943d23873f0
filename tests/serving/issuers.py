"""Issuers for tests: a key pair, the set that publishes it, and tokens signed with it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from clearway.callers import load_callers
from clearway.installation import data_folder
from clearway.policy import Policy
from clearway.testing import shipped_policy

AUDIENCE = "clearway"
OIDC, SPIFFE = "https://idp.example", "spiffe://prod.example"


@dataclass(frozen=True)
class FakeIssuer:
    """Signs tokens.

    Attributes:
        key: Its private key.
        algorithm: What it signs with.
        kid: Id of the key.
        name: Its `iss`, or None where its tokens have none.
    """

    key: Any = field(default_factory=lambda: rsa.generate_private_key(65_537, 2048))
    algorithm: str = "RS256"
    kid: str = "k-1"
    name: str | None = OIDC

    def jwk(self, **changes: Any) -> dict[str, Any]:
        """Its public key, as published."""
        algorithm = jwt.get_algorithm_by_name(self.algorithm)
        public = algorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {**public, "kid": self.kid, "use": "sig", "alg": self.algorithm, **changes}

    def token(self, subject: str, *, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token that is good for five minutes; a claim of None is left out."""
        now = int(time.time())
        said = {"iss": self.name, "sub": subject, "aud": AUDIENCE, "exp": now + 300, "iat": now, **claims}
        kept = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(kept, self.key, self.algorithm, {"kid": self.kid, **(headers or {})})


def elliptic(kid: str = "k-1") -> FakeIssuer:
    """One that signs with ES256, which is quick to make."""
    return FakeIssuer(ec.generate_private_key(ec.SECP256R1()), "ES256", kid)


def edwards(kid: str = "k-1") -> FakeIssuer:
    """One that signs with Ed25519."""
    return FakeIssuer(ed25519.Ed25519PrivateKey.generate(), "EdDSA", kid)


def write_keys(path: Path, *keys: dict[str, Any]) -> None:
    """A JWK set."""
    path.write_text(json.dumps({"keys": list(keys)}), encoding="utf-8")


SECTIONS = """
  - {id: plain-gateway, owner: platform-team, speaks_for: [local-dev, support-bot]}
  - {id: old-gateway, owner: platform-team, speaks_for: [local-dev], expires_on: 2026-01-31}
staff:
  - {id: audit, owner: platform-team, roles: [auditor]}
  - {id: ops, owner: platform-team, roles: [operator]}
issuers:
  - id: idp
    issuer: https://idp.example
    audience: clearway
    algorithms: [RS256, ES256, EdDSA]
    keys_file: idp.json
    subjects:
      s-bot: support-bot
      s-code: code-assistant
      s-batch: research-batch
      s-ana: ana
      s-gate: plain-gateway
      s-audit: audit
      s-ops: ops
      s-old: old-gateway
  - id: mesh
    trust_domain: prod.example
    audience: clearway
    algorithms: [ES256]
    keys_file: mesh.json
    subjects: {spiffe://prod.example/ns/cs/sa/bot: support-bot}
"""


def policy_with(folder: Path, sections: str, **files: list[dict[str, Any]]) -> Policy:
    """The shipped policy, its callers file with further sections, and key sets beside it.

    Args:
        folder: Where to write.
        sections: Lines after the gateways' own.
        files: Keys by name of the set.
    """
    shipped = (data_folder() / "policy" / "callers.yaml").read_text(encoding="utf-8")
    (folder / "callers.yaml").write_text(shipped + sections, encoding="utf-8")
    for name, keys in files.items():
        write_keys(folder / f"{name}.json", *keys)
    return replace(shipped_policy(), callers=load_callers(folder / "callers.yaml"))
