"""Patterns of the numbers that further countries give to people, by name or by shape, as rows."""

from __future__ import annotations

from typing import Final

from clearway.sensitivity.patterns import MIN_ANCHOR_DIGITS, PatternRow, after

_DAY: Final = r"(?:0[1-9]|[12]\d|3[01])"
_MONTH: Final = r"(?:0[1-9]|1[0-2])"
_ENTITY: Final = "NATIONAL_ID"
_SCORE: Final = 0.85
# Around a number, and around a name.
_REACH: Final = (140, 40)
_REACH_PARTS: Final = (40, 140)


def _named(names: str, value: str, parts: str, n_digits: int) -> PatternRow:
    """A number after its name; a `+` in a part stands for a blank."""
    regex = after(names, value + r"(?![\w-])")
    strings = tuple(part.replace("+", " ") for part in parts.split())
    reach = _REACH if n_digits >= MIN_ANCHOR_DIGITS else _REACH_PARTS
    return PatternRow(_ENTITY, "after its name", _SCORE, regex, strings, n_digits, reach=reach)


def _shaped(name: str, value: str, n_digits: int, score: float = 0.7) -> PatternRow:
    """A number by its shape alone."""
    regex = rf"(?<![\w.-]){value}(?![\w-])"
    return PatternRow(_ENTITY, name, score, regex, n_digits=n_digits, reach=(40, 40))


COUNTRY_PATTERNS: Final = (
    _named(r"nric|fin(?=\s*(?:no|number|:))", r"(?-i:[STFGM])\d{7}(?-i:[A-Z])", "nric fin", 7),
    _named(r"hkid", r"[A-Z]{1,2}\d{6}\(?[\dA]\)?", "hkid", 6),
    _named(r"curp", r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z\d]\d", "curp", 6),
    _named(r"rfc", r"[A-Z&\u00d1]{4}\d{6}[A-Z\d]{3}", "rfc", 6),
    _named(r"cnp|cod\s+numeric", r"[1-9]\d{12}", "cnp numeric", 13),
    _named(
        r"ahv|avs|oasi|sozialversicherungs?\w*|sv-?nr\.?|svnr",
        r"(?:756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}|\d{4}[ ]?\d{6}|\d{2}[ ]?\d{6}[ ]?[A-Z][ ]?\d{3})",
        "ahv avs oasi sozialvers svnr sv-nr",
        6,
    ),
    _named(
        r"cpr|f\u00f8dselsnummer|f\u00f6dselsnummer|henkil\u00f6tunnus|hetu|fnr|kennitala",
        rf"{_DAY}{_MONTH}\d{{2}}[-+A]?[ ]?\d{{3}}[\dA-Z]{{1,2}}",
        "cpr selsnummer tunnus hetu fnr kennitala",
        3,
    ),
    _named(r"ppsn?|pps[\s_-]*(?:no|number)", r"\d{7}[A-W][A-IW]?", "pps", 7),
    _named(r"t\.?c\.?\s*kimlik\w*|kimlik\w*|tckn", r"[1-9]\d{10}", "kimlik tckn", 11),
    _named(r"rrn|resident\s+registration|jumin\w*", r"\d{6}-?[1-8]\d{6}", "rrn resident jumin", 6),
    _named(r"my\s?number|individual\s+number", r"\d{4}[ -]?\d{4}[ -]?\d{4}", "number", 12),
    _named(r"emirates\s+id|eid", r"784-?\d{4}-?\d{7}-?\d", "emirates eid", 15),
    _named(r"rodn\u00e9\s+\u010d\S+", r"\d{6}/?\d{3,4}", "rodn", 9),
    _named(
        r"dni|nie|nif|documento|c[e\u00e9]dula|rut|run|cuil|cuit",
        r"[XYZ]?[\d.]{7,12}-?[\dA-Z]?",
        "dni nie nif documento dula rut run cuil cuit",
        6,
    ),
    _named(r"teudat\s+zehut|israeli\s+id", r"\d{8,9}", "zehut israeli", 8),
    _named(r"sa\s+id|south\s+african\s+id|rsa\s+id", r"\d{6}[ ]?\d{4}[ ]?\d{3}", "id", 13),
    _named(
        (
            r"ird|inland\s+revenue|utr|(?:unique\s+)?tax(?:payer)?[\s_-]*(?:reference|"
            r"ref|no|nr|number|payer)|fiscal\s+(?:code|number)|steuernummer|codice\s+fiscale|"
            r"numero\s+fiscal"
        ),
        r"(?=[A-Z]{0,6}(?:\d[/. -]?){6})[A-Z]{0,6}\d[\dA-Z/. -]{7,16}(?<=[\dA-Z])",
        "ird inland utr tax fiscal steuernummer fiscale",
        6,
    ),
    _named(
        (
            r"alien\s+(?:registration\s+)?(?:no|number)|a-number|uscis\w*|green\s+card|"
            r"residen(?:ce|t)\s+(?:permit|card)|aufenthaltstitel|titre\s+de\s+s\u00e9jour|"
            r"brp|visa\s+(?:no|number|nr)|permit\s+(?:no|number)|work\s+permit"
        ),
        r"(?=[A-Z -]*(?:\d-?){5})[A-Z]{0,4}[ -]?\d[\dA-Z-]{5,14}",
        "alien a-number uscis green resid aufenthalt jour brp visa permit",
        5,
    ),
    _named(
        (
            r"(?:voter|electoral|military|veteran|citizen(?:ship)?|identity|identification|"
            r"national|personal|state|document|identit\u00e9|identidad|identit\u00e0|"
            r"id)[\s_-]*(?:card[\s_-]*|document[\s_-]*|security[\s_-]*|insurance[\s_-]*|"
            r"registration[\s_-]*)?(?:id|no|nr|num|number|code|\#)\b\.?"
        ),
        r"(?!\d{3}[- .]?\d\d[- .]?\d{4}(?!\d))(?=(?:[A-Z -]*\d){5})(?-i:[A-Z]{0,4})[ "
        r"-]?\d[\dA-Z./-]{4,16}(?<=[\dA-Z])",
        "voter elector militar veteran citizen ident national personal state document id",
        5,
    ),
    _named(r"medicare|mbi", r"[1-9][A-Z][A-Z\d]\d-?[A-Z][A-Z\d]\d-?[A-Z]{2}\d{2}", "medicare mbi", 1),
    _shaped("AHV", r"756\.\d{4}\.\d{4}\.\d{2}", 13, 0.85),
    _shaped("Emirates", r"784-(?:19|20)\d{2}-\d{7}-\d", 15, 0.85),
    _shaped("Belgian", rf"\d{{2}}\.{_MONTH}\.{_DAY}-\d{{3}}\.\d{{2}}", 11, 0.85),
    _shaped("CURP", rf"(?-i:[A-Z]{{4}})\d{{2}}{_MONTH}{_DAY}(?-i:[HMX][A-Z]{{5}}[A-Z\d])\d", 6, 0.9),
    _shaped("Chinese", rf"[1-6]\d{{5}}(?:19|20)\d{{2}}{_MONTH}{_DAY}\d{{3}}[\dX]", 17, 0.8),
    _shaped("Finnish", rf"{_DAY}{_MONTH}\d{{2}}[-+A]\d{{3}}(?-i:[\dA-FHJ-NPR-Y])", 6, 0.6),
    _shaped("Korean", rf"\d{{2}}{_MONTH}{_DAY}-[1-4]\d{{6}}", 13, 0.65),
    _shaped("Singaporean", r"(?-i:[STFG])\d{7}(?-i:[A-Z])", 7, 0.65),
)
