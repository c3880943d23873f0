"""The evaluation report: what was saved, what it risked, and whether it is true.

`sources` make one table of routed requests (`routed` says its columns) from a ledger, a past log or graded
answers; `analysis` sums it with Ibis, on any engine; `results` is what comes out; `page` shows it.
"""
