"""Judges of entailment, loaded by the dotted paths in settings."""
