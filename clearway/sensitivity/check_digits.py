"""Check digits of numbers that identify: a number that fails its own arithmetic identifies nothing.

Each check takes a value as written, separators included, and tells whether its arithmetic holds. All is exact
integer arithmetic.
"""

from __future__ import annotations

import re
from hashlib import sha256
from itertools import pairwise
from typing import Final

_SYMBOL: Final = re.compile(r"[\W_]+")
_VERHOEFF: Final = (
    "0123456789123406789523401789563401289567401239567859876043216598710432765982104387659321049876543210"
)
_VERHOEFF_SHIFT: Final = "01234567891576283094580379614289160435279453126870428657390127938064157046913258"
_SPANISH: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
_ITALIAN_ODD: Final = (
    1,
    0,
    5,
    7,
    9,
    13,
    15,
    17,
    19,
    21,
    2,
    4,
    18,
    20,
    11,
    3,
    6,
    8,
    12,
    14,
    16,
    10,
    22,
    25,
    24,
    23,
)
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
# Length of an IBAN by country (ISO 13616 registry).
_IBAN_TEXT: Final = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 "
    "DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 "
    "IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 "
    "MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 "
    "SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30 "
)
_IBAN_LENGTHS: Final = {entry[:2]: int(entry[2:]) for entry in _IBAN_TEXT.split()}


def digits_of(value: str) -> list[int]:
    """The decimal digits of a value, in order."""
    return [int(character) for character in value if character.isdecimal()]


def luhn(value: str) -> bool:
    """Whether the last digit is the Luhn check digit (ISO/IEC 7812): cards, SIN, IMEI; not all digits equal.

    >>> luhn("4111 1111 1111 1111"), luhn("4111 1111 1111 1112")
    (True, False)
    """
    digits = digits_of(value)[::-1]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0 and len(set(digits)) > 1


def iban(value: str) -> int:
    """Characters of the value that are an IBAN from its start, 0 when none is (ISO 13616)."""
    n_wanted = _IBAN_LENGTHS.get(value[:2].upper(), 0)
    places = [at for at, character in enumerate(value) if character.isalnum()][:n_wanted]
    end = places[-1] + 1 if places else 0
    if len(places) < n_wanted or (end < len(value) and value[end].isalnum()) or not n_wanted:
        return 0
    compact = "".join(value[at] for at in places)
    moved = compact[4:] + compact[:4]
    return end if int("".join(str(int(character, 36)) for character in moved)) % 97 == 1 else 0


def nhs(value: str) -> bool:
    """Whether a British NHS number's modulo-11 check digit holds."""
    return _weighted(value, (10, 9, 8, 7, 6, 5, 4, 3, 2, 1), 11)


def routing(value: str) -> bool:
    """Whether a US bank's routing number's check digit holds (American Bankers Association)."""
    return _weighted(value, (3, 7, 1, 3, 7, 1, 3, 7, 1), 10)


def tax_file_number(value: str) -> bool:
    """Whether an Australian tax file number's modulo-11 check holds."""
    return _weighted(value, (1, 4, 3, 7, 5, 8, 6, 9, 10), 11)


def medicare(value: str) -> bool:
    """Whether an Australian Medicare number's ninth digit is right."""
    digits = digits_of(value)
    return sum(a * b for a, b in zip(digits, (1, 3, 7, 9, 1, 3, 7, 9), strict=False)) % 10 == digits[8]


def citizen_service_number(value: str) -> bool:
    """Whether a Dutch BSN passes its 11-test."""
    return _weighted(value, (9, 8, 7, 6, 5, 4, 3, 2, -1), 11)


def pesel(value: str) -> bool:
    """Whether a Polish PESEL's check digit holds."""
    return _weighted(value, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1), 10)


def cpf(value: str) -> bool:
    """Whether both check digits of a Brazilian CPF hold."""
    digits = digits_of(value)
    for n in (9, 10):
        total = sum(digit * weight for digit, weight in zip(digits, range(n + 1, 1, -1), strict=False))
        if total * 10 % 11 % 10 != digits[n]:
            return False
    return len(set(digits)) > 1


def german_tax_id(value: str) -> bool:
    """Whether a German tax identification number's check digit holds (ISO 7064, modulo 11, 10)."""
    product = 10
    digits = digits_of(value)
    for digit in digits[:-1]:
        product = ((digit + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == digits[-1] and digits[0] > 0


def aadhaar(value: str) -> bool:
    """Whether an Indian Aadhaar number's Verhoeff check digit holds."""
    check = 0
    for place, digit in enumerate(reversed(digits_of(value))):
        shifted = int(_VERHOEFF_SHIFT[place % 8 * 10 + digit])
        check = int(_VERHOEFF[check * 10 + shifted])
    return check == 0


def spanish(value: str) -> bool:
    """Whether the letter of a Spanish NIF or NIE is right."""
    compact = _SYMBOL.sub("", value).upper()
    number = compact[:-1].translate(str.maketrans("XYZ", "012"))
    return _SPANISH[int(number) % 23] == compact[-1]


def french(value: str) -> bool:
    """Whether the key of a French social-security number is right; Corsica counts as 19 and 18."""
    compact = _SYMBOL.sub("", value).upper().replace("2A", "19").replace("2B", "18")
    return 97 - int(compact[:13]) % 97 == int(compact[13:])


def italian(value: str) -> bool:
    """Whether the last letter of an Italian fiscal code is right."""
    compact = _SYMBOL.sub("", value).upper()
    numbers = [int(character) if character.isdecimal() else ord(character) - 65 for character in compact]
    total = sum(_ITALIAN_ODD[n] for n in numbers[:15:2]) + sum(numbers[1:15:2])
    return total % 26 == numbers[15]


def bitcoin(value: str) -> bool:
    """Whether the checksum of a Bitcoin address holds (Base58Check, or Bech32 of BIP 173 and 350)."""
    return _bech32(value) if value.lower().startswith("bc1") else _base58(value)


def not_sequential(value: str) -> bool:
    """Whether the digits are more than one digit repeated or counted up or down."""
    steps = {(b - a) % 10 for a, b in pairwise(digits_of(value))}
    return len(steps) > 1


def _weighted(value: str, weights: tuple[int, ...], modulus: int) -> bool:
    digits = digits_of(value)
    total = sum(digit * weight for digit, weight in zip(digits, weights, strict=False))
    return len(digits) == len(weights) and total % modulus == 0 and len(set(digits)) > 1


def _base58(value: str) -> bool:
    number = 0
    for character in value:
        number = number * 58 + _BASE58.find(character)
    if number.bit_length() > 200:
        return False
    raw = number.to_bytes(25, "big")
    return sha256(sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


def _bech32(value: str) -> bool:
    data = [_BECH32.find(character) for character in value.lower()[3:]]
    check = 1
    for five_bits in [3, 3, 0, 2, 3, *data]:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ five_bits
        for bit, generator in enumerate(_BECH32_GENERATOR):
            check ^= generator if top >> bit & 1 else 0
    return min(data) >= 0 and check in (1, 0x2BC830A3)
