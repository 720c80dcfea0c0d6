"""Addresses of the juries app's API, below `/api/v1/`."""

from django.urls import URLPattern, URLResolver, path

from juries.api import (
    alternates,
    ceremony,
    comparisons,
    draws,
    features,
    invitations,
    juries,
    pools,
    quotas,
    runs,
    seating_rules,
)

_POOL = "pools/<uuid:pool_id>/"
_JURY = "juries/<uuid:jury_id>/"
_DRAW = "draws/<uuid:draw_id>/"
_RECORD = f"{_DRAW}records/<int:number>/"
_RUN = "runs/<uuid:run_id>/"

urlpatterns: list[URLPattern | URLResolver] = [
    path("pools/", pools.PoolList.as_view(), name="api-pools"),
    path(_POOL, pools.PoolView.as_view(), name="api-pool"),
    path(f"{_POOL}candidates/", pools.CandidateList.as_view(), name="api-candidates"),
    path(f"{_POOL}import/", pools.PoolImport.as_view(), name="api-pool-import"),
    path(f"{_POOL}features/", features.PoolFeatures.as_view(), name="api-features"),
    path(f"{_POOL}population/", features.Population.as_view(), name="api-population"),
    path("juries/", juries.JuryList.as_view(), name="api-juries"),
    path(_JURY, juries.JuryView.as_view(), name="api-jury"),
    path(f"{_JURY}seats/", juries.SeatList.as_view(), name="api-seats"),
    path(
        f"{_JURY}seats/<uuid:seat_id>/decline/",
        invitations.SeatDecline.as_view(),
        name="api-seat-decline",
    ),
    path(f"{_JURY}invitations/", invitations.InvitationList.as_view(), name="api-invitations"),
    path(
        f"{_JURY}invitations/mail/",
        invitations.InvitationMailing.as_view(),
        name="api-invitations-mail",
    ),
    path(
        f"{_JURY}invitations/revoke/",
        invitations.InvitationRevocation.as_view(),
        name="api-invitations-revoke",
    ),
    path(f"{_JURY}quotas/", quotas.QuotaList.as_view(), name="api-quotas"),
    path(
        f"{_JURY}seating-rules/",
        seating_rules.SeatingRuleList.as_view(),
        name="api-seating-rules",
    ),
    path(
        f"{_JURY}seating-rules/take-off/",
        seating_rules.SeatingRulesTakeOff.as_view(),
        name="api-seating-rules-take-off",
    ),
    path(f"{_JURY}draws/", draws.DrawList.as_view(), name="api-draws"),
    path(f"{_JURY}replacements/", juries.ReplacementRequest.as_view(), name="api-replacements"),
    path(f"{_JURY}alternates/", alternates.JuryAlternates.as_view(), name="api-alternates"),
    path(
        f"{_JURY}alternates/plan/",
        alternates.AlternatesPlan.as_view(),
        name="api-alternates-plan",
    ),
    path(f"{_JURY}comparisons/", comparisons.ComparisonList.as_view(), name="api-comparisons"),
    path(
        f"{_JURY}comparisons/<uuid:comparison_id>/",
        comparisons.ComparisonView.as_view(),
        name="api-comparison",
    ),
    path(_DRAW, draws.DrawView.as_view(), name="api-draw"),
    path(f"{_DRAW}record/", draws.DrawRecord.as_view(), name="api-draw-record"),
    path(f"{_DRAW}publish/", draws.DrawPublication.as_view(), name="api-draw-publish"),
    path(f"{_DRAW}records/", ceremony.RecordList.as_view(), name="api-published-records"),
    path(_RECORD, ceremony.RecordView.as_view(), name="api-published-record"),
    path(f"{_RECORD}document/", ceremony.RecordDocument.as_view(), name="api-record-document"),
    path(f"{_RECORD}result/", ceremony.RecordResult.as_view(), name="api-record-result"),
    path(f"{_RECORD}value/", ceremony.RecordValue.as_view(), name="api-record-value"),
    path(f"{_RECORD}void/", ceremony.RecordVoid.as_view(), name="api-record-void"),
    path("runs/", runs.RunList.as_view(), name="api-runs"),
    path(_RUN, runs.RunView.as_view(), name="api-run"),
    path(f"{_RUN}cancel/", runs.RunCancel.as_view(), name="api-run-cancel"),
    path(f"{_RUN}restart/", runs.RunRestart.as_view(), name="api-run-restart"),
]
