"""Memory of a worker: a fresh process that loads the detector and scans what it is given.

Run as a program it reads a JSON list of texts from stdin and prints kilobytes; it imports what a worker
imports and nothing of the benchmark.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from clearway.errors import SensitivityError
from clearway.request import Caller, parse_request

N_SCANS: Final = 200


def measure_memory(texts: Sequence[str]) -> dict[str, Any]:
    """Resident and highest memory in MB of a worker after it has scanned the texts."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", __name__],
        input=json.dumps(list(texts)),
        capture_output=True,
        text=True,
        check=True,
    )
    return {"n_scans": len(texts), **{name: round(kb / 1024) for name, kb in json.loads(done.stdout).items()}}


def _work() -> dict[str, int]:
    """Resident and highest memory in kB after the texts on stdin."""
    from clearway.installation import open_detector

    detector = open_detector()
    for text in json.load(sys.stdin):
        line = {"request": {"messages": [{"role": "user", "content": text}]}}
        request = parse_request(line, caller=Caller("local-dev"), purpose="general", fallback_id="memory")
        try:
            detector.scan(request)
        except SensitivityError:
            continue
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    facts = dict(line.split(":", 1) for line in status)
    return {
        name: int(facts[field].split()[0]) for name, field in (("rss_mb", "VmRSS"), ("highest_mb", "VmHWM"))
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_work()))
