"""Whether a model follows the attribute it is steered to (definitions 6 to 8).

Sorensen and others, "A roadmap to pluralistic alignment" (2024), section 3.2. Files: `attributes`
(what may be steered to), `faithfulness` (gain, specificity, confusion), `stances` (support, oppose,
either), `flattening` (less variety than the
group has), `conditioning` (how a prompt is turned), `reading` (refusals and stances in words).
"""
