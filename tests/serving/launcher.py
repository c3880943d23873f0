"""Serves a router with fake classifiers over the ledger of a folder: `launcher.py HOME PORT`."""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn

from clearway.ledger.sqlite import open_ledger
from clearway.testing import fake_router
from serving.app import create_app


def main() -> None:
    """Serve until killed."""
    home, port = Path(sys.argv[1]), int(sys.argv[2])
    app = create_app(fake_router(ledger=open_ledger(home)))
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
