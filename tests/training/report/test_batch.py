"""Pieces of a long run are scored on several cores, and what is finished stays finished."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from clearway.errors import ConfigurationError
from clearway.installation import Settings
from clearway.testing import NOON
from training.report.gathered import Costs
from training.report.routed import MOVE_COLUMNS
from training.report.sources import from_log
from training.report.sources.batch import Pieces, Scored, score_pieces, write_whole
from training.report.sources.log_scorer import set_aside_row
from training.report.sources.traffic_log import LogLine

LIMIT_S = 60


class Numbers:
    """A row for each number; on one of them it does what it was told.

    Args:
        fails_at: Number that fails.
        how: `error` or `kill`.
    """

    def __init__(self, fails_at: int = -1, how: str = "error") -> None:
        self._fails_at, self._how = fails_at, how

    def score(self, items: Sequence[int]) -> Scored:
        """Rows named by the numbers."""
        if self._fails_at in items and self._how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._fails_at in items:
            raise ConfigurationError("told as it is")
        rows = [set_aside_row(LogLine(n, f"n-{n}", frozenset()), "a test") for n in items]
        moves = [{column.name: None for column in MOVE_COLUMNS} for _ in items]
        return Scored(rows, moves, {"n": len(items)})


CHUNKS = [(number, range(10 * number, 10 * number + 10)) for number in range(6)]


def run(folder: Path, workers: int, *fails: Any) -> tuple[Pieces, list[int]]:
    """Score what is missing of six pieces; the pieces and their numbers as they were finished."""
    pieces = Pieces(folder, len(CHUNKS), has_moves=True)
    told: list[int] = []
    missing = [(number, items) for number, items in CHUNKS if not pieces.is_done(number)]
    score_pieces(missing, pieces, partial(Numbers, *fails), workers=workers, progress=told.append)
    return pieces, told


def names(folder: Path | None) -> list[str]:
    """Ids of the rows of a folder, in the order of its files."""
    assert folder is not None
    files = sorted(folder.glob("*.parquet"))
    return [name for path in files for name in pq.read_table(path)["request_id"].to_pylist()]


@pytest.mark.parametrize("workers", [1, 2])
def test_all_pieces_are_scored_in_order(tmp_path: Path, workers: int) -> None:
    """On one core or several: a file for each piece, nothing else, and their sums."""
    pieces, told = run(tmp_path, workers)
    assert sorted(told) == list(range(6))
    assert names(pieces.rows) == [f"n-{n}" for n in range(60)]
    assert len(names(pieces.moves)) == 60
    assert pieces.tally() == {"n": 60}
    assert not list(tmp_path.rglob("*.partial"))
    assert run(tmp_path, workers)[1] == []


def test_an_error_in_a_process_is_told_as_it_is(tmp_path: Path) -> None:
    """In one line; the pieces before it stay."""
    with pytest.raises(ConfigurationError, match=r"^told as it is$"):
        run(tmp_path, 2, 59)
    assert set(run(tmp_path, 1)[1]) < set(range(6))


def test_a_process_that_is_killed_loses_its_piece_only(tmp_path: Path) -> None:
    """The text says what to do, and the same command goes on."""
    with pytest.raises(ConfigurationError) as caught:
        run(tmp_path, 2, 59, "kill")
    assert str(caught.value) == (
        "scoring: a process was killed, perhaps for want of memory; the finished pieces are kept, "
        "run the same command again to go on, with fewer --workers if it happens again"
    )
    pieces, told = run(tmp_path, 1)
    assert 5 in told
    assert names(pieces.rows) == [f"n-{n}" for n in range(60)]


def test_two_runs_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Both write whole files of the same names."""
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: run(tmp_path, 1), range(2)))
    assert names(found[0][0].rows) == [f"n-{n}" for n in range(60)]
    assert found[0][0].tally() == {"n": 60}


@pytest.mark.parametrize("damage", ["rows", "moves", "done"])
def test_a_damaged_piece_is_not_finished(tmp_path: Path, damage: str) -> None:
    """Each of its files must be whole."""
    pieces, _ = run(tmp_path, 1)
    (path,) = (tmp_path / damage).glob("piece-000002.*")
    path.write_bytes(b"[")
    assert [number for number in range(6) if not pieces.is_done(number)] == [2]
    path.unlink()
    assert run(tmp_path, 1)[1] == [2]


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing half is left under the name of a file."""

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ConfigurationError) as caught:
        write_whole(tmp_path / "x.json", "{}")
    assert str(caught.value) == (
        f"x.json: expected to write in {tmp_path}, got: No space left on device; free some space or name "
        "another folder; the finished pieces are kept"
    )
    with pytest.raises(ConfigurationError, match="No space left on device"):
        run(tmp_path, 1)
    assert not list(tmp_path.rglob("*.*"))


RUN = """
    import signal
    import sys
    from pathlib import Path
    from clearway.installation import Settings
    from clearway.testing import NOON
    from training.report.sources import from_log
    from training.report.gathered import Costs

    if __name__ == "__main__":
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job inherits another
        log, home, work = map(Path, sys.argv[1:])
        from_log.gather(log, Settings.of({}, home=home), work, workers=2, at=NOON, costs=Costs(1, "said"))
"""


@pytest.mark.systems
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_broken_off_goes_on(tmp_path: Path, how: signal.Signals) -> None:
    """Killed or interrupted, its processes end too; the rows are those of one run that was not."""
    log, script, work = tmp_path / "log.jsonl", tmp_path / "run.py", tmp_path / "work"
    script.write_text(textwrap.dedent(RUN))
    lines = [
        {"id": f"r-{n % 1_400}", "prompt": f"How many legs have {n} spiders? " * 20} for n in range(2_000)
    ]
    log.write_text("\n".join(map(json.dumps, lines)))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, str(script), str(log), str(tmp_path / "home"), str(work)]
    process = subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    wait_until(lambda: bool(list(work.rglob("done/*.json"))))
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    if how == signal.SIGKILL:
        process.kill()
    else:
        os.killpg(process.pid, how)  # as a terminal does
    _, errors = process.communicate(timeout=LIMIT_S)
    assert errors.count("Traceback") == (how == signal.SIGINT)  # its own; the command line catches that
    assert process.returncode != 0
    wait_until(lambda: not any(is_running(child) for child in children))
    assert 0 < len(list(work.rglob("done/*.json"))) < 8

    told: list[str] = []
    options: dict[str, Any] = {"workers": 2, "at": NOON, "costs": Costs(1, "said")}
    settings = Settings.of({}, home=tmp_path / "home")
    resumed = from_log.gather(log, settings, work, progress=lambda what, *_: told.append(what), **options)
    assert told[0].startswith("scoring (resumed: ")
    assert told[0].endswith(" of 8 chunks)")
    whole = from_log.gather(log, settings, tmp_path / "other", **options)
    files = sorted(path.name for path in whole.rows.glob("*.parquet"))
    assert len(files) == 8
    assert all(pq.read_table(resumed.rows / name).equals(pq.read_table(whole.rows / name)) for name in files)
    assert sum(names(whole.rows).count(f"r-{n}") for n in range(100)) == 200


def wait_until(holds: Any) -> None:
    """Wait until something holds, but not for ever."""
    end = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_running(pid: str) -> bool:
    """Whether a process is there, and no mere entry of one that has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
