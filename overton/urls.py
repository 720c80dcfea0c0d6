"""Addresses of the overton app."""

from django.urls import URLPattern, URLResolver, path

from overton.views import answers, comparison, labels, readings, responses, sources, windows

_ANSWERS = "studies/<uuid:public_id>/answers/"
_FILE = "<slug:figure>.<slug:form>"

urlpatterns: list[URLPattern | URLResolver] = [
    path(_ANSWERS, answers.answers, name="study-answers"),
    path(f"{_ANSWERS}import/", answers.bring_in, name="study-answers-import"),
    path(f"{_ANSWERS}duplicates/", answers.duplicates, name="study-answers-duplicates"),
    path(f"{_ANSWERS}<uuid:query_id>/", answers.query, name="study-query-answers"),
    path(
        f"{_ANSWERS}<uuid:query_id>/words-of/<uuid:juror_id>/",
        answers.put_forward,
        name="study-put-forward",
    ),
    path(
        f"{_ANSWERS}<uuid:query_id>/<slug:act>/<uuid:answer_id>/",
        answers.decide,
        name="study-answer-decision",
    ),
    path("studies/<uuid:public_id>/labels/", labels.labels, name="study-labels"),
    path("studies/<uuid:public_id>/windows/", windows.windows, name="study-windows"),
    path(
        "studies/<uuid:public_id>/windows/snapshot/", windows.snapshot, name="study-window-snapshot"
    ),
    path(
        "studies/<uuid:public_id>/windows/snapshots/<uuid:snapshot_id>.json",
        windows.snapshot_file,
        name="study-window-snapshot-file",
    ),
    path("studies/<uuid:public_id>/windows/<uuid:query_id>/", windows.window, name="study-window"),
    path(
        f"studies/<uuid:public_id>/windows/<uuid:query_id>/{_FILE}",
        windows.download,
        name="study-window-download",
    ),
    path(
        "studies/<uuid:public_id>/responses/<uuid:response_id>/",
        responses.response,
        name="study-response",
    ),
    path("studies/<uuid:public_id>/coverage/", comparison.comparison, name="study-coverage"),
    path(
        f"studies/<uuid:public_id>/coverage/{_FILE}",
        comparison.download,
        name="study-coverage-download",
    ),
    path("studies/<uuid:public_id>/coverage/<int:source_id>/", sources.source, name="study-source"),
    path(
        f"studies/<uuid:public_id>/coverage/<int:source_id>/{_FILE}",
        sources.download,
        name="study-source-download",
    ),
    path("studies/<uuid:public_id>/readings/", readings.readings, name="study-readings"),
    path(
        f"studies/<uuid:public_id>/readings/<slug:mode>/{_FILE}",
        readings.download,
        name="study-readings-download",
    ),
]
