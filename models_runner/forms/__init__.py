"""Requests of this app's pages, checked; nothing is saved here.

Files: `study_pages` (language models, training, leaderboard, verdicts), `benchmarks`.
"""

from models_runner.forms.language_models import GenerationForm, LanguageModelForm
from models_runner.forms.study_pages import (
    LAST_STOP,
    LEARNT,
    MOST_CHANGES,
    MOST_SEATS,
    SEAT_PREFIX,
    AlphaField,
    LeaderboardForm,
    SeatsRead,
    TrainingForm,
    VerdictsForm,
    read_seats,
    seat_field,
)

__all__ = [
    "LAST_STOP",
    "LEARNT",
    "MOST_CHANGES",
    "MOST_SEATS",
    "SEAT_PREFIX",
    "AlphaField",
    "GenerationForm",
    "LanguageModelForm",
    "LeaderboardForm",
    "SeatsRead",
    "TrainingForm",
    "VerdictsForm",
    "read_seats",
    "seat_field",
]
