"""One model steered from trade-off to trade-off (definitions 15 to 17).

Sorensen and others, "A roadmap to pluralistic alignment" (2024), section 4.2. Files: `matrix` (what
each function says of each steered model), `hypervolume` (how much the steered models dominate).
"""
