"""Results of texts that were read before: a turn of a conversation costs only what is new in it.

No text is kept. A result stands under a keyed digest (BLAKE2b, RFC 7693) of who asks, which detector reads
and the text; the key is random and of this process, so that a digest says nothing outside it, and one caller
can neither find nor time what another has sent.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from clearway.assessment import Finding

MAX_ENTRIES: Final = 20_000
MAX_BYTES: Final = 16 * 1024 * 1024
# What an entry and a finding take in memory, measured on CPython 3.11 and rounded up.
ENTRY_BYTES: Final = 512
FINDING_BYTES: Final = 256


@dataclass(frozen=True, slots=True)
class Reading:
    """What was seen in one text.

    Attributes:
        findings: Sorted; their `part` is 0.
        notes: Codes of what could not be read.
    """

    findings: tuple[Finding, ...]
    notes: frozenset[str] = frozenset()

    @property
    def n_bytes(self) -> int:
        """About what it takes in memory."""
        return ENTRY_BYTES + FINDING_BYTES * len(self.findings)


class ReadingCache:
    """Readings by keyed digest; the least recently used go first. Safe to share between threads.

    Args:
        max_entries: Most readings kept.
        max_bytes: Most memory of all readings, about.
    """

    def __init__(self, *, max_entries: int = MAX_ENTRIES, max_bytes: int = MAX_BYTES) -> None:
        self._max_entries, self._max_bytes = max_entries, max_bytes
        self._key = secrets.token_bytes(blake2b.MAX_KEY_SIZE)
        self._readings: OrderedDict[bytes, Reading] = OrderedDict()
        self._n_bytes = 0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"ReadingCache(n_entries={len(self)}, n_bytes={self.n_bytes})"

    def __len__(self) -> int:
        return len(self._readings)

    @property
    def n_bytes(self) -> int:
        """About what the readings take in memory."""
        return self._n_bytes

    def digest(self, *fields: str) -> bytes:
        """Key of a reading: each field counts with its length, so that no two lists are one text."""
        state = blake2b(key=self._key, digest_size=32)
        for field in fields:
            encoded = field.encode("utf-8", "surrogatepass")
            state.update(len(encoded).to_bytes(8, "big"))
            state.update(encoded)
        return state.digest()

    def get(self, digest: bytes) -> Reading | None:
        """The reading under a digest, or None."""
        with self._lock:
            reading = self._readings.get(digest)
            if reading is not None:
                self._readings.move_to_end(digest)
            return reading

    def put(self, digest: bytes, reading: Reading) -> None:
        """Keep a reading; one that alone is over the bound is not kept."""
        if reading.n_bytes > self._max_bytes:
            return
        with self._lock:
            if digest in self._readings:
                return
            self._readings[digest] = reading
            self._n_bytes += reading.n_bytes
            while len(self._readings) > self._max_entries or self._n_bytes > self._max_bytes:
                _, oldest = self._readings.popitem(last=False)
                self._n_bytes -= oldest.n_bytes
