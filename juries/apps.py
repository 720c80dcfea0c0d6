"""The app's configuration."""

from django.apps import AppConfig


class JuriesConfig(AppConfig):
    """Who decides: pools, features, quotas, draws, jurors, welfare of a jury."""

    name = "juries"
    verbose_name = "Juries"
