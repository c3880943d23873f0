"""Secrets in files: the signing key of the ledger and the key of its erasable index."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from clearway.errors import ConfigurationError, LedgerError, LedgerUnavailableError
from clearway.ledger.checkpoint import Signer

INDEX_KEY_BYTES: Final = 32


def create_signer(path: Path, name: str) -> Signer:
    """The signing key in this file, made now unless it exists; an existing key keeps its own name."""
    return _parse_signer(path, _read_or_write(path, Signer.generate(name).private_text))


def load_signer(path: Path) -> Signer:
    """The signing key in this file.

    Raises:
        ConfigurationError: The file is readable by others.
        LedgerError: It is missing or holds no such key.
        LedgerUnavailableError: It cannot be read.
    """
    return _parse_signer(path, _read(path))


def create_index_key(path: Path) -> bytes:
    """The index key in this file, made now unless it exists."""
    return _parse_index_key(path, _read_or_write(path, lambda: secrets.token_hex(INDEX_KEY_BYTES)))


def load_index_key(path: Path) -> bytes:
    """The index key in this file; errors as for `load_signer`."""
    return _parse_index_key(path, _read(path))


def keyed_digest(key: bytes, texts: tuple[str, ...]) -> bytes:
    """HMAC-SHA256 of the texts, each preceded by its length, so that no two lists look the same."""
    digest = hmac.new(key, digestmod=hashlib.sha256)
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.digest()


def _parse_signer(path: Path, text: str) -> Signer:
    try:
        return Signer.parse(text)
    except LedgerError as error:
        raise LedgerError(f"{path}: holds no ledger key; restore it from your backup") from error


def _parse_index_key(path: Path, text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != INDEX_KEY_BYTES:
        raise LedgerError(f"{path}: holds no index key; restore it from your backup")
    return key


def _read_or_write(path: Path, make: Callable[[], str]) -> str:
    """Text of the file; made first where there is none. Of two processes at once, both read the winner's."""
    if not path.exists():
        try:
            _write_once(path, make() + "\n")
        except OSError as error:
            raise LedgerUnavailableError(
                f"{path}: cannot be written; make its folder writable for this user"
            ) from error
    return _read(path)


def _write_once(path: Path, text: str) -> None:
    """Durable file of mode 0600 that appears whole or not at all, and never replaces another."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        sync_folder(path.parent)
    finally:
        draft.unlink()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the platform can (Windows cannot open a folder)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> str:
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            mode = os.fstat(file.fileno()).st_mode
            if os.name == "posix" and mode & 0o077:
                raise ConfigurationError(
                    f"{path}: expected a key that only its owner can read, got mode {mode & 0o777:04o}; "
                    f"run: chmod 600 {path}"
                )
            return file.read().strip()
    except FileNotFoundError as error:
        raise LedgerError(
            f"{path}: missing, but the ledger is there; restore the key from your backup"
        ) from error
    except OSError as error:
        raise LedgerUnavailableError(f"{path}: cannot be read; make it readable for this user") from error
