"""Tables of the annotations app, a file for each noun."""

from annotations.models.assignment import (
    Assignment,
    ItemPick,
    Participation,
    ProfileReply,
    QuizReply,
    Submission,
)
from annotations.models.export import Export
from annotations.models.query import Query, QueryOption, Response, Source
from annotations.models.results import ResultsSnapshot
from annotations.models.said import (
    Choice,
    Highlight,
    Opinion,
    Preference,
    Ranking,
    Rating,
    Reason,
)
from annotations.models.study import (
    Criterion,
    ProfileQuestion,
    ProtocolStep,
    QuizQuestion,
    Study,
    StudyRole,
)
from annotations.models.way_in import Arrival, PlaceGroup, WayIn

__all__ = [
    "Arrival",
    "Assignment",
    "Choice",
    "Criterion",
    "Export",
    "Highlight",
    "ItemPick",
    "Opinion",
    "Participation",
    "PlaceGroup",
    "Preference",
    "ProfileQuestion",
    "ProfileReply",
    "ProtocolStep",
    "Query",
    "QueryOption",
    "QuizQuestion",
    "QuizReply",
    "Ranking",
    "Rating",
    "Reason",
    "Response",
    "ResultsSnapshot",
    "Source",
    "Study",
    "StudyRole",
    "Submission",
    "WayIn",
]
