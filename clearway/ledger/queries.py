"""The SQL of the SQLite store, named.

The casts are for altered files: SQLite keeps a value of any type in any column.
"""

from __future__ import annotations

from importlib import resources
from typing import Final

SCHEMA_VERSION: Final = 2
SCHEMA: Final = tuple(
    statement
    for statement in resources.files("clearway.ledger").joinpath("schema.sql").read_text("utf-8").split(";\n")
    if statement.strip()
)
# What a file of an older version lacks, by that version: it is brought up to date when it is opened.
UPGRADES: Final = {
    1: tuple(s for s in SCHEMA if "TABLE session_providers" in s or s.startswith("PRAGMA user_version"))
}
N_TABLES: Final = "SELECT count(*) FROM sqlite_master"

SIZE: Final = "SELECT coalesce(max(idx) + 1, 0) FROM entries"
NOTE: Final = "SELECT CAST(note AS TEXT) FROM checkpoints WHERE id = 1"
KEEP_NOTE: Final = "INSERT OR REPLACE INTO checkpoints (id, note) VALUES (1, ?)"
NODE: Final = "SELECT CAST(hash AS BLOB) FROM nodes WHERE level = ? AND idx = ?"
ADD_NODE: Final = "INSERT INTO nodes (level, idx, hash) VALUES (?, ?, ?)"

ADD_ENTRY: Final = "INSERT INTO entries (idx, kind, decision_id, leaf, time) VALUES (?, ?, ?, ?, ?)"
_ENTRY: Final = (
    "SELECT e.idx, e.kind, CAST(e.leaf AS BLOB), CAST(n.hash AS BLOB) "
    "FROM entries e LEFT JOIN nodes n ON n.level = 0 AND n.idx = e.idx"
)
ENTRY: Final = f"{_ENTRY} WHERE e.idx = ?"
ENTRIES: Final = f"{_ENTRY} WHERE e.idx >= ? AND e.idx < ? ORDER BY e.idx LIMIT ?"
ENTRIES_OF_KIND: Final = f"{_ENTRY} WHERE e.kind = ? AND e.idx >= ? AND e.idx < ? ORDER BY e.idx LIMIT ?"
LATEST_OF_KIND: Final = f"{_ENTRY} WHERE e.kind = ? ORDER BY e.idx DESC LIMIT 1"
LEAVES: Final = "SELECT idx, CAST(leaf AS BLOB) FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx LIMIT ?"
INDEX_OF: Final = "SELECT idx FROM entries WHERE decision_id = ?"

REQUEST: Final = "SELECT body_digest, idx FROM request_keys WHERE request_key = ?"
ADD_REQUEST: Final = "INSERT INTO request_keys (request_key, body_digest, idx) VALUES (?, ?, ?)"
ERASE_REQUEST: Final = "DELETE FROM request_keys WHERE idx = ?"
SALT: Final = "SELECT CAST(salt AS BLOB) FROM salts WHERE idx = ?"
ADD_SALT: Final = "INSERT INTO salts (idx, salt) VALUES (?, ?)"
ERASE_SALT: Final = "DELETE FROM salts WHERE idx = ?"
SESSION: Final = "SELECT level FROM session_levels WHERE session_key = ?"
JOIN_SESSION: Final = (
    "INSERT INTO session_levels (session_key, level, idx) VALUES (?, ?, ?) "
    "ON CONFLICT (session_key) DO UPDATE SET level = excluded.level, idx = excluded.idx "
    "WHERE excluded.level > session_levels.level"
)
SESSION_PROVIDERS: Final = (
    "SELECT CAST(provider AS TEXT) FROM session_providers WHERE session_key = ? ORDER BY provider"
)
REACH_PROVIDER: Final = "INSERT OR IGNORE INTO session_providers (session_key, provider) VALUES (?, ?)"
