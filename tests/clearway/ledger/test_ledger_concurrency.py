"""Threads, processes and sudden death: one entry for one request, none lost, and it verifies."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from clearway.errors import RequestConflictError
from clearway.ledger.checkpoint import Verifier, parse_checkpoint
from clearway.ledger.export import snapshot
from clearway.ledger.sqlite import SqliteLedger, open_ledger
from clearway.ledger.sqlite_connection import _use_wal
from clearway.ledger.store import Entry, Private
from clearway.ledger.verify import verify_entries

Open = Callable[[], SqliteLedger]

WRITER = """
import sys
from pathlib import Path
from clearway.ledger.sqlite import open_ledger
from clearway.ledger.store import Private

home, name, n = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
ledger = open_ledger(home)
print("ready", flush=True)
sys.stdin.readline()
for i in range(n):
    private = Private(b"salt", f"request-{i}".encode(), b"body", name.encode(), 1)
    entry = ledger.append("decision", {"decision_id": f"{name}-{i}"}, private)
    print(entry.index, flush=True)
"""


def start_writer(home: Path, name: str, n: int) -> subprocess.Popen[str]:
    """A process that has the ledger open and waits for a line to begin."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(home), name, str(n)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    """Let a waiting writer begin."""
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


def sound_size(ledger: SqliteLedger) -> int:
    """Number of entries of a ledger that verifies."""
    found = verify_entries(*snapshot(ledger), Verifier.parse(ledger.public_key))
    assert found.fault is None
    return found.size


@pytest.mark.parametrize("shared", [True, False])
def test_eight_threads_with_one_request(open_again: Open, shared: bool) -> None:
    """Of eight racing retries one appends, and all get its entry; with one connection or with eight."""
    first = open_again()
    ledgers = [first if shared else open_again() for _ in range(8)]
    barrier = threading.Barrier(8)

    def retry(n: int) -> Entry:
        barrier.wait()
        private = Private(b"salt-%d" % n, b"request", b"body", None, 0)
        entry: Entry = ledgers[n].append("decision", {"decision_id": f"d{n}"}, private)
        return entry

    with ThreadPoolExecutor(8) as pool:
        entries = list(pool.map(retry, range(8)))
    assert len({entry.canonical for entry in entries}) == 1
    assert sound_size(first) == 1


def test_eight_threads_with_two_bodies(ledger: SqliteLedger) -> None:
    """When bodies differ, one body wins and every other is a conflict."""
    barrier = threading.Barrier(8)

    def send(n: int) -> str:
        barrier.wait()
        try:
            entry = ledger.append(
                "decision", {"n": n % 2}, Private(b"s", b"request", b"%d" % (n % 2), None, 0)
            )
        except RequestConflictError:
            return "conflict"
        return f"body {entry.record['n']}"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    assert answers.count("conflict") == 4
    assert len(set(answers)) == 2
    assert sound_size(ledger) == 1


def test_threads_append_and_read_at_once(ledger: SqliteLedger) -> None:
    """While four threads append, every snapshot that two others take verifies."""
    done = threading.Event()

    def write(n: int) -> int:
        for i in range(40):
            ledger.append("note", {"thread": n, "i": i})
        return 40

    def watch(_: int) -> int:
        sizes = [sound_size(ledger)]
        while not done.is_set():
            sizes.append(sound_size(ledger))
        assert sizes == sorted(sizes)
        return 0

    with ThreadPoolExecutor(6) as pool:
        watchers = [pool.submit(watch, n) for n in range(2)]
        written = sum(pool.map(write, range(4)))
        done.set()
        assert [watcher.result() for watcher in watchers] == [0, 0]
    assert sound_size(ledger) == written == 160


def test_two_processes_append_at_once(tmp_path: Path) -> None:
    """Two processes with the same 60 requests: 60 entries, each process told the same, and it verifies."""
    home = tmp_path / "home"
    open_ledger(home).close()
    writers = [start_writer(home, name, 60) for name in ("a", "b")]
    for writer in writers:
        go(writer)
    told = [[int(line) for line in writer.communicate(timeout=60)[0].split()] for writer in writers]
    assert told[0] == told[1] == list(range(60))
    ledger = open_ledger(home)
    assert sound_size(ledger) == 60
    assert ledger.session(b"a").level + ledger.session(b"b").level > 0
    ledger.close()


@pytest.mark.parametrize("n_acknowledged", [1, 50, 137, 300])
def test_a_killed_process_loses_nothing_it_acknowledged(tmp_path: Path, n_acknowledged: int) -> None:
    """After SIGKILL every printed index is there, whole with its companions, and the ledger goes on."""
    home = tmp_path / "home"
    writer = start_writer(home, "a", 100_000)
    go(writer)
    assert writer.stdout
    for _ in range(n_acknowledged):
        writer.stdout.readline()
    writer.kill()
    rest = [line for line in writer.communicate(timeout=60)[0].split("\n") if line]
    ledger = open_ledger(home)
    size = sound_size(ledger)
    # At most the one entry whose acknowledgement was under way is there unprinted.
    assert n_acknowledged + len(rest) in (size, size - 1)
    assert parse_checkpoint(ledger.checkpoint()).size == size
    for index in range(size):
        assert ledger.get(index).decision_id == f"a-{index}"
        assert ledger.salt(index) == b"salt"
        assert ledger.lookup(f"request-{index}".encode(), b"body") == ledger.get(index)
    assert ledger.append("note", {}).index == size
    ledger.close()


class Busy:
    """A connection whose first calls find the file locked, as when two processes set it up at once."""

    def __init__(self, n_refusals: int, code: int = sqlite3.SQLITE_BUSY) -> None:
        self.n_left, self.code = n_refusals, code

    def execute(self, _: str) -> None:
        """Fail as SQLite does, at once and without its busy time-out."""
        if self.n_left:
            self.n_left -= 1
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = self.code
            raise error


def test_opening_waits_for_another_that_sets_the_file_up() -> None:
    """The change to write-ahead logging is tried again until the deadline, and only when it was busy."""
    busy = Busy(3)
    _use_wal(busy, time.monotonic() + 5)  # type: ignore[arg-type]  # the one method it calls
    assert busy.n_left == 0
    for connection, deadline in ((Busy(9), 0.0), (Busy(1, sqlite3.SQLITE_READONLY), time.monotonic() + 5)):
        with pytest.raises(sqlite3.OperationalError, match=r"^database is locked$"):
            _use_wal(connection, deadline)  # type: ignore[arg-type]  # the one method it calls
