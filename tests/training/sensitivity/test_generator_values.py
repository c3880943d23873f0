"""The generator's numbers and secrets are valid, its near misses are not."""

import re
from random import Random

import pytest

from training.sensitivity.generator import numbers, secrets
from training.sensitivity.generator.check_digits import luhn, mod_11_10, verhoeff
from training.sensitivity.generator.markup import pieces
from training.sensitivity.generator.people import Person
from training.sensitivity.generator.slots import Draw

RUNS = range(200)


def _plain(number: str) -> str:
    return re.sub(r"[ -]", "", number)


def _iban_rest(number: str) -> int:
    moved = number[4:] + number[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97


def test_cards_pass_the_luhn_test_and_broken_ones_fail() -> None:
    """A card's last digit is its check digit; a broken card's is not."""
    for seed in RUNS:
        good, bad = _plain(numbers.card(Random(seed))), _plain(numbers.broken_card(Random(seed)))
        assert luhn(good[:-1]) == good[-1]
        assert luhn(bad[:-1]) != bad[-1]


def test_ibans_leave_the_rest_one_and_broken_ones_do_not() -> None:
    """An IBAN is 1 modulo 97 after its first four characters move to the end."""
    for seed in RUNS:
        assert _iban_rest(_plain(numbers.iban(Random(seed)))) == 1
        assert _iban_rest(_plain(numbers.broken_iban(Random(seed)))) != 1


def test_iban_lengths_are_those_of_the_register() -> None:
    """Each country's IBAN has the length that SWIFT's register gives."""
    lengths = {
        "GB": 22, "DE": 22, "FR": 27, "ES": 24, "IT": 27, "NL": 18, "BE": 16, "AT": 20, "CH": 21, "PL": 28,
        "PT": 25, "IE": 22, "SE": 24, "NO": 15, "DK": 18, "FI": 18,
    }  # fmt: skip
    for seed in range(400):
        number = _plain(numbers.iban(Random(seed)))
        assert len(number) == lengths[number[:2]]


def test_routing_numbers_pass_their_check() -> None:
    """Weights 3, 7, 1 give a multiple of ten."""
    for seed in RUNS:
        digits = [int(digit) for digit in numbers.routing(Random(seed))]
        assert sum(d * w for d, w in zip(digits, (3, 7, 1) * 3, strict=True)) % 10 == 0


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (numbers.ssn, r"(?!000|666|9)\d{3}([- ])(?!00)\d\d\1(?!0000)\d{4}"),
        (numbers.itin, r"9\d\d-[78]\d-\d{4}"),
        (numbers.nino, r"[A-Z]{2} ?\d\d ?\d\d ?\d\d ?[A-D]"),
        (numbers.nhs, r"\d{3}[ -]?\d{3}[ -]?\d{4}"),
        (numbers.pan, r"[A-Z]{3}P[A-Z]\d{4}[A-Z]"),
        (numbers.nie, r"[XYZ]\d{7}[A-Z]"),
        (numbers.codice_fiscale, r"[A-Z]{6}\d\d[A-T]\d\d[A-Z]\d{3}[A-Z]"),
        (numbers.cpf, r"\d{3}\.?\d{3}\.?\d{3}-?\d\d"),
        (numbers.pesel, r"\d{11}"),
        (secrets.aws_key_id, r"A[KS]IA[A-Z2-7]{16}"),
        (secrets.jwt, r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{43}"),
    ],
)
def test_ids_have_their_shape(make: secrets.Maker, shape: str) -> None:
    """Identity numbers and keys look as their issuers write them."""
    for seed in RUNS:
        assert re.fullmatch(shape, make(Random(seed)))


def test_known_check_digits() -> None:
    """Published examples: Verhoeff of 236 is 3; ISO 7064 of a German tax number."""
    assert verhoeff("236") == "3"
    assert mod_11_10("8609574271") == "9"


def test_a_person_is_the_same_in_any_order_of_questions() -> None:
    """Details do not depend on what was asked before."""
    one, other = Person("7"), Person("7")
    other.address()
    other.phone()
    assert (one.name(), one.email(), one.birthday()) == (other.name(), other.email(), other.birthday())


def test_an_unknown_slot_is_an_error() -> None:
    """The error names the slot and says where the right ones are."""
    with pytest.raises(
        ValueError, match=r"^unknown slot in a template: expected one of slots.py, got «nmae»$"
    ):
        list(pieces("Dear «nmae»", Draw("1", "train")))


def test_a_stand_in_is_never_a_value() -> None:
    """The harmless half of a slot has no entity."""
    found = list(pieces("«card» «ssn» «email» «token»", Draw("1", "train"), sensitive=False))
    assert not [piece for piece in found if piece.entity]
