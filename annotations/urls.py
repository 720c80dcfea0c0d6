"""Addresses of the annotations app."""

from django.urls import URLPattern, URLResolver, path

from annotations.views import (
    exports,
    juror,
    juror_work,
    preview,
    quiz,
    results,
    studies,
    study_import,
    study_ways_in,
    ways_in,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("studies/<uuid:public_id>/results/", results.results, name="study-results"),
    path(
        "studies/<uuid:public_id>/results/compute/",
        results.compute,
        name="study-results-compute",
    ),
    path(
        "studies/<uuid:public_id>/results/<slug:section>/<slug:figure>.<slug:form>",
        results.download,
        name="study-results-download",
    ),
]
_OWN = "work/<uuid:public_id>/"
_QUERY = f"{_OWN}<int:number>/"
urlpatterns += [
    path("j/<str:token>/", juror.open_link, name="juror-link"),
    path("in/<str:token>/", ways_in.enter, name="way-in"),
    path("in/<str:token>/questions/", ways_in.questions, name="way-in-questions"),
    path("work/end/", ways_in.ended, name="way-in-ended"),
    path("work/", juror.studies, name="juror-studies"),
    path("work/join/<uuid:public_id>/", juror.join, name="juror-join"),
    path("work/leave/", juror.leave, name="juror-leave"),
    path(_OWN, juror.go_on, name="juror-way"),
    path(f"{_OWN}consent/", juror.consent, name="juror-consent"),
    path(f"{_OWN}refused/", juror.refused, name="juror-refused"),
    path(f"{_OWN}questions/", juror.questions, name="juror-questions"),
    path(f"{_OWN}instructions/", juror.instructions, name="juror-instructions"),
    path(f"{_OWN}quiz/", quiz.quiz, name="juror-quiz"),
    path(f"{_OWN}thanks/", juror.thanks, name="juror-thanks"),
    path(_QUERY, juror_work.query, name="juror-query"),
    path(f"{_QUERY}lease/", juror_work.lease, name="juror-lease"),
    path(f"{_QUERY}ahead/", juror_work.ahead, name="juror-ahead"),
    path(f"{_QUERY}<slug:kind>/", juror_work.page, name="juror-page"),
    path(f"{_QUERY}<slug:kind>/<slug:item>/", juror_work.page, name="juror-item"),
]
_EXPORTS = "studies/<uuid:public_id>/exports/"
urlpatterns += [
    path("studies/import/", exports.bring_in, name="study-import"),
    path(_EXPORTS, exports.exports, name="study-exports"),
    path(f"{_EXPORTS}<uuid:export_id>/download/", exports.download, name="study-export-download"),
    path(f"{_EXPORTS}<uuid:export_id>/delete/", exports.delete, name="study-export-delete"),
]
_STUDY = "studies/<uuid:public_id>/"
_PREVIEW = f"{_STUDY}preview/"
urlpatterns += [
    path("studies/", studies.study_list, name="studies"),
    path(_STUDY, studies.study, name="study"),
    path(f"{_STUDY}live/", studies.live, name="study-live"),
    path(f"{_STUDY}open/", studies.open_study, name="study-open"),
    path(f"{_STUDY}close/", studies.close_study, name="study-close"),
    path(f"{_STUDY}queries/import/", study_import.bring_in_queries, name="study-query-import"),
    path(f"{_STUDY}jurors/", studies.jurors, name="study-jurors"),
    path(f"{_STUDY}jurors/<uuid:juror_id>/", studies.juror, name="study-juror"),
    path(f"{_STUDY}ways-in/", study_ways_in.page, name="study-ways-in"),
    path(f"{_STUDY}ways-in/live/", study_ways_in.live, name="study-ways-in-live"),
    path(f"{_STUDY}ways-in/<uuid:way_id>/open/", study_ways_in.open_way, name="way-in-open"),
    path(f"{_STUDY}ways-in/<uuid:way_id>/close/", study_ways_in.close_way, name="way-in-close"),
    path(f"{_STUDY}log/", studies.log, name="study-log"),
    path(_PREVIEW, preview.start, name="study-preview"),
    path(f"{_PREVIEW}consent/", preview.consent, name="study-preview-consent"),
    path(f"{_PREVIEW}questions/", preview.questions, name="study-preview-questions"),
    path(f"{_PREVIEW}instructions/", preview.instructions, name="study-preview-instructions"),
    path(f"{_PREVIEW}quiz/", preview.quiz, name="study-preview-quiz"),
    path(f"{_PREVIEW}thanks/", preview.thanks, name="study-preview-thanks"),
    path(f"{_PREVIEW}<int:number>/", preview.query, name="study-preview-query"),
    path(f"{_PREVIEW}<int:number>/<slug:kind>/", preview.query, name="study-preview-page"),
    path(
        f"{_PREVIEW}<int:number>/<slug:kind>/<slug:item>/",
        preview.query,
        name="study-preview-item",
    ),
]
