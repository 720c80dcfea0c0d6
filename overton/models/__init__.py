"""Tables of the overton app, a file for each noun."""

from overton.models.answer import Answer, AnswerMerge, DuplicateScore, Exclusion
from overton.models.judgement import ExpressionLabel, Judgement, LabelResolution
from overton.models.reading import (
    EntailmentReading,
    EntailmentScore,
    ExtractedView,
    PairReading,
)
from overton.models.window import WindowRule, WindowSnapshot

__all__ = [
    "Answer",
    "AnswerMerge",
    "DuplicateScore",
    "EntailmentReading",
    "EntailmentScore",
    "Exclusion",
    "ExpressionLabel",
    "ExtractedView",
    "Judgement",
    "LabelResolution",
    "PairReading",
    "WindowRule",
    "WindowSnapshot",
]
