"""Pages of the overton app: load or refuse, one call, render."""
