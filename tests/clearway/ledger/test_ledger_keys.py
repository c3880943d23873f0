"""Key files and the folder of a ledger: private, made once, never replaced."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.errors import ConfigurationError, LedgerError, LedgerUnavailableError
from clearway.ledger.checkpoint import Verifier
from clearway.ledger.export import snapshot
from clearway.ledger.keys import (
    _read_or_write,
    create_index_key,
    create_signer,
    keyed_digest,
    load_index_key,
    load_signer,
)
from clearway.ledger.sqlite import open_ledger
from clearway.ledger.verify import verify_entries


def mode(path: Path) -> int:
    """Permission bits of a file."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder of a ledger that has one entry."""
    folder = tmp_path / "home"
    ledger = open_ledger(folder, "clearway/here")
    ledger.append("note", {"a": 1})
    ledger.close()
    return folder


def test_permissions_are_tight(tmp_path: Path) -> None:
    """Nobody but the owner reads the folder, the keys, the database or its side files."""
    ledger = open_ledger(tmp_path / "a" / "home")
    ledger.append("note", {"a": 1})
    home = tmp_path / "a" / "home"
    assert mode(home) == 0o700
    assert {path.name: mode(path) for path in home.iterdir()} == dict.fromkeys(
        ["ledger-key", "index-key", "ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger-started"], 0o600
    )
    ledger.close()


def test_opened_again_it_is_the_same_ledger(home: Path) -> None:
    """Keys, origin and entries persist; the origin given later does not rename the log."""
    ledger = open_ledger(home, "clearway/elsewhere")
    assert ledger.public_key.startswith("clearway/here+")
    assert ledger.append("note", {"a": 2}).index == 1
    assert ledger.keyed("a") == keyed_digest(load_index_key(home / "index-key"), ("a",))
    ledger.close()


@pytest.mark.parametrize("name", ["ledger-key", "index-key"])
@pytest.mark.parametrize("bits", [0o640, 0o604, 0o620, 0o601])
def test_a_key_that_others_can_read_is_refused(home: Path, name: str, bits: int) -> None:
    """A key that may have leaked is not used, and the text says how to close it."""
    key = home / name
    key.chmod(bits)
    with pytest.raises(ConfigurationError) as caught:
        open_ledger(home)
    assert str(caught.value) == (
        f"{key}: expected a key that only its owner can read, got mode {bits:04o}; run: chmod 600 {key}"
    )


@pytest.mark.parametrize("name", ["ledger-key", "index-key"])
def test_a_missing_key_is_not_made_anew(home: Path, name: str) -> None:
    """A ledger without its key is refused, and no other key takes its place."""
    (home / name).unlink()
    with pytest.raises(LedgerError) as caught:
        open_ledger(home)
    assert str(caught.value) == (
        f"{home / name}: missing, but the ledger is there; restore the key from your backup"
    )
    assert not (home / name).exists()


@pytest.mark.parametrize(("name", "what"), [("ledger-key", "ledger key"), ("index-key", "index key")])
@pytest.mark.parametrize("content", ["", "00", "\u00e9" * 32, "zz" * 32])
def test_a_damaged_key_is_refused(home: Path, name: str, what: str, content: str) -> None:
    """A file that holds no key is refused, and its content is not repeated."""
    (home / name).write_text(content, encoding="utf-8")
    with pytest.raises(LedgerError) as caught:
        open_ledger(home)
    assert str(caught.value) == f"{home / name}: holds no {what}; restore it from your backup"


def test_an_unreadable_key(home: Path) -> None:
    """A key that cannot be read is a fault of the moment."""
    (home / "ledger-key").unlink()
    (home / "ledger-key").mkdir(mode=0o700)
    with pytest.raises(LedgerUnavailableError) as caught:
        load_signer(home / "ledger-key")
    assert str(caught.value) == f"{home / 'ledger-key'}: cannot be read; make it readable for this user"


def test_a_key_that_cannot_be_written(tmp_path: Path) -> None:
    """A missing folder is said, with the remedy."""
    path = tmp_path / "missing" / "key"
    with pytest.raises(LedgerUnavailableError) as caught:
        create_index_key(path)
    assert str(caught.value) == f"{path}: cannot be written; make its folder writable for this user"


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    """A folder below a file cannot be."""
    (tmp_path / "file").touch()
    home = tmp_path / "file" / "home"
    with pytest.raises(LedgerUnavailableError) as caught:
        open_ledger(home)
    assert str(caught.value) == f"{home}: cannot be created; choose a writable folder"


def test_a_database_that_cannot_be_made(tmp_path: Path) -> None:
    """A link that leads nowhere cannot be opened."""
    path = tmp_path / "ledger.db"
    path.symlink_to(tmp_path / "missing" / "ledger.db")
    with pytest.raises(LedgerUnavailableError) as caught:
        open_ledger(tmp_path)
    assert str(caught.value) == f"{path}: cannot be written; make its folder writable for this user"


def test_an_existing_key_is_never_replaced(tmp_path: Path) -> None:
    """Making a key where there is one gives the one that is there, and leaves no draft behind."""
    first = create_signer(tmp_path / "key", "a")
    assert create_signer(tmp_path / "key", "b").verifier == first.verifier
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_the_loser_of_a_race_takes_the_winner_s_key(tmp_path: Path) -> None:
    """A key that another process made between our look and our write is the one both use."""
    path = tmp_path / "key"

    def make() -> str:
        create_index_key(path)
        return "00" * 32

    assert _read_or_write(path, make) == load_index_key(path).hex() != "00" * 32
    assert [file.name for file in tmp_path.iterdir()] == ["key"]


def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    """Six processes make the ledger at the same time: one key, six entries, and it verifies."""
    script = (
        "import sys; from pathlib import Path; from clearway.ledger.sqlite import open_ledger\n"
        "sys.stdin.read(1)\n"
        f"ledger = open_ledger(Path({str(tmp_path / 'home')!r})); ledger.append('note', {{}})\n"
        "print(ledger.public_key)"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    for process in processes:
        assert process.stdin
        process.stdin.write("x")
        process.stdin.flush()
    keys = {process.communicate(timeout=60)[0] for process in processes}
    ledger = open_ledger(tmp_path / "home")
    assert keys == {ledger.public_key + "\n"}
    found = verify_entries(*snapshot(ledger), Verifier.parse(ledger.public_key))
    assert (found.fault, found.size) == (None, 6)
    ledger.close()


@given(st.lists(st.text()), st.lists(st.text()))
def test_keyed_digests_are_unambiguous(first: list[str], second: list[str]) -> None:
    """Two lists of texts have the same digest only when they are the same list."""
    same = keyed_digest(b"k" * 32, tuple(first)) == keyed_digest(b"k" * 32, tuple(second))
    assert same == (first == second)


def test_keyed_digests_need_the_key() -> None:
    """Another key gives other digests; texts that only join alike are apart; any text has one."""
    assert keyed_digest(b"k" * 32, ("a", "b")) != keyed_digest(b"j" * 32, ("a", "b"))
    assert keyed_digest(b"k" * 32, ("a", "b")) != keyed_digest(b"k" * 32, ("ab",))
    assert len(keyed_digest(b"k" * 32, ("\ud800",))) == 32
