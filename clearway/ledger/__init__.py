"""The append-only Merkle log of records."""
