"""Invented people for the demonstration: a pool, and the plan of a study that they answer.

Everything here is simulated and must be marked so wherever it is shown. The same seed gives the
same people and answers on any machine: all randomness comes from `random.Random` seeded by text,
whose stream Python keeps from version to version.
"""

from models_runner.domain.simulation.jurors import (
    SimulatedJudgement,
    SimulatedJuror,
    SimulatedLabel,
    SimulatedPreference,
    SimulatedRating,
    SimulatedReply,
    simulate_jurors,
)
from models_runner.domain.simulation.plan import PlanError, StudyPlan, read_plan
from models_runner.domain.simulation.pool import (
    DEMO_FEATURES,
    PoolFeature,
    SimulatedCandidate,
    SimulatedPool,
    SimulatedQuota,
    make_pool,
)

__all__ = [
    "DEMO_FEATURES",
    "PlanError",
    "PoolFeature",
    "SimulatedCandidate",
    "SimulatedJudgement",
    "SimulatedJuror",
    "SimulatedLabel",
    "SimulatedPool",
    "SimulatedPreference",
    "SimulatedQuota",
    "SimulatedRating",
    "SimulatedReply",
    "StudyPlan",
    "make_pool",
    "read_plan",
    "simulate_jurors",
]
