"""Live-looking secrets of many makers, and strings that look like secrets and are none."""

import base64
import json
import string
from collections.abc import Callable
from random import Random

from training.sensitivity.generator.numbers import digits, letters
from training.sensitivity.generator.vocabulary import words

_HEX = "0123456789abcdef"
_ALNUM = string.ascii_letters + string.digits
_WORDS = words("password words")


def _url_safe(rng: Random, n: int) -> str:
    return letters(rng, n, _ALNUM + "-_")


def _base64(rng: Random, n_bytes: int) -> str:
    return base64.b64encode(rng.randbytes(n_bytes)).decode()


def aws_key_id(rng: Random) -> str:
    """An AWS access key id."""
    return rng.choice(("AKIA", "AKIA", "ASIA")) + letters(rng, 16, string.ascii_uppercase + "234567")


def aws_secret(rng: Random) -> str:
    """An AWS secret access key."""
    return letters(rng, 40, _ALNUM + "/+")


def jwt(rng: Random) -> str:
    """A signed JSON web token."""
    header = {"alg": rng.choice(("HS256", "RS256")), "typ": "JWT"}
    body = {"sub": digits(rng, 10), "iat": 1_600_000_000 + rng.randrange(150_000_000), "scope": "read write"}
    parts = (json.dumps(part, separators=(",", ":")).encode() for part in (header, body))
    encoded = [base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts]
    return ".".join((*encoded, _url_safe(rng, 43)))


def pem(rng: Random) -> str:
    """A private key block."""
    kind = rng.choice(("RSA PRIVATE", "PRIVATE", "EC PRIVATE", "OPENSSH PRIVATE"))
    body = _base64(rng, rng.choice((120, 240, 600)))
    lines = "\n".join(body[start : start + 64] for start in range(0, len(body), 64))
    return f"-----BEGIN {kind} KEY-----\n{lines}\n-----END {kind} KEY-----"


def password(rng: Random) -> str:
    """A password as people choose them, or as a manager makes them."""
    word, other = rng.choice(_WORDS), rng.choice(_WORDS)
    shape = rng.randrange(7)
    if shape == 0:
        return word.capitalize() + str(rng.randint(1970, 2026)) + rng.choice("!?#$*")
    if shape == 1:
        return f"{word}{other.capitalize()}{rng.randint(1, 99)}{rng.choice('!@#%')}"
    if shape == 2:
        return f"{word.capitalize()}-{other}-{rng.choice(_WORDS)}-{rng.randint(10, 99)}"
    if shape == 3:
        return (
            word.replace("a", "@").replace("o", "0").replace("e", "3").capitalize()
            + str(rng.randint(10, 999))
            + "!"
        )
    if shape == 4:
        return letters(rng, rng.randint(10, 14), _ALNUM) + rng.choice("!#%*^") + letters(rng, 4, _ALNUM)
    alphabet = _ALNUM + ("!#%&*+-=?^_" if shape == 5 else "")
    return "".join(
        rng.choice(kind) for kind in (string.ascii_uppercase, string.digits, string.ascii_lowercase)
    ) + (letters(rng, rng.randint(9, 17), alphabet))


def plain_password(rng: Random) -> str:
    """A password without characters that end a word in a URL or a connection string."""
    return (
        rng.choice(_WORDS).capitalize() + letters(rng, rng.randint(6, 14), _ALNUM) + str(rng.randint(2, 97))
    )


def connection(rng: Random) -> str:
    """A connection string with user and password in it."""
    user, host = (
        rng.choice(("app", "svc_orders", "admin", "reporting", "root", "etl")),
        rng.choice(("db-1", "prod-pg", "10.2.4.17", "cache", "mq")),
    )
    domain, secret = (
        rng.choice((".internal", ".corp.local", "", ".eu-west-1.rds.amazonaws.com")),
        plain_password(rng),
    )
    scheme, port, path = rng.choice(
        (
            ("postgresql", 5432, "/orders"),
            ("postgres", 5432, "/crm?sslmode=require"),
            ("mysql", 3306, "/billing"),
            ("mongodb+srv", 0, "/app?retryWrites=true"),
            ("redis", 6379, "/0"),
            ("amqp", 5672, "/%2f"),
            ("https", 0, "/git/repo.git"),
            ("mysql+pymysql", 3306, "/shop"),
            ("ftp", 21, "/exports"),
            ("mongodb", 27017, "/admin"),
        )
    )
    if rng.random() < 0.15:
        return f"Server={host}{domain};Database=crm;User Id={user};Password={secret};Encrypt=True"
    return f"{scheme}://{user}:{secret}@{host}{domain}{f':{port}' if port else ''}{path}"


def azure_storage(rng: Random) -> str:
    """An Azure storage connection string."""
    name = rng.choice(_WORDS) + digits(rng, 3)
    endpoint = "EndpointSuffix=core.windows.net"
    return f"DefaultEndpointsProtocol=https;AccountName={name};AccountKey={_base64(rng, 64)};{endpoint}"


def hex_key(rng: Random) -> str:
    """A key written in hexadecimal."""
    return letters(rng, rng.choice((32, 40, 48, 64)), _HEX)


def opaque_key(rng: Random) -> str:
    """A key without a maker's mark: only its surroundings say that it is one."""
    return rng.choice(
        (
            hex_key(rng),
            letters(rng, rng.randint(24, 44), _ALNUM),
            _base64(rng, rng.choice((24, 32))),
            _url_safe(rng, 43),
        )
    )


Maker = Callable[[Random], str]
_MAKERS: tuple[Maker, ...] = (
    aws_key_id,
    jwt,
    lambda rng: "ghp_" + letters(rng, 36, _ALNUM),
    lambda rng: "gho_" + letters(rng, 36, _ALNUM),
    lambda rng: f"github_pat_{letters(rng, 22, _ALNUM)}_{letters(rng, 59, _ALNUM)}",
    lambda rng: "glpat-" + _url_safe(rng, 20),
    lambda rng: f"xoxb-{digits(rng, 12)}-{digits(rng, 12)}-{letters(rng, 24, _ALNUM)}",
    lambda rng: f"xoxp-{digits(rng, 11)}-{digits(rng, 11)}-{digits(rng, 12)}-{letters(rng, 32, _HEX)}",
    lambda rng: (
        f"https://hooks.slack.com/services/T{letters(rng, 8)}/B{letters(rng, 10)}/{letters(rng, 24, _ALNUM)}"
    ),
    lambda rng: "sk_live_" + letters(rng, rng.choice((24, 99)), _ALNUM),
    lambda rng: "rk_live_" + letters(rng, 24, _ALNUM),
    lambda rng: "sk-" + letters(rng, 48, _ALNUM),
    lambda rng: "sk-proj-" + _url_safe(rng, 74),
    lambda rng: "sk-ant-api03-" + _url_safe(rng, 93) + "AA",
    lambda rng: "AIza" + _url_safe(rng, 35),
    lambda rng: "hf_" + letters(rng, 34, string.ascii_letters),
    lambda rng: "npm_" + letters(rng, 36, _ALNUM),
    lambda rng: "pypi-AgEIcHlwaS5vcmc" + _url_safe(rng, 140),
    lambda rng: f"SG.{_url_safe(rng, 22)}.{_url_safe(rng, 43)}",
    lambda rng: "SK" + letters(rng, 32, _HEX),
    lambda rng: "dop_v1_" + letters(rng, 64, _HEX),
    lambda rng: "shpat_" + letters(rng, 32, _HEX),
    lambda rng: "dapi" + letters(rng, 32, _HEX),
    lambda rng: "hvs." + _url_safe(rng, 90),
    lambda rng: "eyJrIjoi" + letters(rng, 72, _ALNUM),
    lambda rng: "ya29." + _url_safe(rng, 120),
    lambda rng: f"{digits(rng, 10)}:AA{_url_safe(rng, 33)}",
    lambda rng: "lin_api_" + letters(rng, 40, _ALNUM),
    lambda rng: f"{letters(rng, 32, _HEX)}-us{rng.randint(1, 21)}",
    lambda rng: "key-" + letters(rng, 32, _HEX),
)


def token(rng: Random) -> str:
    """An access token or API key of one of about 30 makers."""
    return rng.choice(_MAKERS)(rng)


def placeholder(rng: Random) -> str:
    """What stands where a secret would: a placeholder, a variable, a mask."""
    name = rng.choice(("API_KEY", "SECRET_KEY", "ACCESS_TOKEN", "DB_PASSWORD", "AUTH_TOKEN"))
    return rng.choice(
        (
            f"<{name}>",
            f"YOUR_{name}",
            f"${{{name}}}",
            f"<your-{name.lower().replace('_', '-')}-here>",
            "xxxxxxxxxxxxxxxx",
            "****************",
            "REDACTED",
            "[REDACTED]",
            "changeme",
            f"${name}",
            f"{{{{ {name.lower()} }}}}",
            "...",
            "sk-xxxxxxxxxxxxxxxx",
            f"%{name}%",
            "<redacted>",
            "your-secret-here",
            f"vault:secret/data/app#{name.lower()}",
            "replace_me",
            "AKIAIOSFODNN7EXAMPLE",
            f"os.environ/{name}",
            "insert-token-here",
            "hunter2-placeholder",
            "••••••••",
        )
    )


def lookalike(rng: Random) -> str:
    """A long random-looking string that opens nothing: a commit, a checksum, a UUID, a request id."""
    raw = letters(rng, 32, _HEX)
    return rng.choice(
        (
            letters(rng, 40, _HEX),
            f"sha256:{letters(rng, 64, _HEX)}",
            f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-a{raw[17:20]}-{raw[20:]}",
            f"sha512-{_base64(rng, 64)}",
            f"req_{letters(rng, 24, _ALNUM)}",
            letters(rng, 7, _HEX),
            f'W/"{letters(rng, 32, _HEX)}"',
        )
    )
