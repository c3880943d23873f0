"""Checkpoints: the published vector of Go's sumdb/note, round trips, and forgeries."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from clearway.errors import LedgerError
from clearway.ledger.checkpoint import (
    Signer,
    Verifier,
    parse_checkpoint,
    parse_note,
    sign_checkpoint,
)
from clearway.ledger.tree import EMPTY_ROOT

KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
LINE = (
    "— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)
NOTE = f"{TEXT}\n{LINE}\n"
SIGNER = Signer("clearway/test", Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
CHECKPOINT = sign_checkpoint(SIGNER, 3, EMPTY_ROOT)
ROOT = base64.b64encode(EMPTY_ROOT).decode()


def signed(body: str) -> str:
    """A note over any text, by the log's own key."""
    return SIGNER.sign(body)


def test_published_vector() -> None:
    """The note that Go's sumdb/note documents is accepted under its key."""
    note = parse_note(NOTE)
    assert note.text == TEXT
    assert Verifier.parse(KEY).accepts(note)
    assert str(Verifier.parse(KEY)) == KEY


@pytest.mark.parametrize("place", range(0, len(TEXT) - 1, 7))
def test_vector_with_another_text_is_refused(place: int) -> None:
    """A changed letter anywhere in the text breaks the signature."""
    forged = TEXT[:place] + chr(ord(TEXT[place]) ^ 1) + TEXT[place + 1 :]
    assert not Verifier.parse(KEY).accepts(parse_note(f"{forged}\n{LINE}\n".replace("\x0b", "x")))


@given(st.integers(0, 10**17), st.binary(min_size=32, max_size=32))
def test_round_trip(size: int, root: bytes) -> None:
    """What was signed is read back, and its key accepts it."""
    checkpoint = parse_checkpoint(sign_checkpoint(SIGNER, size, root))
    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == ("clearway/test", size, root)
    assert checkpoint.is_signed_by(SIGNER.verifier)


@given(st.integers(0, len(CHECKPOINT) - 1), st.integers(1, 127))
def test_any_changed_character_is_refused(place: int, change: int) -> None:
    """No character of a signed checkpoint can differ."""
    forged = CHECKPOINT[:place] + chr(ord(CHECKPOINT[place]) ^ change) + CHECKPOINT[place + 1 :]
    try:
        accepted = parse_checkpoint(forged).is_signed_by(SIGNER.verifier)
    except (LedgerError, UnicodeEncodeError):
        accepted = False
    assert not accepted


def test_another_key_under_the_same_name_is_refused() -> None:
    """Only the key counts, not the name."""
    forged = sign_checkpoint(Signer("clearway/test", Ed25519PrivateKey.generate()), 3, EMPTY_ROOT)
    assert not parse_checkpoint(forged).is_signed_by(SIGNER.verifier)


def test_another_origin_under_the_right_key_is_refused() -> None:
    """A note of this key for another log is not this log's checkpoint."""
    assert not parse_checkpoint(signed(f"other\n3\n{ROOT}\n")).is_signed_by(SIGNER.verifier)


def test_a_bare_note_of_unknown_keys_is_refused() -> None:
    """No signature by a known key is no signature."""
    assert not SIGNER.verifier.accepts(parse_note(NOTE))


def test_unknown_signatures_beside_ours_are_ignored() -> None:
    """A witness may add its line; one bad line under our own name and id spoils the note."""
    witnessed = CHECKPOINT + LINE + "\n"
    assert parse_checkpoint(witnessed).is_signed_by(SIGNER.verifier)
    ours = SIGNER.sign("other\n").rpartition("\n\n")[2]
    assert not parse_checkpoint(witnessed + ours).is_signed_by(SIGNER.verifier)


def test_extension_lines_are_allowed_and_signed() -> None:
    """A checkpoint may have further lines (tlog-checkpoint, 4)."""
    assert parse_checkpoint(signed(f"clearway/test\n3\n{ROOT}\nmore\n")).is_signed_by(SIGNER.verifier)


FORM = "note: expected text, an empty line, and signature lines"
SIGNATURE = "note: expected a signature line of dash, key name and base64, got another form"
CONTROL = "note: expected at most 100000 characters and no control characters"


@pytest.mark.parametrize(
    ("note", "text"),
    [
        ("", FORM),
        (TEXT, FORM),
        (f"{TEXT}\n{LINE}", FORM),
        (f"{TEXT}\n", FORM),
        (f"{TEXT}\n\n", FORM),
        (NOTE.replace("—", "-"), SIGNATURE),
        (NOTE.replace("— PeterNeumann", "— Peter+Neumann"), SIGNATURE),
        (NOTE.replace("— PeterNeumann", "— "), SIGNATURE),
        (NOTE.replace("nAM=", "nAN="), SIGNATURE),
        (NOTE.replace("nAM=", "nAM"), SIGNATURE),
        (f"{TEXT}\n— a AAAAAA==\n", SIGNATURE),
        (NOTE.replace(" ", "\t", 1), CONTROL),
        ("a" * 100_001, CONTROL),
    ],
)
def test_malformed_notes(note: str, text: str) -> None:
    """A note in any other form is refused before a signature is looked at."""
    with pytest.raises(LedgerError) as caught:
        parse_note(note)
    assert str(caught.value) == text


LINES = "checkpoint: expected at least three lines (origin, size, root), none empty"
SIZE = "checkpoint: expected a size in decimal digits without leading zeros"
ROOT_TEXT = "checkpoint: expected a root of 32 bytes in base64"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("clearway/test\n3\n", LINES),
        (f"\n3\n{ROOT}\n", LINES),
        (f"clearway/test\n3\n{ROOT}\n\nmore\n", LINES),
        (f"clearway/test\n03\n{ROOT}\n", SIZE),
        (f"clearway/test\n-3\n{ROOT}\n", SIZE),
        (f"clearway/test\n\u0663\n{ROOT}\n", SIZE),
        (f"clearway/test\n{10**18}\n{ROOT}\n", SIZE),
        (f"clearway/test\n3\n{ROOT[:-4]}\n", ROOT_TEXT),
        (f"clearway/test\n3\n{ROOT}A\n", ROOT_TEXT),
        ("clearway/test\n3\n\u00e9\n", ROOT_TEXT),
    ],
)
def test_malformed_checkpoints(body: str, text: str) -> None:
    """A signed note that is no checkpoint is refused."""
    with pytest.raises(LedgerError) as caught:
        parse_checkpoint(signed(body))
    assert str(caught.value) == text


@pytest.mark.parametrize("body", ["", "a", "a\tb\n", "a\r\n"])
def test_only_lines_are_signed(body: str) -> None:
    """A text that would not parse again is not signed."""
    with pytest.raises(LedgerError) as caught:
        SIGNER.sign(body)
    assert str(caught.value) == "note: expected lines of text, each ended by a newline"


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\n"])
def test_key_names(name: str) -> None:
    """A name that would break the signature line is refused."""
    with pytest.raises(LedgerError) as caught:
        Signer.generate(name)
    assert str(caught.value) == "key name: expected text without spaces and plus signs"


@pytest.mark.parametrize("text", ["", "PeterNeumann", KEY[:-4], KEY.replace("+AR", "+BR"), "+" + KEY])
def test_malformed_public_keys(text: str) -> None:
    """Only Ed25519 keys in the name+id+key form are read."""
    with pytest.raises(LedgerError) as caught:
        Verifier.parse(text)
    assert str(caught.value) == "public key: expected name+id+key with an Ed25519 key, got another form"


@pytest.mark.parametrize("text", [KEY.replace("c74f", "c74e"), KEY.replace("Peter", "Piter")])
def test_public_key_id_must_fit(text: str) -> None:
    """The id binds name and key, so that a slip of the pen is found."""
    with pytest.raises(LedgerError) as caught:
        Verifier.parse(text)
    assert str(caught.value) == "public key: expected the id of this name and key, got another id"


def test_private_key_round_trip() -> None:
    """The private text gives the same key again, and is not in the repr."""
    text = SIGNER.private_text()
    assert Signer.parse(text).verifier == SIGNER.verifier
    assert text.split("+")[-1] not in repr(SIGNER)


@pytest.mark.parametrize("text", ["", KEY, SIGNER.private_text()[:-4], SIGNER.private_text()[1:]])
def test_malformed_private_keys(text: str) -> None:
    """Anything else is not a private key, and the error does not show it."""
    with pytest.raises(LedgerError) as caught:
        Signer.parse(text)
    assert str(caught.value) == "private key: expected PRIVATE+KEY+name+id+seed, got another form"


def test_private_key_id_must_fit() -> None:
    """A private key under another name is refused."""
    with pytest.raises(LedgerError) as caught:
        Signer.parse(SIGNER.private_text().replace("clearway/test", "clearway/best"))
    assert str(caught.value) == "private key: expected the id of this name and key, got another id"
