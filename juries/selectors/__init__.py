"""Reads of the juries app for its pages, and the border where rows become arrays."""
