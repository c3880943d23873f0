"""Kinds of findings, and the words beside a finding that say whose it is: what evidence is counted in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

KINDS: Final = (
    "name",
    "birth",
    "email",
    "phone",
    "address",
    "card",
    "iban",
    "bank",
    "crypto",
    "government",
    "health",
    "record",
    "secret",
    "special",
    "trade",
)

_GOVERNMENT: Final = (
    "AU_MEDICARE AU_TFN CA_SIN DE_TAX_ID DRIVING_LICENCE ES_NIE ES_NIF FR_NIR IN_AADHAAR IN_PAN "
    "IT_FISCAL_CODE NATIONAL_ID PASSPORT UK_NHS UK_NINO US_ITIN US_SSN"
)
_OTHERS: Final = {
    "PERSON": "name",
    "DATE_OF_BIRTH": "birth",
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "STREET_ADDRESS": "address",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "BANK_ACCOUNT": "bank",
    "BANK_ROUTING": "bank",
    "CRYPTO": "crypto",
    "HEALTH_CONDITION": "health",
    "MEDICAL_RECORD_NUMBER": "record",
    "SECRET": "secret",
    "SPECIAL_CATEGORY": "special",
    "TRADE_SECRET_MARKER": "trade",
}
# Kind of each entity that the shipped recognisers report; sorted, as its order is that of the columns.
ENTITY_KINDS: Final[Mapping[str, str]] = dict(
    sorted({**dict.fromkeys(_GOVERNMENT.split(), "government"), **_OTHERS}.items())
)

# Groups of words; a word counts whole, in lower case.
_WORDS: Final = {
    "anyone": "adults anybody anyone babies children employees everyone many men most participants patients "
    "people person persons pupils sb some somebody someone students subjects those users who women workers",
    "account": "account bic card cards compute fee iban invoice licence license number passport pay payment "
    "routing security sepa social ssn swift tax",
    "article": "a an any each every one",
    "having": "am came carries developed diagnosed due had has have having hatte hat habe haben because "
    "lived lives live living 'm on started start suffered suffering suffers suffer survived take taken "
    "takes taking told tested treated with leidet nimmt tiene tengo ho ha ai "
    "tem tenho a est souffre soffre prende slik heb heeft diagnosticaron "
    "hx dx pt",
    "own": "i i'm i've me mine my myself our ours us we mein meine meinem meiner unser unsere mon ma mes "
    "notre nos mi mis meu minha je j'ai ik mijn yo ich io nuestro nuestra mio mia",
    "pronoun": "he he's her hers him his she she's their them they",
    "relative": "aunt boyfriend brother child cousin dad daughter father friend girlfriend grandfather "
    "grandmother husband kid kids mom mother mum neighbor neighbour niece nephew parent parents partner "
    "roommate sister son spouse uncle wife boy girl guy man woman lady madre "
    "mère mutter vater père padre hija hijo "
    "tochter sohn mãe pai filha filho moglie marito figlia figlio frau mann "
    "mari femme fille fils esposa mujer marido "
    "hermano hermana schwester bruder sœur frère moeder vader dochter zoon vriend collega kollege kollegin",
    "role": "accountholder admin agent applicant attendee attn beneficiary borrower boss buyer caller "
    "candidate cardholder carer claimant client colleague contact contractor coworker customer debtor dear "
    "defendant doctor donor driver employee employees employer guest guests holder insured invoice "
    "landlord lead manager member nurse occupant owner passenger patient patients payee payer plaintiff "
    "recipient resident sender shipper signed staff student subscriber supplier teacher tenant user vendor "
    "visitor witness worker kunde kundin patientin mitarbeiter cliente paciente salarié",
    "harmless": "demo docs documentation dummy example examples fake fictional fictitious generic "
    "hypothetical imaginary invalid invented made-up mock nonexistent placeholder placeholders redacted "
    "sample samples template test tests testing tutorial xxx",
    "serial": "article batch build case catalog commit coupon doi ean hash invoice isbn issue item lot md5 "
    "model number order part po product ref reference request revision rfc serial sha sha256 sku ticket "
    "tracking uuid version",
    "public": "actor actress album announced artist astronaut athlete author award ballad band battle "
    "biographies biography bible born celebrity ceo chairman champion character "
    "club coach comedian composer conductor "
    "congress director dynasty elected emperor empire era explorer famous film filmmaker footballer founded "
    "founder governor guitarist historian historians historical history inventor "
    "journalist king leader leaders laureate minister "
    "movie musician nobel novel novelist painter philosopher physicist play player playwright poem poet "
    "politician president prime prince princess prize queen rapper reign scientist senator series singer "
    "statue song theorem theory war won writer wrote "
    "architect baseball bishop cabinet career census championship cinema concert conquest cricketer critic "
    "democracy drummer economist engraver episode extremist football footage forces fought general goals "
    "guitar hockey independence jazz league legislator lyrics mathematician medal midfielder monarchy "
    "movement museum musicians navy olympic olympics opera painting parliament party pitcher poems "
    "premiered rebel records rugby rules season senate sitcom soccer sociologist soldier starred striker "
    "studio team theatre tour tournament troops vocalist world writers",
    "fiction": "adventure adventures chapter character characters detective dialogue dragon fable fairy "
    "fantasy fiction fictional hero heroine joke kingdom legend limerick monologue myth narrator novel "
    "play plot poem protagonist riddle roleplay scene screenplay script sketch story tale villain",
    "puzzle": "altogether apples average bought cost costs divided dollars each earn earns equally fewer "
    "half hours how left many miles more much pages per percent pounds remaining share shares sold spend "
    "spends times total twice",
    "general": "about articles awareness cause caused causes common condition define definition describe "
    "difference disease diseases disorder epidemic explain guide guidelines history how information "
    "mechanism overview pathophysiology policy prevalence prevent prevention public research risk "
    "statistics study studies summarise summarize symptoms syndrome treat treated treatment treatments "
    "trial vaccine vs what when which why",
    "private": "allergic allergy appointment case chart clinic confidential diagnosed diagnosis discharge "
    "discharged file hospital leave medication mrn on personal prescribed prescription private record "
    "records sick suffering suffers takes taking tested therapy ward",
    "internal": "board classified confidential distribution draft embargo embargoed forward internal "
    "leaked nda only privileged proprietary roadmap secret strictly unannounced unreleased",
}
WORD_GROUPS: Final[Mapping[str, frozenset[str]]] = {
    group: frozenset(words.split()) for group, words in sorted(_WORDS.items())
}

_LABELS: Final = {
    "name": "name named attn contact dear regards sincerely signed from to cc mr mrs ms dr",
    "birth": "birth birthday birthdate born dob geboren",
    "email": "e-mail email mail mailto write",
    "phone": "call cell fax mobile phone tel telephone text whatsapp number",
    "address": "address deliver delivered home live lives living mail residence resides ship shipping street",
    "card": "amex card cards cc charge charged credit cvv debit exp expiry mastercard payment visa",
    "iban": "account bank bic iban konto payment sepa swift transfer wire",
    "bank": "aba account acct bank bsb checking deposit direct routing savings sort transfer",
    "crypto": "address bitcoin btc crypto eth ethereum wallet",
    "government": "aadhaar driver driver's driving dl id identity insurance itin licence license national "
    "nhs ni nino pan passport sin social ssn tax tfn",
    "health": "diagnosed diagnosis condition suffers has",
    "record": "chart medical mrn patient record",
    "secret": "api auth aws bearer client key login passphrase password passwd pwd secret token",
    "special": "religion ethnicity orientation union party member",
    "trade": "confidential proprietary secret internal",
}
LABEL_WORDS: Final[Mapping[str, frozenset[str]]] = {
    kind: frozenset(words.split()) for kind, words in _LABELS.items()
}
_TITLES: Final = "mr mrs ms miss mx dr prof herr frau mme sir dame rev sr sra señor señora"
TITLES: Final = frozenset(_TITLES.split())
WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
