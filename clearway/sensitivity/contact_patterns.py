"""Patterns of telephone numbers, e-mail addresses and street addresses, as rows."""

from __future__ import annotations

import os
from typing import Final

# Otherwise the package may fetch its list of suffixes from the network.
os.environ["TLDEXTRACT_PUBLIC_SUFFIX_LIST_URLS"] = ""

import tldextract

from clearway.sensitivity import check_digits
from clearway.sensitivity.patterns import CAPITAL, MONTH, PatternRow, after, named

_SUFFIXES: Final = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
_PRIVATE_SUFFIXES: Final = (
    ".example .test .invalid .local .localhost .internal .intranet .lan .corp .home .private".split()
)
_PHONE: Final = r"(?!\d{0,2}\.?\d{5,}[ ]?\n[A-J]\.)(?!\d{1,2}\.\d{5,}(?!\d))(?=(?:\D{0,3}\d){6,18}(?!\d))\+?\(?\d[\d ()./\-\u2010-\u2015\u00a0]{4,22}\d(?:\s?(?:x|ext\.?|extension)\s?\d{1,6})?(?![\w-])"
_PHONE_NAMES: Final = (
    r"(?:tele)?phones?|mobile|cell(?:[\s_-]?phone)?s?|fax|tel|whatsapp|signal|sms|texts?|desk|landline|handy|"
    r"telefono?|t\u00e9l\u00e9phone|tel\u00e9fono|m\u00f3vil|contact[\s_-]*(?:no|num|number)|"
    r"(?:call|ring|reach|dial|phone|text)(?:ed|ing)?[\s]+(?:me|us|him|her|them|back)|calls?|ring|dial|"
    r"answering[\s]+at|messages?|registered"
)
_PHONE_PARTS: Final = (
    "phone",
    "phon",
    "mobil",
    "cell",
    "fax",
    "tel",
    "whatsapp",
    "signal",
    "sms",
    "text",
    "desk",
    "landline",
    "handy",
    "t\u00e9l",
    "m\u00f3vil",
    "contact",
    "call",
    "ring",
    "reach",
    "dial",
    "answering",
    "message",
    "registered",
)
_START: Final = r"(?<![\w.+/,-]|\d )"
_END: Final = r"(?:\s?(?:x|ext\.?|extension)\s?\d{1,6})?(?![\w-]|[ ./]\d|,\d{3})"

PHONE_PATTERNS: Final = (
    PatternRow(
        "PHONE_NUMBER",
        "after its name",
        0.8,
        after(_PHONE_NAMES, _PHONE, 30),
        _PHONE_PARTS,
        6,
        reach=(110, 40),
    ),
    PatternRow(
        "PHONE_NUMBER",
        "before its name",
        0.75,
        r"(?<![\w.])\+?\(?\d[\d ()./\-]{6,22}\d(?:\s?x\d{1,6})?(?=[\s-]{1,3}(?:office|fax|mobile|cell|home|work)\b)",
        ("office", "fax", "mobile", "cell", "home", "work"),
        7,
        reach=(30, 40),
    ),
    PatternRow(
        "PHONE_NUMBER",
        "North American",
        0.7,
        _START + r"(?:\+?1[ .-]?|001[ .-])?(?:\([2-9]\d{2}\)[ ]?-?|[2-9]\d{2}[.-])\d{3}[ .-]\d{4}" + _END,
        (),
        10,
        reach=(20, 30),
    ),
    PatternRow(
        "PHONE_NUMBER",
        "North American, blanks",
        0.65,
        _START + r"(?:\+?1[ ])?[2-9]\d{2}[ ][2-9]\d{2}[ -]\d{4}" + _END,
        (),
        10,
        reach=(20, 30),
    ),
    PatternRow(
        "PHONE_NUMBER",
        "international",
        0.8,
        r"(?<![\w+])(?:\+|00)[1-9]\d{0,2}[ ./-]?(?:\(\d{1,4}\)[ ./-]?)?(?:\d{1,5}[ ./-]?){2,5}\d{2,4}" + _END,
        ("+", "00"),
        8,
        reach=(20, 30),
    ),
    PatternRow(
        "PHONE_NUMBER",
        "national prefix",
        0.65,
        _START + r"\(?0\d{1,4}\)?(?:[ /-]|[ ][/-][ ])\d{2,8}(?:[ -]\d{2,4}){0,4}(?<=(?:\d\D{0,3}){9})" + _END,
        (),
        9,
        reach=(20, 30),
    ),
    PatternRow(
        "PHONE_NUMBER",
        "reached on",
        0.7,
        r"(?:\b(?:on|at|number|under|via|nr|no\.|is|text|ping|with|\p{Lu}\w+)[\s:]{1,3}|[(,|\t\"'>;][ ]?)(?<!\d)\K(?!\d{4}[-/]\d{2}[-/])"
        r"(?=(?:\D{0,3}\d){9,13}(?!\d))(?!\d{5}[-\u2010-\u2015]\d{4}(?!\d))\+?\(?\d{2,5}\)?(?:(?:[ \-\u2010-\u2015]\d{2,5}){1,4}|(?:\.\d{2,4}){2,4})"
        + _END,
        (),
        9,
        reach=(60, 30),
    ),
    PatternRow(
        "PHONE_NUMBER",
        "ten digits, reached on",
        0.6,
        r"\b(?:on|at|number|number\s+is|under|via|text|ping|whatsapp|mobile)[\s:]{1,3}\K[06-9]\d{9,10}(?![\w-]|[.,/]\d)",
        (),
        10,
        reach=(40, 30),
    ),
    PatternRow(
        "PHONE_NUMBER",
        "Brazilian or Portuguese",
        0.7,
        r"(?<![\w.])\(\d{2}\)[ ]?9?\d{4}[- ]\d{4}(?![\w-])",
        (),
        10,
        reach=(20, 20),
    ),
    PatternRow(
        "PHONE_NUMBER",
        "alone in its line",
        0.6,
        r"^[ >]*\K\(?\d{2,4}\)?(?:[ -]\d{2,4}){1,4}(?<=(?:\d\D{0,2}){8})(?:\s?x\d{1,6})?(?=[ ]*$)",
        (),
        8,
        check_digits.not_sequential,
        reach=(60, 60),
    ),
)

_UNIT: Final = r"(?:apt|apartment|suite|ste|unit|flat|floor|room|lgh)\b\.?[ ]*\#?"
_STREET_WORD: Final = (
    r"(?:street|avenue|road|boulevard|lane|drive|court|place|square|terrace|highway|parkway|crescent|close|gardens?|"
    r"mews|way|circle|trail|loop|alley|plaza|row|walk|hill|grove|rise|green|quay|wharf|parade|esplanade|bypass|"
    r"broadway|turnpike|expressway|freeway|route|path|pass|point|ridge|run|view|villages?|springs?|heights|"
    r"(?:st|ave?|rd|blvd|ln|dr|ct|pl|sq|hwy|pkwy|cres|cir|ter|trl|str)(?=\b))(?:\b\.?)"
)
_STRONG_STREET_WORD: Final = (
    r"(?:street|avenue|road|boulevard|lane|drive|court|place|square|terrace|highway|parkway|crescent|close|mews|"
    r"(?-i:St|Ave?|Rd|Blvd|Ln|Dr|Ct|Pl|Sq|Hwy|Pkwy|Cres|Cir|Ter|Str|ST|AVE|RD|BLVD|LN|DR|CT|PL|HWY))\b\.?"
)
_NAME_WORD: Final = rf"(?:{CAPITAL}|\d{{1,3}}(?:st|nd|rd|th))"
# A word of a street's name in lower case; words of prose and of sums are none.
_LOWER_WORD: Final = (
    r"(?!(?:in|of|the|on|a|an|and|or|to|at|per|for|is|are|from|with|by|down|up|along|across|each|every|"
    r"lane|miles?|kms?|story|blocks?|persons?|people|foot|feet|cars?|trees?|days?|hours?|minutes?|years?|meters?|"
    r"metres?|inch(?:es)?|percent|square|houses?|students?)\b)[^\W\d_][\w.'\u2019-]*"
)
_LOWER_STREET_WORD: Final = (
    r"(?:street|avenue|road|boulevard|lane|drive|court|terrace|parkway|crescent|close|blvd|ave|rd|ln)\b\.?"
)
_STREET_PARTS: Final = (
    "street", "avenue", "road", "boulevard", "lane", "drive", "court", "place", "square", "terrace", "highway",
    "parkway", "crescent", "close", "mews", "st", "av", "rd", "blvd", "ln", "dr", "ct", "pl", "sq", "hwy", "pkwy",
    "cres", "cir", "ter",
)  # fmt: skip
_LATIN_STREET: Final = (
    r"(?:bulevardul|calea|contrada|rotonda|callej\u00f3n|urbanizaci\u00f3n|glorieta|pasaje|jalan|jl\.?|gg\.|"
    r"ulitsa|prospekt|rodovia|alameda|viela|beco|chauss\u00e9e|sentier|rue|via|viale|vicolo|corso|calle|c/|rua|r\u00faa|avenida|avenue|avda?\.?|av\.|boulevard|bd|ul\.?|ulica|ulice|piazza|"
    r"plaza|plazuela|paseo|praza|camino|cami\u00f1o|carrer|rambla|chemin|all\u00e9e|impasse|quai|largo|travessa|"
    r"\u0443\u043b\.|ronda|carretera|n\u00e1m\u011bst\u00ed|trg|cesta|strada|str\.|aleja|al\.|os\.|pl\.|kossuth|lindenallee)"
)
_LATIN_WORDS: Final = frozenset(
    "bulevardul calea contrada rotonda callej\u00f3n urbanizaci\u00f3n glorieta pasaje jalan jl gg ulitsa prospekt rodovia alameda "
    "viela beco chauss\u00e9e sentier rue via viale vicolo corso calle c rua r\u00faa avenida avenue avda avd av boulevard bd ul ulica "
    "ulice piazza plaza plazuela paseo praza camino cami\u00f1o carrer rambla chemin all\u00e9e impasse quai largo travessa "
    "\u0443\u043b ronda carretera n\u00e1m\u011bst\u00ed trg cesta strada str aleja al os pl kossuth lindenallee".split()
)
_COMPOUND: Final = (
    r"\p{L}{2,}(?:-|[ ])?(?:stra(?:\u00df|ss)e|str\.?|gasse|gatan|gata|g\u00f6tu|gade|katu|kuja|vej|v\u00e4gen|veien|vegen|weg|"
    r"platz|plass|plads|plein|laan|straat|dreef|kade|gracht|steeg|allee|all\u00e9|"
    r"stigen|gr\u00e4nd|torget|torg|straeti|braut|\u00fatja|utca|k\u00f6r\u00fat|ulitsa|prospekt)"
)
_LIVES: Final = (
    r"(?:address(?:es)?\b|\b(?:lives?|living|lived|resid(?:e|es|ed|ing)|located|moved|moving|relocated|meet(?:ing)?|"
    r"home|stay(?:s|ing)?|based|property|house|return(?:ed)?|refers?)\s+(?:at|on|in|to)\b|\b(?:is|are)[ ](?:at|on|in|to)\b|"
    r"\b(?:deliver(?:ed|y|ies)?|ship(?:ped|ping|ment)?|sen[dt]|mail(?:ed)?|post(?:ed)?|taxi|cab|uber|drops?\s+(?:you|me|us)\s+off|"
    r"pick(?:ed)?(?:\s+(?:me|us|it))?\s+up|arrived|parcel|package|courier|visit(?:ed)?)\b(?:\s+[^\W\d]+){0,5}?\s+(?:to|at|from|is)\b|"
    r"\bbilling\b|\bsecondary\s+address\b)"
)
_LIVES_PARTS: Final = (
    "address", "live", "living", "resid", "locat", "move", "moving", "meet", "is at", "is on", "is in", "is to", "are at", "are on", "are in", "are to", "home", "stay", "based", "property",
    "house", "return", "refer", "deliver", "ship", "sen", "mail", "post", "taxi", "cab", "uber", "drop", "pick", "arriv",
    "parcel", "package", "courier", "visit", "billing",
)  # fmt: skip

_SURELY: Final = (
    r"\b(?:(?:his|her|my|our|their|new|home|billing|shipping|mailing|street|postal|the|same)[ ]address(?:es)?(?:[ ]is)?:?|"
    r"address(?:es)?(?:[ ]of[ ][^\n\d]{2,40}?[ ]is|[^\n\d]{0,40}?:)|(?:lives?|living|resides?|residing|located)[ ](?:at|on)|"
    r"side[ ]of|(?:return|taxi|cab|parcel|package)[ ]to|(?:send|sent|mail|ship|deliver)(?:ed)?(?:[ ][^\W\d]+){0,4}?[ ]to|arrived[ ]at|office[ ]is[ ]at|enter[ ]on|(?:meet|drops?)[ ](?:\w+[ ])?"
    r"(?:off[ ])?at|title[ ]refers[ ]to)"
)
_SURE_PARTS: Final = (
    "address", "live", "living", "resid", "located", "side of", "return to", "taxi to", "cab to", "send", "sent", "mail",
    "ship", "parcel to", "package to", "arrived at", "office is", "enter on", "meet", "drop", "title", "deliver",
)  # fmt: skip
_QUANTITIES: Final = (
    r"people|persons?|percent|per|times?|days?|weeks?|months?|years?|hours?|minutes?|seconds?|am|pm|a\.m|p\.m|dollars?|"
    r"miles?|km|kilomet\w+|meters?|metres?|feet|degrees?|mm|cm|kg|mg|ml|and|or|of|on|the|to|eggs?|lit\w+|words?|points?|items?|pages?"
)

_AMERICAN: Final = (
    "Alley|Annex|Arcade|Bayou|Beach|Bend|Bluff|Bottom|Branch|Bridge|Brook|Burg|Bypass|Camp|Canyon|Cape|Causeway|Center|"
    "Circle|Cliff|Club|Common|Corner|Course|Court|Cove|Creek|Crescent|Crest|Crossing|Crossroad|Curve|Dale|Dam|Divide|Drive|"
    "Estate|Expressway|Extension|Fall|Ferry|Field|Flat|Ford|Forest|Forge|Fork|Fort|Freeway|Garden|Gateway|Glen|Green|Grove|"
    "Harbor|Haven|Height|Highway|Hill|Hollow|Inlet|Island|Isle|Junction|Key|Knoll|Lake|Landing|Lane|Light|Loaf|Lock|Lodge|"
    "Loop|Mall|Manor|Meadow|Mews|Mill|Mission|Motorway|Mount|Mountain|Neck|Orchard|Oval|Overpass|Park|Parkway|Pass|Passage|"
    "Path|Pike|Pine|Place|Plain|Plaza|Point|Port|Prairie|Radial|Ramp|Ranch|Rapid|Rest|Ridge|River|Road|Route|Row|Rue|Run|"
    "Shoal|Shore|Skyway|Spring|Spur|Square|Station|Stravenue|Stream|Street|Summit|Terrace|Throughway|Trace|Track|Trafficway|"
    "Trail|Tunnel|Turnpike|Underpass|Union|Valley|Via|Viaduct|View|Village|Ville|Vista|Walk|Wall|Way|Well"
)
ADDRESS_PATTERNS: Final = (
    PatternRow(
        "STREET_ADDRESS",
        "number and street word",
        0.8,
        r"(?<![\w.,:/-]|\$)\d{1,5}[A-Z]?(?:[/-]\d{1,4}[A-Z]?)?,?[ ]+(?:(?:N|S|E|W|NE|NW|SE|SW|North|South|East|West)\.?[ ]+)?(?:"
        + _NAME_WORD
        + r"[ ]+){1,4}"
        + _STRONG_STREET_WORD,
        _STREET_PARTS,
        1,
    ),
    PatternRow(
        "STREET_ADDRESS",
        "number and lower-case street word",
        0.65,
        r"(?<![\w.,:/$=-])(?<![=+*/-] )\d{1,5}[a-z]?,?[ ]+(?:"
        + _LOWER_WORD
        + r"[ ]+){1,3}"
        + _LOWER_STREET_WORD,
        _STREET_PARTS,
        1,
    ),
    PatternRow(
        "STREET_ADDRESS",
        "number, street, number, town",
        0.65,
        r"(?<![\w.,:/$=-])\d{1,5}[ ](?:" + CAPITAL + r"[ ]){1,4}\d{1,5}\.?,[ ]" + CAPITAL,
        (),
        2,
    ),
    PatternRow(
        "STREET_ADDRESS",
        "street, number, street word",
        0.65,
        r"(?:"
        + CAPITAL
        + r"[ ]){1,3}(?:u\.|\u00fat|utca|\u00fatja|t\u00e9r|k\u00f6r\u00fat|vei|vej|gate|veg|v\u00e4g|gata)[ ]\d{1,4}\b",
        (),
        1,
    ),
    PatternRow(
        "STREET_ADDRESS",
        "postal code",
        0.65,
        after(
            r"zip(?:[\s_-]*code)?|post(?:al)?[\s_-]?code|plz|postleitzahl", r"\d{4,5}(?:-\d{4})?(?![\w-])", 20
        ),
        ("zip", "post", "plz"),
        4,
        reach=(70, 20),
    ),
    PatternRow(
        "STREET_ADDRESS",
        "number and unit",
        0.8,
        r"(?<![\w.,-])\d{1,6}[ ][^\n\d][^\n]{2,50}?[,\s>]+" + _UNIT + r"\d{1,5}\b",
        ("apt", "apartment", "suite", "ste", "unit", "flat", "floor", "room", "lgh"),
        2,
    ),
    PatternRow(
        "STREET_ADDRESS", "military post", 0.85, r"\b[AFD]PO,?\s+A[AEP]\s+\d{5}\b", ("po",), 5, reach=(20, 20)
    ),
    PatternRow(
        "STREET_ADDRESS",
        "military box",
        0.8,
        r"\b(?:psc|unit|cmr)[ ]\d{1,5},?[ ]box[ ]\d{1,5}\b",
        ("box",),
        1,
        reach=(30, 20),
    ),
    PatternRow(
        "STREET_ADDRESS",
        "post box",
        0.8,
        r"\b(?:p\.?[ ]?o\.?[ ]?box|postfach|postboks|apartado)[ ]+\d{1,6}\b",
        ("box", "postfach", "postboks", "apartado"),
        1,
        reach=(30, 20),
    ),
    PatternRow(
        "STREET_ADDRESS",
        "street word and number",
        0.75,
        r"(?<!\w)"
        + _LATIN_STREET
        + r"[ ]+(?:(?:de|del|della|dei|la|las|los|du|des|da|do|dos|l['\u2019])[ ]*)*(?:[^\W\d][\w.'\u2019-]*[ ]+){0,4}"
        r"[^\W\d][\w.'\u2019-]*,?[ ]+(?:n[\u00b0o\u00ba.]\s?)?\d{1,5}(?!\w|[.:]\d|%)",
        (),
        1,
        words=_LATIN_WORDS,
    ),
    PatternRow(
        "STREET_ADDRESS",
        "number and foreign street word",
        0.75,
        r"(?<![\w.,:/$-])\d{1,5}(?:[ ]?(?:bis|ter|[a-z]))?,?[ ]+"
        + _LATIN_STREET
        + r"[ ]+(?:(?:de|del|della|dei|la|las|los|du|des|da|do|dos)[ ]+|l['\u2019])*"
        + CAPITAL,
        (),
        1,
        words=_LATIN_WORDS,
    ),
    PatternRow(
        "STREET_ADDRESS",
        "compound street and number",
        0.75,
        r"(?<!\w)(?-i:[A-Z\u00c0-\u00d6\u00d8-\u00de\u0100-\u017d])"
        + _COMPOUND
        + r",?[ ](?:n[ro]\.?[ ]?)?\d{1,4}[a-z]?(?![\w%]|[.:]\d)",
        (),
        1,
    ),
    PatternRow(
        "STREET_ADDRESS",
        "after where",
        0.7,
        _LIVES
        + r"[^\n\d.?!=]{0,24}[\s:]+\K\d{1,5}(?:[ ]\d{1,5})?,?[ ](?:(?-i:[A-Z])\p{L}{0,2}\.?[ ]|[a-z]{1,3}\.[ ])?"
        + CAPITAL
        + r"(?![ ]?=)[^\n]{0,60}",
        _LIVES_PARTS,
        1,
        reach=(10, 240),
    ),
    PatternRow(
        "STREET_ADDRESS",
        "after where, street first",
        0.7,
        _LIVES + r"[ ]+\K(?:" + CAPITAL + r"[ ]+){1,4}\d{1,4}(?=[,\s.]+(?-i:[A-Z\d]|street|st\b)|[.]?\s*$)",
        _LIVES_PARTS,
        1,
        reach=(10, 240),
    ),
    PatternRow(
        "STREET_ADDRESS",
        "after a sure where",
        0.65,
        _SURELY
        + r"[\s:]+\K(?:the[ ])?(?:(?:\p{L}[\w.'\u2019-]*|\d{1,5}\.?),?[ ]){1,6}?(?<=\p{L}[.,]?[ ])\d{1,5}(?!\w|[.,:]\d|[ ]?%|[ ](?:"
        + _QUANTITIES
        + r")\b)",
        _SURE_PARTS,
        1,
        reach=(10, 240),
    ),
    PatternRow(
        "STREET_ADDRESS",
        "after a sure where, number first",
        0.65,
        _SURELY + r"[\s:]+\K\d{1,5},?[ ](?!(?:" + _QUANTITIES + r")\b)\p{L}[\w.'\u2019-]{2,}[^\n.?!]{0,40}",
        _SURE_PARTS,
        1,
        reach=(10, 240),
    ),
    PatternRow(
        "STREET_ADDRESS",
        "after address, then lines",
        0.7,
        r"address(?:es)?\b[^\n\d]{0,40}[\s:]+\K\d{1,5}[ ][^\n]{3,60}(?:\n|,)[^\n]{0,40}\b\d{4,6}\b",
        ("address",),
        4,
    ),
    PatternRow(
        "STREET_ADDRESS",
        "compound street, number and place",
        0.7,
        r"(?<![\w-])[\p{L}-]{2,}(?:stra(?:\u00df|ss)e|str\.?|gasse|weg|ring|platz|allee|damm|ufer|laan|singel|straat|gracht|kade|plein|hof|dijk|"
        r"vej|gade|veien|vegen|gata|gatan|v\u00e4gen|katu|tie|kuja)[ ](?!(?:19|20)\d{2}\b)\d{1,4}(?:[ ]?[a-z]|/\d{1,3})?,[ ](?:\d{4,6}|\p{L}{3,})",
        (),
        1,
        anchor=r"\d(?:[ ]?[a-z]|/\d{1,3})?,[ ][^\W_]",
        reach=(80, 40),
    ),
    PatternRow(
        "STREET_ADDRESS",
        "street, number, town and postal code",
        0.65,
        r"(?<![\w-])(?!(?:table|figure|fig|chapter|section|page|part|"
        + MONTH
        + r")\b)\p{L}[\p{L}'\u2019.-]{2,}[ ]\d{1,4}(?:[ ]?[a-z]|/\d{1,3})?,[ ](?:(?:\p{L}[\p{L}'\u2019.-]+[ ,]{1,2}){1,3}(?!19|20)\d{4,6}(?:[ ]?[A-Z]{2})?|"
        r"\d{4,6}[ ]?(?:[A-Z]{2}[ ])?(?-i:\p{Lu})\p{L}{2,})\b",
        (),
        5,
        anchor=r"\d(?:[ ]?[a-z]|/\d{1,3})?,[ ][^\W_]",
        reach=(60, 120),
    ),
    PatternRow(
        "STREET_ADDRESS",
        "number, American street word",
        0.65,
        r"(?<![\w.,:/$=-])(?<![=+*/-] )\d{3,5}[ ](?:" + CAPITAL + r"[ ]){1,3}(?-i:" + _AMERICAN + r")s?\b",
        (),
        3,
    ),
    PatternRow(
        "STREET_ADDRESS",
        "British postal code, lower case",
        0.65,
        r"\b\d{1,5}[a-z]?,?[ ][^\n\d]{3,60},[^\n\d,]{0,30}[, ](?:[a-z]{1,2}\d{1,2}[a-z]?[ ]\d[abd-hjlnp-uw-z]{2})\b(?!['\u2019])",
        (),
        1,
    ),
    PatternRow(
        "STREET_ADDRESS",
        "corner",
        0.7,
        r"\bcorner[ ]of[ ](?=[^\n]{0,80}\d)[^\n,]{3,60}[ ]and[ ][^\n,.]{3,40}",
        ("corner",),
        1,
        reach=(10, 160),
    ),
    PatternRow(
        "STREET_ADDRESS",
        "lines down to a postal code",
        0.7,
        r"^[ >]*\K\d{1,6}[A-Z]?[ ][^\n.?!=]{2,60}\n(?:[ >]*[^\n.?!=]{2,40}\n){0,4}?[ >]*(?:[^\n\d.?!=]{0,40}[ ,])?(?:\d{4,6}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]?[ ]\d[A-Z]{2})[ ]*$",
        (),
        4,
    ),
    PatternRow(
        "STREET_ADDRESS",
        "town, state and postal code",
        0.75,
        r"\b\d{1,6}[A-Z]?,?[ ][^\n]{3,60}?[,\n]\s*[^\n\d]{2,30}[,\n]?\s*(?-i:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY])\.?,?[ ]+\d{5}(?:-\d{4})?\b",
        (),
        5,
    ),
    PatternRow(
        "STREET_ADDRESS",
        "British postal code",
        0.7,
        r"\b\d{1,5}[A-Z]?,?[ ][^\n\d]{3,60}[,\n ]\s*(?-i:[A-Z]{1,2}\d[A-Z\d]?[ ]\d[ABD-HJLNP-UW-Z]{2})\b",
        (),
        1,
    ),
)


def is_mail_host(address: str) -> bool:
    """Whether the part after the at sign ends in a public suffix, or in one that is reserved or private."""
    host = address.rsplit("@", 1)[-1].lower()
    return _SUFFIXES(host).fqdn != "" or host.endswith(tuple(_PRIVATE_SUFFIXES))


EMAIL_PATTERNS: Final = (
    PatternRow(
        "EMAIL_ADDRESS",
        "address",
        1.0,
        r"(?<![\w.!#$%&'*+/=?^`{|}~-])[\w.!#$%&'*+/=?^`{|}~-]{1,64}@\w+(?:-+\w+)*(?:\.\w+(?:-+\w+)*)+\b",
        ("@",),
        0,
        is_mail_host,
    ),
)
