"""Benchmarks through the API: declared, run, read, run again, compared; each kind end to end."""

import copy
import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import fake_benchmark_model
import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from annotations.models import Choice, Rating, Response, Study, StudyRole
from annotations.selectors.studies import acts_of
from juries.models import Jury, Run, User
from juries.services.runs import perform_run
from models_runner.domain.benchmark_definition import (
    Asking,
    DeclaredAttribute,
    DeclaredObjective,
    Measuring,
    People,
    definition_from_plain,
    definition_to_plain,
)
from models_runner.domain.benchmark_shape import (
    MOST_TOLD,
    SHAPES,
    UnfitDefinition,
    read_definition,
)
from models_runner.models import Benchmark, BenchmarkRun, LanguageModel
from models_runner.selectors.language_models import why_fixed
from models_runner.services.benchmarks.performing import perform_benchmark
from models_runner.services.language_models import ModelRefused, save_model
from tests.api.conftest import World, token_client

ROOT = Path(__file__).resolve().parents[2]
PROBLEM = "application/problem+json"
SAID = {"alpha": (5, 5, 5, 3), "beta": (3, 3, 3, 3)}
HELPFUL = {
    "name": "helpful", "source": "criterion", "criterion": "helpful", "worst": 1, "best": 5,
}  # fmt: skip
OBJECTIVES = {"objectives": [HELPFUL], "functions": ["linear"], "bootstraps": 5}


@pytest.fixture(autouse=True)
def scripted(settings: Any) -> None:
    settings.RUN_HEARTBEAT_SECONDS = 3600
    settings.LANGUAGE_MODEL_BACKENDS = {"file": "fake_benchmark_model.load"}
    fake_benchmark_model.ASKED.clear()
    # Nobody is throttled for what another test asked.
    cache.clear()


@pytest.fixture
def world(jury: Jury, make_study: Callable[..., Study]) -> World:
    """A study with an owner and a viewer, and another study of somebody else."""
    study, elsewhere = make_study(jury=jury), make_study(jury=jury)
    people = {
        name: User.objects.create(username=name, is_staff=True)
        for name in ("owner", "viewer", "other", "manager")
    }
    StudyRole.objects.create(study=study, user=people["owner"], role="owner")
    StudyRole.objects.create(study=study, user=people["viewer"], role="viewer")
    StudyRole.objects.create(study=elsewhere, user=people["other"], role="owner")
    return World(study=study, jury=jury, **people)


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was handed to workers."""
    found: list[Any] = []
    monkeypatch.setattr("juries.tasks._send", lambda **asked: found.append(asked))
    return found


def model(name: str = "leaning", **fields: Any) -> LanguageModel:
    usual: dict[str, Any] = {"kind": "file", "location": name, "parameters": {"lean": 0.8}}
    return LanguageModel.objects.get_or_create(name=name, defaults={**usual, **fields})[0]


def say(world: World) -> None:
    """Every juror rates every response and chooses an option of every query."""
    now = timezone.now()
    for place, juror in enumerate(world.jurors()):
        for response in Response.objects.filter(query__study=world.study).select_related("source"):
            for criterion in world.study.criteria.all():
                Rating.objects.create(
                    juror=juror, response=response, criterion=criterion,
                    value=SAID[response.source.name][place], created_at=now,
                )  # fmt: skip
        for query in world.study.queries.all():
            option = query.options.get(key=("yes", "no")[place % 2])
            Choice.objects.create(juror=juror, query=query, option=option, created_at=now)


def declare(
    client: APIClient, world: World, kind: str, definition: object, **fields: object
) -> Any:
    body = {"name": "A benchmark", "kind": kind, "definition": definition, **fields}
    return client.post(
        world.url("api-benchmarks"), json.dumps(body), content_type="application/json"
    )


def performed(answer: Any) -> BenchmarkRun:
    assert answer.status_code == 202, answer.content
    mine = BenchmarkRun.objects.get(public_id=answer.json()["id"])
    perform_run(run_id=mine.run_id, work=perform_benchmark)
    mine.refresh_from_db()
    assert mine.run.state == Run.State.SUCCEEDED, mine.run.error
    return mine


def errors(answer: Any, status: int = 400) -> dict[str, str]:
    """Place to sentence."""
    assert (answer.status_code, answer["Content-Type"]) == (status, PROBLEM), answer.content
    return {
        one.get("pointer") or one["parameter"]: one["detail"] for one in answer.json()["errors"]
    }


def definitions() -> dict[str, dict[str, Any]]:
    """One of each kind, with a model where it takes one."""
    offered = str(model().public_id)
    return {
        "distributional": {
            "models": [offered],
            "people": {"by": ["gender"]},
            "asking": {"prompts": 2},
            "measuring": {"bootstraps": 5},
        },
        "steerable": {
            "models": [offered],
            "judged_by": "group",
            "attributes": [
                {"names": ["women"], "description": "a woman", "group": "gender: woman"},
                {"names": ["men"], "description": "a man", "group": "gender: man"},
            ],
            "people": {"by": ["gender"]},
            "asking": {"prompts": 1},
        },
        "objectives": OBJECTIVES,
        "tradeoff": {
            "objectives": [HELPFUL, {**HELPFUL, "name": "fair", "criterion": "fair"}],
            "functions": ["single:helpful", "single:fair"],
            "steered": {"single:helpful": "alpha", "single:fair": "beta"},
            "bootstraps": 5,
        },
    }


@pytest.mark.parametrize("kind", ["distributional", "steerable", "objectives", "tradeoff"])
def test_each_kind_from_end_to_end(
    world: World, kind: str, sent: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    say(world)
    client = world.by_owner
    with django_capture_on_commit_callbacks(execute=True):
        made = declare(client, world, kind, definitions()[kind])
    assert made.status_code == 202, made.content
    body = made.json()
    run = Run.objects.get(public_id=body["run"]["id"])
    assert sent == [{"run_id": run.pk, "kind": "models_runner.benchmark"}]
    assert run.requested_by == world.owner
    assert made["Location"] == world.url("api-benchmark-run", body["id"])
    assert (body["kind"], body["report"], body["changed_inputs"]) == (kind, None, [])
    benchmark = Benchmark.objects.get()
    assert (benchmark.created_by, benchmark.study) == (world.owner, world.study)
    address = world.url("api-benchmark-report", body["id"])
    waiting = client.get(address)
    assert (waiting.status_code, waiting["Content-Type"]) == (404, PROBLEM)
    mine = performed(made)

    read = world.by_viewer.get(made["Location"]).json()
    assert (read["run"]["state"], read["stale_since"]) == ("succeeded", None)
    assert read["input_digest"] == mine.input_digest
    assert read["inputs"] == mine.inputs
    assert read["report"].endswith(address)
    assert read["page"].endswith(mine.run.page_path)
    report = world.by_viewer.get(address)
    assert report.status_code == 200, report.content
    browser = Client()
    browser.force_login(world.owner)
    page = browser.get(
        reverse(
            "benchmark-download", args=[world.study.public_id, mine.public_id, "report", "json"]
        )
    )
    assert report.json() == json.loads(page.content)
    assert report.json()["numbers"]
    # What is listed declares the same again.
    [row] = client.get(world.url("api-benchmarks")).json()["results"]
    again = declare(client, world, row["kind"], row["definition"])
    assert again.status_code == 202, again.content
    assert Benchmark.objects.order_by("id").last().definition == benchmark.definition  # type: ignore[union-attr] # there are two


def test_it_is_run_again_and_compared(world: World) -> None:
    say(world)
    client = world.by_owner
    first = performed(declare(client, world, "objectives", OBJECTIVES))
    told = world.url("api-benchmark-run", first.public_id)
    assert client.get(told).json()["changed_inputs"] == []
    for rating in Rating.objects.filter(
        response__source__name="beta", criterion__key="helpful", is_current=True
    ):
        Rating.objects.filter(pk=rating.pk).update(is_current=False)
        rating.pk, rating.value = None, 4
        rating.save()
    assert client.get(told).json()["changed_inputs"] == ["ratings and predictions"]
    again = client.post(world.url("api-benchmark-rerun", first.public_id))
    second = performed(again)
    assert again["Location"] == world.url("api-benchmark-run", second.public_id)
    assert second.benchmark_id == first.benchmark_id
    asked = {"one": str(first.public_id), "other": str(second.public_id)}
    found = world.by_viewer.get(world.url("api-benchmark-comparison"), asked)
    assert found.status_code == 200, found.content
    body = found.json()
    assert (body["one"], body["other"]) == (asked["one"], asked["other"])
    assert body["same_numbers"] is False
    [change] = body["inputs"]
    assert change["name"] == "ratings and predictions"
    [rated] = [one for one in body["numbers"] if one["row"] == "helpful" and "beta" in one["label"]]
    assert rated["difference"] == 1
    browser = Client()
    browser.force_login(world.viewer)
    page = browser.get(reverse("benchmark-compare-json", args=[world.study.public_id]), asked)
    assert json.loads(page.content) == body
    rows = client.get(world.url("api-benchmarks")).json()["results"]
    assert [one["id"] for one in rows[0]["runs"]] == [asked["other"], asked["one"]]
    assert all(one["report"] for one in rows[0]["runs"])


def test_who_declared_and_ran_it_is_written_down(world: World) -> None:
    """The same by the API and by the page: both call the same services."""
    say(world)
    made = declare(world.by_owner, world, "objectives", OBJECTIVES)
    assert made.status_code == 202, made.content
    browser = Client()
    browser.force_login(world.owner)
    browser.post(reverse("benchmark-rerun", args=[world.study.public_id, made.json()["id"]]))
    again = world.by_owner.post(world.url("api-benchmark-rerun", made.json()["id"]))
    acts = list(reversed(acts_of(study=world.study)))
    assert {act.actor for act in acts} == {world.owner}
    assert [act.verb for act in acts] == [
        "declared a benchmark",
        "asked to run a benchmark",
        "asked to run a benchmark again",
        "asked to run a benchmark again",
    ]
    assert acts[0].details == {"benchmark": "A benchmark", "kind": "objectives"}
    assert acts[-1].details == {"benchmark": "A benchmark", "run": again.json()["run"]["id"]}
    steered = again.json()["run"]["id"]
    other = Run.objects.create(kind="test.nothing", title="Nothing", requested_by=world.owner)
    for name, run_id in (
        ("api-run-cancel", steered), ("api-run-restart", steered),
        ("api-run-cancel", other.public_id),
    ):  # fmt: skip
        assert world.by_owner.post(reverse(name, args=[run_id])).status_code == 202
    told = world.by_viewer.get(world.url("api-log")).json()["results"]
    assert [row["verb"] for row in told[:3]] == [
        "started the run again",
        "asked to cancel the run",
        "asked to run a benchmark again",
    ]
    Benchmark.objects.update(definition={"objectives": 3})
    assert (
        world.by_owner.post(world.url("api-benchmark-rerun", made.json()["id"])).status_code == 409
    )
    assert acts_of(study=world.study).count() == 6, "what was refused is no act"


@pytest.mark.parametrize("kind", ["distributional", "steerable", "tradeoff"])
def test_a_model_that_was_benchmarked_stays_as_it_is(world: World, kind: str) -> None:
    """By the API, the admin and the service, as one whose responses are in a study."""
    say(world)
    used = model()
    unused = model("unused")
    definition = definitions()[kind]
    assert why_fixed(model=used) == ""
    declare(world.by_owner, world, kind, definition)
    if kind == "tradeoff":  # one that steers by a prompt has it under another name
        Benchmark.objects.update(definition={**definition, "model": str(used.public_id)})
    assert why_fixed(model=used) == "Runs of benchmarks rest on it"
    assert why_fixed(model=unused) == ""
    manager = User.objects.create_superuser("root")
    client = token_client(manager)
    url = reverse("api-language-model", args=[used.public_id])
    for change in ({"revision": "2"}, {"backend_parameters": {"lean": 0.1}}, {"name": "other"}):
        refused = client.patch(url, change, format="json")
        assert refused.status_code == 400, refused.content
        assert "Register another revision as a model of its own" in refused.json()["detail"]
    taken = client.patch(url, {"timeout_seconds": 9, "is_offered": False}, format="json")
    assert taken.status_code == 200, taken.content
    assert client.patch(
        reverse("api-language-model", args=[unused.public_id]), {"revision": "2"}, format="json"
    ).status_code == 200  # fmt: skip
    desk = Client()
    desk.force_login(manager)
    page = desk.get(reverse("admin:models_runner_languagemodel_change", args=[used.pk]))
    assert "Runs of benchmarks rest on it" in page.content.decode()
    sent = {
        name: "" if value is None else value
        for name, value in page.context["adminform"].form.initial.items()
    }
    answer = desk.post(page.request["PATH_INFO"], {**sent, "parameters": "{}", "revision": "2"})
    assert set(answer.context["adminform"].form.errors) == {"parameters", "revision"}
    used.refresh_from_db()
    assert (used.name, used.revision, used.parameters) == ("leaning", "", {"lean": 0.8})
    used.revision = "2"
    with pytest.raises(ModelRefused, match="Register another revision") as raised:
        save_model(model=used, actor=manager)
    assert raised.value.field == "revision"


def test_what_can_not_be_compared(world: World) -> None:
    say(world)
    client, url = world.by_owner, world.url("api-benchmark-comparison")
    told = errors(client.get(url, {"one": "no id", "third": "x"}))
    assert set(told) == {"one", "other", "third"}
    made = declare(client, world, "objectives", OBJECTIVES)
    asked = {"one": made.json()["id"], "other": made.json()["id"]}
    early = client.get(url, asked)
    assert (early.status_code, early["Content-Type"]) == (409, PROBLEM)
    one = performed(made)
    other = performed(declare(client, world, "tradeoff", definitions()["tradeoff"]))
    asked["other"] = str(other.public_id)
    assert "compare two of a kind" in errors(client.get(url, asked))["other"]
    Benchmark.objects.filter(pk=one.benchmark_id).update(study=_elsewhere(world))
    assert set(errors(client.get(url, asked))) == {"one"}
    for name in ("api-benchmark-run", "api-benchmark-report"):
        assert client.get(world.url(name, one.public_id)).status_code == 404
    assert client.post(world.url("api-benchmark-rerun", one.public_id)).status_code == 404


def test_a_stored_definition_that_can_not_be_read_is_not_run(world: World) -> None:
    say(world)
    made = declare(world.by_owner, world, "objectives", OBJECTIVES)
    Benchmark.objects.update(definition={"objectives": 3})
    told = world.by_owner.get(made["Location"]).json()
    assert told["changed_inputs"] == ["definition"]
    refused = world.by_owner.post(world.url("api-benchmark-rerun", made.json()["id"]))
    assert (refused.status_code, refused["Content-Type"]) == (409, PROBLEM)
    assert "can't be read" in refused.json()["detail"]
    page = Client()
    page.force_login(world.owner)
    sent = page.post(
        reverse("benchmark-rerun", args=[world.study.public_id, made.json()["id"]]), follow=True
    )
    assert "can&#x27;t be read" in sent.content.decode()
    assert BenchmarkRun.objects.count() == 1


def _elsewhere(world: World) -> Any:
    return type(world.study).objects.exclude(pk=world.study.pk).get()


def test_roles_decide(world: World) -> None:
    say(world)
    made = declare(world.by_owner, world, "objectives", OBJECTIVES)
    mine, count = made.json()["id"], Run.objects.count()
    for client, status in ((world.by_viewer, 403), (world.by_other, 404), (APIClient(), 401)):
        for refused in (
            declare(client, world, "objectives", OBJECTIVES),
            client.post(world.url("api-benchmark-rerun", mine)),
        ):
            assert (refused.status_code, refused["Content-Type"]) == (status, PROBLEM)
    assert Run.objects.count() == count
    reads = (
        world.url("api-benchmarks"),
        world.url("api-benchmark-run", mine),
        world.url("api-benchmark-report", mine),
        world.url("api-benchmark-comparison"),
    )
    for url in reads:
        assert world.by_other.get(url).status_code == 404
        assert APIClient().get(url).status_code == 401
    for url in reads[:2]:
        assert world.by_viewer.get(url).status_code == 200


def test_a_list_asks_as_often_for_three_rows_as_for_one(world: World) -> None:
    say(world)
    client, url = world.by_owner, world.url("api-benchmarks")
    counts = []
    for number in (1, 2):
        for _ in range(number):
            made = declare(client, world, "objectives", OBJECTIVES)
            client.post(world.url("api-benchmark-rerun", made.json()["id"]))
        client.get(url)
        with CaptureQueriesContext(connection) as captured:
            rows = client.get(url).json()["results"]
        assert all(len(row["runs"]) == 2 for row in rows)
        assert not any('"models_runner_benchmarkrun"."report",' in q["sql"] for q in captured)
        counts.append((len(rows), len(captured)))
    assert counts == [(1, counts[0][1]), (3, counts[0][1])]


def test_no_answer_tells_a_secret(world: World) -> None:
    say(world)
    secret = {"lean": 0.8, "header": "s3cret"}
    chosen = model("endpoint", parameters=secret, location="https://s3cret.example/v1")
    definition = {**definitions()["distributional"], "models": [str(chosen.public_id)]}
    mine = performed(declare(world.by_owner, world, "distributional", definition))
    for url in (
        world.url("api-benchmarks"),
        world.url("api-benchmark-run", mine.public_id),
        world.url("api-benchmark-report", mine.public_id),
    ):
        assert "s3cret" not in world.by_owner.get(url).content.decode()


class TestDeclaring:
    @pytest.mark.parametrize(
        ("kind", "path", "value", "place", "words"),
        [
            ("distributional", ("asking", "prompts"), "x", "asking/prompts", "a whole number"),
            ("distributional", ("asking", "prompts"), 99, "asking", "must lie in 1 to 60"),
            ("distributional", ("asking",), [], "asking", "an object"),
            ("distributional", ("peeple",), {}, "peeple", "There is no field 'peeple'"),
            ("distributional", ("\ud800",), {}, "\\ud800", "There is no field"),
            ("distributional", ("models",), "x", "models", "a list"),
            ("distributional", ("models",), [3], "models/0", "a text"),
            ("distributional", ("models",), ["x"], "models/0", "No language model on offer"),
            ("distributional", ("models",), [], "", "at least one model"),
            ("distributional", ("modes",), ["guess"], "", "name one or more"),
            ("distributional", ("people", "by"), ["shoe"], "people/by/0", "no feature of its pool"),
            ("distributional", ("people", "source"), "x", "people", "jurors or a file"),
            ("distributional", ("people", "respondents"), None, None, ""),
            ("distributional", ("measuring", "ordinal"), 1, "measuring/ordinal", "true or false"),
            ("steerable", ("attributes",), ["x"], "attributes/0", "an object"),
            ("steerable", ("attributes",), [{}], "attributes/0/names", "is missing"),
            ("steerable", ("attributes", 0, "examples"), [["a"]], "attributes/0/examples/0", "2"),
            ("steerable", ("attributes", 0, "names"), [" "], "attributes", "needs a name"),
            ("steerable", ("attributes", 0, "source"), "omega", "attributes/0/source", "no source"),
            ("steerable", ("denied",), {"men": "No."}, "attributes", "may not be steered to"),
            ("steerable", ("judged_by",), "reward", "criterion", "Name a criterion"),
            ("steerable", ("judged_by",), "jurors", "unsteered_source", "Name a source"),
            ("objectives", ("objectives", 0, "criterion"), "odd", "objectives/0/criterion", "odd"),
            ("objectives", ("objectives", 0, "direction"), "up", "objectives/0/direction", "up"),
            ("objectives", ("objectives", 0, "worst"), None, "objectives/0", "or neither"),
            ("objectives", ("objectives", 0, "worst"), 10**400, "objectives/0/worst", "finite"),
            ("objectives", ("objectives", 0, "alpha"), -1, "objectives/0/alpha", "0 or more"),
            ("objectives", ("objectives", 0, "alpha"), "x", "objectives/0/alpha", 'or "inf"'),
            ("objectives", ("objectives", 0, "alpha"), "inf", None, ""),
            ("objectives", ("objectives", 0, "name"), "a\x00", "objectives/0/name", "stored"),
            ("objectives", ("objectives", 0, "name"), "\ud800", "objectives/0/name", "stored"),
            ("objectives", ("objectives",), [HELPFUL, HELPFUL], "objectives/1/name", "twice"),
            ("objectives", ("functions",), ["best"], "functions/0", "no commensurating function"),
            ("tradeoff", ("steered", "single:fair"), "x", "steered/single:fair", "no source 'x'"),
            ("tradeoff", ("static",), ["x"], "static/0", "no source 'x'"),
            ("tradeoff", ("reference",), [0], "", "1 numbers for 2"),
        ],
    )
    def test_each_mistake_is_told_at_its_place(
        self, world: World, kind: str, path: tuple[Any, ...], value: Any, place: str | None,
        words: str,
    ) -> None:  # fmt: skip
        definition = copy.deepcopy(definitions()[kind])
        inner: Any = definition
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value
        answer = declare(world.by_owner, world, kind, definition)
        if place is None:
            assert answer.status_code == 202, answer.content
            return
        pointer = f"#/definition/{place}" if place else "#/definition"
        told = errors(answer)
        assert words in told[pointer], told
        assert not Benchmark.objects.exists()

    def test_a_model_that_is_not_on_offer(self, world: World) -> None:
        definition = definitions()["distributional"]
        hidden = model("hidden", is_offered=False)
        definition["models"].append(str(hidden.public_id))
        answer = declare(world.by_owner, world, "distributional", definition)
        [error] = answer.json()["errors"]
        assert error["pointer"] == "#/definition/models/1"
        assert error["legal"] == definition["models"][:1]

    def test_the_body_itself(self, world: World) -> None:
        told = errors(declare(world.by_owner, world, "odd", OBJECTIVES, nmae="x"))
        assert "There is no field 'nmae'" in told["#/nmae"]
        told = errors(declare(world.by_owner, world, "odd", OBJECTIVES))
        assert "legal are: distributional" in told["#/kind"]
        assert (
            "an object" in errors(declare(world.by_owner, world, "objectives", [1]))["#/definition"]
        )

    def test_a_kind_that_there_is_not(self) -> None:
        with pytest.raises(UnfitDefinition, match="no kind of benchmark"):
            read_definition("odd", {})

    def test_only_the_first_mistakes_are_told(self) -> None:
        with pytest.raises(UnfitDefinition) as caught:
            read_definition("distributional", {"models": [1] * 500})
        assert len(caught.value.misfits) == MOST_TOLD

    def test_the_manual_names_every_field(self) -> None:
        text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
        section = text.partition("## Benchmarks")[2].partition("\n## ")[0]
        parts = (People, Asking, Measuring, DeclaredAttribute, DeclaredObjective)
        for shape in (*SHAPES.values(), *parts):
            for field in fields(shape):
                assert f"`{field.name}`" in section, (shape, field.name)

    def test_it_reads_what_was_stored(self, world: World) -> None:
        for kind, plain in definitions().items():
            stored = definition_to_plain(read_definition(kind, plain))
            assert read_definition(kind, stored) == definition_from_plain(kind, stored)


PEOPLE = [
    {
        "question": "Is it good?", "options": ["Yes", "No"], "attribute": "Japan",
        "gold_distribution": [0.3, 0.7],
    }
]  # fmt: skip


class TestFiles:
    def send(self, world: World, kind: str, definition: object, **files: str) -> Any:
        body = {"name": "B", "kind": kind, "definition": json.dumps(definition)}
        sent = {
            f"{slot}_file": SimpleUploadedFile(f"{slot}.json", content.encode())
            for slot, content in files.items()
        }
        return world.by_owner.post(
            world.url("api-benchmarks"), {**body, **sent}, format="multipart"
        )

    def people(self, **people: Any) -> dict[str, Any]:
        return {**definitions()["distributional"], "people": {"source": "file", **people}}

    def test_peoples_answers_come_in_a_form(self, world: World) -> None:
        made = self.send(world, "distributional", self.people(), people=json.dumps(PEOPLE))
        mine = performed(made)
        assert "file: people" in mine.inputs
        [row] = world.by_viewer.get(world.url("api-benchmarks")).json()["results"]
        [file] = row["files"]
        assert (file["slot"], file["name"]) == ("people", "people.json")
        assert file["sha256"] == mine.inputs["file: people"]

    def test_a_file_that_is_missing_or_not_needed(self, world: World) -> None:
        told = errors(declare(world.by_owner, world, "distributional", self.people()))
        assert "multipart/form-data" in told["#/people_file"]
        assert "page Benchmarks" in told["#/people_file"]
        told = errors(self.send(world, "objectives", OBJECTIVES, people=json.dumps(PEOPLE)))
        assert "leave it out" in told["#/people_file"]

    def test_a_file_that_can_not_be_read(self, world: World) -> None:
        told = errors(self.send(world, "distributional", self.people(), people="{"))
        assert "people.json" in told["#/people_file"]
        mars = self.people(groups=["Mars"])
        told = errors(self.send(world, "distributional", mars, people=json.dumps(PEOPLE)))
        assert "no group 'Mars'" in told["#/definition/people/groups/0"]

    def test_values_with_resamples(self, world: World) -> None:
        cost = {"name": "cost", "source": "file", "worst": 10, "best": 0, "direction": "lower"}
        definition = {"objectives": [cost], "bootstraps": 2}
        values = json.dumps([{"model": "a", "cost": 1}, {"model": "b", "cost": 2}])
        copies = json.dumps([
            {"replicate": number, "model": name, "cost": 1 + number}
            for number in (1, 2) for name in "ab"
        ])  # fmt: skip
        performed(self.send(world, "objectives", definition, values=values, replicates=copies))
        cost["name"] = "price"
        told = errors(self.send(world, "objectives", definition, values=values))
        assert "no column 'price'" in told["#/definition/objectives/0/name"]

    def test_stances(self, world: World) -> None:
        definition = {
            **definitions()["steerable"],
            "judged_by": "stances",
            "attributes": [{"names": ["duty"], "description": "one who values duty"}],
        }
        stances = json.dumps([{"situation": "S", "attribute": "duty", "stance": "support"}])
        LanguageModel.objects.update(parameters={"says": ["support"]})
        performed(self.send(world, "steerable", definition, stances=stances))
