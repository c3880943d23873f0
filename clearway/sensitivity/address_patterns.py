"""Patterns of street addresses, as rows: by street word, by place, by what is said of them."""

from __future__ import annotations

from typing import Final

from clearway.sensitivity.patterns import CAPITAL, MONTH, PatternRow, after
from clearway.sensitivity.street_words import (
    AMERICAN,
    COMPOUND,
    LATIN_STREET,
    LATIN_WORDS,
    LIVES,
    LIVES_PARTS,
    LOWER_STREET_WORD,
    LOWER_WORD,
    NAME_WORD,
    QUANTITIES,
    STREET_PARTS,
    STRONG_STREET_WORD,
    SURE_PARTS,
    SURELY,
    UNIT,
)

ADDRESS_PATTERNS: Final = (
    PatternRow(
        "STREET_ADDRESS",
        "number and street word",
        0.8,
        (
            r"(?<![\w.,:/-]|\$)\d{1,5}[A-Z]?(?:[/-]\d{1,4}[A-Z]?)?,?[ ]+(?:(?:N|S|E|W|NE|NW|SE|SW|"
            r"North|South|East|West)\.?[ ]+)?(?:"
        )
        + NAME_WORD
        + r"[ ]+){1,4}"
        + STRONG_STREET_WORD,
        STREET_PARTS,
        1,
    ),
    PatternRow(
        "STREET_ADDRESS",
        "number and lower-case street word",
        0.65,
        r"(?<![\w.,:/$=-])(?<![=+*/-] )\d{1,5}[a-z]?,?[ ]+(?:"
        + LOWER_WORD
        + r"[ ]+){1,3}"
        + LOWER_STREET_WORD,
        STREET_PARTS,
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
        + (
            r"[ ]){1,3}(?:u\.|\u00fat|utca|\u00fatja|t\u00e9r|k\u00f6r\u00fat|vei|vej|gate|veg|v"
            r"\u00e4g|gata)[ ]\d{1,4}\b"
        ),
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
        r"(?<![\w.,-])\d{1,6}[ ][^\n\d][^\n]{2,50}?[,\s>]+" + UNIT + r"\d{1,5}\b",
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
        + LATIN_STREET
        + (
            r"[ ]+(?:(?:de|del|della|dei|la|las|los|du|des|da|do|dos|l['\u2019])[ ]*)*(?:[^\W\d]["
            r"\w.'\u2019-]*[ ]+){0,4}"
            r"[^\W\d][\w.'\u2019-]*,?[ ]+(?:n[\u00b0o\u00ba.]\s?)?\d{1,5}(?!\w|[.:]\d|%)"
        ),
        (),
        1,
        anchor=r"\d+",
        reach=(120, 10),
        words=LATIN_WORDS,
    ),
    PatternRow(
        "STREET_ADDRESS",
        "number and foreign street word",
        0.75,
        r"(?<![\w.,:/$-])\d{1,5}(?:[ ]?(?:bis|ter|[a-z]))?,?[ ]+"
        + LATIN_STREET
        + r"[ ]+(?:(?:de|del|della|dei|la|las|los|du|des|da|do|dos)[ ]+|l['\u2019])*"
        + CAPITAL,
        (),
        1,
        words=LATIN_WORDS,
    ),
    PatternRow(
        "STREET_ADDRESS",
        "compound street and number",
        0.75,
        r"(?<!\w)(?-i:[A-Z\u00c0-\u00d6\u00d8-\u00de\u0100-\u017d])"
        + COMPOUND
        + r",?[ ](?:n[ro]\.?[ ]?)?\d{1,4}[a-z]?(?![\w%]|[.:]\d)",
        (),
        1,
    ),
    PatternRow(
        "STREET_ADDRESS",
        "after where",
        0.7,
        LIVES
        + (
            r"[^\n\d.?!=]{0,24}[\s:]+\K\d{1,5}(?:[ ]\d{1,5})?,?[ ](?:(?-i:[A-Z])\p{L}{0,2}\.?[ ]|["
            r"a-z]{1,3}\.[ ])?"
        )
        + CAPITAL
        + r"(?![ ]?=)[^\n]{0,60}",
        LIVES_PARTS,
        1,
        reach=(10, 240),
    ),
    PatternRow(
        "STREET_ADDRESS",
        "after where, street first",
        0.7,
        LIVES + r"[ ]+\K(?:" + CAPITAL + r"[ ]+){1,4}\d{1,4}(?=[,\s.]+(?-i:[A-Z\d]|street|st\b)|[.]?\s*$)",
        LIVES_PARTS,
        1,
        reach=(10, 240),
    ),
    PatternRow(
        "STREET_ADDRESS",
        "after a sure where",
        0.65,
        SURELY
        + (
            r"[\s:]+\K(?:the[ ])?(?:(?:\p{L}[\w.'\u2019-]*|\d{1,5}\.?),?[ ]){1,6}?(?<=\p{L}[.,]?[ "
            r"])\d{1,5}(?!\w|[.,:]\d|[ ]?%|[ ](?:"
        )
        + QUANTITIES
        + r")\b)",
        SURE_PARTS,
        1,
        reach=(10, 240),
    ),
    PatternRow(
        "STREET_ADDRESS",
        "after a sure where, number first",
        0.65,
        SURELY + r"[\s:]+\K\d{1,5},?[ ](?!(?:" + QUANTITIES + r")\b)\p{L}[\w.'\u2019-]{2,}[^\n.?!]{0,40}",
        SURE_PARTS,
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
        (
            r"(?<![\w-])[\p{L}-]{2,}(?:stra(?:\u00df|ss)e|str\.?|gasse|weg|ring|platz|allee|damm|u"
            r"fer|laan|singel|straat|gracht|kade|plein|hof|dijk|"
            r"vej|gade|veien|vegen|gata|gatan|v\u00e4gen|katu|tie|kuja)[ ](?!(?:19|20)\d{2}\b)\d{1"
            r",4}(?:[ ]?[a-z]|/\d{1,3})?,[ ](?:\d{4,6}|\p{L}{3,})"
        ),
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
        + (
            r")\b)\p{L}[\p{L}'\u2019.-]{2,}[ ]\d{1,4}(?:[ ]?[a-z]|/\d{1,3})?,[ ](?:(?:\p{L}[\p{L}'"
            r"\u2019.-]+[ ,]{1,2}){1,3}(?!19|20)\d{4,6}(?:[ ]?[A-Z]{2})?|"
            r"\d{4,6}[ ]?(?:[A-Z]{2}[ ])?(?-i:\p{Lu})\p{L}{2,})\b"
        ),
        (),
        5,
        anchor=r"\d(?:[ ]?[a-z]|/\d{1,3})?,[ ][^\W_]",
        reach=(60, 120),
    ),
    PatternRow(
        "STREET_ADDRESS",
        "number, American street word",
        0.65,
        r"(?<![\w.,:/$=-])(?<![=+*/-] )\d{3,5}[ ](?:" + CAPITAL + r"[ ]){1,3}(?-i:" + AMERICAN + r")s?\b",
        (),
        3,
    ),
    PatternRow(
        "STREET_ADDRESS",
        "British postal code, lower case",
        0.65,
        (
            r"\b\d{1,5}[a-z]?,?[ ][^\n\d]{3,60},[^\n\d,]{0,30}[, ](?:[a-z]{1,2}\d{1,2}[a-z]?[ ]\d["
            r"abd-hjlnp-uw-z]{2})\b(?!['\u2019])"
        ),
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
        (
            r"^[ >]*\K\d{1,6}[A-Z]?[ ][^\n.?!=]{2,60}\n(?:[ >]*[^\n.?!=]{2,40}\n){0,4}?[ >]*(?:[^"
            r"\n\d.?!=]{0,40}[ ,])?(?:\d{4,6}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]?[ ]\d[A-Z]{2})[ ]*$"
        ),
        (),
        4,
    ),
    PatternRow(
        "STREET_ADDRESS",
        "town, state and postal code",
        0.75,
        (
            r"\b\d{1,6}[A-Z]?,?[ ][^\n]{3,60}?[,\n]\s*[^\n\d]{2,30}[,\n]?\s*(?-i:A[KLRZ]|C[AOT]|D["
            r"CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V["
            r"AT]|W[AIVY])\.?,?[ ]+\d{5}(?:-\d{4})?\b"
        ),
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
