"""Pages of the annotations app: load or refuse, one call, render."""
