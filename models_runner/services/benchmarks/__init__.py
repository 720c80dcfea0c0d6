"""Benchmarks of pluralism: declare, run, report.

Files: `declaring` (a benchmark and its files into rows, its runs), `performing` (the work of a
Run), `asking` (questions to models, kept so that none is asked twice), `stores` (where they are
kept), `eliciting` (distributions over options), and one file for each kind of benchmark:
`distributional`, `steerable`, `objectives`, `tradeoff`.
"""
