"""Backends of language models: a file for each kind, with a function `load` that settings name."""
