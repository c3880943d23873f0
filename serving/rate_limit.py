"""How often one identity may ask what costs the detector but leaves no decision."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Final

from clearway.errors import RateLimitedError

TRIES_PER_MINUTE: Final = 600
_MINUTE_S: Final = 60.0


class RateLimit:
    """A bucket for each identity: full at first, it refills evenly over a minute.

    Args:
        per_minute: Size of the bucket, at least 1.
        clock: Seconds that never go back.
    """

    def __init__(
        self, per_minute: int = TRIES_PER_MINUTE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._size = float(per_minute)
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, identity: str) -> None:
        """Let one request of an authenticated identity in.

        Raises:
            RateLimitedError: Its bucket is empty.
        """
        now, rate = self._clock(), self._size / _MINUTE_S
        with self._lock:
            left, filled_at = self._buckets.get(identity, (self._size, now))
            left = min(self._size, left + (now - filled_at) * rate)
            if left >= 1:
                self._buckets[identity] = (left - 1, now)
                return
            self._buckets[identity] = (left, now)
        wait_s = max(1, math.ceil((1 - left) / rate))
        raise RateLimitedError(
            f"rate: expected at most {int(self._size)} tries a minute, got more; retry in {wait_s} s", wait_s
        )
