"""The app's configuration."""

from django.apps import AppConfig


class AnnotationsConfig(AppConfig):
    """What people say: studies, queries, responses, assignments, ratings, agreement, export."""

    name = "annotations"
    verbose_name = "Studies"
