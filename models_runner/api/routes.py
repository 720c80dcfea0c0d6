"""Addresses of the models_runner app's API, below `/api/v1/`."""

from django.urls import URLPattern, URLResolver, path

from annotations.api.routes import STUDY
from models_runner.api import (
    benchmarks,
    language_models,
    leaderboard,
    predictions,
    rewards,
    verdicts,
)

_MODEL = "language-models/<uuid:model_id>/"
_BENCHMARK_RUN = f"{STUDY}benchmark-runs/<uuid:run_id>/"
_TRAINING = f"{STUDY}reward-trainings/<uuid:training_id>/"

urlpatterns: list[URLPattern | URLResolver] = [
    path(
        "language-models/", language_models.LanguageModelList.as_view(), name="api-language-models"
    ),
    path(_MODEL, language_models.OneLanguageModel.as_view(), name="api-language-model"),
    path(
        f"{_MODEL}check/",
        language_models.LanguageModelCheck.as_view(),
        name="api-language-model-check",
    ),
    path(f"{STUDY}generations/", language_models.GenerationList.as_view(), name="api-generations"),
    path(f"{STUDY}reward-trainings/", rewards.TrainingList.as_view(), name="api-reward-trainings"),
    path(_TRAINING, rewards.OneTraining.as_view(), name="api-reward-training"),
    path(
        f"{_TRAINING}predicted-ratings/",
        rewards.PredictedList.as_view(),
        name="api-predicted-ratings",
    ),
    path(f"{STUDY}benchmarks/", benchmarks.BenchmarkList.as_view(), name="api-benchmarks"),
    path(_BENCHMARK_RUN, benchmarks.OneBenchmarkRun.as_view(), name="api-benchmark-run"),
    path(
        f"{_BENCHMARK_RUN}report/",
        benchmarks.BenchmarkReport.as_view(),
        name="api-benchmark-report",
    ),
    path(
        f"{_BENCHMARK_RUN}rerun/", benchmarks.BenchmarkRerun.as_view(), name="api-benchmark-rerun"
    ),
    path(
        f"{STUDY}benchmark-comparison/",
        benchmarks.BenchmarkComparison.as_view(),
        name="api-benchmark-comparison",
    ),
    path(f"{STUDY}leaderboard/", leaderboard.Leaderboard.as_view(), name="api-leaderboard"),
    path(f"{STUDY}verdicts/", verdicts.Verdicts.as_view(), name="api-verdicts"),
    path(f"{STUDY}predictions/", predictions.Predictions.as_view(), name="api-predictions"),
    path(
        f"{STUDY}predictions/<uuid:run_id>/",
        predictions.OnePrediction.as_view(),
        name="api-prediction",
    ),
]
