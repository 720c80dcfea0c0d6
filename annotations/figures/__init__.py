"""Numbers to SVG: the house style of charts and the figures of the annotations app."""
