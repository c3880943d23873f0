"""A past traffic log: what each line says, and the code of everything that is wrong with it.

A line is a JSON object, or a row of a Parquet file, with these fields; all but the prompt may be missing.

| field | meaning |
|---|---|
| `id` | of the call; a line without one is named by its number |
| `time` | RFC 3339 with an offset (in Parquet also a timestamp, UTC where it has no zone) |
| `caller`, `purpose`, `session`, `labels` | as in a request line |
| `model`, `provider`, `region` | what was called, by a name that `log_names` finds in the register |
| `input_tokens`, `output_tokens` | as billed |
| `cost_usd`, `currency` | what was paid, as a number or decimal text; US dollars unless `currency` differs |
| `status` | `ok` or an HTTP status below 400; `error`, `timeout` and so on set the line aside |
| `grade` | of the answer, from 0 to 1 |
| `latency_ms` | is checked and not used |
| `messages`, `prompt` or `request` | the chat's messages, one text, or a chat request as in a request line |

Nothing is dropped: a line of `SETS_ASIDE` is counted and not decided, one of `MARKS` is used without the
part that is wrong.
"""

from __future__ import annotations

import json
import math
import re
from array import array
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final

import numpy as np

from clearway.errors import InvalidRequestError
from clearway.outcome_report import MAX_COST, MAX_LATENCY_MS, MAX_TOKENS, USD
from clearway.request import parse_identifier
from training.report.sources.log_lines import LogFile, RawLine

UNREADABLE, NO_PROMPT, BAD_REQUEST = "unreadable_line", "no_prompt", "bad_request"
DUPLICATE, CLOCK_JUMP, NO_OUTCOME = "duplicate_id", "clock_jump", "no_outcome"
NO_MODEL, SEVERAL_MODELS = "no_model", "several_models"
UNKNOWN_CALLER, UNKNOWN_PURPOSE = "unknown_caller", "unknown_purpose"
# No fault of its own: says of a clock jump that its time is wrong beyond use.
STRAY_TIME: Final = "stray_time"
# Not JSON or cut off; without a text; with a chat that no gateway would take; an id that came before; a call
# that brought no answer, so that there is nothing to compare.
SETS_ASIDE: Final = frozenset({UNREADABLE, NO_PROMPT, BAD_REQUEST, DUPLICATE, "failed_call"})
# Used without the wrong part: tokens or a number are taken as unknown, a cost in another currency too; an
# unknown caller's request is decided for the default caller, an unknown purpose as the caller's first.
MARKS: Final = frozenset(
    {
        *("negative_tokens", "bad_number", "other_currency", "no_time", CLOCK_JUMP, NO_OUTCOME),
        *(NO_MODEL, SEVERAL_MODELS, "unknown_model", "unknown_status", "no_id"),
        *(UNKNOWN_CALLER, UNKNOWN_PURPOSE),
    }
)
JUMP, FAR = timedelta(hours=1), timedelta(days=365)
_FAILED: Final = frozenset({"cancelled", "error", "failed", "failure", "rate_limited", "refused", "timeout"})
_DONE: Final = frozenset({"complete", "completed", "ok", "stop", "succeeded", "success"})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC) - _EPOCH
_MAX_NAME_CHARACTERS: Final = 128
# ASCII digits only: `Decimal` reads those of other scripts, too.
_DECIMAL = re.compile(r"-?[0-9]{1,12}(\.[0-9]{0,30})?([eE][+-]?[0-9]{1,2})?")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_STATUS_CODE = re.compile(r"[1-5][0-9]{2}")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a log, read.

    Attributes:
        number: Of the line.
        id: As the log gives it where that is fit to be shown, else `line-N`.
        faults: What is wrong with it; more may turn up when it is decided.
        time_us: Microseconds since 1970, or None.
        said: `caller`, `purpose`, `session` and `labels` as they stand, where they do.
        model: What was called; empty where nobody said, as the next two.
        provider: Whose it is.
        region: Where it runs.
        input_tokens: Tokens read, or None.
        output_tokens: Tokens written, or None.
        paid_nusd: What was paid in nano-dollars, or None.
        grade_ppm: Grade of the answer, or None.
        chat: The chat request; None where there is none.
    """

    number: int
    id: str
    faults: frozenset[str]
    time_us: int | None = None
    said: Mapping[str, Any] = field(default_factory=dict, repr=False)
    model: str = ""
    provider: str = ""
    region: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    paid_nusd: int | None = None
    grade_ppm: int | None = None
    chat: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def is_set_aside(self) -> bool:
        """Whether it cannot be decided."""
        return bool(self.faults & SETS_ASIDE)


@dataclass(frozen=True, slots=True)
class LogIndex:
    """What only the whole log tells.

    Attributes:
        sha256: Hex digest of the file.
        n_lines: Lines that are not blank.
        duplicates: Numbers of lines whose id an earlier line has.
        jumps: Numbers of lines whose time lies over an hour before that of the line before, or in the future.
        strays: Those of them over a year before, or in the future: their time is not taken.
    """

    sha256: str
    n_lines: int
    duplicates: frozenset[int]
    jumps: frozenset[int]
    strays: frozenset[int] = frozenset()

    def marks(self, number: int) -> frozenset[str]:
        """Faults of a line that the index knows, and `STRAY_TIME`."""
        found = {
            DUPLICATE: number in self.duplicates,
            CLOCK_JUMP: number in self.jumps,
            STRAY_TIME: number in self.strays,
        }
        return frozenset(code for code, holds in found.items() if holds)


def index_log(log: LogFile, at: datetime, progress: Callable[[str, int, int], None]) -> LogIndex:
    """Read a log once, for what no line tells by itself: ids are held as digests of 8 bytes.

    Args:
        log: The log.
        at: Now; what is later lies in the future.
        progress: Told now and then how many lines were read.

    Raises:
        InvalidRequestError: No line of it can be read.
    """
    digests, numbers, clock = array("Q"), array("Q"), _Clock((at - _EPOCH) // _MICROSECOND)
    n_lines = n_readable = 0
    for n_lines, raw in enumerate(log.lines(), 1):
        fields = raw.fields
        if n_lines % 10_000 == 0:
            progress("reading the log", n_lines, 0)
        if fields is None:
            continue
        n_readable += 1
        if isinstance(fields.get("id"), (str, int)):
            digests.append(_id_digest(fields["id"]))
            numbers.append(raw.number)
        clock.read(raw.number, _time_us(fields.get("time")))
    if not n_readable:
        raise InvalidRequestError(
            f"{log.path}: expected JSON lines or Parquet, got {n_lines} lines of which none can be read"
        )
    duplicates = _repeated(digests, numbers)
    return LogIndex(log.sha256, n_lines, duplicates, frozenset(clock.jumps), frozenset(clock.strays))


class _Clock:
    """Lines whose times run backwards or ahead; one that is far off misleads nobody about the next."""

    def __init__(self, now_us: int) -> None:
        self._now_us, self._last_us = now_us, 0
        self.jumps: set[int] = set()
        self.strays: set[int] = set()

    def read(self, number: int, time_us: int | None) -> None:
        if time_us is None:
            return
        if time_us > self._now_us or time_us < self._last_us - FAR // _MICROSECOND:
            self.jumps.add(number)
            self.strays.add(number)
            return
        if time_us < self._last_us - JUMP // _MICROSECOND:
            self.jumps.add(number)
        self._last_us = time_us


def read_line(raw: RawLine, marks: Collection[str] = ()) -> LogLine:
    """A line by itself; it never fails.

    Args:
        raw: As it lies in the file.
        marks: What the index knows of it.
    """
    fields, faults = raw.fields, {*marks} - {STRAY_TIME}
    if fields is None:
        return LogLine(raw.number, f"line-{raw.number}", frozenset({*faults, UNREADABLE}))
    name = _identifier(fields.get("id"))
    chat = _chat(fields, faults)
    tokens = [_tokens(fields.get(f"{side}_tokens"), faults) for side in ("input", "output")]
    paid = _paid(fields, faults)
    _number(fields.get("latency_ms"), MAX_LATENCY_MS, faults)
    grade = _number(fields.get("grade"), 1, faults)
    time_us = _time_us(fields.get("time"))
    _check_status(fields.get("status"), faults)
    missing = {
        "no_id": not isinstance(fields.get("id"), (str, int)),
        "no_time": time_us is None,
        NO_MODEL: not shown(fields.get("model")).strip(),
        NO_OUTCOME: paid is None and tokens[1] is None and "other_currency" not in faults,
    }
    faults.update(code for code, holds in missing.items() if holds)
    return LogLine(
        number=raw.number,
        id=name or f"line-{raw.number}",
        faults=frozenset(faults),
        time_us=None if STRAY_TIME in marks else time_us,
        said={key: fields[key] for key in ("caller", "purpose", "session", "labels") if key in fields},
        model=shown(fields.get("model")),
        provider=shown(fields.get("provider")),
        region=shown(fields.get("region")),
        input_tokens=tokens[0],
        output_tokens=tokens[1],
        paid_nusd=None if paid is None else round(paid * 10**9),
        grade_ppm=None if grade is None else round(grade * 10**6),
        chat=chat,
    )


def shown(value: object) -> str:
    """A name of the log's own as the report may show it: printable, and not long; empty for anything else."""
    if not isinstance(value, str):
        return ""
    return "".join(
        c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in value[:_MAX_NAME_CHARACTERS]
    )


def _chat(fields: Mapping[str, Any], faults: set[str]) -> Mapping[str, Any] | None:
    """The chat request: its own limits are checked where it is decided."""
    if isinstance(fields.get("request"), Mapping):
        chat = dict(fields["request"])
    elif "messages" in fields:
        chat = {"messages": _unpacked(fields["messages"])}
    else:
        text = fields.get("prompt")
        has_text = not isinstance(text, str) or bool(text.strip())
        chat = {"messages": [{"role": "user", "content": text}] if text is not None and has_text else []}
    if chat.get("messages") in (None, [], ""):
        faults.add(NO_PROMPT)
        return None
    return chat


def _unpacked(messages: Any) -> Any:
    """Messages that a column of texts holds as JSON."""
    if not isinstance(messages, str):
        return messages
    try:
        return json.loads(messages)
    except (ValueError, RecursionError):
        return messages


def _number(value: Any, highest: int, faults: set[str]) -> Decimal | None:
    """A number from 0 to `highest`; anything else is a fault."""
    if value is None:
        return None
    number = _decimal(value)
    if number is None or not 0 <= number <= highest:
        faults.add("bad_number")
        return None
    return number


def _tokens(value: Any, faults: set[str]) -> int | None:
    number = None if value is None else _decimal(value)
    if number is not None and number < 0:
        faults.add("negative_tokens")
        return None
    number = _number(value, MAX_TOKENS, faults)
    if number is not None and number != int(number):
        faults.add("bad_number")
        return None
    return None if number is None else int(number)


def _decimal(value: Any) -> Decimal | None:
    """Exact value of a number or of decimal text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return Decimal(repr(value)) if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if isinstance(value, str):
        return Decimal(value) if _DECIMAL.fullmatch(value) else None
    return Decimal(value) if isinstance(value, int) else None


def _paid(fields: Mapping[str, Any], faults: set[str]) -> Decimal | None:
    """Cost in dollars; None where it is unknown or in another currency."""
    paid = _number(fields.get("cost_usd"), MAX_COST, faults)
    currency = fields.get("currency", USD)
    if isinstance(currency, str) and currency.upper() == USD:
        return paid
    faults.add("other_currency")
    return None


def _check_status(status: Any, faults: set[str]) -> None:
    word = "ok" if status is None else str(status)[:_MAX_NAME_CHARACTERS].strip().lower()
    is_code = bool(_STATUS_CODE.fullmatch(word))
    if word in _FAILED or (is_code and word >= "400"):
        faults.add("failed_call")
    elif word not in _DONE and not is_code:
        faults.add("unknown_status")


def _time_us(value: Any) -> int | None:
    if isinstance(value, str) and _TIME.fullmatch(value):
        try:
            value = datetime.fromisoformat(value.upper())
        except ValueError:
            return None
    return _microseconds(value) if isinstance(value, datetime) else None


def _microseconds(at: datetime) -> int | None:
    """Since 1970; None for what no log can mean, and no calendar of every engine holds."""
    since = (at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH
    return int(since // _MICROSECOND) if timedelta(0) <= since < _LATEST else None


def _identifier(value: Any) -> str | None:
    """An id that may stand in a table; whole numbers are ids, too."""
    try:
        return parse_identifier(str(value) if type(value) is int else value, "id")
    except InvalidRequestError:
        return None


def _id_digest(value: str | int) -> int:
    text = str(value).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


def _repeated(digests: array[int], numbers: array[int]) -> frozenset[int]:
    """Numbers of the lines whose digest came before."""
    values = np.frombuffer(digests, dtype=np.uint64) if digests else np.zeros(0, dtype=np.uint64)
    order = np.argsort(values, kind="stable")
    is_repeated = np.zeros(len(values), dtype=bool)
    is_repeated[order[1:]] = values[order[1:]] == values[order[:-1]]
    return frozenset(np.asarray(numbers)[is_repeated].tolist())
