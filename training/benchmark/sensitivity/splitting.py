"""Values split between the parts of a request: turns, tool results, fields of JSON, chunks of one message."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final

from clearway.assessment import SensitivityDetector
from training.benchmark.sensitivity.evading import NO_VALUE, Carrier, evasion_row
from training.benchmark.sensitivity.scanning import Messages, Report, scan_messages

Split = Callable[[str, Random], Mapping[str, tuple[str, ...]]]
Pieces = Sequence[str]


def _turns(pieces: Pieces) -> Messages:
    return [{"role": "user", "content": piece} for piece in pieces]


def _answered_turns(pieces: Pieces) -> Messages:
    turns = [(turn, {"role": "assistant", "content": "Thanks, go on."}) for turn in _turns(pieces)]
    return [message for pair in turns for message in pair]


def _tool_results(pieces: Pieces) -> Messages:
    return [
        {"role": "tool", "tool_call_id": f"call_{index}", "content": piece}
        for index, piece in enumerate(pieces)
    ]


def _json(pieces: Pieces) -> Messages:
    fields = {f"part_{index}": piece for index, piece in enumerate(pieces)}
    return [{"role": "user", "content": json.dumps(fields)}]


def _tool_call(pieces: Pieces) -> Messages:
    fields = json.dumps({f"part_{index}": piece for index, piece in enumerate(pieces)})
    call = {"id": "call_0", "type": "function", "function": {"name": "store", "arguments": fields}}
    return [{"role": "assistant", "content": None, "tool_calls": [call]}]


def _chunks(pieces: Pieces) -> Messages:
    return [{"role": "user", "content": [{"type": "text", "text": piece} for piece in pieces]}]


# Name of the row -> how the value was cut (a way of `evasions.split_across`), and where the pieces stand.
WAYS: Final[Mapping[str, tuple[str, Callable[[Pieces], Messages]]]] = {
    "split: turns": ("turns", _turns),
    "split: turns, bare": ("turns_bare", _turns),
    "split: turns, answered": ("turns_bare", _answered_turns),
    "split: tool results": ("tool_results", _tool_results),
    "split: JSON fields": ("json_fields", _json),
    "split: three JSON fields": ("json_three", _json),
    "split: arguments of a tool call": ("json_fields", _tool_call),
    "split: chunks of a message": ("chunks", _chunks),
}


def split_rows(
    detector: SensitivityDetector, carried: Sequence[Carrier], split: Split, report: Report, *, seed: int
) -> list[dict[str, Any]]:
    """Caught and total for each way of splitting a value; its prompt, without it, comes first.

    Args:
        detector: The detector.
        carried: From `evading.carriers`.
        split: `evasions.split_across`.
        report: Told what is being done.
        seed: Of the cuts.
    """
    rows = []
    for name, (way, place) in WAYS.items():
        report(f"evasions: {name}")
        caught = []
        for index, carrier in enumerate(carried):
            pieces = split(carrier.value, Random(f"{seed}:{way}:{index}"))[way]  # noqa: S311
            messages: list[Any] = [{"role": "user", "content": carrier.holding(NO_VALUE)}, *place(pieces)]
            caught.append((carrier, carrier.name in scan_messages(detector, messages).flagged))
        rows.append(evasion_row(name, caught))
    return rows
