"""Key sets on the ledger: whose keys were believed from when, since they decide who a caller is."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from clearway.errors import ClearwayError
from clearway.ledger.store import Ledger
from clearway.record import format_time

KEY_SETS: Final = "key_sets"
RETRY_AFTER: Final = timedelta(minutes=1)

_log = logging.getLogger("clearway.serving")


class KeySetRecords:
    """Records the digests of the key sets when they are no longer those of the last record."""

    def __init__(self) -> None:
        self._recorded: Mapping[str, str] = {}
        self._next_try = datetime.min.replace(tzinfo=UTC)

    def record(self, ledger: Ledger, digests: Mapping[str, str], at: datetime) -> None:
        """Record them where they changed; what cannot be written is tried again in a minute.

        Args:
            ledger: Where to.
            digests: SHA-256 of each key set, by issuer.
            at: Now.
        """
        if digests == self._recorded or at < self._next_try:
            return
        try:
            last = ledger.latest(KEY_SETS)
            if last is None or last.record["key_sets"] != digests:
                ledger.append(KEY_SETS, {"time": format_time(at), "key_sets": dict(digests)})
            self._recorded = digests
        except ClearwayError as fault:
            _log.error("%s: %s", fault.code, fault)
            self._next_try = at + RETRY_AFTER
