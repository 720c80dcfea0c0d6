"""Numbers to SVG: the only place of this app that knows the charting library."""
