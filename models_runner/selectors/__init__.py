"""Reads of the models_runner app, and the border where rows become arrays."""
