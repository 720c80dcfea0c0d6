"""Several objectives at once, each on its own (definitions 11 to 14).

Sorensen and others, "A roadmap to pluralistic alignment" (2024), section 4.1. Files: `table` (what
is measured and which way is better), `pareto` (improvements and the front), `commensuration` (named
functions that join objectives), `ranking` (several of them side by side).
"""
