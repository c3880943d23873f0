"""Spend logs with grades become tidy rows; whatever cannot be used is left out by name and row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from clearway.errors import TrainingDataError
from training.importers import Imported, import_file
from training.prompt_key import prompt_key

ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is 2 + 2?"}]


def row(number: int, **fields: Any) -> dict[str, Any]:
    """One spend log as the proxy writes it, graded."""
    return {
        "request_id": f"chatcmpl-{number}",
        "call_type": "acompletion",
        "model": "openai/gpt-4o-mini",
        "model_group": "auto",
        "spend": 0.002,
        "prompt_tokens": 12,
        "completion_tokens": 34,
        "startTime": "2026-11-01T10:00:00Z",
        "endTime": "2026-11-01T10:00:01.500Z",
        "messages": ASKED,
        "proxy_server_request": {},
        "status": "success",
        "cache_hit": "False",
        "grade": 1.0,
        **fields,
    }


def imported(tmp_path: Path, rows: list[dict[str, Any]], grade_column: str = "grade") -> Imported:
    """Import of rows written as JSON lines."""
    path = tmp_path / "spend.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in rows))
    return import_file(path, file_format="litellm", source="mine", grade_column=grade_column)


def test_a_graded_call(tmp_path: Path) -> None:
    """Prompt, key, counts, cost and latency of one call."""
    result = imported(tmp_path, [row(1)])
    assert result.findings == ()
    assert result.table.to_dict("records") == [
        {
            "source": "mine",
            "prompt_id": "chatcmpl-1",
            "prompt_key": prompt_key("What is 2 + 2?"),
            "prompt": "What is 2 + 2?",
            "category": "",
            "model": "openai/gpt-4o-mini",
            "model_canonical": "openai/gpt-4o-mini",
            "score": 1.0,
            "input_tokens": 12.0,
            "output_tokens": 34.0,
            "tokens_basis": "reported",
            "cost_usd": 0.002,
            "latency_s": 1.5,
        }
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": json.dumps(ASKED)},
        {"messages": {}, "proxy_server_request": {"messages": ASKED}},
        {"messages": "{}", "proxy_server_request": json.dumps({"model": "auto", "messages": ASKED})},
        {"messages": None, "proxy_server_request": {"url": "x", "body": {"messages": ASKED}}},
        {"messages": {}, "proxy_server_request": {"input": "What is 2 + 2?"}, "call_type": "aresponses"},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is 2 + 2?"}]}]},
    ],
)
def test_wherever_messages_are_stored(tmp_path: Path, fields: dict[str, Any]) -> None:
    """As JSON or as text, in `messages` or in the stored request: the prompt is the same."""
    assert imported(tmp_path, [row(1, **fields)]).table["prompt"].tolist() == ["What is 2 + 2?"]


def test_the_last_user_turn_is_the_prompt(tmp_path: Path) -> None:
    """Earlier turns are left out of it, and the row is noted."""
    turns = [*ASKED, {"role": "assistant", "content": "4"}, {"role": "user", "content": "And 3 + 3?"}]
    result = imported(tmp_path, [row(1), row(2, messages=turns)])
    assert result.table["prompt"].tolist() == ["What is 2 + 2?", "And 3 + 3?"]
    assert [(f.severity, f.text, f.rows) for f in result.findings] == [
        ("note", "later turns of a conversation: only the last user turn is kept", (2,))
    ]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"grade": None}, "no grade"),
        ({"call_type": "aembedding"}, "no chat call (call_type)"),
        ({"status": "failure"}, "the call failed (status)"),
        (
            {"messages": {}},
            "no messages in messages or proxy_server_request: was store_prompts_in_spend_logs on?",
        ),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages that are no chat request"),
        ({"messages": ["hello"]}, "messages that are no chat request"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "messages that are no chat request"),
        ({"messages": [{"role": "user", "content": "x" * 400_001}]}, "messages that are no chat request"),
        ({"call_type": ["acompletion"]}, "no chat call (call_type)"),
        (
            {"messages": [{"role": "user", "content": "a... (litellm_truncated skipped 9 chars. ) ...b"}]},
            "text that LiteLLM cut before it was stored",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            "an image or another part that is not text",
        ),
        ({"messages": [{"role": "system", "content": "x"}]}, "no text of a user"),
        ({"messages": [{"role": "user", "content": "  "}]}, "no text of a user"),
    ],
)
def test_rows_left_out_are_said(tmp_path: Path, fields: dict[str, Any], text: str) -> None:
    """The reason and the row; the others are kept."""
    result = imported(tmp_path, [row(1), row(2, **fields)])
    assert result.is_usable
    assert [(f.severity, f.text, f.rows) for f in result.findings] == [
        ("excluded", f"left out: {text}", (2,))
    ]
    assert len(result.table) == 1


def test_answers_from_the_cache_cost_nothing_known(tmp_path: Path) -> None:
    """A cached answer was graded, but its cost says nothing of the model."""
    result = imported(tmp_path, [row(1, cache_hit="True", spend=0.0)])
    assert result.table["cost_usd"].isna().all()
    assert [f.text for f in result.findings] == ["answers from the cache: their cost is left empty"]


@pytest.mark.parametrize(
    ("rows", "column", "text", "named"),
    [
        ([row(1, grade=5)], "grade", "expected a number from 0 to 1 or nothing", (1,)),
        ([row(1, grade="good")], "grade", "expected a number from 0 to 1 or nothing", (1,)),
        ([row(1), row(1)], "request_id", "expected each once", (1, 2)),
        ([row(1, completion_tokens=-4)], "completion_tokens", "expected a number from 0 up or nothing", (1,)),
        ([row(1, grade=None)], "", "in the new table: expected at least one row, got none", ()),
        ([row(1, model="")], "model", "expected a name, got none", (1,)),
    ],
)
def test_faults_are_named(
    tmp_path: Path, rows: list[dict[str, Any]], column: str, text: str, named: tuple[int, ...]
) -> None:
    """Column, rows and what was expected."""
    result = imported(tmp_path, rows)
    errors = [(f.column, f.text, f.rows) for f in result.findings if f.severity == "error"]
    assert errors == [(column, text, named)]


def test_missing_columns_are_named(tmp_path: Path) -> None:
    """The grade's column among them, under the name that was asked for."""
    bare = [{"request_id": "a", "model": "m"}]
    with pytest.raises(TrainingDataError) as caught:
        imported(tmp_path, bare, grade_column="thumbs")
    assert str(caught.value) == "thumbs, messages: expected these columns, got none"


def test_csv_gives_the_same(tmp_path: Path) -> None:
    """Exports in CSV hold the JSON as text."""
    rows = [row(1), row(2, messages=[*ASKED[1:]], grade=0.0)]
    table = pd.DataFrame(rows).assign(
        messages=[json.dumps(item["messages"]) for item in rows], proxy_server_request="{}"
    )
    table.to_csv(tmp_path / "spend.csv", index=False)
    path = tmp_path / "spend.csv"
    other = import_file(path, file_format="litellm", source="mine", grade_column="grade")
    pd.testing.assert_frame_equal(imported(tmp_path, rows).table, other.table, check_dtype=False)


def test_no_finding_holds_a_prompt(tmp_path: Path) -> None:
    """Rows and reasons only, whatever the messages say."""
    secret = "zebra-7731"
    rows = [
        row(1, messages=[{"role": "user", "content": secret}], grade=7),
        row(2, messages=secret),
        row(3, messages=[{"role": "wizard", "content": secret}]),
    ]
    assert secret not in str(imported(tmp_path, rows).findings)
