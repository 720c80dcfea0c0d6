"""Template tags of the juries app."""
