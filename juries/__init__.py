"""Who decides: pools, features, quotas, draws, jurors, the welfare of a jury."""
