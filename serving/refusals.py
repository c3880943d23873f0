"""Refused authentications: counted by reason, recorded together, so that no stranger can fill the ledger."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from clearway.errors import ClearwayError
from clearway.ledger.store import Ledger
from clearway.record import format_time

REFUSED: Final = "authentication_refused"
RECORD_EVERY: Final = timedelta(minutes=1)

_log = logging.getLogger("clearway.serving")


class Refusals:
    """What was refused since the last record of it. Reasons come from a fixed list, so this stays small."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._since: datetime | None = None
        self._lock = threading.Lock()

    @property
    def counts(self) -> Mapping[str, int]:
        """Refused since the last record, by reason."""
        with self._lock:
            return dict(self._counts)

    def count(self, reason: str, at: datetime) -> None:
        """One more, for that reason."""
        with self._lock:
            self._counts[reason] += 1
            self._since = self._since or at

    def record(self, ledger: Ledger, at: datetime, *, is_last: bool = False) -> None:
        """Put the counts on the ledger, at most once a minute; what cannot be written is kept for later.

        Args:
            ledger: Where to.
            at: Now.
            is_last: Whether the service stops: then what there is is written early.
        """
        with self._lock:
            if self._since is None or (at - self._since < RECORD_EVERY and not is_last):
                return
            counts, since = self._counts, self._since
            self._counts, self._since = Counter(), None
        record = {"time": format_time(at), "since": format_time(since), "refused": dict(counts)}
        try:
            ledger.append(REFUSED, record)
        except ClearwayError as fault:
            _log.error("%s: %s", fault.code, fault)
            with self._lock:
                self._counts.update(counts)
                self._since = at  # the next try in a minute
