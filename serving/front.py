"""The door of the service: who may come in, and the housekeeping that no request waits for."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from clearway.callers import Callers
from clearway.errors import UnauthenticatedError, UnknownCallerError
from clearway.router import Router
from serving.access import Access
from serving.authentication import Authenticator
from serving.key_set_records import KeySetRecords
from serving.key_sets import KeySets
from serving.rate_limit import RateLimit
from serving.refusals import Refusals

TICK_S: Final = 1.0

_log = logging.getLogger("clearway.serving")


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


class Front:
    """Lets identities in and counts those it does not.

    Args:
        current: The router in service; asked once a request, so that a request sees one version.
        token: The service's one token, or None.
        key_sets: Public keys of the issuers.
        rate_limit: Of assessments and dry runs.
        clock: Time for credentials; aware, UTC.

    Raises:
        ConfigurationError: A key set's file cannot be used.
    """

    def __init__(
        self,
        current: Callable[[], Router],
        token: str | None,
        *,
        key_sets: KeySets | None = None,
        rate_limit: RateLimit | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.current = current
        self.refusals = Refusals()
        self._token = token
        self._key_sets = key_sets or KeySets()
        self._key_set_records = KeySetRecords()
        self._rate_limit = rate_limit or RateLimit()
        self._clock = clock
        callers = current().policy.callers
        self._key_sets.load(callers, clock())
        self._known = callers, self._authenticator(callers)

    def admit(self, authorization: str, host: str) -> Access:
        """What the sender of a request with these headers may ask.

        Raises:
            UnauthenticatedError: Its credential is missing or not believed.
            UnknownCallerError: It, or a link of its chain, has expired or has no owner.
        """
        router, at = self.current(), self._clock()
        known, authenticator = self._known
        if known is not router.policy.callers:
            authenticator = self._authenticator(router.policy.callers)
            self._known = router.policy.callers, authenticator
        try:
            asker = authenticator.authenticate(authorization, host, at)
        except UnauthenticatedError as fault:
            self.refusals.count(fault.reason, at)
            raise
        except UnknownCallerError as fault:
            self.refusals.count(fault.code, at)
            raise
        return Access(router, asker, self._rate_limit, at)

    def tick(self, *, is_last: bool = False) -> None:
        """Refresh key sets that are due; put on the ledger those that changed, and counts that are due."""
        router, at = self.current(), self._clock()
        if not is_last:
            self._key_sets.refresh(router.policy.callers, at)
            digests = self._key_sets.digests(router.policy.callers)
            self._key_set_records.record(router.ledger, digests, at)
        self.refusals.record(router.ledger, at, is_last=is_last)

    @asynccontextmanager
    async def lifespan(self, _: object) -> AsyncIterator[None]:
        """Tick in a thread for as long as the service runs."""
        stop = threading.Event()
        thread = threading.Thread(target=self._run, args=(stop,), name="clearway-front", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(TICK_S)
            self.tick(is_last=True)

    def _run(self, stop: threading.Event) -> None:
        is_stopped = False
        while not is_stopped:
            try:
                self.tick()
            except Exception as fault:  # noqa: BLE001  # housekeeping goes on; its text may tell too much
                _log.error("housekeeping: unexpected %s", type(fault).__name__)
            is_stopped = stop.wait(TICK_S)

    def _authenticator(self, callers: Callers) -> Authenticator:
        return Authenticator(callers, self._key_sets, self._token)
