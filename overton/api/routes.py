"""Addresses of the overton app's API, below `/api/v1/`."""

from django.urls import URLPattern, URLResolver, path

from annotations.api.routes import STUDY
from overton.api import answers, duplicates, judged, readings, windows

_ANSWER = f"{STUDY}answers/<uuid:answer_id>/"

urlpatterns: list[URLPattern | URLResolver] = [
    path(f"{STUDY}answers/", answers.AnswerList.as_view(), name="api-answers"),
    path(f"{STUDY}answers/import/", answers.AnswerImport.as_view(), name="api-answers-import"),
    path(
        f"{STUDY}answers/put-forward/",
        duplicates.AnswerPutForward.as_view(),
        name="api-answers-put-forward",
    ),
    path(
        f"{STUDY}answer-duplicates/",
        duplicates.DuplicateList.as_view(),
        name="api-answer-duplicates",
    ),
    path(_ANSWER, answers.OneAnswer.as_view(), name="api-answer"),
    path(f"{_ANSWER}accept/", answers.AnswerAcceptance.as_view(), name="api-answer-accept"),
    path(f"{_ANSWER}reject/", answers.AnswerRejection.as_view(), name="api-answer-reject"),
    path(f"{_ANSWER}merge/", answers.AnswerMerge.as_view(), name="api-answer-merge"),
    path(f"{_ANSWER}split/", answers.AnswerSplit.as_view(), name="api-answer-split"),
    path(f"{_ANSWER}apart/", answers.AnswerApart.as_view(), name="api-answer-apart"),
    path(f"{_ANSWER}exclusion/", answers.AnswerExclusion.as_view(), name="api-answer-exclusion"),
    path(f"{STUDY}answer-merges/", answers.MergeHistory.as_view(), name="api-answer-merges"),
    path(
        f"{STUDY}judgements/import/",
        judged.JudgementImport.as_view(),
        name="api-judgements-import",
    ),
    path(
        f"{STUDY}label-resolutions/",
        judged.ResolutionList.as_view(),
        name="api-label-resolutions",
    ),
    path(f"{STUDY}judgements/", judged.JudgementList.as_view(), name="api-judgements"),
    path(f"{STUDY}expression-labels/", judged.LabelList.as_view(), name="api-expression-labels"),
    path(f"{STUDY}window-rule/", windows.RuleView.as_view(), name="api-window-rule"),
    path(f"{STUDY}windows/", windows.SnapshotList.as_view(), name="api-windows"),
    path(f"{STUDY}windows/<uuid:window_id>/", windows.OneSnapshot.as_view(), name="api-window"),
    path(f"{STUDY}readings/", readings.ReadingList.as_view(), name="api-readings"),
    path(f"{STUDY}pair-readings/", readings.PairReadingList.as_view(), name="api-pair-readings"),
    path(f"{STUDY}coverage/", readings.CoverageView.as_view(), name="api-coverage"),
]
