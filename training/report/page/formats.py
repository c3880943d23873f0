"""Numbers and names as the report writes them; every one of them is formatted here and nowhere else."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from training.report.page.blocks import Cell, Range
from training.report.results import Estimate

NOT_MEASURED: Final = "not measured"
# Where a number makes no sense.
NONE: Final = "\N{EN DASH}"
NOTHING: Final = Cell(NONE)
NUSD_PER_USD: Final = 1_000_000_000
MINUS: Final = "\N{MINUS SIGN}"
_NAME_CHARACTERS: Final = 80
# Digests are named by their beginning where people read, in full among the versions.
_DIGEST_CHARACTERS: Final = 12
# Beyond this an amount is no longer read as digits.
_HUGE: Final = 1e15


def count(n: int) -> str:
    """A count.

    >>> count(1234567)
    '1,234,567'
    """
    return _signed(n, f"{abs(n):,}")


def usd(nusd: float) -> str:
    """Nano-dollars as dollars, with three significant digits where they are few.

    >>> [usd(n) for n in (0, 1_234_567_000_000, 12_340_000_000, 45_600_000, 139)]
    ['$0', '$1,235', '$12.34', '$0.0456', '$0.000000139']
    """
    amount = nusd / NUSD_PER_USD
    return _signed(amount, "$" + _amount(abs(amount)))


def share(value: float) -> str:
    """A fraction as a percentage: one digit, two below 1%, no more than that it is tiny below those.

    >>> [share(x) for x in (0.3141, 1, 0, 0.0012, 0.00001)]
    ['31.4%', '100.0%', '0%', '0.12%', '<0.01%']
    >>> share(-0.00001).replace(MINUS, "-")
    '>-0.01%'
    """
    text = _percent(abs(value)) + "%"
    return f">{MINUS}{text[1:]}" if value < 0 and text[0] == "<" else _signed(value, text)


def change(value: float) -> str:
    """A fraction as a percentage that always shows its sign.

    >>> change(0.25), change(-0.25).replace(MINUS, "-"), change(0)
    ('+25.0%', '-25.0%', '0%')
    """
    return ("+" if value > 0 else "") + share(value)


def points(value: float) -> str:
    """A difference of two shares, in percentage points.

    >>> points(0.0061), points(0.02), points(0)
    ('+0.61 points', '+2.00 points', '0.00 points')
    """
    text = f"{100 * abs(value):.2f}"
    sign = "+" if value > 0 and text != "0.00" else ""
    return f"{sign}{_signed(value, text)} points"


def decimal(value: float) -> str:
    """A score.

    >>> decimal(0.64321), decimal(73.25)
    ('0.643', '73.2')
    """
    return _signed(value, f"{abs(value):.3f}" if abs(value) < 2 else f"{abs(value):,.1f}")


def per_million(value: float) -> str:
    """Requests in a million.

    >>> per_million(0.5), per_million(1234.4)
    ('0.5', '1,234')
    """
    return f"{value:,.1f}" if 0 < abs(value) < 10 else f"{value:,.0f}"


def day(text: str | None) -> str:
    """A day, or that none is known."""
    return name(text) if text else "unknown"


def moment(text: str) -> str:
    """A time to the minute, in UTC; as it came where it is none.

    >>> moment("2026-11-26T09:51:19+01:00"), moment("now")
    ('2026-11-26 08:51 UTC', 'now')
    """
    try:
        at = datetime.fromisoformat(text)
        return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError):
        return name(text)


def estimate(
    value: Estimate | None, say: Callable[[float], str], why: str = "", *, is_negated: bool = False
) -> Cell:
    """A number with its interval, or that it was not measured, and why.

    Args:
        value: The estimate.
        say: How such a number is written.
        why: Why there is none.
        is_negated: Whether to write it with the other sign, such as a saving as a change in cost.
    """
    if value is None or not math.isfinite(value.value):
        return Cell(NOT_MEASURED, why)
    low, high = _ends(value)
    if is_negated:
        low, high = (None if high is None else -high), (None if low is None else -low)
    text = say(-value.value if is_negated else value.value)
    if low is None or high is None:
        return Cell(text, "no interval")
    return Cell(text, " to ".join(say(end).removesuffix(" points") for end in (low, high)))


def percent_range(
    value: Estimate | None, say: Callable[[float], str], *, is_negated: bool = False
) -> Range | None:
    """A fraction with its interval for a chart, in percent, labelled as `estimate` writes it."""
    if value is None or not math.isfinite(value.value):
        return None
    sign = -100 if is_negated else 100
    low, high = (None if end is None else sign * end for end in _ends(value))
    ends = (high, low) if is_negated else (low, high)
    return Range(sign * value.value, *ends, estimate(value, say, is_negated=is_negated).text)


def said(cell: Cell) -> str:
    """A cell within a sentence."""
    return f"{cell.text} ({cell.detail})" if cell.detail else cell.text


def digest(text: str) -> str:
    """The beginning of a digest.

    >>> digest("sha256:0123456789abcdef")
    'sha256:0123456789ab'
    """
    head, _, tail = text.rpartition(":")
    short = tail[:_DIGEST_CHARACTERS]
    return name(f"{head}:{short}" if head else short) if text else "none"


def name(text: str, limit: int = _NAME_CHARACTERS) -> str:
    """A name from outside, as far as it can be shown: nothing invisible, nothing that turns the text round.

    >>> name("x" * 100)[-3:]
    'xx…'
    """
    shown = "".join(_visible(character) for character in text[: limit + 1])
    shown = shown if len(text) <= limit and len(shown) <= limit else shown[: limit - 1] + "…"
    is_turned = any(unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in shown)
    return f"\N{FIRST STRONG ISOLATE}{shown}\N{POP DIRECTIONAL ISOLATE}" if is_turned else shown


def _visible(character: str) -> str:
    if character == " " or unicodedata.category(character)[0] not in "CZ":
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _ends(value: Estimate) -> tuple[float | None, float | None]:
    if value.low is None or value.high is None:
        return None, None
    if not (math.isfinite(value.low) and math.isfinite(value.high)):
        return None, None
    return value.low, value.high


def _signed(value: float, text: str) -> str:
    has_digit = any(character in "123456789" for character in text)
    return MINUS + text if value < 0 and has_digit else text


def _percent(value: float) -> str:
    if value == 0:
        return "0"
    percent = 100 * value
    if percent >= 0.995:
        return f"{percent:,.1f}"
    return f"{percent:.2f}" if percent >= 0.005 else "<0.01"


def _amount(value: float) -> str:
    if value == 0:
        return "0"
    if value >= _HUGE:
        return f"{value:.2e}"
    if value >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 1 else _digits(value)


def _digits(value: float) -> str:
    """Three significant digits, two to nine of them after the point."""
    places = min(9, 2 - math.floor(math.log10(value)))
    whole, _, part = f"{value:.{places}f}".rstrip("0").partition(".")
    return f"{whole}.{part:0<2}"
