"""Which host names mean this machine only."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

# RFC 9110, section 7.2: a name or a bracketed IPv6 address, and perhaps a port.
_HOST_HEADER: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]@/]+))(?::[0-9]*)?")


def is_loopback(host: str) -> bool:
    """Whether an address or name reaches this machine only.

    >>> is_loopback("127.0.0.2"), is_loopback("::1"), is_loopback("LOCALHOST"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def names_loopback(host_header: str) -> bool:
    """Whether a Host header names this machine.

    >>> names_loopback("127.0.0.1:8080"), names_loopback("[::1]"), names_loopback("evil.example:8080")
    (True, True, False)
    """
    parsed = _HOST_HEADER.fullmatch(host_header)
    return parsed is not None and is_loopback(parsed[1] or parsed[2])
