"""Public keys of the issuers: read and refreshed in the background, never while a request waits.

An issuer that publishes a set without a usable key, or whose file is gone, is believed no more. Any other
fault leaves the keys that are there, for an hour: after that the set is too old to be believed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK, PyJWTError

from clearway.callers import Callers
from clearway.errors import ConfigurationError
from clearway.identities import Issuer

REFRESH_EVERY: Final = timedelta(minutes=5)
MAX_AGE: Final = timedelta(hours=1)
MAX_SET_BYTES: Final = 1024 * 1024
MIN_RSA_BITS: Final = 2048
FETCH_TIMEOUT_S: Final = 5.0
# What a key must be for an algorithm (RFC 7518, section 6; RFC 8037): a key of another kind verifies nothing.
_KINDS: Final[Mapping[str, tuple[str, str | None]]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
_SIGNING: Final = frozenset({None, "sig", "jwt-svid"})
Keys = Mapping[str, Mapping[str, PyJWK]]
Fetch = Callable[[str], bytes]

_log = logging.getLogger("clearway.serving")


class _WithdrawnError(ConfigurationError):
    """The issuer has no key any more that may be used: those it had before are not believed either."""


class KeySets:
    """The key set of each issuer.

    Args:
        fetch: Content at an address; HTTPS by default.
    """

    def __init__(self, fetch: Fetch | None = None) -> None:
        self._fetch = fetch or fetch_url
        self._sets: dict[str, tuple[Keys, datetime, str]] = {}
        self._tried: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def find(self, issuer: Issuer, kid: str, at: datetime) -> Mapping[str, PyJWK]:
        """The issuer's key of that id, by algorithm; nothing for an unknown one. Reads memory only."""
        keys, read_at, _ = self._sets.get(issuer.source_key, ({}, at, ""))
        return keys.get(kid, {}) if at - read_at <= MAX_AGE else {}

    def load(self, callers: Callers, at: datetime) -> None:
        """Read every key set for the first time; an address that does not answer is asked again later.

        Raises:
            ConfigurationError: A key set's file cannot be used.
        """
        for issuer in callers.issuers:
            self._tried[issuer.source_key] = at
            try:
                self._read(issuer, callers.folder, at)
            except ConfigurationError as fault:
                if issuer.keys_file is not None:
                    raise
                _log.error("%s: %s", fault.code, fault)

    def refresh(self, callers: Callers, at: datetime) -> None:
        """Read again every key set that is due; a fault is logged, and leaves keys that are not withdrawn."""
        for issuer in callers.issuers:
            tried = self._tried.get(issuer.source_key)
            if tried is not None and at - tried < REFRESH_EVERY:
                continue
            self._tried[issuer.source_key] = at
            try:
                self._read(issuer, callers.folder, at)
            except ConfigurationError as fault:
                _log.error("%s: %s", fault.code, fault)

    def digests(self, callers: Callers) -> dict[str, str]:
        """SHA-256 of each issuer's key set as it was read, by issuer."""
        known = {issuer.id: self._sets.get(issuer.source_key) for issuer in callers.issuers}
        return {name: found[2] for name, found in known.items() if found}

    def _read(self, issuer: Issuer, folder: Path, at: datetime) -> None:
        try:
            content = self._content(issuer, folder)
            keys = parse_keys(issuer, content)
        except _WithdrawnError:
            with self._lock:
                self._sets.pop(issuer.source_key, None)
            raise
        with self._lock:
            self._sets[issuer.source_key] = (keys, at, hashlib.sha256(content).hexdigest())

    def _content(self, issuer: Issuer, folder: Path) -> bytes:
        if issuer.keys_file:
            return _read_file(issuer, folder / issuer.keys_file)
        return self._fetched(issuer, str(issuer.keys_url))

    def _fetched(self, issuer: Issuer, url: str) -> bytes:
        try:
            return self._fetch(url)
        except (OSError, ValueError) as fault:
            raise ConfigurationError(
                f"issuer {issuer.id}: key set cannot be fetched ({type(fault).__name__}); check keys_url"
            ) from None


def parse_keys(issuer: Issuer, content: bytes) -> Keys:
    """Usable keys of a JWK set (RFC 7517), by id and algorithm; what does not fit the issuer is left out.

    Raises:
        ConfigurationError: It is no JWK set, has a key id twice, a secret key, or no usable key.
    """
    try:
        entries = json.loads(content)["keys"]
        found = [(entry["kid"], entry) for entry in entries if isinstance(entry.get("kid"), str)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _unusable(issuer, "expected a JWK set, got something else") from None
    if len({kid for kid, _ in found}) < len(found):
        raise _unusable(issuer, "a key id stands twice; keep one", _WithdrawnError)
    if any("d" in entry or "k" in entry for entry in entries):
        raise _unusable(
            issuer, "it holds a secret key; publish public keys only, and replace that one", _WithdrawnError
        )
    keys = {kid: usable for kid, entry in found if (usable := _usable(issuer.algorithms, entry))}
    if not keys:
        raise _unusable(issuer, "no key of it has an id and fits the issuer's algorithms", _WithdrawnError)
    return keys


def fetch_url(url: str) -> bytes:
    """Content at an address: no redirect is followed, and only so much read.

    Plain HTTP is for loopback, and asks no proxy: it could answer with keys of its own.

    Raises:
        OSError: No answer in time, or none that is good.
        ValueError: The answer is too large.
    """
    is_plain = urlsplit(url).scheme == "http"
    proxy = urllib.request.ProxyHandler({} if is_plain else None)  # None: as the environment says
    opener = urllib.request.build_opener(_NoRedirect, proxy)
    with opener.open(url, timeout=FETCH_TIMEOUT_S) as answer:
        content: bytes = answer.read(MAX_SET_BYTES + 1)
    if len(content) > MAX_SET_BYTES:
        raise ValueError("key set: too large")
    return content


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Nowhere: the address is the operator's, not the answer's."""


def _usable(algorithms: Iterable[str], entry: Mapping[str, Any]) -> dict[str, PyJWK]:
    """The key as each of the algorithms would use it."""
    usable: dict[str, PyJWK] = {}
    if entry.get("use") not in _SIGNING:
        return usable
    for algorithm in algorithms:
        kind = (entry.get("kty"), entry.get("crv") if entry.get("kty") != "RSA" else None)
        if kind != _KINDS[algorithm] or entry.get("alg", algorithm) != algorithm:
            continue
        try:
            key = PyJWK(dict(entry), algorithm)
        except (PyJWTError, ValueError, TypeError):  # what the library says of a broken key
            continue
        if not isinstance(key.key, RSAPublicKey) or key.key.key_size >= MIN_RSA_BITS:
            usable[algorithm] = key
    return usable


def _read_file(issuer: Issuer, path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as fault:
        is_gone = isinstance(fault, (FileNotFoundError, NotADirectoryError))
        kind = _WithdrawnError if is_gone else ConfigurationError
        raise _unusable(issuer, f"cannot be read ({fault.strerror}); restore the file", kind) from None
    if len(content) > MAX_SET_BYTES:
        raise _unusable(issuer, f"expected at most {MAX_SET_BYTES} bytes, got {len(content)}")
    return content


def _unusable(
    issuer: Issuer, text: str, kind: type[ConfigurationError] = ConfigurationError
) -> ConfigurationError:
    return kind(f"issuer {issuer.id}: key set: {text}")
