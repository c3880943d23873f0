"""Benchmarks as commands: `clearway benchmark NAME`. Each prints a table, or one JSON object."""
