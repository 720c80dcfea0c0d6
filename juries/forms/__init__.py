"""Checks of single requests; nothing here saves."""
