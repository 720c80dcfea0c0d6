"""One function per juror: what she would say of an item that she has not rated.

Every method has a prior, learnt from all jurors together, and posteriors that follow from it and
each juror's own ratings. So a juror who joins later is served by `adapt`, with no new training, and
one without ratings by the prior. Files: `table` (ratings and guesses), `methods` (the plain ones),
`hierarchical` (the default) with its parts `coding`, `population`, `pooling` and `factors`,
`statement` (what a juror has written herself), `registry` (all methods by name), `items` (known
again by their features), `conformal` (intervals), `link` (chances), `fitted` (fit and predict),
`learner` (what the evaluation asks of a method), `artefact` (models as files). Comparisons of two
items: `pairs`, `mixtures`, `low_rank`, `preference`.
"""

from models_runner.domain.reward.artefact import Artefact, InvalidArtefact
from models_runner.domain.reward.conformal import CALIBRATION_COUNTS, conformal_threshold
from models_runner.domain.reward.fitted import (
    FORMAT,
    FittedRewardModel,
    RewardModel,
    fit_reward_model,
    reward_model_from_artefact,
)
from models_runner.domain.reward.learner import (
    FeatureLearner,
    Learner,
    StatementLearner,
    StatementModel,
    TableModel,
)
from models_runner.domain.reward.link import LINKS
from models_runner.domain.reward.methods import UnknownMethod
from models_runner.domain.reward.preference import LOW_RANK, PAIR_METHODS
from models_runner.domain.reward.registry import (
    BASELINES,
    DEFAULT_METHOD,
    JURY_LEARNING,
    PLAIN,
    STATEMENT,
    method_names,
)
from models_runner.domain.reward.table import InvalidRatings, Prediction, RatingTable

# All that a study's models can be trained by.
TRAINED_METHODS = (*method_names(), LOW_RANK, JURY_LEARNING, STATEMENT)

__all__ = [
    "BASELINES",
    "CALIBRATION_COUNTS",
    "DEFAULT_METHOD",
    "FORMAT",
    "JURY_LEARNING",
    "LINKS",
    "LOW_RANK",
    "PAIR_METHODS",
    "PLAIN",
    "STATEMENT",
    "TRAINED_METHODS",
    "Artefact",
    "FeatureLearner",
    "FittedRewardModel",
    "InvalidArtefact",
    "InvalidRatings",
    "Learner",
    "Prediction",
    "RatingTable",
    "RewardModel",
    "StatementLearner",
    "StatementModel",
    "TableModel",
    "UnknownMethod",
    "conformal_threshold",
    "fit_reward_model",
    "method_names",
    "reward_model_from_artefact",
]
