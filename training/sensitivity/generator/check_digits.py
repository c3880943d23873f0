"""Check digits of card, bank and identity numbers."""

_VERHOEFF_D = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)
_VERHOEFF_P = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)
_VERHOEFF_INVERSE = "0432156789"


def luhn(body: str) -> str:
    """The digit that makes `body` plus it pass the Luhn test (ISO/IEC 7812-1, annex B).

    >>> luhn("411111111111111")
    '1'
    """
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def weighted(body: str, weights: tuple[int, ...]) -> int:
    """Sum of digit times weight."""
    return sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))


def iban_check(country: str, bban: str) -> str:
    """The two check digits of an IBAN (ISO 13616)."""
    number = "".join(str(int(character, 36)) for character in bban + country + "00")
    return f"{98 - int(number) % 97:02d}"


def verhoeff(body: str) -> str:
    """The Verhoeff check digit (Aadhaar)."""
    check = 0
    for place, digit in enumerate(reversed(body), start=1):
        check = int(_VERHOEFF_D[check][int(_VERHOEFF_P[place % 8][int(digit)])])
    return _VERHOEFF_INVERSE[check]


def mod_11_10(body: str) -> str:
    """The ISO 7064 mod 11,10 check digit (German tax number)."""
    product = 10
    for digit in body:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return str((11 - product) % 10)
