"""Addresses of the annotations app's API, below `/api/v1/`."""

from django.urls import URLPattern, URLResolver, path

from annotations.api import (
    material,
    outcomes,
    progress,
    questions,
    reports,
    roles,
    said,
    sheets,
    studies,
    ways_in,
)

STUDY = "studies/<uuid:study_id>/"
_WAY = f"{STUDY}ways-in/<uuid:way_id>/"

urlpatterns: list[URLPattern | URLResolver] = [
    path("studies/", studies.Studies.as_view(), name="api-studies"),
    path("studies/import/", outcomes.StudyImport.as_view(), name="api-study-import"),
    path(STUDY, studies.OneStudy.as_view(), name="api-study"),
    path(f"{STUDY}open/", studies.StudyOpening.as_view(), name="api-study-open"),
    path(f"{STUDY}close/", studies.StudyClosing.as_view(), name="api-study-close"),
    path(
        f"{STUDY}profile-questions/",
        questions.ProfileQuestionList.as_view(),
        name="api-profile-questions",
    ),
    path(
        f"{STUDY}quiz-questions/",
        questions.QuizQuestionList.as_view(),
        name="api-quiz-questions",
    ),
    path(
        f"{STUDY}profile-replies/", questions.ProfileReplyList.as_view(), name="api-profile-replies"
    ),
    path(f"{STUDY}juror-reports/", reports.JurorReportList.as_view(), name="api-juror-reports"),
    path(f"{STUDY}progress/", progress.Progress.as_view(), name="api-progress"),
    path(f"{STUDY}log/", progress.ActList.as_view(), name="api-log"),
    path(f"{STUDY}roles/", roles.RoleList.as_view(), name="api-roles"),
    path(f"{STUDY}roles/<str:username>/", roles.OneRole.as_view(), name="api-role"),
    path(f"{STUDY}ways-in/", ways_in.WayInList.as_view(), name="api-ways-in"),
    path(_WAY, ways_in.OneWayIn.as_view(), name="api-way-in"),
    path(f"{_WAY}open/", ways_in.WayInOpening.as_view(), name="api-way-in-open"),
    path(f"{_WAY}close/", ways_in.WayInClosing.as_view(), name="api-way-in-close"),
    path(f"{STUDY}steps/", studies.StepList.as_view(), name="api-steps"),
    path(f"{STUDY}steps/<slug:kind>/", studies.OneStep.as_view(), name="api-step"),
    path(f"{STUDY}criteria/", material.CriterionList.as_view(), name="api-criteria"),
    path(
        f"{STUDY}criteria/<slug:criterion>/",
        material.OneCriterion.as_view(),
        name="api-criterion",
    ),
    path(f"{STUDY}sources/", material.SourceList.as_view(), name="api-sources"),
    path(f"{STUDY}sources/<uuid:source_id>/", material.OneSource.as_view(), name="api-source"),
    path(f"{STUDY}queries/", material.QueryList.as_view(), name="api-queries"),
    path(f"{STUDY}queries/<uuid:query_id>/", material.OneQuery.as_view(), name="api-query"),
    path(
        f"{STUDY}queries/<uuid:query_id>/options/",
        material.QueryOptions.as_view(),
        name="api-query-options",
    ),
    path(
        f"{STUDY}queries/<uuid:query_id>/repeat/",
        material.QueryRepetition.as_view(),
        name="api-query-repeat",
    ),
    path(f"{STUDY}responses/", material.ResponseList.as_view(), name="api-responses"),
    path(
        f"{STUDY}responses/<uuid:response_id>/",
        material.OneResponse.as_view(),
        name="api-response",
    ),
    path(f"{STUDY}jurors/", said.JurorList.as_view(), name="api-jurors"),
    path(f"{STUDY}jurors/<uuid:juror_id>/", sheets.OneJuror.as_view(), name="api-juror"),
    path(
        f"{STUDY}jurors/<uuid:juror_id>/queries/",
        sheets.JurorQueryList.as_view(),
        name="api-juror-queries",
    ),
    path(f"{STUDY}ratings/", said.RatingList.as_view(), name="api-ratings"),
    path(f"{STUDY}preferences/", said.PreferenceList.as_view(), name="api-preferences"),
    path(f"{STUDY}rankings/", said.RankingList.as_view(), name="api-rankings"),
    path(f"{STUDY}highlights/", said.HighlightList.as_view(), name="api-highlights"),
    path(f"{STUDY}choices/", said.ChoiceList.as_view(), name="api-choices"),
    path(f"{STUDY}opinions/", said.OpinionList.as_view(), name="api-opinions"),
    path(f"{STUDY}reasons/", said.ReasonList.as_view(), name="api-reasons"),
    path(f"{STUDY}quiz-replies/", said.QuizReplyList.as_view(), name="api-quiz-replies"),
    path(f"{STUDY}results/", outcomes.Results.as_view(), name="api-results"),
    path(f"{STUDY}exports/", outcomes.ExportList.as_view(), name="api-exports"),
    path(f"{STUDY}exports/<uuid:export_id>/", outcomes.OneExport.as_view(), name="api-export"),
    path(
        f"{STUDY}exports/<uuid:export_id>/download/",
        outcomes.ExportDownload.as_view(),
        name="api-export-download",
    ),
]
