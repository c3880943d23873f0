"""The detector asks nothing of any network, from loading to the last scan."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# An audit hook (PEP 578) sees every socket and every name that is looked up, by whatever library. Presidio
# imports urllib3, which binds a local port once to see whether there is IPv6, and sends nothing: it comes
# first.
_PROGRAM = """
import sys
from pathlib import Path

import urllib3

def refuse(event, arguments):
    if event.startswith("socket."):
        raise SystemExit(f"network: {event}")

sys.addaudithook(refuse)

from clearway.request import Caller, Part, Request
from clearway.sensitivity import load_detector

detector = load_detector(Path(sys.argv[1]))
texts = (
    "Write to new.person@example.co.uk or ring +44 20 7946 0958.",
    "The key is AKIAIOSFODNN7QQQQQQQ, the card 4111 1111 1111 1111, the IBAN GB82 WEST 1234 5698 7654 32.",
    "See https://a.very.strange.suffix.museum/x and http://10.0.0.1/ for jane dot doe at example dot com.",
    "Bitte rufen Sie morgen Frau Keller an, sie wohnt in der Gartenstrasse 17 in Berlin.",
    "bmV3LnBlcnNvbkBleGFtcGxlLmNvLnVrIGlzIHRoZSBhZGRyZXNz",
)
parts = tuple(Part(f"messages[{i}].content", "user", text) for i, text in enumerate(texts))
found = detector.scan(Request(id="r", caller=Caller("a"), purpose="p", parts=parts))
if sys.argv[2:]:
    import socket
    socket.getaddrinfo("localhost", 80)
print(found.flagged)
"""


@pytest.mark.parametrize(("extra", "is_offline"), [([], True), (["look up"], False)])
def test_no_socket_is_opened_in_load_or_scan(folder: Path, extra: list[str], is_offline: bool) -> None:
    """A new process loads the detector and scans every kind of value without a socket; the hook does bite."""
    command = [sys.executable, "-c", _PROGRAM, str(folder), *extra]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == is_offline, done.stderr
    if is_offline:
        assert "contact" in done.stdout
        assert "financial" in done.stdout
        assert "credentials" in done.stdout
    else:
        assert done.stderr.startswith("network: socket.getaddrinfo")
