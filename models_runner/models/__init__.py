"""Tables of the models_runner app, a file for each noun."""

from models_runner.models.benchmark import (
    Benchmark,
    BenchmarkFile,
    BenchmarkRun,
    Elicitation,
)
from models_runner.models.embedding import Embedding
from models_runner.models.language_model import Generation, LanguageModel, ModelSource
from models_runner.models.leaderboard import LeaderboardSnapshot
from models_runner.models.reward import PredictedRating, RewardTraining

__all__ = [
    "Benchmark",
    "BenchmarkFile",
    "BenchmarkRun",
    "Elicitation",
    "Embedding",
    "Generation",
    "LanguageModel",
    "LeaderboardSnapshot",
    "ModelSource",
    "PredictedRating",
    "RewardTraining",
]
