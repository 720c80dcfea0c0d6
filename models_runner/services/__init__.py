"""Writes of the models_runner app: keyword-only, one transaction each."""
