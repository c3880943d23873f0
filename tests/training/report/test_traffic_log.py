"""A past log is read to its end, and everything that is wrong with it is counted."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.errors import InvalidRequestError
from training.report.sources.log_lines import MAX_LINE_BYTES, LogFile, RawLine
from training.report.sources.traffic_log import MARKS, SETS_ASIDE, LogLine, index_log, read_line, shown

AT = datetime(2026, 12, 1, 12, tzinfo=UTC)
GOOD: Mapping[str, Any] = {
    "id": "r-1",
    "time": "2026-11-20T10:00:00+01:00",
    "caller": "local-dev",
    "purpose": "general",
    "session": "s",
    "model": "openai/gpt-4o@us",
    "input_tokens": 10,
    "output_tokens": 20,
    "cost_usd": "0.0123",
    "grade": 0.5,
    "status": "ok",
    "latency_ms": 900,
    "prompt": "How many legs has a spider?",
}


def read(**changes: Any) -> LogLine:
    """The good line with other values; None leaves a field out."""
    line = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return read_line(RawLine(1, json.dumps(line).encode()))


def written(path: Path, *lines: Any) -> LogFile:
    """A log of these lines: bytes as they are, anything else as JSON."""
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.write_bytes(b"\n".join(texts))
    return LogFile(path)


def test_a_good_line_is_read_whole() -> None:
    """Whole numbers: nano-dollars, parts per million, microseconds in UTC."""
    line = read()
    assert (line.id, line.faults, line.is_set_aside) == ("r-1", frozenset(), False)
    assert (line.input_tokens, line.output_tokens) == (10, 20)
    assert (line.paid_nusd, line.grade_ppm) == (12_300_000, 500_000)
    assert line.time_us == datetime(2026, 11, 20, 9, tzinfo=UTC).timestamp() * 1e6
    assert line.chat == {"messages": [{"role": "user", "content": GOOD["prompt"]}]}
    assert line.said == {"caller": "local-dev", "purpose": "general", "session": "s"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"prompt": None}, "no_prompt"),
        ({"prompt": "  "}, "no_prompt"),
        ({"prompt": None, "messages": []}, "no_prompt"),
        ({"prompt": None, "request": {}}, "no_prompt"),
        ({"status": "rate_limited"}, "failed_call"),
        ({"status": 503}, "failed_call"),
        ({"status": "error"}, "failed_call"),
        ({"input_tokens": -1}, "negative_tokens"),
        ({"output_tokens": "-5"}, "negative_tokens"),
        ({"output_tokens": math.nan}, "bad_number"),
        ({"output_tokens": 10**30}, "bad_number"),
        ({"output_tokens": 10**9}, "bad_number"),
        ({"output_tokens": 1.5}, "bad_number"),
        ({"output_tokens": True}, "bad_number"),
        ({"output_tokens": [1]}, "bad_number"),
        ({"cost_usd": "a lot"}, "bad_number"),
        ({"cost_usd": "1e99"}, "bad_number"),
        ({"cost_usd": -0.5}, "bad_number"),
        ({"cost_usd": math.inf}, "bad_number"),
        ({"grade": 1.5}, "bad_number"),
        ({"latency_ms": "soon"}, "bad_number"),
        ({"currency": "EUR"}, "other_currency"),
        ({"currency": 7}, "other_currency"),
        ({"id": None}, "no_id"),
        ({"id": {"a": 1}}, "no_id"),
        ({"time": None}, "no_time"),
        ({"time": "yesterday"}, "no_time"),
        ({"time": "2026-11-20T10:00:00"}, "no_time"),
        ({"time": "2026-13-40T10:00:00Z"}, "no_time"),
        ({"time": "0001-01-01T00:00:00+23:00"}, "no_time"),
        ({"time": "9999-12-31T23:59:59-23:00"}, "no_time"),
        ({"cost_usd": None, "output_tokens": None}, "no_outcome"),
        ({"model": None}, "no_model"),
        ({"model": " "}, "no_model"),
        ({"model": 7}, "no_model"),
        ({"status": "who knows"}, "unknown_status"),
    ],
)
def test_what_is_wrong_with_a_line_is_a_code(changes: Mapping[str, Any], code: str) -> None:
    """One code, which either sets the line aside or only marks it."""
    line = read(**changes)
    assert line.faults == {code}
    assert line.is_set_aside == (code in SETS_ASIDE)
    assert (code in MARKS) != (code in SETS_ASIDE)


@pytest.mark.parametrize(
    "content",
    [b"{", b"[1]", b"7", b"\xff\xfe\x00", b"\0\1\2", b"[" * 100_000, b'{"a": ' + b"9" * 5_000 + b"x}", None],
)
def test_a_line_that_is_no_object_is_unreadable(content: bytes | None) -> None:
    """Whatever lies there: it is one line, and has a number for a name."""
    line = read_line(RawLine(7, content), {"duplicate_id"})
    assert (line.id, line.faults) == ("line-7", frozenset({"unreadable_line", "duplicate_id"}))


@pytest.mark.parametrize(
    ("value", "tokens"), [(0, 0), ("12", 12), (12.0, 12), (10_000_000, 10_000_000), (None, None)]
)
def test_numbers_may_be_texts_and_whole_floats(value: Any, tokens: int | None) -> None:
    """Zero is a number, nothing is none."""
    assert read(output_tokens=value).output_tokens == tokens


@pytest.mark.parametrize("status", ["ok", "OK", "success", 200, "204", 302, None])
def test_calls_that_answered_are_compared(status: Any) -> None:
    """In the words and numbers that gateways use."""
    assert not read(status=status).faults


def test_other_currencies_have_no_cost_here() -> None:
    """Dollars are dollars in any spelling; a cost in euro is unknown, its tokens are not."""
    assert read(currency="usd").paid_nusd == 12_300_000
    line = read(currency="EUR")
    assert (line.paid_nusd, line.output_tokens) == (None, 20)
    assert read(currency="EUR", output_tokens=None).faults == {"other_currency"}


@pytest.mark.parametrize(
    ("value", "name"),
    [(12, "12"), ("a/b@c", "a/b@c"), ("<script>", "line-1"), ("x" * 200, "line-1"), ("a\nb", "line-1")],
)
def test_only_ids_that_may_be_shown_are(value: Any, name: str) -> None:
    """Another is as unique, but stands as the line's number."""
    assert (read(id=value).id, read(id=value).faults) == (name, frozenset())


def test_names_of_the_log_are_cut_and_printable() -> None:
    """They go into tables and on the page."""
    assert (
        shown("a\x00b\u202e" + "c" * 500)
        == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}" + "c" * 124
    )
    assert (shown(None), shown(7), shown(["a"])) == ("", "", "")
    assert "spider" not in repr(read())


def test_a_chat_is_taken_in_three_forms() -> None:
    """A text, messages (as JSON text, too), or a chat request with all it asks for."""
    messages = [{"role": "user", "content": "Hi"}]
    assert read(prompt="Hi").chat == {"messages": messages}
    assert read(messages=messages).chat == {"messages": messages}
    assert read(messages=json.dumps(messages)).chat == {"messages": messages}
    assert read(messages="{").chat == {"messages": "{"}  # refused where it is decided
    chat = {"messages": messages, "max_tokens": 5}
    assert read(request=chat).chat == chat


def test_the_index_finds_what_no_line_tells(tmp_path: Path) -> None:
    """Repeated ids, and clocks that run backwards or ahead; a line in the future misleads nobody."""
    noon = datetime(2026, 11, 1, 12, tzinfo=UTC)

    def at(hours: float) -> str:
        return (noon + timedelta(hours=hours)).isoformat()

    log = written(
        tmp_path / "log.jsonl",
        {"id": "a", "time": at(0)},
        {"id": "b", "time": at(-1)},
        b"",
        {"id": "a", "time": at(-2.01)},
        {"id": 1, "time": at(24 * 300)},
        {"id": "1", "time": at(0)},
        {"time": None},
        {"id": ["a"]},
        b"{",
    )
    index = index_log(log, AT, lambda *_: None)
    assert index.n_lines == 8
    assert index.duplicates == {4, 6}
    assert index.jumps == {4, 5}
    assert index.strays == {5}
    assert index.marks(4) == {"duplicate_id", "clock_jump"}
    assert index.marks(5) == {"clock_jump", "stray_time"}
    assert index.marks(1) == frozenset()


def test_a_time_that_is_far_off_is_not_taken(tmp_path: Path) -> None:
    """Over a year back, or ahead, it is a clock jump without a time, however many lines have it in a row."""
    year = timedelta(days=365)
    times = [AT, AT - year, AT, AT - year - timedelta(seconds=1), datetime(1970, 1, 1, tzinfo=UTC)]
    times += [AT - timedelta(hours=1), AT + timedelta(seconds=1)]
    log = written(tmp_path / "log", *({**GOOD, "id": n, "time": t.isoformat()} for n, t in enumerate(times)))
    index = index_log(log, AT, lambda *_: None)
    assert (sorted(index.jumps), sorted(index.strays)) == ([2, 4, 5, 7], [4, 5, 7])
    lines = [read_line(raw, index.marks(raw.number)) for raw in log.lines()]
    assert [line.number for line in lines if line.time_us is None] == [4, 5, 7]
    assert [line.faults for line in lines if line.faults] == [{"clock_jump"}] * 4


def test_a_log_of_another_kind_is_refused(tmp_path: Path) -> None:
    """In one line: none of its lines can be read."""
    with pytest.raises(InvalidRequestError) as caught:
        index_log(written(tmp_path / "x", b"id,prompt", b"1,hello"), AT, lambda *_: None)
    assert str(caught.value) == (
        f"{tmp_path}/x: expected JSON lines or Parquet, got 2 lines of which none can be read"
    )


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "expected a log with at least one line, got an empty file"),
        (
            b"PAR1 and no more",
            "expected a whole Parquet file, got one that breaks (ArrowInvalid) after 0 rows",
        ),
        (b"\n \n", "expected JSON lines or Parquet, got 0 lines of which none can be read"),
    ],
)
def test_a_file_without_lines_is_refused(tmp_path: Path, content: bytes, text: str) -> None:
    """The text says what came."""
    (tmp_path / "log").write_bytes(content)
    with pytest.raises(InvalidRequestError) as caught:
        index_log(LogFile(tmp_path / "log"), AT, lambda *_: None)
    assert str(caught.value).startswith(f"{tmp_path}/log: {text}")


def test_a_log_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """With what to do."""
    with pytest.raises(InvalidRequestError) as caught:
        LogFile(tmp_path / "none")
    assert str(caught.value) == (
        f"{tmp_path}/none: expected a log that can be read, got FileNotFoundError; check the path"
    )


def test_a_line_over_the_limit_is_one_line(tmp_path: Path) -> None:
    """It is read past in pieces, and the next line is read again; a byte order mark is no content."""
    log = written(
        tmp_path / "log", b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), b"x" * (3 * MAX_LINE_BYTES), GOOD
    )
    lines = list(log.lines())
    assert [line.number for line in lines] == [1, 2, 3]
    assert [line.content is None for line in lines] == [False, True, False]
    assert not read_line(lines[0]).faults


def test_a_log_in_gzip_is_read_to_where_it_breaks_off(tmp_path: Path) -> None:
    """The end that is missing is a line that cannot be read."""
    whole = gzip.compress(b"".join(json.dumps({**GOOD, "id": str(n)}).encode() + b"\n" for n in range(5_000)))
    (tmp_path / "whole").write_bytes(whole)
    assert sum(line.content is not None for line in LogFile(tmp_path / "whole").lines()) == 5_000
    (tmp_path / "cut").write_bytes(whole[:-2_000])
    lines = list(LogFile(tmp_path / "cut").lines())
    assert 0 < len(lines) < 5_000
    assert [line.content is None for line in lines[-2:]] == [False, True]


def test_parquet_says_the_same_as_json(tmp_path: Path) -> None:
    """Nulls are fields that are not there, in messages too; times and money have types of their own."""
    messages = [{"role": "user", "content": "Hi", "name": None}]
    row = {**GOOD, "prompt": None, "messages": messages, "cost_usd": Decimal("0.0123"), "caller": None}
    row["time"] = datetime(2026, 11, 20, 9)  # noqa: DTZ001  # as many logs have it
    pq.write_table(pa.Table.from_pylist([row, {**row, "grade": math.nan}]), tmp_path / "log.parquet")
    first, second = (read_line(raw) for raw in LogFile(tmp_path / "log.parquet").lines())
    assert (first.time_us, first.paid_nusd, first.faults) == (read().time_us, 12_300_000, frozenset())
    assert first.chat == {"messages": [{"role": "user", "content": "Hi"}]}
    assert "caller" not in first.said
    assert (second.number, second.faults) == (2, frozenset({"bad_number"}))


def test_parquet_that_no_calendar_holds_is_one_line(tmp_path: Path) -> None:
    """A column of wild times breaks the reading, and not with a traceback."""
    times = pa.array([2**62], type=pa.timestamp("us"))
    pq.write_table(pa.table({"prompt": ["Hi"], "time": times}), tmp_path / "log.parquet")
    with pytest.raises(InvalidRequestError, match=r"expected a whole Parquet file, got one that breaks \("):
        index_log(LogFile(tmp_path / "log.parquet"), AT, lambda *_: None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=5,
)


@given(
    st.dictionaries(st.sampled_from([*GOOD, "messages", "request", "currency", "provider", "region"]), JSON)
)
def test_no_line_is_a_traceback(fields: Mapping[str, Any]) -> None:
    """Whatever stands in a field, codes come out, and only those that are known."""
    line = read_line(RawLine(1, json.dumps(fields).encode()))
    assert line.faults <= SETS_ASIDE | MARKS
    assert line.is_set_aside or line.chat
