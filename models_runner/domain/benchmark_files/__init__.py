"""Files of numbers that benchmarks are computed from, and the results that come of them.

Files: `problems` (what is wrong with a file, row by row), `records` (CSV and JSON to rows),
`answers` (distributions over options), `matrices` (rows by columns of numbers), `declared`
(NAME=VALUE arguments), `results` (measures as plain JSON).
"""
