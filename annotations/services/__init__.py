"""Writes of the annotations app: keyword-only, one transaction each."""
