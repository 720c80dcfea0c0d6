"""Validation of single requests to the annotations app; nothing is saved here."""
