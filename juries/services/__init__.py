"""Writes of the juries app: keyword-only, one transaction each."""
