"""What is asked of measurements, and how those of any bundle are read.

`metrics.json` is its maker's, and may hold anything.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

# Calibration error allowed on a source, where it has so many held-out answers.
CALIBRATION_LIMIT: Final = 0.03
LARGE_SOURCE_ROWS: Final = 2_000
# Larger than any count or measure that makes sense, and small enough for a record in millionths.
_NO_MEASUREMENT: Final = 1e9
_MILLION: Final = 1_000_000


def number_at(value: Any, *path: str) -> float | None:
    """The number at a path, or None where none of any sense stands there.

    >>> number_at({"parity": {"integer_ppm": 2}}, "parity", "integer_ppm")
    2.0
    """
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < _NO_MEASUREMENT else None


def up_ppm(value: float | None) -> int | None:
    """Parts per million, rounded up but for the last bits of a float; None stays.

    >>> up_ppm(0.0000021)
    3
    """
    return None if value is None else math.ceil(round(value * _MILLION, 3))


def sources_of(metrics: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What was measured on each source, sorted; `all` is among them."""
    found = metrics.get("by_source")
    facts = found if isinstance(found, Mapping) else {}
    return {name: facts[name] for name in sorted(facts) if isinstance(facts[name], Mapping)}
