"""Check digits: published examples hold, and one changed digit breaks them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clearway.sensitivity import check_digits as check

EXAMPLES: list[tuple[Callable[[str], int], str]] = [
    (check.luhn, "4111 1111 1111 1111"),
    (check.nhs, "943 476 5919"),
    (check.routing, "021000021"),
    (check.tax_file_number, "123 456 782"),
    (check.medicare, "2123 45670 1"),
    (check.citizen_service_number, "111222333"),
    (check.pesel, "44051401359"),
    (check.cpf, "529.982.247-25"),
    (check.german_tax_id, "86095742719"),
    (check.aadhaar, "9999 4105 7058"),
    (check.spanish, "12345678Z"),
    (check.spanish, "X1234567L"),
    (check.french, "2 55 08 14 168 025 38"),
    (check.italian, "RSSMRA85T10A562S"),
    (check.bitcoin, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    (check.bitcoin, "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
]


@pytest.mark.parametrize(("holds", "value"), EXAMPLES)
def test_a_published_example_holds(holds: Callable[[str], int], value: str) -> None:
    """The arithmetic is that of the number's own standard."""
    assert holds(value)


@pytest.mark.parametrize(("holds", "value"), EXAMPLES)
def test_another_digit_breaks_it(holds: Callable[[str], int], value: str) -> None:
    """The first digit in the second half of the number, one higher, fails the check."""
    at = next(i for i in range(len(value) // 2, len(value)) if value[i].isdigit())
    changed = value[:at] + str((int(value[at]) + 1) % 10) + value[at + 1 :]
    assert not holds(changed)


@pytest.mark.parametrize(
    ("value", "n_kept"),
    [
        ("GB82 WEST 1234 5698 7654 32", 27),
        ("GB82 WEST 1234 5698 7654 32 of the firm", 27),
        ("DE89370400440532013000", 22),
        ("DE89370400440532013001", 0),
        ("DE893704004405320130007", 0),
        ("XX82WEST12345698765432", 0),
        ("DE89", 0),
    ],
)
def test_an_iban_ends_where_its_country_says(value: str, n_kept: int) -> None:
    """What follows is cut off; a wrong check, a further digit or an unknown country is no IBAN."""
    assert check.iban(value) == n_kept


@pytest.mark.parametrize(("value", "told"), [("777 7777", False), ("123 4567", False), ("555 0173", True)])
def test_a_counted_up_number_is_no_telephone_number(value: str, told: bool) -> None:
    """One digit repeated, or digits counted up, are made up."""
    assert check.not_sequential(value) is told
