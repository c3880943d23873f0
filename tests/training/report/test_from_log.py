"""A past log is decided by the real line, beside what was called then, and a broken run goes on."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from clearway import installation
from clearway.errors import ConfigurationError, InvalidRequestError
from clearway.installation import Settings, data_folder
from clearway.ledger.sqlite import open_ledger
from clearway.testing import NOON, shipped_register
from training.report.gathered import Costs, Gathered, WhatIf
from training.report.routed import COLUMNS, MOVE_COLUMNS
from training.report.sources import from_log, log_notes
from training.report.sources.log_names import label_of, names_of
from training.report.sources.log_scorer import LogScorer
from training.report.sources.prompt_scan import language_of

pytestmark = pytest.mark.usefixtures("detector")
OPEN_DETECTOR = installation.open_detector
COSTS = Costs(100, "as a test says")
GPT_4O = "openai/gpt-4o@us"


def line(number: int, **changes: Any) -> dict[str, Any]:
    """A line of a log; None leaves a field out."""
    fields = {
        "id": f"r-{number}",
        "time": f"2026-11-20T10:{number // 60 % 60:02}:{number % 60:02}Z",
        "caller": "local-dev",
        "purpose": "general",
        "model": GPT_4O,
        "input_tokens": 10,
        "output_tokens": 20,
        "prompt": f"How many legs have {number} spiders?",
    }
    return {name: value for name, value in {**fields, **changes}.items() if value is not None}


def gather(
    tmp_path: Path, lines: list[Any], settings: Settings | None = None, **options: Any
) -> tuple[Gathered, list[dict[str, Any]]]:
    """What is gathered of a log, and its rows."""
    log = tmp_path / "log.jsonl"
    texts = [item if isinstance(item, bytes) else json.dumps(item).encode() for item in lines]
    log.write_bytes(b"\n".join(texts))
    options = {"workers": 1, "at": NOON, "costs": COSTS, **options}
    given = settings or Settings.of({}, home=tmp_path / "home")
    gathered = from_log.gather(log, given, tmp_path / "work", **options)
    return gathered, rows_of(gathered.rows)


def rows_of(folder: Path | None) -> list[dict[str, Any]]:
    """All rows of a folder, in the order of its files."""
    assert folder is not None
    return [row for path in sorted(folder.glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def test_a_line_is_decided_beside_what_was_called(tmp_path: Path) -> None:
    """One yardstick for both costs and both qualities; the log's own time, and no call of ours."""
    gathered, (row,) = gather(tmp_path, [line(1)])
    assert tuple(row) == tuple(column.name for column in COLUMNS)
    assert (row["verdict"], row["faults"], row["request_id"], row["source"]) == (
        "route",
        "",
        "r-1",
        "log.jsonl",
    )
    assert (row["before_model"], row["before_provider"], row["before_region"]) == (GPT_4O, "openai", "us")
    assert row["expected_nusd"] < row["before_nusd"]
    assert row["spent_nusd"] == row["expected_nusd"]
    assert (row["quality_basis"], row["before_quality_basis"]) == ("modelled", "modelled")
    assert (row["n_calls"], row["n_matched_calls"], row["router_nusd"]) == (0, None, 100)
    assert row["time_us"] == 1_795_168_801_000_000
    assert (gathered.kind, gathered.origin, gathered.moves) == ("log", "log.jsonl", None)
    assert (gathered.router_nusd, gathered.router_basis) == (100, "as a test says")
    assert row["classifier_sha256"] in gathered.classifiers
    assert row["detector_sha256"] in gathered.detectors


def test_a_messy_log_is_counted_and_never_dropped(tmp_path: Path) -> None:
    """A row for every line, with every code, and those that cannot be used set aside."""
    lines: list[Any] = [
        line(1),
        line(2, id="r-1"),
        line(3, input_tokens=-1, currency="EUR", cost_usd=1, caller="nobody", purpose="none-such"),
        line(4, model="no-such-model", provider="Acme <b>", cost_usd="0.5"),
        line(5, model=None, input_tokens=None, output_tokens=None, time="2031-01-01T00:00:00Z"),
        line(6, prompt=None, messages=[{"role": "wizard", "content": "Hi"}]),
        line(7, prompt="a\0b"),
        line(8, labels=["no-such-label"]),
        line(9, status="timeout"),
        line(10, session={"a": 1}),
        b'{"id": "r-11", "prom',
    ]
    gathered, rows = gather(tmp_path, lines)
    assert [(row["verdict"], row["faults"]) for row in rows] == [
        ("route", ""),
        ("set_aside", "duplicate_id"),
        ("route", "negative_tokens+other_currency+unknown_caller+unknown_purpose"),
        ("route", "unknown_model"),
        ("route", "clock_jump+no_model+no_outcome"),
        ("set_aside", "bad_request"),
        ("set_aside", "bad_request"),
        ("set_aside", "bad_request"),
        ("set_aside", "failed_call"),
        ("set_aside", "bad_request"),
        ("set_aside", "unreadable_line"),
    ]
    assert (rows[2]["caller"], rows[2]["purpose"]) == ("nobody", "none-such")
    assert (rows[3]["before_nusd"], rows[3]["before_provider"]) == (500_000_000, "Acme <b>")
    assert (rows[4]["before_nusd"], rows[4]["before_cleared"], rows[4]["time_us"]) == (None, None, None)
    assert rows[10]["request_id"] == "line-11"
    assert any("For 1 lines the model called has no price" in note for note in gathered.notes)
    assert gathered.notes[0] == (
        "7 of 11 lines could not be used: 4 bad_request (lines 6, 7, 8, 10), 1 duplicate_id (line 2), "
        "1 failed_call (line 9), 1 unreadable_line (line 11)."
    )
    assert gathered.notes[-1] == (
        "What was asked for an unregistered purpose is decided for the first purpose of its caller: "
        "general (1)."
    )


def test_nothing_of_a_prompt_is_written(tmp_path: Path) -> None:
    """Not in rows, not in what is kept to go on from."""
    gather(tmp_path, [line(1, prompt="xylophonic"), line(2, prompt={"xylophonic": 1})])
    kept = b"".join(path.read_bytes() for path in (tmp_path / "work").rglob("*") if path.is_file())
    assert b"r-1" in kept
    assert b"xylophonic" not in kept


def test_what_was_paid_checks_the_yardstick(tmp_path: Path) -> None:
    """By the log's cost, else by its tokens at the register's price; the page says how much they differ."""
    _, (row,) = gather(tmp_path, [line(1)])
    paid = {"cost_usd": str(2 * row["before_nusd"] / 10**9)}
    gathered, rows = gather(tmp_path, [line(1, **paid), line(2, cost_usd=None, output_tokens=None)])
    assert rows[0]["before_nusd"] == row["before_nusd"]
    assert any(
        "for 1 lines the log says" in note and "2.00 times what the yardstick" in note
        for note in gathered.notes
    )


def test_a_grade_only_checks_the_estimate(tmp_path: Path) -> None:
    """Where the choice is what was called, too: measured on both sides, the difference could only be 0."""
    _, (row,) = gather(tmp_path, [line(1, grade=0.25)])
    gathered, (same,) = gather(tmp_path, [line(1, model=row["model"], grade=0.25)])
    for found in (row, same):
        assert (found["quality_basis"], found["before_quality_basis"]) == ("modelled", "modelled")
    assert same["quality_ppm"] == same["before_quality_ppm"] == row["quality_ppm"]
    assert (
        "Check of the estimated quality: 1 lines have a grade, on average 0.250; the classifier expects "
        f"{same['quality_ppm'] / 10**6:.3f} of those calls."
    ) in gathered.notes
    assert (
        "Quality is the classifier's estimate, for the choice and for the model that the log names alike: of "
        "a model that was not called a log has no grade."
    ) in gathered.notes


def test_sensitive_requests_and_sessions_are_as_in_service(tmp_path: Path) -> None:
    """Classes pin; a session is drawn together, and so are equal texts without one."""
    _, rows = gather(
        tmp_path,
        [
            line(1, prompt="My card is 4111."),
            *(line(n, session="s") for n in (2, 3)),
            *(line(n, prompt="The same.") for n in (4, 5)),
            line(6, session=7),
        ],
    )
    assert (rows[0]["classes"], rows[0]["region"]) == ("financial", "on_premises")
    assert rows[1]["bucket"] == rows[2]["bucket"]
    assert rows[3]["bucket"] == rows[4]["bucket"]
    assert len({row["bucket"] for row in rows}) == 4


def test_scenarios_decide_the_same_requests(tmp_path: Path) -> None:
    """Each beside today's decision; another classifier scores the text again and is held to one yardstick."""
    shipped = data_folder() / "classifiers" / "default"
    what_ifs = (WhatIf("EU", regions=("eu", "on_premises")), WhatIf("same", bundle=shipped))
    gathered, rows = gather(tmp_path, [line(1), b"{", line(2)], what_ifs=what_ifs)
    moves = rows_of(gathered.moves)
    assert tuple(moves[0]) == tuple(column.name for column in MOVE_COLUMNS)
    assert [(move["scenario"], move["request_id"]) for move in moves] == [
        ("EU", "r-1"),
        ("same", "r-1"),
        ("EU", "r-2"),
        ("same", "r-2"),
    ]
    assert (moves[0]["now_region"], moves[0]["then_region"]) == ("us", "eu")
    assert all(
        moves[1][f"now_{name}"] == moves[1][f"then_{name}"] for name in ("model", "nusd", "quality_ppm")
    )
    assert moves[1]["now_nusd"] == rows[0]["expected_nusd"]
    assert gathered.scenarios["EU"] == "only models in eu, on_premises"


def test_the_cost_of_deciding_is_measured(tmp_path: Path) -> None:
    """In time of a core, unless somebody says what it costs."""
    gathered, rows = gather(tmp_path, [line(1), line(2)], costs=None)
    assert gathered.router_nusd == sum(row["router_nusd"] for row in rows) // 2 > 0
    assert gathered.router_basis.startswith("measured in this run: ")
    assert gathered.router_basis.endswith(" ms of one core a decision, at 0.05 USD an hour of a core")


def test_an_interrupted_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Finished pieces are not scored again, a piece without its end is, and the rows are those of one run."""
    monkeypatch.setattr(from_log, "CHUNK", 2)
    lines = [line(n, id=f"r-{n % 6}") for n in range(7)]
    _, whole = gather(tmp_path, lines)
    assert [row["verdict"] for row in whole] == ["route"] * 6 + ["set_aside"]
    shutil.rmtree(tmp_path / "work")

    score = LogScorer.score
    n_scored: list[int] = []
    n_before_the_break = [2]

    def counted(self: LogScorer, items: Any) -> Any:
        if len(n_scored) == n_before_the_break[0]:
            raise KeyboardInterrupt
        n_scored.append(len(items))
        return score(self, items)

    monkeypatch.setattr(LogScorer, "score", counted)
    with pytest.raises(KeyboardInterrupt):
        gather(tmp_path, lines)
    n_before_the_break[0] = 100
    (damaged,) = (tmp_path / "work").rglob("piece-000001.parquet")
    damaged.write_bytes(damaged.read_bytes()[:-4])
    told: list[tuple[str, int, int]] = []
    _, rows = gather(tmp_path, lines, progress=lambda *what: told.append(what))
    assert rows == whole
    assert n_scored == [2, 2, 2, 2, 1]
    assert told[0] == ("scoring (resumed: 1 of 4 chunks)", 2, 7)
    assert told[-1] == ("scoring (resumed: 1 of 4 chunks)", 7, 7)


def test_a_run_keeps_its_time_and_other_rules_are_another_run(tmp_path: Path) -> None:
    """Pieces are never mixed between logs, days, prices, pools or costs."""
    runs = [
        gather(tmp_path, [line(1)])[0],
        gather(tmp_path, [line(1)], at=NOON.replace(hour=20))[0],
        gather(tmp_path, [line(1)], at=NOON.replace(day=2))[0],
        gather(tmp_path, [line(1)], costs=None)[0],
        gather(tmp_path, [line(2)])[0],
        gather(tmp_path, [line(1)], what_ifs=(WhatIf("a", without=(GPT_4O,)),))[0],
        gather(tmp_path, [line(1)], what_ifs=(WhatIf("b", without=(GPT_4O,)),))[0],
    ]
    assert runs[0].rows == runs[1].rows
    assert len({run.rows for run in runs}) == 6
    (runs[0].rows.parent / "started.json").write_text("{}")
    with pytest.raises(ConfigurationError) as caught:
        gather(tmp_path, [line(1)])
    assert str(caught.value).endswith(
        "started.json: expected the time at which the run was begun, got KeyError; remove its folder"
    )


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """It says where, and that nothing is lost."""
    (tmp_path / "work").write_text("a file")
    with pytest.raises(ConfigurationError) as caught:
        gather(tmp_path, [line(1)])
    assert "expected to write in" in str(caught.value)
    assert "free some space or name another folder; the finished pieces are kept" in str(caught.value)


def test_models_are_found_by_the_names_that_gateways_use(tmp_path: Path) -> None:
    """Only where exactly one fits; provider and region may settle it."""
    names = names_of(shipped_register())
    assert names["openai/gpt-4o@us", "", ""] == (GPT_4O,)
    assert names["openai/gpt-4o", "", ""] == (GPT_4O,)
    assert names["gpt-4o-2024-08-06", "", ""] == ("azure/gpt-4o@eu", GPT_4O)
    assert names["gpt-4o-2024-08-06", "azure", ""] == ("azure/gpt-4o@eu",)
    assert names["gpt-4o-2024-08-06", "", "us"] == (GPT_4O,)
    assert names["openai/gpt-4o-2024-08-06", "openai", "us"] == (GPT_4O,)
    assert names["gpt-4o", "openai", "us"] == (GPT_4O,)
    assert names["gpt-4o", "", "eu"] == ("azure/gpt-4o@eu",)
    assert names["gpt-5-mini", "", ""] == ("openai/gpt-5-mini@us",)
    assert names["mistral-nemo", "mistral", "eu"] == ("mistral/mistral-nemo@eu",)
    assert ("gpt-4o", "openai", "eu") not in names
    _, (row,) = gather(tmp_path, [line(1, model="GPT-4o-2024-08-06", provider="Azure")])
    assert row["before_model"] == "azure/gpt-4o@eu"
    _, (row,) = gather(tmp_path, [line(1, model=" GPT-4o", provider="OpenAI", region="US")])
    assert (row["before_model"], row["faults"]) == (GPT_4O, "")


def test_a_name_of_several_models_of_one_cost_is_held_against(tmp_path: Path) -> None:
    """Cost and estimate are those of any of them, and where it ran stays unknown; else nothing is known."""
    _, (known,) = gather(tmp_path, [line(1)])
    gathered, (row, other) = gather(
        tmp_path, [line(1, model="gpt-4o"), line(2, model="llama-3.1-70b-instruct")]
    )
    same = ("before_nusd", "before_quality_ppm", "before_quality_basis")
    assert [row[name] for name in same] == [known[name] for name in same]
    assert (row["before_model"], row["faults"]) == ("gpt-4o", "several_models")
    unknown = ("before_provider", "before_region", "before_cleared", "weaker_terms", "posture_nusd")
    assert {row[name] for name in unknown} == {None}
    assert (other["before_nusd"], other["before_quality_ppm"]) == (None, None)
    assert other["faults"] == "unknown_model"
    assert (
        "For 1 lines several models of the register fit the name, all at one expected cost and one estimate: "
        "these count, and only provider and region stay unknown."
    ) in gathered.notes


def test_names_that_are_not_known_are_listed(tmp_path: Path) -> None:
    """The ten most frequent with counts, short and printable, and what to do."""
    names = ["b", "b", "a\0\u202e" + "x" * 100, *"cdefghijkl"]
    gathered, _ = gather(tmp_path, [line(n, model=f"no-{name}") for n, name in enumerate(names)])
    assert gathered.notes[0] == (
        f"Not in the register, or several of that name: no-b (2), no-a{'x' * 76} (1), "
        + ", ".join(f"no-{name} (1)" for name in "cdefghij")
        + ", and 2 more names. Log the register's id, or add provider and region, or add the model with "
        "--register DIR."
    )
    assert label_of("gpt-4o", "", "mars") == "gpt-4o (mars)"


def test_the_first_lines_that_were_set_aside_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most five of each code, over all pieces, by the number in the file."""
    monkeypatch.setattr(from_log, "CHUNK", 4)
    lines = [line(1), *[b"{"] * 7, line(9, status="error"), b""]
    gathered, _ = gather(tmp_path, lines)
    assert gathered.notes[0] == (
        "8 of 9 lines could not be used: 7 unreadable_line (lines 2, 3, 4, 5, 6 and 2 more), "
        "1 failed_call (line 9)."
    )
    assert not any("could not be used" in note for note in log_notes.notes(Counter(n_decided=1)))


def test_a_policy_without_its_default_caller_is_refused(tmp_path: Path) -> None:
    """A log is not decided for nobody."""
    policy = tmp_path / "policy"
    shutil.copytree(data_folder() / "policy", policy)
    callers = (policy / "callers.yaml").read_text()
    (policy / "callers.yaml").write_text(
        callers.replace("owner: platform-team\n", "owner: platform-team\n    expires_on: 2026-01-01\n", 1)
    )
    with pytest.raises(Exception, match="its registration has expired"):
        gather(tmp_path, [line(1)], Settings.of({}, home=tmp_path / "home", policy=policy))


def test_a_log_of_nothing_is_refused(tmp_path: Path) -> None:
    """Before anything is written."""
    with pytest.raises(InvalidRequestError, match="none can be read"):
        gather(tmp_path, [b"{"])
    assert not (tmp_path / "work").exists()


def test_a_ledger_is_read_for_trust_and_left_as_it_is(tmp_path: Path) -> None:
    """Exceptions and promotions hold as in service; nothing is recorded, and no ledger is made."""
    home = tmp_path / "home"
    gather(tmp_path, [line(1)])
    assert not home.exists()
    with closing(open_ledger(home)) as ledger:
        gather(tmp_path, [line(1)])
        assert ledger.size() == 0


def test_the_language_is_told_as_elsewhere(tmp_path: Path) -> None:
    """English unless the detector rules it out; unknown where the detector failed."""
    text = "Wie viele Beine hat eine Spinne, und warum sind es so viele?"
    _, rows = gather(tmp_path, [line(1), line(2, prompt=text)])
    assert [row["language"] for row in rows] == ["en", "en"]  # this detector rules nothing out
    assert language_of(text, {"language_unsupported"}) == "de"


def test_a_detector_that_knows_nothing_is_said(tmp_path: Path) -> None:
    """Every request is then restricted, as in service, and the page says so."""
    empty = tmp_path / "none"
    empty.mkdir()
    settings = Settings.of({}, home=tmp_path / "home", sensitivity=empty)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(installation, "open_detector", OPEN_DETECTOR)
        gathered, (row,) = gather(tmp_path, [line(1)], settings)
    assert (row["level"], row["language"]) == ("restricted", "")
    assert gathered.notes[-1] == (
        "The sensitivity detector could not be loaded: every request counts as restricted."
    )
