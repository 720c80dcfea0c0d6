"""Numbers of the overton app as SVG."""
