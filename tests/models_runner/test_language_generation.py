"""Responses generated in Runs: each asked once, kept as it arrives, whatever ends the Run."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from mock_endpoint import Endpoint, Reply, as_json, endpoint, refusal, said

from annotations.models import Response, Source, Study, StudyRole
from annotations.services.study_content import repeat_query
from juries.models import Run, User
from juries.services.runs import request_cancel, restart_run
from models_runner.models import Generation, LanguageModel, ModelSource
from models_runner.selectors.generation import estimate, generation_runs
from models_runner.selectors.language_models import warnings_of
from models_runner.services.completions import Wanted
from models_runner.services.generation import (
    GenerationRefused,
    GenerationSettings,
    request_generation,
)
from models_runner.services.language_models import (
    ModelRefused,
    problems_of_model,
    request_check,
    save_model,
)
from models_runner.tasks import check_language_model, generate_responses

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


def answers(number: int, body: dict[str, Any]) -> Reply:
    """An answer that tells its question."""
    return as_json(said(f"On {body['messages'][-1]['content']} I say {number}."))


@pytest.fixture
def server() -> Iterator[Endpoint]:
    with endpoint(answers) as made:
        yield made


@pytest.fixture
def make_model(server: Endpoint) -> Callable[..., LanguageModel]:
    def make(**fields: Any) -> LanguageModel:
        usual: dict[str, Any] = {
            "name": "Mock",
            "kind": "openai",
            "location": server.url,
            "model_id": "mock-1",
            "revision": "2026-01",
            "parallel_requests": 1,
            "input_price": 2,
            "output_price": 10,
            "parameters": {"first_wait": 0.01, "attempts": 2},
        }
        return save_model(model=LanguageModel(**{**usual, **fields}), actor=None)

    return make


@pytest.fixture
def study(make_study: Callable[..., Study]) -> Study:
    return make_study(queries=4, sources=())


def ask(study: Study, model: LanguageModel, *, source_name: str = "", **fields: Any) -> Run:
    return request_generation(
        study=study,
        model=model,
        settings=GenerationSettings(**fields),
        source_name=source_name,
        requested_by=None,
    )


def performed(run: Run) -> Run:
    generate_responses(run.pk)
    run.refresh_from_db()
    return run


def test_each_query_gets_a_response_of_the_model(
    study: Study, make_model: Callable[..., LanguageModel], server: Endpoint
) -> None:
    model = make_model()
    run = performed(ask(study, model, system_prompt="Be kind.", samples=2, temperature=0.5))
    assert (run.state, run.error) == ("succeeded", "")
    assert run.result["responses"] == run.result["asked"] == 8
    assert Decimal(run.result["cost"]) == Decimal("0.00056")
    source = Source.objects.get(study=study)
    assert str(source) == "Mock@2026-01"
    assert source.kind == Source.Kind.MODEL
    responses = Response.objects.filter(source=source)
    assert responses.count() == 8
    assert len({(own.query_id, own.external_id) for own in responses}) == 8
    rows = list(Generation.objects.all())
    assert all(own.response_id is not None and own.state == "done" for own in rows)
    assert len({own.seed for own in rows}) == 8, "each sample has a seed of its own"
    first = rows[0]
    assert first.prompt == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Question 0?"},
    ]
    assert first.parameters["temperature"] == 0.5
    assert (first.prompt_tokens, first.completion_tokens, first.attempts) == (10, 5, 1)
    assert first.model_identity == model.__class__.objects.get().identity != ""
    assert {body["seed"] for body in server.bodies} == {own.seed for own in rows}


def test_what_was_answered_is_not_asked_again(
    study: Study, make_model: Callable[..., LanguageModel], server: Endpoint
) -> None:
    model = make_model()
    performed(ask(study, model))
    again = performed(ask(study, model))
    assert (again.result["asked"], again.result["responses"]) == (0, 4)
    more = performed(ask(study, model, samples=2))
    assert more.result["asked"] == 4
    assert len(server.bodies) == 8
    assert Response.objects.filter(query__study=study).count() == 8


def test_a_broken_run_goes_on_where_it_broke(
    study: Study, make_model: Callable[..., LanguageModel], server: Endpoint
) -> None:
    def script(number: int, body: dict[str, Any]) -> Reply:
        return answers(number, body) if number < 2 else refusal(401, "expired")

    server.script = script
    run = performed(ask(study, make_model()))
    assert run.state == "failed"
    assert "refuses requests without a key" in run.error
    assert "2 of 4 completions are kept; start this again to ask for the other 2" in run.error
    assert Response.objects.count() == 2
    server.script = answers
    restart_run(run=run)
    assert performed(run).state == "succeeded"
    assert sorted(server.asked()) == [f"Question {n}?" for n in (0, 1, 2, 2, 3)], (
        "only the refused one was sent twice"
    )
    assert Response.objects.count() == 4


def test_failed_prompts_are_named_and_asked_once_more_on_restart(
    study: Study, make_model: Callable[..., LanguageModel], server: Endpoint
) -> None:
    def script(number: int, body: dict[str, Any]) -> Reply:
        text = body["messages"][-1]["content"]
        return refusal(422, "odd prompt") if text == "Question 1?" else answers(number, body)

    server.script = script
    run = performed(ask(study, make_model()))
    assert run.state == "failed"
    assert "1 of 4 responses failed; the others are kept." in run.error
    assert "odd prompt" in run.error
    row = Generation.objects.get(state="failed")
    assert row.query is not None
    assert (row.query.text, row.attempts) == ("Question 1?", 1)
    (listed,) = generation_runs(study=study)
    assert (listed.done, listed.failed, listed.wanted) == (3, 1, 4)
    assert listed.cost == Decimal("0.00021")
    server.script = answers
    restart_run(run=run)
    assert performed(run).result["asked"] == 1
    assert server.asked().count("Question 1?") == 2
    row.refresh_from_db()
    assert (row.state, row.attempts, row.error) == ("done", 2, "")


def test_a_cancel_keeps_what_came_and_a_restart_asks_for_the_rest(
    study: Study, make_model: Callable[..., LanguageModel], server: Endpoint
) -> None:
    run = ask(study, make_model())

    def script(number: int, body: dict[str, Any]) -> Reply:
        if number == 1:
            # The server's thread must not touch the test's database.
            cancel.append(1)
        return answers(number, body)

    cancel: list[int] = []
    server.script = script
    kept = Generation.save

    def save(row: Generation, *args: Any, **kwargs: Any) -> None:
        kept(row, *args, **kwargs)
        if cancel:
            request_cancel(run=run)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Generation, "save", save)
        patch.setattr("juries.services.runs.PROGRESS_EVERY_SECONDS", 0.0)
        assert performed(run).state == "cancelled"
    done = Generation.objects.filter(state="done").count()
    assert done == len(server.bodies) < 4, "each that was asked is kept"
    server.script = answers
    restart_run(run=run)
    assert performed(run).state == "succeeded"
    assert sorted(server.asked()) == [f"Question {n}?" for n in range(4)]


def test_a_withheld_answer_is_no_response_and_a_refusal_is_one(
    study: Study, make_model: Callable[..., LanguageModel], server: Endpoint
) -> None:
    replies = [
        as_json(said(None, finish="content_filter")),
        as_json(said(None, refusal="I can't help with that.")),
        as_json(said("  ")),
        as_json(said("Cut", finish="length")),
    ]
    server.script = lambda number, body: replies[number]
    run = performed(ask(study, make_model()))
    assert run.state == "succeeded"
    assert (run.result["responses"], run.result["withheld_or_blank"]) == (2, 2)
    assert run.result["cut_at_max_tokens"] == 1
    texts = set(Response.objects.values_list("text", flat=True))
    assert texts == {"I can't help with that.", "Cut"}


def test_a_response_that_was_removed_comes_back_without_asking(
    study: Study, make_model: Callable[..., LanguageModel], server: Endpoint
) -> None:
    model = make_model()
    performed(ask(study, model))
    Response.objects.first().delete()  # type: ignore[union-attr]  # there are four
    performed(ask(study, model))
    assert Response.objects.count() == len(server.bodies) == 4


def test_another_way_of_asking_needs_another_name(
    study: Study, make_model: Callable[..., LanguageModel]
) -> None:
    model = make_model()
    performed(ask(study, model))
    with pytest.raises(GenerationRefused, match="another system prompt, temperature") as raised:
        ask(study, model, system_prompt="Be kind.", temperature=0.2)
    assert raised.value.field == "source_name"
    with pytest.raises(GenerationRefused, match="under the name 'Mock'"):
        ask(study, model, source_name="Mock again")
    kind = performed(ask(study, model, system_prompt="Be kind.", source_name="Mock, kind"))
    assert kind.state == "succeeded"
    assert ModelSource.objects.count() == 2
    study.sources.create(name="By hand", revision="2026-01")
    with pytest.raises(GenerationRefused, match="not this model"):
        ask(study, model, seed="1", source_name="By hand")


def test_what_cannot_be_asked_is_refused(
    study: Study, make_study: Callable[..., Study], make_model: Callable[..., LanguageModel]
) -> None:
    model = make_model()
    for fields, words in (
        ({"samples": 0}, "samples is 0"),
        ({"max_tokens": 100_000}, "max_tokens is 100000"),
        ({"temperature": 3.0}, "temperature is 3"),
        ({"top_p": 0.0}, "top_p is 0"),
    ):
        with pytest.raises(GenerationRefused, match=words):
            ask(study, model, **fields)
    ask(study, model)
    with pytest.raises(GenerationRefused, match="Wait for that run"):
        ask(study, model)
    with pytest.raises(GenerationRefused, match="no query"):
        ask(make_study(queries=0, sources=()), model)
    model.is_offered = False
    with pytest.raises(GenerationRefused, match="not offered"):
        ask(study, model)


def test_queries_that_are_put_again_are_left_out(
    study: Study, make_model: Callable[..., LanguageModel], server: Endpoint
) -> None:
    repeat_query(query=study.queries.get(ordinal=2), actor=None)
    run = performed(ask(study, make_model()))
    assert (run.state, run.result["responses"]) == ("succeeded", 3)
    assert "query q2 is left out" in run.log
    assert "Question 2?" not in server.asked()


def test_a_variable_that_is_not_set_is_named(
    study: Study, make_model: Callable[..., LanguageModel]
) -> None:
    run = performed(ask(study, make_model(key_variable="NOT_SET_ANYWHERE")))
    assert run.state == "failed"
    assert "NOT_SET_ANYWHERE is not set where the worker runs" in run.error


def test_weights_that_changed_under_a_name_are_refused(
    study: Study,
    make_model: Callable[..., LanguageModel],
    settings: LazySettings,
    tmp_path: Path,
) -> None:
    settings.LANGUAGE_MODEL_FILES_DIR = tmp_path
    file = tmp_path / "old.csv"
    lines = [f"Question {n}?,Answer {n}" for n in range(4)]
    file.write_text("prompt,response\n" + "\n".join(lines) + "\n")
    model = make_model(kind="file", location="old.csv", model_id="", parameters={})
    run = performed(ask(study, model))
    assert run.result["responses"] == 4
    file.write_text("prompt,response\n" + "\n".join(lines) + "!\n")
    again = performed(ask(study, LanguageModel.objects.get(), samples=2))
    assert again.state == "failed"
    assert "is not the model that it was" in again.error


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("a.csv", "question,answer\nx,y\n", "no column 'prompt' and no column 'response'"),
        ("a.csv", "prompt,response\nx,\n", "line 2: 'response' is missing or blank"),
        ("a.csv", 'prompt,response\n"x,y\n', "unexpected end of data"),
        ("a.jsonl", '{"prompt": "x", "response": "y"}\n{"prom', "line 2 is no JSON"),
        ("a.jsonl", "[1]\n", "line 1 is no object"),
        ("a.jsonl", '{"prompt": "x", "response": 3}\n', "line 1: 'response' is missing"),
        ("../a.csv", "", "must be the name of a .csv or .jsonl file"),
        ("b.csv", None, "there is no file 'b.csv'"),
    ],
)
def test_files_that_cannot_be_read_are_said(
    study: Study,
    make_model: Callable[..., LanguageModel],
    settings: LazySettings,
    tmp_path: Path,
    name: str,
    body: str | None,
    words: str,
) -> None:
    settings.LANGUAGE_MODEL_FILES_DIR = tmp_path / "responses"
    settings.LANGUAGE_MODEL_FILES_DIR.mkdir()
    if body is not None:
        (settings.LANGUAGE_MODEL_FILES_DIR / name).write_text(body)
    run = performed(ask(study, make_model(kind="file", location=name, model_id="", parameters={})))
    assert run.state == "failed"
    assert words in run.error


def test_the_estimate(study: Study, make_model: Callable[..., LanguageModel]) -> None:
    model = make_model()
    given: dict[str, Any] = {"system_prompt": "12345678", "samples": 2, "max_tokens": 100}
    found = estimate(study=study, model=model, **given)
    assert (found.requests, found.output_tokens) == (8, 800)
    assert found.input_tokens == (2 * 4 * len("Question 0?") + 8 * 8) / 4
    assert found.cost == (found.input_tokens * 2 + Decimal(8000)) / 1_000_000
    free = make_model(name="No price", input_price=None, output_price=None)
    assert estimate(study=study, model=free, **given).cost is None


def test_the_same_is_not_wanted_twice_and_other_parameters_are_other() -> None:
    one = Wanted(prompt="a", seed="1")
    assert one.digest == Wanted(prompt="a", seed="1").digest
    others = [
        Wanted(prompt="b", seed="1"),
        Wanted(prompt="a", seed="2"),
        Wanted(prompt="a", seed="1", temperature=0.1),
        Wanted(prompt="a", seed="1", max_tokens=3),
        Wanted(prompt="a", seed="1", stop=("x",)),
        Wanted(prompt="a", seed="1", sample=1),
    ]
    assert len({own.digest for own in (one, *others)}) == 7


# --- the registry ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"location": "host/v1"}, "location"),
        ({"location": "https://me:pw@host/v1"}, "location"),
        ({"location": "https://host:99999/v1"}, "location"),
        ({"model_id": ""}, "model_id"),
        ({"output_price": None}, "output_price"),
        ({"kind": "embedded"}, "model_id"),
        ({"parameters": [1]}, "parameters"),
    ],
)
def test_rows_that_cannot_be(
    make_model: Callable[..., LanguageModel], fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(ModelRefused) as raised:
        make_model(**fields)
    assert raised.value.field == field


def test_what_was_asked_fixes_the_row(
    study: Study, make_model: Callable[..., LanguageModel]
) -> None:
    model = make_model()
    performed(ask(study, model))
    model.refresh_from_db()
    model.input_price = Decimal(3)
    assert problems_of_model(model=model) == {}
    model.revision = "2026-02"
    assert set(problems_of_model(model=model)) == {"revision"}


def test_what_may_go_wrong_is_told(make_model: Callable[..., LanguageModel]) -> None:
    told = " ".join(
        warnings_of(
            model=LanguageModel(
                kind="openai", location="http://far.example/v1", key_variable="NOT_SET_ANYWHERE"
            )
        )
    )
    for words in ("No revision", "NOT_SET_ANYWHERE is not set", "unencrypted"):
        assert words in told
    hub = LanguageModel(kind="transformers", location="acme/model")
    assert "pinned" in warnings_of(model=hub)[0]
    hub.revision = "abc"
    assert warnings_of(model=hub) == []


def test_a_check_asks_and_writes_down_what_came(
    make_model: Callable[..., LanguageModel], server: Endpoint
) -> None:
    model = make_model()
    run = request_check(model=model, requested_by=None)
    check_language_model(run.pk)
    model.refresh_from_db()
    run.refresh_from_db()
    assert run.state == "succeeded"
    assert model.check_error == ""
    assert model.abilities == ["generate"], "it answered without log-probabilities"
    assert model.abilities_in_words == "completions"
    server.script = lambda number, body: refusal(404, "gone")
    again = request_check(model=model, requested_by=None)
    check_language_model(again.pk)
    model.refresh_from_db()
    assert "no model 'mock-1'" in model.check_error


# --- pages ----------------------------------------------------------------------------------------


def test_the_page_shows_the_cost_and_asks(
    study: Study,
    make_model: Callable[..., LanguageModel],
    researcher: User,
    stranger: User,
    client: Client,
) -> None:
    address = reverse("study-generation", args=[study.public_id])
    client.force_login(researcher)
    assert "No model is on offer" in client.get(address).content.decode()
    model = make_model()
    given = {
        "model": model.pk, "samples": 1, "max_tokens": 100, "temperature": 1, "top_p": 1, "seed": 0,
    }  # fmt: skip
    page = client.post(address, {**given, "do": "estimate"}).content.decode()
    assert "4 requests" in page
    assert "0.0040 USD" in page
    bad = client.post(address, {**given, "temperature": 9, "do": "ask"})
    assert bad.status_code == 422
    assert not Run.objects.exists()
    answer = client.post(address, {**given, "do": "ask"})
    run = Run.objects.get()
    assert answer.headers["Location"] == reverse("run", args=[run.public_id])
    twice = client.post(address, {**given, "do": "ask"})
    assert twice.status_code == 422
    assert "Wait for that run" in twice.content.decode()
    performed(run)
    page = client.get(address).content.decode()
    assert "4 of 4" in page
    client.force_login(stranger)
    assert client.get(address).status_code == 404
    StudyRole.objects.create(study=study, user=stranger, role=StudyRole.Role.VIEWER)
    assert "Ask the model" not in client.get(address).content.decode()
    assert client.post(address, given).status_code == 404


def test_the_admin_checks_and_asks_and_keeps(
    make_model: Callable[..., LanguageModel],
    make_study: Callable[..., Study],
    researcher: User,
    client: Client,
) -> None:
    client.force_login(researcher)
    model = make_model(key_variable="NOT_SET_ANYWHERE", revision="")
    change = reverse("admin:models_runner_languagemodel_change", args=[model.pk])
    page = client.get(change).content.decode()
    assert "NOT_SET_ANYWHERE is not set" in page
    assert "No revision is written down" in page
    listed = reverse("admin:models_runner_languagemodel_changelist")
    client.post(listed, {"action": "check_models", "_selected_action": [model.pk]})
    run = Run.objects.get()
    check_language_model(run.pk)
    page = client.get(change).content.decode()
    assert "The last check failed" in page
    assert "failed" in client.get(listed).content.decode()
    study = make_study(queries=2, sources=())
    act = {"action": "answer_study", "_selected_action": [model.pk]}
    assert study.title in client.post(listed, act).content.decode()
    asked = {**act, "chosen": "Ask", "study": study.pk}
    client.post(listed, asked)
    twice = client.post(listed, asked, follow=True)
    assert "Wait for that run" in twice.content.decode()
    assert Run.objects.filter(kind="models_runner.generate_responses").count() == 1
    add = reverse("admin:models_runner_languagemodel_add")
    bad = client.post(
        add,
        {
            "name": "Bad", "kind": "openai", "location": "nowhere", "model_id": "m",
            "dtype": "auto", "device": "auto", "template": "chat", "parameters": "{}",
            "currency": "USD", "requests_per_minute": 0, "tokens_per_minute": 0,
            "parallel_requests": 1, "timeout_seconds": 5, "key_variable": "sk-a-key-itself",
        },
    )  # fmt: skip
    assert "a variable&#x27;s name, not a key" in bad.content.decode()
    assert LanguageModel.objects.count() == 1


# --- a worker that is killed ----------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.processes
def test_a_killed_worker_leaves_what_was_answered(
    make_study: Callable[..., Study], tmp_path: Path
) -> None:
    """The Run is in a database of its own, and its process gets SIGKILL between two answers."""
    environment = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{tmp_path / 'own.sqlite3'}",
        "VENIRE_VAR_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "venire.settings",
    }

    def script(number: int, body: dict[str, Any]) -> Reply:
        if number == 3 and not killed:
            killed.append(number)
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait()
        return answers(number, body)

    killed: list[int] = []
    with endpoint(script) as server:
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, server.url], cwd=ROOT, env=environment
        )
        assert worker.wait(timeout=120) == -signal.SIGKILL
        deadline = time.monotonic() + 5
        while not killed and time.monotonic() < deadline:
            time.sleep(0.05)
        told = subprocess.run(
            [sys.executable, "-c", NEXT_WORKER],
            cwd=ROOT, env=environment, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
    assert "failed: The worker stopped answering" in told
    assert "succeeded 6 responses" in told
    counted = {text: server.asked().count(text) for text in server.asked()}
    in_flight = [text for text, times in counted.items() if times > 1]
    assert len(counted) == 6
    assert in_flight == ["Question 3?"], "only the one whose answer never came"
    assert len(server.bodies) == 7


WORKER = """
import sys, django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from annotations.models import Study
from models_runner.models import LanguageModel
from models_runner.services.generation import GenerationSettings, request_generation
from models_runner.services.language_models import save_model
study = Study.objects.create(title="Study", slug="study", query_count=6)
for n in range(6):
    study.queries.create(external_id=f"q{n}", ordinal=n, text=f"Question {n}?")
model = save_model(
    model=LanguageModel(
        name="Mock", kind="openai", location=sys.argv[1], model_id="m", parallel_requests=1
    ),
    actor=None,
)
run = request_generation(
    study=study, model=model, settings=GenerationSettings(), requested_by=None
)
from models_runner.tasks import generate_responses
generate_responses(run.pk)
"""

NEXT_WORKER = """
import django
django.setup()
from datetime import timedelta
from django.utils import timezone
from annotations.models import Response
from juries.models import Run
from juries.services.runs import fail_stale_runs, restart_run
from models_runner.tasks import generate_responses
fail_stale_runs(now=timezone.now() + timedelta(hours=1))
run = Run.objects.get()
print(f"{run.state}: {run.error}")
restart_run(run=run)
generate_responses(run.pk)
run.refresh_from_db()
print(f"{run.state} {Response.objects.count()} responses")
"""
