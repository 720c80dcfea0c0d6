"""Reads of the annotations app for its pages, and the border where rows become arrays."""
