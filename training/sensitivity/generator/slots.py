"""Slots of the templates: what each puts into a text, what it is, and its harmless stand-in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from training.sensitivity.generator import numbers, secrets
from training.sensitivity.generator.chance import source
from training.sensitivity.generator.entities import PUBLIC_PERSON
from training.sensitivity.generator.people import Person, written_date
from training.sensitivity.generator.vocabulary import words


@dataclass(slots=True)
class Draw:
    """The state of one text being filled: chance, split, and the persons in it by number.

    Each slot draws from a source of its own, so both halves of a pair get the same values where they agree.
    """

    seed: str
    split: str
    locale: str | None = None
    persons: dict[str, Person] = field(default_factory=dict)
    rng: Random = field(default_factory=lambda: source(0))

    def person(self, number: str) -> Person:
        """The text's person of that number, made at first use."""
        if number not in self.persons:
            self.persons[number] = Person(f"{self.seed}/person{number}", self.locale)
        return self.persons[number]


Filler = Callable[[Draw, str], str]


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot: its entity (None for plain text), its value, and what stands there in the harmless half.

    A slot with the `draws_as` of another gets the same value as that one in the same text.
    """

    entity: str | None
    value: Filler
    harmless: Filler | None = None
    draws_as: str | None = None


def _words(*choices: str) -> Filler:
    return lambda draw, _: draw.rng.choice(choices)


def _number(make: Callable[[Random], str]) -> Filler:
    return lambda draw, _: make(draw.rng)


def _either(make: Callable[[Random], str], *choices: str) -> Filler:
    """A near miss half of the time, else a phrase."""
    return lambda draw, _: make(draw.rng) if draw.rng.random() < 0.5 else draw.rng.choice(choices)


def _by_split(train: tuple[str, ...], test: tuple[str, ...]) -> Filler:
    return lambda draw, _: draw.rng.choice(train if draw.split == "train" else test)


def _date(low: int, high: int) -> Filler:
    return lambda draw, _: written_date(
        draw.rng, draw.rng.randint(low, high), draw.rng.randint(1, 12), draw.rng.randint(1, 28)
    )


_BRACKETS = ("[removed]", "N/A", "the one on file", "(on file)", "[withheld]", "********", "TBD", "-")
_PERSON: dict[str, Slot] = {
    "name": Slot("PERSON", lambda draw, n: draw.person(n).name()),
    "titled": Slot("PERSON", lambda draw, n: draw.person(n).titled()),
    "first": Slot("PERSON", lambda draw, n: draw.person(n).first),
    "last": Slot("PERSON", lambda draw, n: draw.person(n).last),
    "surname_first": Slot("PERSON", lambda draw, n: f"{draw.person(n).last}, {draw.person(n).first}"),
    "public": Slot(PUBLIC_PERSON, _by_split(words("public_persons"), words("test_public_persons"))),
    "fictional": Slot(PUBLIC_PERSON, _by_split(words("fictional"), words("test_fictional"))),
    "kid": Slot(PUBLIC_PERSON, lambda draw, n: draw.person(n).first),
    "invented": Slot(PUBLIC_PERSON, lambda draw, n: draw.person(n).name()),
    "he": Slot(None, lambda draw, n: "he" if draw.person(n).male else "she"),
    "him": Slot(None, lambda draw, n: "him" if draw.person(n).male else "her"),
    "his": Slot(None, lambda draw, n: "his" if draw.person(n).male else "her"),
    "He": Slot(None, lambda draw, n: "He" if draw.person(n).male else "She"),
    "His": Slot(None, lambda draw, n: "His" if draw.person(n).male else "Her"),
}
_CONTACT: dict[str, Slot] = {
    "email": Slot(
        "EMAIL_ADDRESS",
        lambda draw, n: draw.person(n).email(),
        _words(
            "the e-mail address on file",
            "[email]",
            "the usual mailbox",
            "@support",
            "<email>",
            "user at our domain",
            *_BRACKETS,
        ),
    ),
    "phone": Slot(
        "PHONE_NUMBER",
        lambda draw, n: draw.person(n).phone(),
        _either(
            numbers.order_number,
            "the number on file",
            "[phone]",
            "XXX-XXX-XXXX",
            "extension 12",
            "<phone number>",
            *_BRACKETS,
        ),
    ),
    "address": Slot(
        "STREET_ADDRESS",
        lambda draw, n: draw.person(n).address(),
        _words(
            "the address on file",
            "[address]",
            "our usual address",
            "the delivery address",
            "the branch in town",
            "the old building",
            *_BRACKETS,
        ),
    ),
    "dob": Slot(
        "DATE_OF_BIRTH",
        lambda draw, n: draw.person(n).birthday(),
        _words("[date of birth]", "on file", "not given", "DD/MM/YYYY", *_BRACKETS),
    ),
}
_CARD_STAND_INS = (
    "the card on file",
    "[card number]",
    "**** **** **** 4242",
    "XXXX-XXXX-XXXX-1881",
    "ending in 0005",
    "my gift card",
    *_BRACKETS,
)
_ACCOUNT_STAND_INS = ("the account on file", "[account]", "******7731", "the usual account", *_BRACKETS)
_FINANCIAL: dict[str, Slot] = {
    "card": Slot("CREDIT_CARD", _number(numbers.card), _either(numbers.broken_card, *_CARD_STAND_INS)),
    "iban": Slot(
        "IBAN_CODE",
        _number(numbers.iban),
        _either(numbers.broken_iban, "the IBAN on file", "[IBAN]", "DE** **** ****", *_BRACKETS),
    ),
    "account": Slot("BANK_ACCOUNT", _number(numbers.account), _either(numbers.masked, *_ACCOUNT_STAND_INS)),
    "routing": Slot(
        "BANK_ACCOUNT", _number(numbers.routing), _either(numbers.masked, "[routing]", *_BRACKETS)
    ),
    "sort_account": Slot(
        "BANK_ACCOUNT", _number(numbers.sort_code_account), _either(numbers.masked, *_ACCOUNT_STAND_INS)
    ),
    "wallet": Slot(
        "CRYPTO",
        _number(numbers.wallet),
        _words("[wallet address]", "the usual wallet", "bc1...", "0x...", *_BRACKETS),
    ),
}
_ID_STAND_INS = ("on file", "[ID number]", "pending", "ID checked", *_BRACKETS)
_IDS: Mapping[str, tuple[str, Callable[[Random], str]]] = {
    "itin": ("US_ITIN", numbers.itin),
    "nino": ("UK_NINO", numbers.nino),
    "nhs": ("UK_NHS", numbers.nhs),
    "sin": ("CA_SIN", numbers.sin),
    "tfn": ("AU_TFN", numbers.tfn),
    "medicare": ("AU_MEDICARE", numbers.medicare),
    "aadhaar": ("IN_AADHAAR", numbers.aadhaar),
    "pan": ("IN_PAN", numbers.pan),
    "cpf": ("BR_CPF", numbers.cpf),
    "nif": ("ES_NIF", numbers.nif),
    "nie": ("ES_NIE", numbers.nie),
    "codice": ("IT_FISCAL_CODE", numbers.codice_fiscale),
    "de_tax": ("DE_TAX_ID", numbers.de_tax),
    "de_id": ("DE_ID_CARD", numbers.de_id_card),
    "nir": ("FR_NIR", numbers.nir),
    "bsn": ("NL_BSN", numbers.bsn),
    "pesel": ("PL_PESEL", numbers.pesel),
    "passport": ("PASSPORT", numbers.passport),
}
_GOVERNMENT: dict[str, Slot] = {
    "ssn": Slot("US_SSN", _number(numbers.ssn), _either(numbers.broken_ssn, *_ID_STAND_INS)),
    "licence": Slot(
        "DRIVING_LICENCE",
        lambda draw, n: numbers.licence(draw.rng, draw.person(n).last),
        _either(numbers.masked, *_ID_STAND_INS),
    ),
    **{
        name: Slot(entity, _number(make), _either(numbers.masked, *_ID_STAND_INS))
        for name, (entity, make) in _IDS.items()
    },
}
_SECRETS: dict[str, Callable[[Random], str]] = {
    "token": secrets.token,
    "key": secrets.opaque_key,
    "aws_id": secrets.aws_key_id,
    "aws_secret": secrets.aws_secret,
    "jwt": secrets.jwt,
    "password": secrets.password,
    "connection": secrets.connection,
    "azure": secrets.azure_storage,
    "hexkey": secrets.hex_key,
    "plain_password": secrets.plain_password,
}
_CREDENTIALS: dict[str, Slot] = {
    **{name: Slot("SECRET", _number(make), _number(secrets.placeholder)) for name, make in _SECRETS.items()},
    "pem": Slot(
        "SECRET",
        _number(secrets.pem),
        _words(
            "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
            "<private key here>",
            "$(cat ~/.ssh/id_rsa)",
            "[PRIVATE KEY REMOVED]",
        ),
    ),
}
_HEALTH: dict[str, Slot] = {
    "condition": Slot("HEALTH_CONDITION", _by_split(words("conditions"), words("test_conditions"))),
    "disease": Slot(None, _by_split(words("conditions"), words("test_conditions")), draws_as="condition"),
    "drug": Slot("HEALTH_CONDITION", _words(*words("drugs"))),
    "medicine": Slot(None, _words(*words("drugs")), draws_as="drug"),
    "mrn": Slot(
        "MEDICAL_RECORD_NUMBER",
        _number(numbers.medical_record),
        _either(numbers.masked, "[MRN]", "on file", *_BRACKETS),
    ),
}
_PLAIN: dict[str, Slot] = {
    "order": Slot(None, _number(numbers.order_number)),
    "lookalike": Slot(None, _number(secrets.lookalike)),
    "placeholder": Slot(None, _number(secrets.placeholder)),
    "bad_card": Slot(None, _number(numbers.broken_card)),
    "bad_ssn": Slot(None, _number(numbers.broken_ssn)),
    "bad_iban": Slot(None, _number(numbers.broken_iban)),
    "date": Slot(None, _date(2023, 2026)),
    "olddate": Slot(None, _date(1700, 1990)),
    "year": Slot(None, lambda draw, _: str(draw.rng.randint(1950, 2026))),
    "n": Slot(None, lambda draw, _: str(draw.rng.randint(2, 90))),
    "age": Slot(None, lambda draw, _: str(draw.rng.randint(19, 91))),
    "amount": Slot(
        None,
        lambda draw, _: (
            f"{draw.rng.choice('$€£')}{draw.rng.randint(12, 98765):,}" + draw.rng.choice(("", ".50", ".99"))
        ),
    ),
    "digits6": Slot(None, lambda draw, _: numbers.digits(draw.rng, 6)),
    "digits9": Slot(None, lambda draw, _: numbers.digits(draw.rng, 9)),
    "ip": Slot(None, lambda draw, _: ".".join(str(draw.rng.randint(1, 254)) for _ in range(4))),
    "faith": Slot(None, _words(*words("faiths"))),
    "orientation": Slot(None, _words(*words("orientations"))),
    "party": Slot(None, _words(*words("parties"))),
    "union": Slot(None, _words(*words("unions"))),
    "ethnicity": Slot(None, _words(*words("ethnicities"))),
    "city": Slot(None, _words(*words("cities"))),
    "company": Slot(None, _words(*words("companies"))),
    "project": Slot(None, _words(*words("projects"))),
    "product": Slot(None, _words(*words("products"))),
    "job": Slot(None, _words(*words("jobs"))),
}
SLOTS: Mapping[str, Slot] = {
    **_PERSON,
    **_CONTACT,
    **_FINANCIAL,
    **_GOVERNMENT,
    **_CREDENTIALS,
    **_HEALTH,
    **_PLAIN,
}
"""Every slot by name. In a template `«name2»` is slot "name" of the second person."""
