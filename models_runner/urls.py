"""Addresses of the models_runner app."""

from django.urls import URLPattern, URLResolver, path

from models_runner.views import benchmarks, language_models, leaderboard, training, verdicts

urlpatterns: list[URLPattern | URLResolver] = [
    path("studies/<uuid:public_id>/models/", training.models, name="study-models"),
    path("studies/<uuid:public_id>/models/train/", training.train, name="study-models-train"),
    path(
        "studies/<uuid:public_id>/leaderboard/",
        leaderboard.leaderboard,
        name="study-leaderboard",
    ),
    path(
        "studies/<uuid:public_id>/leaderboard/compute/",
        leaderboard.compute,
        name="study-leaderboard-compute",
    ),
    path(
        "studies/<uuid:public_id>/leaderboard/<slug:figure>.<slug:form>",
        leaderboard.download,
        name="study-leaderboard-download",
    ),
    path(
        "studies/<uuid:public_id>/generation/",
        language_models.generation,
        name="study-generation",
    ),
    path("studies/<uuid:public_id>/verdicts/", verdicts.verdicts, name="study-verdicts"),
    path(
        "studies/<uuid:public_id>/verdicts/compute/",
        verdicts.compute,
        name="study-verdicts-compute",
    ),
    path(
        "studies/<uuid:public_id>/verdicts/<slug:figure>.<slug:form>",
        verdicts.download,
        name="study-verdicts-download",
    ),
    path("studies/<uuid:public_id>/benchmarks/", benchmarks.benchmarks, name="study-benchmarks"),
    path(
        "studies/<uuid:public_id>/benchmarks/new/<slug:kind>/",
        benchmarks.declare,
        name="benchmark-new",
    ),
    path(
        "studies/<uuid:public_id>/benchmarks/compare/",
        benchmarks.compare,
        name="benchmark-compare",
    ),
    path(
        "studies/<uuid:public_id>/benchmarks/compare.json",
        benchmarks.compare,
        {"form": "json"},
        name="benchmark-compare-json",
    ),
    path(
        "studies/<uuid:public_id>/benchmarks/<uuid:run_id>/",
        benchmarks.page,
        name="benchmark-run",
    ),
    path(
        "studies/<uuid:public_id>/benchmarks/<uuid:run_id>/again/",
        benchmarks.rerun,
        name="benchmark-rerun",
    ),
    path(
        "studies/<uuid:public_id>/benchmarks/<uuid:run_id>/<slug:name>.<slug:form>",
        benchmarks.download,
        name="benchmark-download",
    ),
]
