"""The models in the admin: importing a module of this folder registers its pages."""

from models_runner.admin import language_models, rewards

__all__ = ["language_models", "rewards"]
