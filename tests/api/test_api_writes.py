"""Writes through the API: what comes of them, and that a refusal leaves nothing behind."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from rest_framework.test import APIClient

from annotations.models import Export, Query, Rating, Study, StudyRole
from annotations.services.exports import export_path
from juries.models import Run, Seat, User
from overton.models import ExpressionLabel, WindowSnapshot

if TYPE_CHECKING:
    from rest_framework.response import _MonkeyPatchedResponse as TestResponse

    from tests.api.conftest import World


def test_a_study_is_begun_changed_opened_and_closed(world: "World") -> None:
    client = world.by_owner
    made = client.post(
        reverse("api-studies"),
        {
            "title": "Trees and trams",
            "jury": str(world.jury.public_id),
            "consent_text": "I take part.",
            "assignment_mode": "overlap",
            "overlap": 2,
        },
    )
    assert made.status_code == 201, made.content
    study = made.json()
    assert made["Location"] == reverse("api-study", args=[study["id"]])
    assert (study["state"], study["role"], study["slug"]) == ("draft", "owner", "trees-and-trams")
    assert study["jury"] == str(world.jury.public_id)
    url = reverse("api-study", args=[study["id"]])
    changed = client.patch(url, {"title": "Trams", "queries_per_juror": 5}).json()
    assert (changed["title"], changed["queries_per_juror"], changed["overlap"]) == ("Trams", 5, 2)
    assert changed["consent_text"] == "I take part."

    refused = client.post(reverse("api-study-open", args=[study["id"]]))
    assert refused.status_code == 409
    assert len(refused.json()["errors"]) >= 1

    part = {name: reverse(f"api-{name}", args=[study["id"]]) for name in PARTS}
    assert client.post(part["steps"], {"kind": "rating"}).status_code == 201
    criterion = client.post(
        part["criteria"],
        {"key": "clear", "name": "Clear", "question": "How clear?", "labels": {"1": "not at all"}},
    )
    assert criterion.status_code == 201, criterion.content
    assert (criterion.json()["low"], criterion.json()["high"]) == (1, 5)
    source = client.post(part["sources"], {"source": "alpha", "revision": "r1"})
    assert source.json()["kind"] == "model"
    queries = client.post(
        part["queries"],
        {
            "queries": [
                {"text": "Trees?", "options": [{"option": "y", "text": "Yes", "code": 1}]},
                {"text": "Trams?", "external_id": "trams"},
            ]
        },
    )
    assert queries.status_code == 201, queries.content
    rows = queries.json()
    assert [row["ordinal"] for row in rows] == [0, 1]
    assert rows[0]["options"] == [{"option": "y", "text": "Yes", "code": 1.0}]
    assert rows[1]["external_id"] == "trams"
    responses = client.post(
        part["responses"],
        {
            "responses": [
                {
                    "query": row["id"],
                    "source": "alpha",
                    "source_revision": "r1",
                    "text": "Both.",
                }
                for row in rows
            ]
        },
    )
    assert responses.status_code == 201, responses.content
    assert {row["query"] for row in responses.json()} == {row["id"] for row in rows}
    assert Study.objects.get(public_id=study["id"]).query_count == 2

    opened = client.post(reverse("api-study-open", args=[study["id"]]))
    assert opened.status_code == 200, opened.content
    assert opened.json()["state"] == "open"
    assert client.post(reverse("api-study-close", args=[study["id"]])).json()["state"] == "closed"


PARTS = ("steps", "criteria", "sources", "queries", "responses")


def test_what_jurors_joined_cannot_change(world: "World") -> None:
    refused = world.by_owner.patch(world.url("api-study"), {"order_seed": "other"})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "#/order_seed"
    Rating.objects.update(is_current=True)
    refused = world.by_owner.patch(world.url("api-criterion", "helpful"), {"high": 9})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "#/high"
    free = world.by_owner.patch(world.url("api-criterion", "fair"), {"high": 9})
    assert (free.status_code, free.json()["high"]) == (200, 9)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "x" * 201),
        ("slug", "no slug"),
        ("assignment_mode", "some"),
        ("overlap", 0),
        ("jury", "5b0c8f2e-0000-4000-8000-000000000000"),
        ("lease_minutes", "soon"),
    ],
)
def test_a_study_with_a_wrong_field_is_refused_at_that_field(
    world: "World", field: str, value: object
) -> None:
    before = Study.objects.count()
    refused = world.by_owner.post(reverse("api-studies"), {"title": "New", field: value})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == f"#/{field}"
    assert Study.objects.count() == before


def test_overlap_needs_its_number(world: "World") -> None:
    refused = world.by_owner.post(
        reverse("api-studies"), {"title": "New", "assignment_mode": "overlap"}
    )
    assert refused.json()["errors"][0]["pointer"] == "#/overlap"


def test_rows_are_taken_whole_or_not_at_all(world: "World") -> None:
    client, url = world.by_owner, world.url("api-queries")
    wanted = [{"text": "One?", "external_id": "n1"}, {"text": "Two?", "external_id": "q0"}]
    refused = client.post(url, {"queries": wanted})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "#/queries/1/external_id"
    assert Query.objects.filter(study=world.study).count() == 3
    world.study.refresh_from_db()
    assert world.study.query_count == 3
    twice = [{"option": "a", "text": "A"}, {"option": "a", "text": "B"}]
    refused = client.post(url, {"queries": [{"text": "New?", "options": twice}]})
    assert refused.json()["errors"][0]["pointer"] == "#/queries/0/options/1/option"
    assert Query.objects.filter(study=world.study).count() == 3
    query = world.study.queries.get(ordinal=0)
    good = {
        "query": str(query.public_id),
        "source": "alpha",
        "source_revision": "1",
        "text": "More.",
    }
    for wrong, where in (
        ({**good, "source": "delta"}, "source"),
        ({**good, "query": str(world.study.public_id)}, "query"),
        ({**good, "external_id": "q0-alpha"}, "external_id"),
        ({**good, "text": ""}, "text"),
    ):
        refused = client.post(world.url("api-responses"), {"responses": [good, wrong]})
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["pointer"] == f"#/responses/1/{where}"
        assert query.responses.count() == 2
    for rows in ([], [{"text": "?"}] * 501):
        assert client.post(url, {"queries": rows}).status_code == 400


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"low": 5, "high": 1}, "high"),
        ({"key": "helpful"}, "key"),
        ({"labels": {"one": "first"}}, "labels"),
        ({"step": 0}, "step"),
    ],
)
def test_a_scale_that_makes_no_sense_is_refused(
    world: "World", changed: dict[str, Any], where: str
) -> None:
    refused = world.by_owner.post(
        world.url("api-criteria"), {"key": "k", "name": "K", "question": "?", **changed}
    )
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"].startswith(f"#/{where}")
    assert world.study.criteria.count() == 2


def test_names_stand_once(world: "World") -> None:
    client = world.by_owner
    refused = client.post(world.url("api-sources"), {"source": "alpha", "revision": "1"})
    assert refused.json()["errors"][0]["pointer"] == "#/source"
    refused = client.post(world.url("api-steps"), {"kind": "rating"})
    assert refused.json()["errors"][0]["pointer"] == "#/kind"
    refused = client.post(world.url("api-steps"), {"kind": "dancing"})
    assert refused.status_code == 400


# --- Runs ------------------------------------------------------------------------------------


def is_run(answer: "TestResponse", kind: str) -> Run:
    assert answer.status_code == 202, answer.content
    run = Run.objects.get(kind=kind)
    assert answer["Location"] == reverse("api-run", args=[run.public_id])
    assert answer.json()["id"] == str(run.public_id)
    assert answer.json()["worker_is_silent"] is True
    return run


def test_a_draw_is_asked_for(world: "World") -> None:
    world.jury.seats.all().delete()
    url = reverse("api-draws", args=[world.jury.public_id])
    run = is_run(world.by_manager.post(url, {"seed": "42"}), "juries.draw")
    assert (run.seed, run.requested_by) == ("42", world.manager)
    refused = world.by_manager.post(url, {})
    assert refused.status_code == 409
    refused = world.by_manager.post(url, {"method": "guess"})
    assert "maximin" in refused.json()["detail"]
    assert world.by_owner.post(url, {}).status_code == 403


def test_a_jury_that_sits_is_not_drawn_again(world: "World") -> None:
    refused = world.by_manager.post(reverse("api-draws", args=[world.jury.public_id]), {})
    assert refused.status_code == 409
    assert "seat" in refused.json()["detail"]


def test_replacements_are_asked_for(world: "World") -> None:
    url = reverse("api-replacements", args=[world.jury.public_id])
    assert world.by_manager.post(url, {}).status_code == 409
    Seat.objects.filter(jury=world.jury, number=1).update(state="declined")
    is_run(world.by_manager.post(url, {"seed": "1"}), "juries.replace")


def test_results_are_asked_for_once_at_a_time(world: "World") -> None:
    first = world.by_owner.post(world.url("api-results"))
    run = is_run(first, "annotations.results")
    again = world.by_owner.post(world.url("api-results"))
    assert again.json()["id"] == str(run.public_id)
    shown = world.by_owner.get(world.url("api-results")).json()
    assert shown["pending_run"] == str(run.public_id)
    assert shown["is_outdated"] is True


def test_results_show_figures_with_their_numbers(world: "World") -> None:
    snapshot = world.study.results_snapshots.get()
    table = {"columns": ["Who", "n"], "rows": [["all", 4]], "numeric": [1], "caption": "Who"}
    snapshot.content = {
        "who": {
            "summary": ["Four sit."],
            "figures": [
                {
                    "key": "bench",
                    "title": "Who sits?",
                    "svg": "<svg></svg>",
                    "caption": "",
                    "table": table,
                    "run_id": "",
                    "finding": "Four.",
                    "n": "4",
                    "interval": "",
                    "is_predicted": False,
                }
            ],
            "tables": [["People", table]],
            "notices": [],
            "empty_reason": "",
        }
    }
    snapshot.save()
    [section] = world.by_owner.get(world.url("api-results")).json()["sections"]
    assert (section["key"], section["summary"]) == ("who", ["Four sit."])
    [figure] = section["figures"]
    assert figure["table"]["rows"] == [["all", 4]]
    assert figure["svg"].endswith("/results/who/bench.svg")
    assert section["tables"][0]["title"] == "People"


def test_a_training_is_asked_for(world: "World") -> None:
    url = world.url("api-reward-trainings")
    made = world.by_owner.post(url, {"criterion": "fair"})
    assert made.status_code == 202, made.content
    assert made.json()["held_out_error"] is None
    assert made["Location"] == world.url("api-reward-training", made.json()["id"])
    refused = world.by_owner.post(url, {"criterion": "kind"})
    assert refused.json()["errors"][0]["legal"] == ["helpful", "fair"]
    assert world.by_owner.post(url, {"criterion": "fair", "method": "x"}).status_code == 400


def test_an_export_is_asked_for_downloaded_and_deleted(
    world: "World", settings: LazySettings, tmp_path: Path
) -> None:
    settings.EXPORTS_DIR = tmp_path
    Export.objects.all().delete()
    url = world.url("api-exports")
    made = world.by_viewer.post(url, {"formats": ["csv", "csv"], "suppress_below": 3})
    assert made.status_code == 202, made.content
    assert made.json()["download"] is None
    assert made.json()["options"]["formats"] == ["csv"]
    assert made.json()["options"]["suppress_below"] == 3
    export = Export.objects.get()
    download = world.url("api-export-download", export.public_id)
    assert world.by_owner.get(download).status_code == 404
    export.file_name = "study.zip"
    export.save()
    assert world.by_owner.get(download).status_code == 404
    path = export_path(export=export)
    path.parent.mkdir()
    path.write_bytes(b"PK")
    detail = world.by_owner.get(world.url("api-export", export.public_id)).json()
    assert detail["download"].endswith(download)
    answer = world.by_viewer.get(download)
    assert answer.getvalue() == b"PK"
    assert "study.zip" in answer["Content-Disposition"]
    assert world.by_other.get(download).status_code == 404
    one = world.url("api-export", export.public_id)
    assert world.by_viewer.delete(one).status_code == 403
    assert world.by_owner.delete(one).status_code == 204
    assert not Export.objects.exists()
    refusals: tuple[dict[str, Any], ...] = (
        {"formats": ["xls"]},
        {"formats": []},
        {"suppress_below": -1},
    )
    for wrong in refusals:
        assert world.by_owner.post(url, wrong).status_code == 400


def test_a_bundle_is_brought_in(
    world: "World",
    settings: LazySettings,
    tmp_path: Path,
    stranger: User,
    as_user: Callable[[User], APIClient],
) -> None:
    settings.UPLOADS_DIR = tmp_path / "uploads"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as bundle:
        bundle.writestr("manifest.json", "{}")

    def upload() -> SimpleUploadedFile:
        return SimpleUploadedFile("study.zip", content.getvalue(), "application/zip")

    url = reverse("api-study-import")
    run = is_run(
        world.by_owner.post(url, {"bundle": upload(), "slug": "again"}, format="multipart"),
        "annotations.import",
    )
    kept = settings.UPLOADS_DIR / run.parameters["upload"]
    assert kept.read_bytes() == content.getvalue()
    refused = as_user(stranger).post(url, {"bundle": upload()}, format="multipart")
    assert refused.status_code == 403
    text = SimpleUploadedFile("study.zip", b"hello", "application/zip")
    refused = world.by_owner.post(url, {"bundle": text}, format="multipart")
    assert refused.json()["errors"][0]["pointer"] == "#/bundle"
    refused = world.by_owner.post(
        url, {"bundle": upload(), "slug": world.study.slug}, format="multipart"
    )
    assert refused.json()["errors"][0]["pointer"] == "#/slug"
    assert len(list(settings.UPLOADS_DIR.iterdir())) == 1


# --- Answers, labels, windows ------------------------------------------------------------------


def test_answers_are_added_and_decided(world: "World") -> None:
    client = world.by_owner
    query = world.study.queries.get(ordinal=0)
    made = client.post(
        world.url("api-answers"), {"query": str(query.public_id), "text": "Yes, always."}
    )
    assert made.status_code == 201, made.content
    answer = made.json()
    assert (answer["state"], answer["origin"]) == ("accepted", "expert")
    older = str(query.answers.order_by("id")[0].public_id)
    merged = client.post(
        world.url("api-answer-merge", answer["id"]), {"into": older, "reason": "The same."}
    )
    assert (merged.json()["state"], merged.json()["merged_into"]) == ("merged", older)
    refused = client.post(
        world.url("api-answer-merge", older), {"into": answer["id"], "reason": "Back."}
    )
    assert refused.status_code == 409
    accepted = client.post(world.url("api-answer-accept", answer["id"])).json()
    assert accepted["merged_into"] is None
    rejected = client.post(
        world.url("api-answer-reject", answer["id"]), {"reason": "No position."}
    ).json()
    assert (rejected["state"], rejected["decision_reason"]) == ("rejected", "No position.")
    exclusion = world.url("api-answer-exclusion", older)
    assert client.post(exclusion, {"reason": "Against the law."}).json()["excluded_for"]
    assert client.post(exclusion, {}).status_code == 400
    assert client.delete(exclusion).status_code == 204
    assert client.get(world.url("api-answer", older)).json()["excluded_for"] is None


def test_a_researcher_labels_a_response_and_changes_her_mind(world: "World") -> None:
    client, url = world.by_owner, world.url("api-expression-labels")
    answer = world.study.queries.get(ordinal=0).answers.get()
    response = answer.query.responses.all()[0]
    ExpressionLabel.objects.all().delete()
    body: dict[str, Any] = {
        "response": str(response.public_id),
        "labels": [{"answer": str(answer.public_id), "label": "expresses"}],
    }
    made = client.post(url, body)
    assert made.status_code == 201, made.content
    assert made.json()[0]["juror"] is None
    assert "owner" not in made.content.decode()
    body["labels"][0]["label"] = "contradicts"
    assert client.post(url, body).status_code == 201
    rows = client.get(url, {"history": "true"}).json()["results"]
    assert [(row["label"], row["is_current"]) for row in rows] == [
        ("expresses", False),
        ("contradicts", True),
    ]
    body["labels"] *= 2
    assert client.post(url, body).json()["errors"][0]["pointer"] == "#/labels/1/answer"
    elsewhere = world.study.queries.get(ordinal=1).responses.all()[0]
    body = {"response": str(elsewhere.public_id), "labels": body["labels"][:1]}
    refused = client.post(url, body)
    assert refused.status_code == 400
    assert "another query" in refused.json()["detail"]


def test_windows_are_ruled_and_kept(world: "World") -> None:
    client = world.by_owner
    rule = client.put(
        world.url("api-window-rule"), {"reasonable_share": 0.4, "group_features": ["gender"]}
    )
    assert rule.status_code == 200, rule.content
    assert client.get(world.url("api-window-rule")).json()["reasonable_share"] == 0.4
    refused = client.put(world.url("api-window-rule"), {"group_features": ["height"]})
    assert "gender, age" in refused.json()["detail"]
    assert client.put(world.url("api-window-rule"), {"confidence": 2}).status_code == 400
    WindowSnapshot.objects.all().delete()
    taken = client.post(world.url("api-windows"))
    assert taken.status_code == 201, taken.content
    assert taken.json()["result"]["queries"][0]["answers"][0]["verdict"] == "undecided"
    again = client.post(world.url("api-windows"))
    assert again.json()["id"] == taken.json()["id"]
    one = client.get(world.url("api-window", taken.json()["id"])).json()
    assert one["result"] == taken.json()["result"]


def test_editors_may_write(world: "World") -> None:
    StudyRole.objects.filter(user=world.viewer).update(role="editor")
    assert world.by_viewer.post(world.url("api-steps"), {"kind": "choice"}).status_code == 201


def test_a_query_may_say_what_to_answer(world: "World") -> None:
    url = world.url("api-queries")
    told = {"text": "Please choose 2.", "expected": {"helpful": 2}}
    made = world.by_owner.post(url, {"queries": [told]})
    assert made.status_code == 201, made.content
    (row,) = made.json()
    assert (row["check"], row["expected"], row["repeats"]) == ("instructed", {"helpful": 2.0}, None)
    count = world.study.queries.count()
    refused = world.by_owner.post(url, {"queries": [{"text": "?", "expected": {"nice": 1}}]})
    assert refused.status_code == 400, refused.content
    assert "/queries/0/expected" in refused.content.decode()
    assert world.study.queries.count() == count
