"""The app's configuration."""

from django.apps import AppConfig


class ModelsRunnerConfig(AppConfig):
    """Machines: encoders, reward models, the demo and the commands that use every floor."""

    name = "models_runner"
    verbose_name = "Models"
