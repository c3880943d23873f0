"""Static keys: made here, shown once, kept as a digest only."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

# Tells people and secret scanners what it is.
PREFIX: Final = "cwk_"


def make_key() -> str:
    """A new key of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def key_digest(key: str) -> str:
    """Hex SHA-256 of a key.

    >>> key_digest("cwk_example")[:8]
    '3dcc4f52'
    """
    return hashlib.sha256(key.encode()).hexdigest()
