"""Machines: which models there are, running them, reward models, benchmark runs."""
