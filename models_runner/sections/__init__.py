"""What the models_runner app shows on a study's results page."""

from models_runner.sections.reward import RewardModelSection

__all__ = ["RewardModelSection"]
