"""Where the rows come from: `from_ledger`, `from_log`, `from_answers`, each with `gather`."""
