"""Command line of the juries app."""
