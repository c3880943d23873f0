-- The ledger in SQLite. Entries, nodes and checkpoint are the log; the tables after them are erasable.
CREATE TABLE entries (
    idx INTEGER PRIMARY KEY CHECK (idx >= 0),
    kind TEXT NOT NULL,
    decision_id TEXT UNIQUE,
    leaf BLOB NOT NULL,
    time TEXT
);
CREATE INDEX entries_by_kind ON entries (kind, idx);
-- Complete subtrees only: they never change, so rows are only ever added.
CREATE TABLE nodes (
    level INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (level, idx)
) WITHOUT ROWID;
-- One row: the latest signed note.
CREATE TABLE checkpoints (id INTEGER PRIMARY KEY CHECK (id = 1), note TEXT NOT NULL);
CREATE TABLE salts (idx INTEGER PRIMARY KEY, salt BLOB NOT NULL);
CREATE TABLE request_keys (
    request_key BLOB PRIMARY KEY,
    body_digest BLOB NOT NULL,
    idx INTEGER NOT NULL UNIQUE
) WITHOUT ROWID;
CREATE TABLE session_levels (
    session_key BLOB PRIMARY KEY,
    level INTEGER NOT NULL,
    idx INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE session_providers (
    session_key BLOB NOT NULL,
    provider TEXT NOT NULL,
    PRIMARY KEY (session_key, provider)
) WITHOUT ROWID;
PRAGMA user_version = 2;
