"""Pages of the models_runner app: load or refuse, one call, render."""
