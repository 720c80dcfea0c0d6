"""Writes of the overton app: keyword-only, one transaction each."""
