"""One router in service at a time, replaced whole when its files change; a bad version replaces nothing.

Who decides takes `LiveRouter.current` once per request, so that a request sees one version of everything. A
version that does not load, or that nobody approved where that is required, leaves the old one serving: the
fault is in the log, on the ledger once for each version, and in `fault` for whoever watches the service.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from clearway.errors import ClearwayError, ConfigurationError, LedgerError, LedgerUnavailableError
from clearway.installation import (
    PROMOTION,
    Settings,
    build_router,
    open_router,
    operator,
    read_versions,
)
from clearway.ledger.store import Ledger
from clearway.load_records import APPROVAL, LOAD_FAILED, Versions, stamp_of
from clearway.record import format_time
from clearway.router import Router

POLL_S: Final = 5.0
TICK_S: Final = 0.2
MAX_READS: Final = 3
_FILES: Final = ("*.cedar", "*.cedarschema", "*.yaml")

_log = logging.getLogger("clearway.reload")


@dataclass(frozen=True, slots=True)
class ReloadFault:
    """Why the files are not in service.

    Attributes:
        code: Of the error.
        sources_sha256: Digest of the files that were tried.
        at: When they were tried last.
        n_failures: Failures since the service started.
    """

    code: str
    sources_sha256: str
    at: datetime
    n_failures: int

    def as_json(self) -> dict[str, Any]:
        """JSON form, for anybody: the text of the error is in the log and on the ledger only."""
        return {
            "status": "failed",
            "code": self.code,
            "sources_sha256": self.sources_sha256,
            "time": format_time(self.at),
            "n_failures": self.n_failures,
        }


class LiveRouter:
    """Holds the router in service.

    Args:
        router: The first one.
        fingerprint: Digest of the files as they are now.
        load: Makes the next router of what the files say now, and records that it goes into service.
    """

    def __init__(
        self, router: Router, fingerprint: Callable[[], str], load: Callable[[Router], Router]
    ) -> None:
        self.fault: ReloadFault | None = None
        self._current = router
        self._fingerprint = fingerprint
        self._load = load
        self._tried: tuple[str, ...] = (fingerprint(), *_trust(router.ledger))
        self._unrecorded: dict[str, Any] | None = None
        self._n_failures = 0
        self._is_asked = False
        self._lock = threading.Lock()

    @property
    def current(self) -> Router:
        """The router in service; take it once per request."""
        return self._current

    def __call__(self) -> Router:
        """The same as `current`."""
        return self._current

    def ask(self) -> None:
        """Have the watching thread reload at once; a signal handler may call this: it takes no lock."""
        self._is_asked = True

    def poll(self) -> bool:
        """Reload if files, approvals or promotions changed since the last try; whether it was replaced."""
        self._record_fault()
        ledger = self._current.ledger
        if (self._fingerprint(), *_trust(ledger)) == self._tried:
            return False
        return self.reload()

    def reload(self) -> bool:
        """Put what the files say now into service; whether that was done."""
        with self._lock:
            sources = self._fingerprint()
            tried = (sources, *_trust(self._current.ledger))
            try:
                self._current = self._load(self._current)
            except LedgerUnavailableError as fault:  # the files may be right: try again
                self._fail(sources, fault.code, str(fault))
                return False
            except ClearwayError as fault:
                self._fail(sources, fault.code, str(fault))
            except Exception as fault:  # noqa: BLE001  # whatever it is, the old version serves on
                self._fail(sources, "internal_error", f"unexpected {type(fault).__name__}")
            else:
                self.fault = None
            self._tried = tried
            return self.fault is None

    @contextmanager
    def watch(self, poll_s: float = POLL_S) -> Iterator[None]:
        """Poll in a thread, and reload when asked to."""
        stop = threading.Event()
        thread = threading.Thread(
            target=self._watch, args=(stop, poll_s), name="clearway-reload", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(POLL_S)

    def _watch(self, stop: threading.Event, poll_s: float) -> None:
        last = time.monotonic()
        while not stop.wait(min(TICK_S, poll_s)):
            is_asked, self._is_asked = self._is_asked, False
            if not is_asked and time.monotonic() - last < poll_s:
                continue
            last = time.monotonic()
            try:
                self.reload() if is_asked else self.poll()
            except Exception as fault:  # noqa: BLE001  # such as a ledger that cannot be read: look again later
                _log.error("reload: unexpected %s", type(fault).__name__)

    def _fail(self, sources: str, code: str, text: str) -> None:
        self._n_failures += 1
        at = datetime.now(UTC)
        self.fault = ReloadFault(code, sources, at, self._n_failures)
        _log.error("clearway_reload_failures=%d code=%s: %s", self._n_failures, code, text)
        fault = {"code": code, "text": text}
        self._unrecorded = {**stamp_of(at, operator()), "sources": {"sha256": sources}, "fault": fault}
        self._record_fault()

    def _record_fault(self) -> None:
        """Put the fault on the ledger, once for each version of the files."""
        record, ledger = self._unrecorded, self._current.ledger
        if record is None:
            return
        try:
            known = [entry.record["sources"] for entry in ledger.entries(kind=LOAD_FAILED)]
            if record["sources"] not in known:
                ledger.append(LOAD_FAILED, record)
            self._unrecorded = None
        except (LedgerError, LedgerUnavailableError) as fault:  # the next poll tries again
            _log.error("load_failed not recorded: %s", fault.code)


def open_live(settings: Settings, check: Callable[[Versions], None] = lambda _: None) -> LiveRouter:
    """The router of an installation, to be replaced when its files change.

    Args:
        settings: Where everything lies.
        check: What else must hold of a version that replaces another; raises ConfigurationError.

    Raises:
        ConfigurationError: The first version does not load: there is no old one to go on with.
        LedgerUnavailableError: The ledger cannot be opened or written.
    """

    def load(current: Router) -> Router:
        versions = _read_whole(settings)
        check(versions)
        return build_router(settings, versions, current.ledger, current.sensitivity)

    before = fingerprint(settings)
    live = LiveRouter(open_router(settings, is_service=True), lambda: fingerprint(settings), load)
    if fingerprint(settings) != before:
        live.ask()  # edited while it was read the first time
    return live


def fingerprint(settings: Settings) -> str:
    """SHA-256 over the files of policy and register, and over size and time of the bundle's."""
    digest = hashlib.sha256()
    for folder in (settings.policy, settings.register):
        for path in sorted(path for pattern in _FILES for path in folder.glob(pattern)):
            _add(digest, str(path.relative_to(folder)), _content(path))
    for path in sorted(settings.bundle.glob("*")):
        _add(digest, path.name, _stamp(path))
    return digest.hexdigest()


def _read_whole(settings: Settings) -> Versions:
    """Policy and register, both read while nobody changed them."""
    for _ in range(MAX_READS):
        before = fingerprint(settings)
        versions = read_versions(settings)
        if fingerprint(settings) == before:
            return versions
    raise ConfigurationError(
        "policy, register: changed while they were read; edit a copy and swap the folder"
    )


def _trust(ledger: Ledger) -> tuple[str, ...]:
    """The newest approval and promotion: what was refused for want of one may load after it."""
    entries = (ledger.latest(kind) for kind in (APPROVAL, PROMOTION))
    return tuple(str(entry.index) if entry else "" for entry in entries)


def _add(digest: Any, name: str, content: bytes) -> None:
    for part in (name.encode("utf-8", "surrogateescape"), content):
        digest.update(len(part).to_bytes(8, "big") + part)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:  # loading will say what is wrong with it
        return type(fault).__name__.encode()


def _stamp(path: Path) -> bytes:
    try:
        found = path.stat()
    except OSError as fault:
        return type(fault).__name__.encode()
    return f"{found.st_size} {found.st_mtime_ns}".encode()
