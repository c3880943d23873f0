"""What a report of a past log says of its lines, from counts that add up over the pieces of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from clearway.assessment import PPM
from clearway.register import NUSD_PER_USD
from training.report.sources.traffic_log import SETS_ASIDE, LogLine

# Counts by name: names of models that are not known, purposes that stood in, codes of lines set aside, and
# code and number of such lines.
NAME, PURPOSE, ASIDE, LINE = "name ", "purpose ", "aside ", "line "
_MOST_NAMES: Final = 10
_MOST_LINES: Final = 5


def tell_set_aside(line: LogLine, tally: Counter[str]) -> None:
    """Count a line that is set aside, under each code that does so; the first of a piece by number."""
    tally.update(n_set_aside=1)
    for code in sorted(line.faults & SETS_ASIDE):
        tally[f"{ASIDE}{code}"] += 1
        if tally[f"{ASIDE}{code}"] <= _MOST_LINES:
            tally[f"{LINE}{code} {line.number}"] = 1


def notes(tally: Counter[str]) -> Iterator[str]:
    """The sentences, most telling first."""
    yield from _set_aside_note(tally)
    yield from _name_notes(tally)
    yield from _yardstick_notes(tally)
    yield from _quality_notes(tally)
    yield (
        "Each request is decided as the first of its session: levels and providers that a session reached "
        "before are not carried over."
    )
    yield "What an unregistered caller asked is decided for the default caller of the policy."
    yield from _purpose_note(tally)


def _yardstick_notes(tally: Counter[str]) -> Iterator[str]:
    yield (
        "Both costs are on one yardstick: the register's prices and the classifier's expected lengths, for "
        "the choice and for the model that the log names alike."
    )
    if tally["expected_nusd"]:
        ratio = tally["paid_nusd"] / tally["expected_nusd"]
        yield (
            f"Check of that yardstick: for {tally['n_checked']:,} lines the log says what was paid (or the "
            f"tokens, priced by the register): {ratio:.2f} times what the yardstick expects of those calls."
        )
    if tally["n_own_cost"]:
        yield (
            f"For {tally['n_own_cost']:,} lines the model called has no price or estimate here: the cost "
            f"before is what the log says was paid, {tally['own_nusd'] / NUSD_PER_USD:,.4f} USD together, "
            "and the cost of the choice is an estimate. With the model in the register both are estimates."
        )


def _quality_notes(tally: Counter[str]) -> Iterator[str]:
    yield (
        "Quality is the classifier's estimate, for the choice and for the model that the log names alike: of "
        "a model that was not called a log has no grade."
    )
    if tally["n_graded"]:
        grade, estimate = (tally[name] / tally["n_graded"] / PPM for name in ("grade_ppm", "estimate_ppm"))
        yield (
            f"Check of the estimated quality: {tally['n_graded']:,} lines have a grade, on average "
            f"{grade:.3f}; the classifier expects {estimate:.3f} of those calls."
        )


def _purpose_note(tally: Counter[str]) -> Iterator[str]:
    yield "What was asked for an unregistered purpose is decided for the first purpose of its caller" + (
        f": {_listed(used)}." if (used := _under(tally, PURPOSE)) else "."
    )


def _name_notes(tally: Counter[str]) -> Iterator[str]:
    if names := _under(tally, NAME):
        n_more = len(names) - _MOST_NAMES
        more = f", and {n_more:,} more names" if n_more > 0 else ""
        yield (
            f"Not in the register, or several of that name: {_listed(names)}{more}. Log the register's id, "
            "or add provider and region, or add the model with --register DIR."
        )
    if tally["n_alike"]:
        yield (
            f"For {tally['n_alike']:,} lines several models of the register fit the name, all at one "
            "expected cost and one estimate: these count, and only provider and region stay unknown."
        )


def _set_aside_note(tally: Counter[str]) -> Iterator[str]:
    if not tally["n_set_aside"]:
        return
    lines: dict[str, list[int]] = {}
    for key in _under(tally, LINE):
        code, _, number = key.partition(" ")
        lines.setdefault(code, []).append(int(number))
    told = []
    for code, n in _by_count(_under(tally, ASIDE)):
        first = sorted(lines[code])[:_MOST_LINES]
        more = f" and {n - len(first):,} more" if n > len(first) else ""
        told.append(f"{n:,} {code} ({'lines' if n > 1 else 'line'} {', '.join(map(str, first))}{more})")
    n_lines = tally["n_set_aside"] + tally["n_decided"]
    yield f"{tally['n_set_aside']:,} of {n_lines:,} lines could not be used: {', '.join(told)}."


def _under(tally: Counter[str], prefix: str) -> dict[str, int]:
    return {key.removeprefix(prefix): n for key, n in tally.items() if key.startswith(prefix)}


def _by_count(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({n:,})" for name, n in _by_count(counts)[:_MOST_NAMES])
