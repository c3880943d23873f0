"""Patterns of cards, accounts and wallets, as rows."""

from __future__ import annotations

from typing import Final

from clearway.sensitivity import check_digits as check
from clearway.sensitivity.patterns import PatternRow, after

# Around a number: a name, what stands between, and the value.
_REACH: Final = (120, 40)
_CARD: Final = (
    r"(?:\d{12,19}|\d{4}(?:[ -]\d{4}){3}[ -]\d{1,3}|\d{4}(?:[ .\-\u2010-\u2015]{1,2}\d{4})"
    r"{2}[ .\-\u2010-\u2015]{1,2}\d{1,7}|"
    r"\d{4}[ .\-\u2010-\u2015]\d{6}[ .\-\u2010-\u2015]\d{4,5})(?![\w-]|\.\d)"
)
_ACCOUNT: Final = (
    r"(?:bank|checking|chequing|savings?|current|deposit|giro|brokerage)[\s_-]*(?:account|acct)|"
    r"(?:account|acct)[\s_-]*(?:number|num|no|nr|\#)|acct|a/c|iban|konto(?:nummer|nr)?|compte|cuenta"
)
_GROUPED_ACCOUNT: Final = r"(?:\d{6,17}|\d{2,8}(?:[ -]\d{2,8}){1,4})(?![\w-]|[.,/]\d)"

FINANCIAL_PATTERNS: Final = (
    PatternRow(
        "CREDIT_CARD",
        "card",
        1.0,
        r"(?<![\w.-])(?=(?:[2-6]|1800))" + _CARD,
        (),
        12,
        check.luhn,
        reach=(20, 20),
    ),
    PatternRow(
        "CREDIT_CARD",
        "after its name",
        0.8,
        after(r"cards?|visa|mastercard|amex|maestro", r"\d{12,19}(?![\w-]|\.\d)"),
        ("card", "visa", "amex", "maestro"),
        12,
        check.luhn,
        reach=_REACH,
    ),
    PatternRow(
        "IBAN_CODE",
        "IBAN",
        1.0,
        r"(?<![^\W_])[A-Z]{2}\d{2}(?:[ -]?[A-Z\d]){11,32}",
        (),
        5,
        check.iban,
        anchor=r"[a-z]{2}\d\d",
        reach=(2, 90),
    ),
    PatternRow(
        "CRYPTO",
        "Bitcoin",
        1.0,
        r"(?<![^\W_])(?:bc1[a-z\d]{25,59}|[13][a-zA-HJ-NP-Z1-9]{25,34})(?![^\W_])",
        (),
        1,
        check.bitcoin,
        needs="has_long_run",
    ),
    PatternRow("CRYPTO", "Ethereum", 0.9, r"(?<![^\W_])0x[a-f\d]{40}(?![^\W_])", ("0x",)),
    PatternRow(
        "BANK_ACCOUNT",
        "after its name",
        0.85,
        after(_ACCOUNT, _GROUPED_ACCOUNT),
        ("acc", "a/c", "konto", "compte", "cuenta", "iban"),
        6,
        reach=_REACH,
    ),
    PatternRow(
        "BANK_ACCOUNT",
        "sort code and account",
        0.8,
        r"(?<![\w.-])\d{2}-\d{2}-\d{2}[ ,/;|]{1,3}(?:acc\w*\.?[ :]*)?\d{7,8}(?![\w-])",
        (),
        13,
        reach=(30, 30),
    ),
    PatternRow(
        "BANK_ACCOUNT",
        "in a payroll or a bank's table",
        0.6,
        (
            r"\b(?:payroll|payees?|bank|salary|salaries|payout|direct[\s_-]*deposit|transfer|refun"
            r"d|payment|wire|remit\w*|deposit|acct|account)"
            r"[^\0]{0,200}?(?<![\w.,/#-]|[$\u20ac\u00a3] ?)\K\d{8,17}(?![\w-]|[.,/]\d)"
        ),
        (
            "payroll",
            "payee",
            "bank",
            "salar",
            "payout",
            "deposit",
            "transfer",
            "refund",
            "payment",
            "wire",
            "remit",
            "acc",
        ),
        8,
        reach=(240, 20),
    ),
    PatternRow(
        "BANK_ACCOUNT",
        "after account",
        0.6,
        after(r"account", r"\d{8,17}(?![\w-]|[.,]\d)", 20),
        ("account",),
        8,
        reach=(90, 20),
    ),
    PatternRow(
        "BANK_ROUTING",
        "sort code",
        0.8,
        after(r"sort[\s_-]*code", r"\d{2}[- ]?\d{2}[- ]?\d{2}(?![\w-])"),
        ("sort",),
        6,
        reach=_REACH,
    ),
    PatternRow(
        "BANK_ROUTING", "BSB", 0.8, after(r"bsb", r"\d{3}[- ]?\d{3}(?![\w-])"), ("bsb",), 6, reach=_REACH
    ),
    PatternRow(
        "BANK_ROUTING",
        "routing number",
        0.9,
        after(r"routing|aba|rtn|transit", r"[0-3]\d{8}(?![\w-])"),
        ("routing", "aba", "rtn", "transit"),
        9,
        check.routing,
        reach=_REACH,
    ),
)
