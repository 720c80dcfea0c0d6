"""Figures of a benchmark's report, from the report alone: as SVG for pages, as PNG for papers.

Files: `drawn` (a drawing with its words), `report` (which figures a report has), and those of each
kind: `distributions`, `steering`, `objectives`.
"""
