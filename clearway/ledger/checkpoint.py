"""Checkpoints: the signed size and root of the ledger (C2SP tlog-checkpoint over C2SP signed-note, Ed25519).

A note is text, an empty line, and signature lines. Nothing here reads a clock or a file.
Not done: several log keys at once, and witness cosignatures; their lines are ignored, as the
specification asks of unknown keys.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from clearway.errors import LedgerError

ED25519: Final = b"\x01"
MAX_NOTE_CHARACTERS: Final = 100_000
_KEY_NAME = re.compile(r"[^\s+]+")
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_DASH: Final = "\N{EM DASH} "


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: who says to have signed, and the signature."""

    name: str
    key_id: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note. Its text means nothing until a `Verifier` accepts it."""

    text: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class Verifier:
    """A log's public key and name.

    Attributes:
        name: Key name; for checkpoints also the origin of the log.
        public_key: 32 bytes (RFC 8032).
    """

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """First four bytes of SHA-256 over name, newline, signature type and key (signed-note)."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public_key).digest()[:4]

    def __str__(self) -> str:
        """The key as text, `name+id+key`: what `parse` reads."""
        return f"{self.name}+{self.key_id.hex()}+{_encode(ED25519 + self.public_key)}"

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """Verifier from its text form.

        Raises:
            LedgerError: Malformed, another algorithm, or an id that is not this key's.
        """
        name, _, rest = text.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        key = _decode(encoded)
        if not _KEY_NAME.fullmatch(name) or key is None or len(key) != 33 or key[:1] != ED25519:
            raise LedgerError("public key: expected name+id+key with an Ed25519 key, got another form")
        verifier = cls(name, key[1:])
        if verifier.key_id.hex() != key_id:
            raise LedgerError("public key: expected the id of this name and key, got another id")
        return verifier

    def accepts(self, note: Note) -> bool:
        """Whether this key signed the text: each signature under its name and id must be right."""
        mine = [s.value for s in note.signatures if (s.name, s.key_id) == (self.name, self.key_id)]
        return bool(mine) and all(self._is_valid(value, note.text.encode()) for value in mine)

    def _is_valid(self, signature: bytes, text: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """A log's private key and name; `repr` shows the name only."""

    name: str
    private_key: Ed25519PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        if not _KEY_NAME.fullmatch(self.name):
            raise LedgerError("key name: expected text without spaces and plus signs")

    @classmethod
    def generate(cls, name: str) -> Signer:
        """A new key from the system's randomness."""
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def parse(cls, text: str) -> Signer:
        """Signer from its private text form, `PRIVATE+KEY+name+id+seed` (as Go's sumdb/note writes it).

        Raises:
            LedgerError: Malformed. The text of the error never carries the key.
        """
        parts = text.strip().split("+", 4)
        seed = _decode(parts[4]) if len(parts) == 5 and parts[:2] == ["PRIVATE", "KEY"] else None
        if seed is None or len(seed) != 33 or seed[:1] != ED25519:
            raise LedgerError("private key: expected PRIVATE+KEY+name+id+seed, got another form")
        signer = cls(parts[2], Ed25519PrivateKey.from_private_bytes(seed[1:]))
        if signer.verifier.key_id.hex() != parts[3]:
            raise LedgerError("private key: expected the id of this name and key, got another id")
        return signer

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        return Verifier(self.name, self.private_key.public_key().public_bytes_raw())

    def private_text(self) -> str:
        """The secret as text: what `parse` reads. For key files only."""
        seed = _encode(ED25519 + self.private_key.private_bytes_raw())
        return f"PRIVATE+KEY+{self.name}+{self.verifier.key_id.hex()}+{seed}"

    def sign(self, text: str) -> str:
        """The note over a text.

        Raises:
            LedgerError: The text is empty, does not end in a newline, or has control characters.
        """
        if not text.endswith("\n") or _CONTROL.search(text):
            raise LedgerError("note: expected lines of text, each ended by a newline")
        signature = self.verifier.key_id + self.private_key.sign(text.encode())
        return f"{text}\n{_DASH}{self.name} {_encode(signature)}\n"


def parse_note(text: str) -> Note:
    """Note from its text form.

    Raises:
        LedgerError: Not in the form of the signed-note specification.
    """
    # The last empty line divides text and signatures; the text keeps its final newline.
    body, divider, signatures = text.rpartition("\n\n")
    if len(text) > MAX_NOTE_CHARACTERS or _CONTROL.search(text):
        raise LedgerError(
            f"note: expected at most {MAX_NOTE_CHARACTERS} characters and no control characters"
        )
    if not divider or not signatures.endswith("\n"):
        raise LedgerError("note: expected text, an empty line, and signature lines")
    lines = signatures[:-1].split("\n")
    return Note(body + "\n", tuple(_parse_signature(line) for line in lines))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log said of itself: at this size it had this root.

    Attributes:
        origin: Name of the log.
        size: Number of entries.
        root: 32 bytes.
        note: Text and signatures it came with.
    """

    origin: str
    size: int
    root: bytes
    note: Note = field(repr=False)

    def is_signed_by(self, verifier: Verifier) -> bool:
        """Whether it speaks for the verifier's log and carries its signature."""
        return self.origin == verifier.name and verifier.accepts(self.note)


def sign_checkpoint(signer: Signer, size: int, root: bytes) -> str:
    """Signed note that says: this log has `size` entries and this root."""
    return signer.sign(f"{signer.name}\n{size}\n{_encode(root)}\n")


def parse_checkpoint(text: str) -> Checkpoint:
    """Checkpoint from its note. The signature is *not* checked here: ask `is_signed_by`.

    Raises:
        LedgerError: Not a note, or its text is not a checkpoint.
    """
    note = parse_note(text)
    lines = note.text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise LedgerError("checkpoint: expected at least three lines (origin, size, root), none empty")
    if not _SIZE.fullmatch(lines[1]):
        raise LedgerError("checkpoint: expected a size in decimal digits without leading zeros")
    root = _decode(lines[2])
    if root is None or len(root) != 32:
        raise LedgerError("checkpoint: expected a root of 32 bytes in base64")
    return Checkpoint(lines[0], int(lines[1]), root, note)


def _parse_signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    signature = _decode(encoded)
    if not line.startswith(_DASH) or not _KEY_NAME.fullmatch(name) or not signature or len(signature) < 5:
        raise LedgerError("note: expected a signature line of dash, key name and base64, got another form")
    return Signature(name, signature[:4], signature[4:])


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _decode(text: str) -> bytes | None:
    """Bytes of standard base64 in its one canonical spelling, else None."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if _encode(data) == text else None
