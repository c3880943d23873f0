"""Persons with what belongs to them: names of many countries, addresses, e-mails, phones, birthdays."""

import unicodedata
from functools import lru_cache
from random import Random

from faker import Faker

from training.sensitivity.generator.chance import source
from training.sensitivity.generator.numbers import digits
from training.sensitivity.generator.vocabulary import peoples, words

_LOCALES = words("locales")
_DOMAINS = words("mail domains")
_MONTHS = words("months")


@lru_cache(maxsize=64)
def faker_of(locale: str) -> Faker:
    """Faker's generator of one locale, made once; its random source is set by who uses it."""
    return Faker(locale)


def _ascii(text: str) -> str:
    plain = unicodedata.normalize(
        "NFKD", text.replace("ß", "ss").replace("ø", "o").replace("ł", "l").replace("\u0131", "i")
    )
    return "".join(character for character in plain if character.isascii() and character.isalnum()).lower()


class Person:
    """One invented person; each detail depends on the seed alone, not on what else was asked before.

    Args:
        seed: The only source of chance.
        locale: Faker locale; drawn when None.
    """

    def __init__(self, seed: str, locale: str | None = None) -> None:
        self._seed = seed
        rng = source(seed)
        self._locale = locale or rng.choice(_LOCALES)
        self._faker = faker_of(self._locale)
        self._faker.factories[0].random = rng
        self.male = rng.random() < 0.5
        if locale is None and rng.random() < 0.2:
            people = rng.choice(peoples())
            self.first, self.last = (
                rng.choice(words(f"given {people}")),
                rng.choice(words(f"family {people}")),
            )
        else:
            self.first = self._faker.first_name_male() if self.male else self._faker.first_name_female()
            self.last = self._faker.last_name()
        if rng.random() < 0.04:
            self.last = f"{self.last}-{self._faker.last_name()}"

    def _chance(self, detail: str) -> Random:
        rng = source(f"{self._seed}/{detail}")
        self._faker.factories[0].random = rng
        return rng

    def name(self) -> str:
        """Full name, sometimes with a middle initial."""
        rng = self._chance("name")
        if rng.random() < 0.06:
            return f"{self.first} {rng.choice('ABCDEFGHJKLMNPRSTW')}. {self.last}"
        return f"{self.first} {self.last}"

    def titled(self) -> str:
        """Title and last name."""
        title = self._chance("title").choice(
            ("Mr", "Mr.", "Dr.", "Prof.") if self.male else ("Ms", "Mrs.", "Dr.", "Ms.")
        )
        return f"{title} {self.last}"

    def email(self) -> str:
        """An e-mail address, mostly made from the name."""
        rng = self._chance("email")
        if rng.random() < 0.1:
            return self._faker.email()
        first, last = _ascii(self.first) or "info", _ascii(self.last) or "x"
        local = rng.choice(
            (
                f"{first}.{last}",
                f"{first[0]}{last}",
                f"{first}{rng.randint(1, 99)}",
                f"{last}.{first}",
                f"{first}_{last}",
                f"{first}{last}{rng.randint(60, 99)}",
                f"{first}+shop",
                f"{last}{rng.randint(1, 2000)}",
            )
        )
        return f"{local}@{rng.choice(_DOMAINS)}"

    def phone(self) -> str:
        """A phone number in a national or an international writing."""
        rng = self._chance("phone")
        dice = rng.random()
        if dice < 0.2:
            return self._faker.phone_number()
        if dice < 0.55:
            return _us_phone(rng)
        return _foreign_phone(rng, self._locale)

    def address(self) -> str:
        """A street address, with or without town and post code, in one line or more."""
        rng = self._chance("address")
        if self._locale != "it_IT" and rng.random() < 0.2:
            return self._faker.address().strip().replace("\n", rng.choice((", ", "\n", " ")))
        street = self._faker.street_address().strip().replace("\n", ", ")
        if rng.random() < 0.3:
            return street
        if self._locale == "en_US":
            return f"{street}, {self._faker.city()}, {self._faker.state_abbr()} {self._faker.postcode()}"
        shape = rng.choice(("{0} {1}", "{1}, {0}", "{1} {0}"))
        return f"{street}, {shape.format(self._faker.postcode(), self._town(rng))}"

    def _town(self, rng: Random) -> str:
        # Faker's Italian towns stand in an order that changes with Python's hash seed.
        return rng.choice(words("italian towns")) if self._locale == "it_IT" else self._faker.city()

    def birthday(self) -> str:
        """A date of birth in one of the usual writings."""
        rng = self._chance("birthday")
        year, month, day = rng.randint(1938, 2012), rng.randint(1, 12), rng.randint(1, 28)
        return written_date(rng, year, month, day)


def written_date(rng: Random, year: int, month: int, day: int) -> str:
    """A date as people and forms write it."""
    name = _MONTHS[month - 1]
    return rng.choice(
        (
            f"{month:02d}/{day:02d}/{year}",
            f"{day:02d}.{month:02d}.{year}",
            f"{year}-{month:02d}-{day:02d}",
            f"{day} {name} {year}",
            f"{name} {day}, {year}",
            f"{day}/{month}/{year}",
            f"{day} {name[:3]} {year}",
            f"{month}/{day}/{year % 100:02d}",
        )
    )


def _us_phone(rng: Random) -> str:
    area, exchange, line = (
        f"{rng.randint(2, 9)}0{rng.randint(1, 9)}",
        f"{rng.randint(2, 9)}{digits(rng, 2)}",
        digits(rng, 4),
    )
    area = rng.choice((area, "212", "415", "617", "312", "713", "206", "404", "646", "818"))
    written = rng.choice(
        (
            "({0}) {1}-{2}",
            "{0}-{1}-{2}",
            "{0}.{1}.{2}",
            "+1 {0} {1} {2}",
            "+1-{0}-{1}-{2}",
            "{0} {1} {2}",
            "1-{0}-{1}-{2}",
            "+1{0}{1}{2}",
        )
    )
    extension = (
        rng.choice((" x", " ext. ", ", extension ")) + str(rng.randint(10, 9999))
        if rng.random() < 0.1
        else ""
    )
    return written.format(area, exchange, line) + extension


_PHONES = {
    "GB": ("+44 7{3} {6}", "07{3} {6}", "020 7{3} {4}", "+44 (0)20 7{3} {4}", "0161 {3} {4}"),
    "DE": ("+49 17{1} {7}", "017{1} {7}", "+49 30 {4}-{2}", "089/{6}", "+49 (0)40 {6}"),
    "FR": ("+33 6 {2} {2} {2} {2}", "06 {2} {2} {2} {2}", "01.{2}.{2}.{2}.{2}", "+336{2}{2}{2}{2}"),
    "ES": ("+34 6{2} {3} {3}", "6{2} {2} {2} {2}", "91 {3} {2} {2}"),
    "IT": ("+39 34{1} {3} {4}", "34{1} {7}", "+39 02 {4} {4}"),
    "NL": ("+31 6 1{7}", "06-4{7}", "+31 20 {3} {4}"),
    "AT": ("+43 664 {7}", "0664/{7}"),
    "CH": ("+41 79 {3} {2} {2}", "079 {3} {2} {2}"),
    "AU": ("+61 4{2} {3} {3}", "04{2} {3} {3}", "(02) 9{3} {4}"),
    "IN": ("+91 98{3} {5}", "98{8}", "+91-9{9}"),
    "BR": ("+55 11 9{4}-{4}", "(11) 9{4}-{4}"),
    "PL": ("+48 5{2} {3} {3}", "60{1} {3} {3}"),
    "SE": ("+46 70 {3} {2} {2}", "070-{3} {2} {2}"),
}


def _foreign_phone(rng: Random, locale: str) -> str:
    shapes = _PHONES.get(locale[-2:]) or _PHONES[rng.choice(tuple(_PHONES))]
    shape = rng.choice(shapes)
    for n in "123456789":
        while "{" + n + "}" in shape:
            shape = shape.replace("{" + n + "}", str(rng.randint(1, 9)) + digits(rng, int(n) - 1), 1)
    return shape
