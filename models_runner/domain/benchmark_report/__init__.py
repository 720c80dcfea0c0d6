"""What a benchmark run found, in one form for pages, files and comparisons.

Files: `numbers` (a number with its interval and method; sections; the report), `markdown` (a report
as text), `difference` (two reports side by side).
"""
