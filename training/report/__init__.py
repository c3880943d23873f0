"""The evaluation report: what was saved, what it risked, and whether it is true.

`sources` (`from_ledger`, `from_log`, `from_answers`) make one table, `routed` says its columns; `analysis`
sums it with Ibis, on whatever engine holds it; `results` is what comes out; `page` shows it.
"""
