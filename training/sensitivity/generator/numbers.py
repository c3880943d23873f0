"""Valid-looking card, bank and identity numbers, and near misses of them."""

import string
from hashlib import sha256
from random import Random

from training.sensitivity.generator.check_digits import iban_check, luhn, mod_11_10, verhoeff, weighted

_CARD_STARTS = (
    *(("4", 16), ("51", 16), ("53", 16), ("55", 16), ("37", 15)) * 3,
    *(("2221", 16), ("2720", 16), ("34", 15), ("6011", 16), ("65", 16), ("3528", 16), ("36", 14), ("30", 14)),
    *(("4", 13), ("5018", 12), ("6304", 19)),
)
_CARD_GROUPS = {14: (4, 6, 4), 15: (4, 6, 5), 16: (4, 4, 4, 4), 19: (4, 4, 4, 4, 3)}
_IBAN_SHAPES = {
    "GB": "aaaa14",
    "DE": "18",
    "FR": "10x11c2",
    "ES": "20",
    "IT": "a10x12",
    "NL": "aaaa10",
    "BE": "12",
    "AT": "16",
    "CH": "5x12",
    "PL": "24",
    "PT": "21",
    "IE": "aaaa14",
    "SE": "20",
    "NO": "11",
    "DK": "14",
    "FI": "14",
}
_UPPER = string.ascii_uppercase


def digits(rng: Random, n: int) -> str:
    """`n` random digits."""
    return "".join(rng.choices(string.digits, k=n))


def letters(rng: Random, n: int, alphabet: str = _UPPER) -> str:
    """`n` random letters of an alphabet."""
    return "".join(rng.choices(alphabet, k=n))


def grouped(number: str, sizes: tuple[int, ...], separator: str) -> str:
    """The number cut into groups."""
    parts, start = [], 0
    for size in sizes:
        parts.append(number[start : start + size])
        start += size
    return separator.join(part for part in (*parts, number[start:]) if part)


def _written_card(rng: Random, number: str) -> str:
    sizes = _CARD_GROUPS.get(len(number), (len(number),))
    return grouped(number, sizes, rng.choice((" ", " ", "-", "", "", "")))


def card(rng: Random) -> str:
    """A payment card number that passes the Luhn test, plain or in groups."""
    start, length = rng.choice(_CARD_STARTS)
    body = start + digits(rng, length - 1 - len(start))
    return _written_card(rng, body + luhn(body))


def broken_card(rng: Random) -> str:
    """A number of a card's shape that fails the Luhn test."""
    start, length = rng.choice(_CARD_STARTS)
    body = start + digits(rng, length - 1 - len(start))
    return _written_card(rng, body + str((int(luhn(body)) + rng.randint(1, 9)) % 10))


def _bban(rng: Random, country: str) -> str:
    if country in ("GB", "IE", "NL"):
        return letters(rng, 4) + digits(rng, int(_IBAN_SHAPES[country][4:]))
    if country == "IT":
        return letters(rng, 1) + digits(rng, 22)
    if country == "FR":
        return digits(rng, 10) + letters(rng, 11, string.digits + _UPPER) + digits(rng, 2)
    lengths = {"CH": 17}
    return digits(rng, lengths.get(country) or int(_IBAN_SHAPES[country]))


def iban(rng: Random) -> str:
    """An IBAN of one of 16 countries with right check digits, plain or in groups of four."""
    country = rng.choice(tuple(_IBAN_SHAPES))
    bban = _bban(rng, country)
    number = country + iban_check(country, bban) + bban
    return grouped(number, (4,) * 8, " ") if rng.random() < 0.5 else number


def broken_iban(rng: Random) -> str:
    """A number of an IBAN's shape with wrong check digits."""
    number = iban(rng)
    wrong = (int(number[2:4]) + rng.randint(1, 90)) % 97
    return number[:2] + f"{wrong:02d}" + number[4:]


def routing(rng: Random) -> str:
    """A US bank routing number with its check digit."""
    body = f"{rng.choice((*range(1, 13), *range(21, 33))):02d}" + digits(rng, 6)
    return body + str(-weighted(body, (3, 7, 1, 3, 7, 1, 3, 7)) % 10)


def account(rng: Random) -> str:
    """A bank account number: 8 to 12 digits."""
    return str(rng.randint(1, 9)) + digits(rng, rng.randint(7, 11))


def sort_code_account(rng: Random) -> str:
    """A UK sort code with account number."""
    code = grouped(digits(rng, 6), (2, 2, 2), "-")
    joint = rng.choice((" ", ", account ", " / ", ", acc no "))
    return f"{code}{joint}{digits(rng, 8)}"


def ssn(rng: Random) -> str:
    """A US social security number from the ranges in use."""
    area = rng.choice((rng.randint(1, 665), rng.randint(667, 899)))
    parts = (f"{area:03d}", f"{rng.randint(1, 99):02d}", f"{rng.randint(1, 9999):04d}")
    return rng.choice(("-", "-", "-", " ")).join(parts)


def broken_ssn(rng: Random) -> str:
    """A number of an SSN's shape that is never issued, or only its end."""
    area, group, serial = rng.choice(("000", "666")), f"{rng.randint(1, 99):02d}", digits(rng, 4)
    return rng.choice(
        (f"{area}-{group}-{serial}", f"XXX-XX-{serial}", f"***-**-{serial}", f"{area}-00-{serial}")
    )


def itin(rng: Random) -> str:
    """A US individual taxpayer number."""
    return f"9{digits(rng, 2)}-{rng.randint(70, 88)}-{digits(rng, 4)}"


def nino(rng: Random) -> str:
    """A UK national insurance number."""
    prefix = rng.choice(("AB", "CE", "JG", "LM", "PR", "SK", "WX", "YT", "HN", "RA"))
    separator = rng.choice(("", " ", " "))
    return separator.join((prefix, *(digits(rng, 2) for _ in range(3)), rng.choice("ABCD")))


def nhs(rng: Random) -> str:
    """A UK NHS number with its check digit."""
    while True:
        body = str(rng.randint(4, 7)) + digits(rng, 8)
        check = 11 - weighted(body, (10, 9, 8, 7, 6, 5, 4, 3, 2)) % 11
        if check != 10:
            return grouped(body + str(check % 11), (3, 3, 4), rng.choice((" ", " ", "", "-")))


def sin(rng: Random) -> str:
    """A Canadian social insurance number."""
    body = str(rng.randint(1, 7)) + digits(rng, 7)
    return grouped(body + luhn(body), (3, 3, 3), rng.choice((" ", "-", " ")))


def tfn(rng: Random) -> str:
    """An Australian tax file number."""
    while True:
        number = digits(rng, 9)
        if number[0] != "0" and weighted(number, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0:
            return grouped(number, (3, 3, 3), " ")


def medicare(rng: Random) -> str:
    """An Australian Medicare card number."""
    body = str(rng.randint(2, 6)) + digits(rng, 7)
    number = body + str(weighted(body, (1, 3, 7, 9, 1, 3, 7, 9)) % 10) + str(rng.randint(1, 9))
    return grouped(number, (4, 5, 1), rng.choice((" ", "")))


def aadhaar(rng: Random) -> str:
    """An Indian Aadhaar number."""
    body = str(rng.randint(2, 9)) + digits(rng, 10)
    return grouped(body + verhoeff(body), (4, 4, 4), rng.choice((" ", " ", "")))


def pan(rng: Random) -> str:
    """An Indian permanent account number of a person."""
    return letters(rng, 3) + "P" + letters(rng, 1) + digits(rng, 4) + letters(rng, 1)


def cpf(rng: Random) -> str:
    """A Brazilian CPF."""
    body = digits(rng, 9)
    for first in (10, 11):
        rest = weighted(body, tuple(range(first, 1, -1))) * 10 % 11
        body += str(rest % 10)
    return f"{body[:3]}.{body[3:6]}.{body[6:9]}-{body[9:]}" if rng.random() < 0.8 else body


_NIF = "TRWAGMYFPDXBNJZSQVHLCKE"


def nif(rng: Random) -> str:
    """A Spanish DNI/NIF."""
    body = digits(rng, 8)
    return body + rng.choice(("", "-", "")) + _NIF[int(body) % 23]


def nie(rng: Random) -> str:
    """A Spanish NIE."""
    first, body = rng.randrange(3), digits(rng, 7)
    return "XYZ"[first] + body + _NIF[int(f"{first}{body}") % 23]


_ODD = dict(
    zip(
        string.digits + _UPPER,
        (
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
        ),
        strict=True,
    )
)


def codice_fiscale(rng: Random) -> str:
    """An Italian fiscal code."""
    day = rng.randint(1, 28) + rng.choice((0, 40))
    body = f"{letters(rng, 6, 'BCDFGLMNPRSTVZ')}{digits(rng, 2)}{rng.choice('ABCDEHLMPRST')}{day:02d}"
    body += rng.choice(("H501", "F205", "L219", "F839", "D612", "A944"))
    even = sum(int(c) if c.isdigit() else ord(c) - 65 for c in body[1::2])
    return body + _UPPER[(sum(_ODD[c] for c in body[::2]) + even) % 26]


def de_tax(rng: Random) -> str:
    """A German tax identification number."""
    ten = rng.sample(string.digits, 9)
    ten.insert(rng.randrange(1, 10), rng.choice(ten))
    body = "".join(ten).replace("0", "1", 1) if ten[0] == "0" else "".join(ten)
    return grouped(body + mod_11_10(body), (2, 3, 3, 3), rng.choice((" ", "")))


def de_id_card(rng: Random) -> str:
    """A German identity card number."""
    body = rng.choice("LMNPRTVWXY") + letters(rng, 8, "CFGHJKLMNPRTVWXYZ0123456789")
    values = (int(character, 36) for character in body)
    return body + str(sum(value * (7, 3, 1)[place % 3] for place, value in enumerate(values)) % 10)


def nir(rng: Random) -> str:
    """A French social security number with its key."""
    body = (
        f"{rng.randint(1, 2)}{digits(rng, 2)}{rng.randint(1, 12):02d}{rng.randint(1, 95):02d}{digits(rng, 6)}"
    )
    key = 97 - int(body) % 97
    return grouped(f"{body}{key:02d}", (1, 2, 2, 2, 3, 3, 2), rng.choice((" ", "")))


def bsn(rng: Random) -> str:
    """A Dutch citizen service number."""
    while True:
        number = str(rng.randint(1, 9)) + digits(rng, 8)
        if weighted(number, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0:
            return number


def pesel(rng: Random) -> str:
    """A Polish PESEL."""
    body = f"{rng.randint(40, 99)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}{digits(rng, 4)}"
    return body + str(-weighted(body, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10)


def passport(rng: Random) -> str:
    """A passport number in one of the common national shapes."""
    shape = rng.randrange(6)
    if shape < 2:
        return digits(rng, 9)
    if shape == 2:
        return letters(rng, 1) + digits(rng, 8)
    if shape == 3:
        return rng.choice("CFGHJK") + letters(rng, 8, "CFGHJKLMNPRTVWXYZ0123456789")
    return letters(rng, 2) + digits(rng, 7 if shape == 4 else 6)


def licence(rng: Random, last_name: str) -> str:
    """A driving licence number in a shape of a US state, the UK, Australia or Germany."""
    shape = rng.randrange(7)
    if shape == 0:
        name = (last_name.upper().replace(" ", "").replace("-", "") + "99999")[:5]
        return f"{name}{digits(rng, 6)}{letters(rng, 2)}{rng.randint(1, 9)}{letters(rng, 2)}"
    if shape == 1:
        return f"{letters(rng, 1)}{digits(rng, 3)}-{digits(rng, 4)}-{digits(rng, 4)}"
    if shape == 2:
        return f"{letters(rng, 1)}{digits(rng, 12)}"
    if shape == 3:
        return f"{letters(rng, 1)}{letters(rng, 2, string.digits + _UPPER)}{digits(rng, 6)}{letters(rng, 2)}"
    return letters(rng, 1) + digits(rng, 7) if shape < 6 else digits(rng, rng.choice((8, 9)))


_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def wallet(rng: Random) -> str:
    """A bitcoin address (base58 with its checksum) or an Ethereum address."""
    if rng.random() < 0.4:
        return "0x" + letters(rng, 40, "0123456789abcdef")
    payload = bytes((0,)) + rng.randbytes(20)
    payload += sha256(sha256(payload).digest()).digest()[:4]
    number, text = int.from_bytes(payload, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        text = _BASE58[rest] + text
    return "1" * (len(payload) - len(payload.lstrip(b"\0"))) + text


def medical_record(rng: Random) -> str:
    """A medical record number."""
    return rng.choice(
        (
            digits(rng, 7),
            digits(rng, 8),
            f"{letters(rng, 1)}{digits(rng, 7)}",
            f"{digits(rng, 3)}-{digits(rng, 5)}",
        )
    )


def masked(rng: Random) -> str:
    """A number of which only the end is left."""
    return rng.choice(("****", "xxxxxx", "••••", "ending ", "...", "X-XXX-")) + digits(rng, rng.randint(2, 4))


def order_number(rng: Random) -> str:
    """A harmless business number: order, ticket, invoice, part, parcel or build."""
    return rng.choice(
        (
            f"ORD-{digits(rng, 8)}",
            f"#{digits(rng, 7)}",
            f"INV-{rng.randint(2019, 2026)}-{digits(rng, 5)}",
            f"TCK{digits(rng, 9)}",
            f"SKU {digits(rng, 4)}-{digits(rng, 3)}",
            f"PO {digits(rng, 10)}",
            f"{letters(rng, 3)}-{digits(rng, 6)}",
            f"1Z{letters(rng, 6, string.digits + _UPPER)}{digits(rng, 10)}",
        )
    )
