"""What benchmarks read, and what their pages show.

Files: `people` (jurors' choices as distributions), `inputs` (digests of all that a benchmark
reads), `values` (objectives from what a study has computed), `runs` (runs and their reports).
"""
