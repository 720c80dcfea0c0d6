"""The app's configuration."""

from django.apps import AppConfig


class OvertonConfig(AppConfig):
    """What is reasonable: answers, judgements, windows, coverage."""

    name = "overton"
    verbose_name = "Overton windows"
