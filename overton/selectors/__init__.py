"""Reads of the overton app, and the border where its rows become arrays."""
