"""Tables of the juries app, a file for each noun."""

from juries.models.audit import AuditEntry
from juries.models.comparison import ObjectiveComparison
from juries.models.draw import Draw, DrawChance
from juries.models.invitation import Invitation
from juries.models.jury import Jury, Quota
from juries.models.pool import (
    Candidate,
    CandidateContact,
    CandidateTrait,
    Feature,
    FeatureValue,
    Pool,
)
from juries.models.record import PublishedRecord
from juries.models.run import Run, WorkerHeartbeat
from juries.models.seat import Juror, Seat
from juries.models.seating_rule import SeatingRule
from juries.models.user import User

__all__ = [
    "AuditEntry",
    "Candidate",
    "CandidateContact",
    "CandidateTrait",
    "Draw",
    "DrawChance",
    "Feature",
    "FeatureValue",
    "Invitation",
    "Juror",
    "Jury",
    "ObjectiveComparison",
    "Pool",
    "PublishedRecord",
    "Quota",
    "Run",
    "Seat",
    "SeatingRule",
    "User",
    "WorkerHeartbeat",
]
