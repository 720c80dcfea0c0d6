"""Addresses of the juries app."""

from django.urls import URLPattern, URLResolver, path

from juries.views import ceremony, comparisons, draws, pools, runs

_RECORDS = "draws/<uuid:public_id>/records/"
_COMPARISON = "comparisons/<uuid:public_id>/"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", pools.home, name="home"),
    path("pools/", pools.pool_list, name="pool-list"),
    path("pools/confirm/<str:token>/", pools.confirm, name="pool-confirm"),
    path("pools/leave/<str:signature>/", pools.leave, name="pool-leave"),
    path("pools/<slug:slug>/register/", pools.register, name="pool-register"),
    path("pools/<slug:slug>/registered/", pools.registered, name="pool-registered"),
    path("runs/", runs.run_list, name="run-list"),
    path("runs/<uuid:public_id>/", runs.run_detail, name="run"),
    path("runs/<uuid:public_id>/panel/", runs.run_panel, name="run-panel"),
    path("runs/<uuid:public_id>/cancel/", runs.run_cancel, name="run-cancel"),
    path("runs/<uuid:public_id>/restart/", runs.run_restart, name="run-restart"),
    path("draws/verify_draw.py", draws.verifier, {"mode": "record"}, name="draw-verifier"),
    path(
        "draws/verify_seeded_draw.py",
        draws.verifier,
        {"mode": "seed"},
        name="draw-verifier-seeded",
    ),
    path("draws/<uuid:public_id>/", draws.draw_detail, name="draw"),
    path("draws/<uuid:public_id>/record.json", draws.draw_record, name="draw-record"),
    path("draws/<uuid:public_id>/publish/", draws.draw_publish, name="draw-publish"),
    path("draws/<uuid:public_id>/chance/", ceremony.chance, name="draw-chance"),
    path(f"{_RECORDS}publish/", ceremony.record_publish, name="record-publish"),
    path(f"{_RECORDS}<int:number>/record.json", ceremony.record_document, name="record"),
    path(f"{_RECORDS}<int:number>/result.json", ceremony.result_document, name="record-result"),
    path(f"{_RECORDS}<int:number>/draw/", ceremony.record_draw, name="record-draw"),
    path(f"{_RECORDS}<int:number>/void/", ceremony.record_void, name="record-void"),
    path(_COMPARISON, comparisons.comparison_detail, name="comparison"),
    path(f"{_COMPARISON}objectives.csv", comparisons.comparison_summary, name="comparison-summary"),
    path(f"{_COMPARISON}chances.csv", comparisons.comparison_chances, name="comparison-chances"),
]
