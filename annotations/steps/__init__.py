"""The steps of a juror's work that this floor plugs in (`settings.JUROR_STEPS`)."""

from annotations.steps.choice import ChoiceStep
from annotations.steps.highlight import HighlightStep
from annotations.steps.opinion import OpinionStep
from annotations.steps.preference import PreferenceStep
from annotations.steps.ranking import RankingStep
from annotations.steps.rating import RatingStep
from annotations.steps.reason import ReasonStep

__all__ = [
    "ChoiceStep",
    "HighlightStep",
    "OpinionStep",
    "PreferenceStep",
    "RankingStep",
    "RatingStep",
    "ReasonStep",
]
