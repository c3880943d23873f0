"""Patterns of telephone numbers and e-mail addresses, as rows."""

from __future__ import annotations

import os
import re
from typing import Final

# Otherwise the package may fetch its list of suffixes from the network.
os.environ["TLDEXTRACT_PUBLIC_SUFFIX_LIST_URLS"] = ""

import tldextract

from clearway.sensitivity import check_digits
from clearway.sensitivity.patterns import PatternRow, after

_SUFFIXES: Final = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
_PRIVATE_TEXT: Final = (
    ".example .test .invalid .local .localhost .internal .intranet .lan .corp .home .private "
)
_PRIVATE_SUFFIXES: Final = tuple(_PRIVATE_TEXT.split())
_PHONE: Final = (
    r"(?!\d{0,2}\.?\d{5,}[ ]?\n[A-J]\.)(?!\d{1,2}\.\d{5,}(?!\d))(?=(?:[ .()/\-\u2010-"
    r"\u2015\u00a0]{0,3}\d){6,18}(?!"
    r"\d))\+?\(?\d[\d ()./\-\u2010-\u2015\u00a0]{4,22}\d(?:\s?(?:x|ext\.?|extension)\s?\d{"
    r"1,6})?(?![\w-])"
)
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

_EXTENSION: Final = re.compile(r"\s?(?:x|ext\.?|extension)\s?\d{1,6}$", re.IGNORECASE)
# Four groups of four are a card; one point is a decimal's; the rest are dates.
_OTHER_NUMBER: Final = re.compile(
    r"\d{4}([ -])\d{4}\1\d{4}\1\d{4}|\d{1,3}\.\d{4,}|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}"
    r"([-/.])\d{1,2}\2(?:19|20)?\d{2}"
)


def is_telephone_number(value: str) -> bool:
    """Whether a number of six to fifteen digits is no card, decimal or date, and not counted up."""
    number = _EXTENSION.sub("", value)
    return (
        6 <= len(check_digits.digits_of(number)) <= 15
        and _OTHER_NUMBER.fullmatch(number) is None
        and check_digits.not_sequential(number)
    )


PHONE_PATTERNS: Final = (
    PatternRow(
        "PHONE_NUMBER",
        "after its name",
        0.8,
        after(_PHONE_NAMES, _PHONE, 30),
        _PHONE_PARTS,
        6,
        is_telephone_number,
        reach=(110, 40),
    ),
    PatternRow(
        "PHONE_NUMBER",
        "before its name",
        0.75,
        (
            r"(?<![\w.])\+?\(?\d[\d ()./\-]{6,22}\d(?:\s?x\d{1,6})?(?=[\s-]{1,3}(?:office|fax|mobi"
            r"le|cell|home|work)\b)"
        ),
        ("office", "fax", "mobile", "cell", "home", "work"),
        7,
        is_telephone_number,
        reach=(30, 40),
    ),
    PatternRow(
        "PHONE_NUMBER",
        "North American",
        0.7,
        _START + r"(?:\+?1[ .-]?|001[ .-])?(?:\([2-9]\d{2}\)[ ]?-?|[2-9]\d{2}[.-])\d{3}[ .-]\d{4}" + _END,
        (),
        10,
        is_telephone_number,
        reach=(20, 30),
    ),
    PatternRow(
        "PHONE_NUMBER",
        "North American, blanks",
        0.65,
        _START + r"(?:\+?1[ ])?[2-9]\d{2}[ ][2-9]\d{2}[ -]\d{4}" + _END,
        (),
        10,
        is_telephone_number,
        reach=(20, 30),
    ),
    PatternRow(
        "PHONE_NUMBER",
        "international",
        0.8,
        r"(?<![\w+.])(?:\+|00)[1-9]\d{0,2}[ ./-]?(?:\(\d{1,4}\)[ ./-]?)?(?:\d{1,5}[ ./-]?){2,5}\d{2,4}"
        + _END,
        ("+", "00"),
        8,
        is_telephone_number,
        reach=(20, 30),
    ),
    PatternRow(
        "PHONE_NUMBER",
        "national prefix",
        0.65,
        _START + r"\(?0\d{1,4}\)?(?:[ /-]|[ ][/-][ ])\d{2,8}(?:[ -]\d{2,4}){0,4}(?<=(?:\d\D{0,3}){9})" + _END,
        (),
        9,
        is_telephone_number,
        reach=(20, 30),
    ),
    PatternRow(
        "PHONE_NUMBER",
        "reached on",
        0.7,
        (
            r"(?:\b(?:on|at|number|under|via|nr|no\.|is|text|ping|with|\p{Lu}\w+)[\s:]{1,3}|[(,|\t"
            r"\"'>;][ ]?)(?<!\d)\K(?!\d{4}[-/]\d{2}[-/])"
            r"(?=(?:[ .()/\-\u2010-\u2015\u00a0]{0,3}\d){9,13}(?!\d))(?!\d{5}[-\u2010-\u2015]\d{4}"
            r"(?!\d))\+?\(?\d{2,5}\)?(?:"
            r"(?:[ \-\u2010-\u2015]\d{2,5}){1,4}|(?:\.\d{2,4}){2,4})"
        )
        + _END,
        (),
        9,
        is_telephone_number,
        reach=(60, 30),
    ),
    PatternRow(
        "PHONE_NUMBER",
        "ten digits, reached on",
        0.6,
        (
            r"\b(?:on|at|number|number\s+is|under|via|text|ping|whatsapp|mobile)[\s:]{1,3}\K[06-9]"
            r"\d{9,10}(?![\w-]|[.,/]\d)"
        ),
        (),
        10,
        is_telephone_number,
        reach=(40, 30),
    ),
    PatternRow(
        "PHONE_NUMBER",
        "ten digits after a word",
        0.5,
        r"(?:\bis|[:,|])[ ]\K[2-9]\d{9}(?![\w-]|[.,/]\d)",
        (),
        10,
        is_telephone_number,
        reach=(20, 20),
    ),
    PatternRow(
        "PHONE_NUMBER",
        "Brazilian or Portuguese",
        0.7,
        r"(?<![\w.])\(\d{2}\)[ ]?9?\d{4}[- ]\d{4}(?![\w-])",
        (),
        10,
        is_telephone_number,
        reach=(20, 20),
    ),
    PatternRow(
        "PHONE_NUMBER",
        "alone in its line",
        0.6,
        r"^[ >]*\K\(?\d{2,4}\)?(?:[ -]\d{2,4}){1,4}(?<=(?:\d\D{0,2}){8})(?:\s?x\d{1,6})?(?=[ ]*$)",
        (),
        8,
        is_telephone_number,
        reach=(60, 60),
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
        # What stands between a scheme and its host is a user's password.
        r"(?<![\w.!#$%&'*+/=?^`{|}~-])(?<!://[^\s@/]{1,64}:)[\w.!#$%&'*+/=?^`{|}~-]{1,64}@\w+(?:-+\w+)*(?:\.\w+(?:-+\w+)*)+\b",
        ("@",),
        0,
        is_mail_host,
    ),
)
