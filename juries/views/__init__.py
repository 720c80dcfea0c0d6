"""Pages of the juries app: load or refuse, one call, render."""
