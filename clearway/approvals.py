"""Approvals: a person's key signs what is approved, and another person asked for it.

The persons and their public keys stand in `approvers.yaml` of the policy folder. What is signed is the
canonical JSON of a statement: who, what by its digests, why, when. The statement and its signature stand in
the ledger record, so that anybody can check them later without this installation.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import Field, StrictStr

from clearway.errors import ApprovalError, LedgerError
from clearway.ledger.canonical import canonical_json
from clearway.ledger.checkpoint import Signer, Verifier
from clearway.ledger.keys import load_signer
from clearway.record import format_time
from clearway.strict_yaml import Strict, YamlFile

FILE: Final = "approvers.yaml"
STATEMENT: Final = "clearway.approval/1"
MAX_REASON_CHARACTERS: Final = 2_000
Act = Literal["request", "approve"]
Person = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$")]


class _Approver(Strict):
    id: Person
    public_key: StrictStr


class _ApproversFile(Strict):
    approvals: Literal["recorded", "required"]
    approvers: list[_Approver]


@dataclass(frozen=True, slots=True)
class Approvers:
    """Who may approve, and whether anything goes into service without it.

    Attributes:
        required: Whether a policy or a register without a valid approval is refused.
        keys: Public key of each person, by name.
    """

    required: bool
    keys: Mapping[str, Verifier]

    @property
    def digest(self) -> str:
        """SHA-256 over what it says."""
        return hashlib.sha256(canonical_json(self._content())).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """As in load records: public keys are for everybody to check with."""
        return {"digest": self.digest, **self._content()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Approvers:
        """The inverse of `as_json`."""
        keys = {name: Verifier.parse(text) for name, text in value["keys"].items()}
        return cls(value["approvals"] == "required", keys)

    def _content(self) -> dict[str, Any]:
        mode = "required" if self.required else "recorded"
        return {"approvals": mode, "keys": {name: str(key) for name, key in sorted(self.keys.items())}}


@dataclass(frozen=True, slots=True)
class Statement:
    """What a person signs.

    Attributes:
        act: Asking for a change, or approving it.
        kind: What sort of thing: `policy`, `register`, `review`, `exception`, `promotion` or
            `sensitivity_promotion`.
        subject: The thing itself, by its digests and ids.
        person: Who signs.
        requester: Who asked for it; of a request the person itself.
        reason: Why.
        time: When, as in records.
    """

    act: Act
    kind: str
    subject: Mapping[str, Any]
    person: str
    requester: str
    reason: str
    time: str

    def as_json(self) -> dict[str, Any]:
        """The payload: what is signed, in canonical form."""
        return {"statement": STATEMENT, **{name: getattr(self, name) for name in self.__slots__}}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Statement:
        """The inverse of `as_json`.

        Raises:
            ApprovalError: It is no statement of this form.
        """
        if value.get("statement") != STATEMENT or set(value) != {"statement", *cls.__slots__}:
            raise ApprovalError(f"approval: expected a statement of the form {STATEMENT}, got another one")
        return cls(**{name: value[name] for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement with its signature.

    Attributes:
        statement: What was signed.
        public_key: Key that it was signed with, as text; proves nothing until it is registered.
        signature: Base64 of 64 bytes.
    """

    statement: Statement
    public_key: str
    signature: str

    def as_json(self) -> dict[str, Any]:
        """As in records."""
        return {
            "statement": self.statement.as_json(),
            "public_key": self.public_key,
            "signature": self.signature,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Signed:
        """The inverse of `as_json`.

        Raises:
            ApprovalError: It is no signed statement.
        """
        try:
            return cls(
                Statement.from_json(value["statement"]), str(value["public_key"]), str(value["signature"])
            )
        except (KeyError, TypeError, AttributeError):
            raise ApprovalError("approval: expected statement, public_key and signature") from None


def load_approvers(folder: Path) -> Approvers:
    """Approvers of a policy folder; a folder without the file has none, and requires none.

    Raises:
        ApprovalError: The file does not parse, has a person or a key twice, or requires what nobody can give.
    """
    path = folder / FILE
    if not path.exists():
        return Approvers(required=False, keys={})
    file = YamlFile(path, ApprovalError)
    parsed = file.parse(_ApproversFile)
    keys: dict[str, Verifier] = {}
    for index, entry in enumerate(parsed.approvers):
        place = ("approvers", index)
        key = _public_key(file, index, entry)
        if entry.id.casefold() in {name.casefold() for name in keys}:
            raise file.fault((*place, "id"), f"{entry.id}: duplicate id; rename or remove one")
        if key.public_key in {other.public_key for other in keys.values()}:
            raise file.fault((*place, "public_key"), "public_key: another person's; each has an own one")
        keys[entry.id] = key
    if parsed.approvals == "required" and len(keys) < 2:
        raise file.fault(
            ("approvals",), f"approvals: required needs at least 2 approvers, got {len(keys)}; add one"
        )
    return Approvers(parsed.approvals == "required", keys)


def load_key(path: Path) -> Signer:
    """A person's private key.

    Raises:
        ApprovalError: The file holds none.
        ConfigurationError: Others can read it.
        LedgerUnavailableError: It cannot be read.
    """
    try:
        return load_signer(path)
    except LedgerError:
        raise ApprovalError(
            f"{path}: holds no private key; name the file that clearway approver key create made"
        ) from None


def sign(payload: Mapping[str, Any], signer: Signer) -> str:
    """Base64 Ed25519 signature over the canonical JSON of a payload."""
    return base64.b64encode(signer.private_key.sign(canonical_json(payload))).decode("ascii")


def verify(payload: Mapping[str, Any], signature: str, verifier: Verifier) -> bool:
    """Whether this key signed the canonical JSON of a payload."""
    try:
        value = base64.b64decode(signature, validate=True)
        Ed25519PublicKey.from_public_bytes(verifier.public_key).verify(value, canonical_json(payload))
    except (binascii.Error, ValueError, InvalidSignature, LedgerError):
        return False
    return True


def request_approval(
    kind: str, subject: Mapping[str, Any], *, reason: str, signer: Signer, approvers: Approvers, at: datetime
) -> Signed:
    """A registered person asks for a change.

    Raises:
        ApprovalError: The key is not a registered person's, or the reason is none.
    """
    statement = Statement(
        "request", kind, subject, signer.name, signer.name, _reason(reason), format_time(at)
    )
    return _signed(statement, signer, approvers)


def approve(
    kind: str,
    subject: Mapping[str, Any],
    *,
    requester: str,
    reason: str,
    signer: Signer,
    approvers: Approvers,
    at: datetime,
) -> Signed:
    """A registered person approves what another one asked for.

    Args:
        kind: `policy`, `register`, `review`, `exception`, `promotion` or `sensitivity_promotion`.
        subject: What is approved, by its digests and ids; whole numbers and texts only.
        requester: Who asked for it.
        reason: Why.
        signer: The approver's private key; its name is the approver's.
        approvers: Who may approve.
        at: Aware.

    Raises:
        ApprovalError: The key is not a registered person's, approver and requester are one, or the reason
            is none.
    """
    statement = Statement("approve", kind, subject, signer.name, requester, _reason(reason), format_time(at))
    return _signed(statement, signer, approvers)


def check_signed(signed: Signed, approvers: Approvers) -> None:
    """Whether a statement holds: signed by a registered key, and approved by another than who asked.

    Raises:
        ApprovalError: It does not; the text says why.
    """
    statement = signed.statement
    key = approvers.keys.get(statement.person)
    if key is None or str(key) != signed.public_key:
        raise ApprovalError(
            f"approval: {statement.person}: not registered with this key; add it to {FILE} of the policy"
        )
    if not verify(statement.as_json(), signed.signature, key):
        raise ApprovalError(f"approval: {statement.person}: the signature is not over this statement")
    if statement.act == "approve" and statement.person.casefold() == statement.requester.strip().casefold():
        raise ApprovalError(
            f"approval: {statement.person} asked for it; expected another person to approve it"
        )


def _signed(statement: Statement, signer: Signer, approvers: Approvers) -> Signed:
    signed = Signed(statement, str(signer.verifier), sign(statement.as_json(), signer))
    check_signed(signed, approvers)
    return signed


def _reason(text: str) -> str:
    stripped = text.strip()
    if not 0 < len(stripped) <= MAX_REASON_CHARACTERS or not stripped.isprintable():
        raise ApprovalError(f"reason: expected 1 to {MAX_REASON_CHARACTERS} printable characters on one line")
    return stripped


def _public_key(file: YamlFile, index: int, entry: _Approver) -> Verifier:
    place = ("approvers", index, "public_key")
    try:
        key = Verifier.parse(entry.public_key)
    except LedgerError:
        raise file.fault(
            place, "public_key: expected what clearway approver key create printed; copy it whole"
        ) from None
    if key.name != entry.id:
        raise file.fault(place, f"public_key: expected a key of {entry.id}, got another name's; correct one")
    return key
