"""Lists: pages without loss or repetition, filters, the number of queries, speed."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from annotations.models import Rating, Study
from juries.api.pagination import open_cursor, seal_cursor
from juries.api.problems import InvalidInput
from juries.models import Candidate, Jury, Pool, Seat

if TYPE_CHECKING:
    from tests.api.conftest import World

STUDY_LISTS = (
    "api-jurors",
    "api-ratings",
    "api-preferences",
    "api-rankings",
    "api-highlights",
    "api-choices",
    "api-opinions",
    "api-reasons",
    "api-quiz-replies",
    "api-answers",
    "api-judgements",
    "api-expression-labels",
    "api-windows",
    "api-reward-trainings",
    "api-exports",
)


def read(client: APIClient, url: str, **parameters: str) -> list[dict[str, Any]]:
    answer = client.get(url, parameters)
    assert answer.status_code == 200, answer.content
    rows: list[dict[str, Any]] = answer.json()["results"]
    return rows


def queries_for(client: APIClient, url: str, expected: int, **parameters: str) -> int:
    client.get(url, parameters)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert len(read(client, url, **parameters)) == expected
    return len(captured)


@pytest.mark.parametrize("name", STUDY_LISTS)
def test_a_study_list_asks_as_often_for_three_rows_as_for_one(world: "World", name: str) -> None:
    client, url = world.by_owner, world.url(name)
    history = {"history": "true"} if name in HISTORIES else {}
    one = queries_for(client, url, 1, **history)
    world.say(2)
    assert queries_for(client, url, 3, **history) == one


HISTORIES = (
    "api-ratings",
    "api-preferences",
    "api-rankings",
    "api-highlights",
    "api-choices",
    "api-opinions",
    "api-reasons",
    "api-judgements",
    "api-expression-labels",
)


@pytest.mark.parametrize(
    "name", ["api-queries", "api-responses", "api-sources", "api-criteria", "api-steps"]
)
def test_the_parts_of_a_study_are_read_in_as_many_queries(
    world: "World", make_study: Callable[..., Study], name: str
) -> None:
    client = world.by_manager
    small = make_study(jury=world.jury, queries=1, sources=("alpha",))
    large = make_study(
        jury=world.jury,
        queries=3,
        sources=("alpha", "beta", "gamma"),
        steps=("rating", "opinion", "choice"),
    )
    counts = []
    for study in (small, large):
        url = reverse(name, args=[study.public_id])
        client.get(url)
        with CaptureQueriesContext(connection) as captured:
            assert read(client, url)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_lists_of_the_juries_app_ask_as_often_for_three_rows_as_for_one(
    world: "World", make_study: Callable[..., Study]
) -> None:
    client = world.by_manager
    jury = Jury.objects.create(pool=world.jury.pool, name="Small", size=1)
    value = world.jury.pool.features.all()[0].values.all()[0]
    jury.quotas.create(key="1", minimum=0, maximum=1).feature_values.add(value)
    jury.seating_rules.create(candidate=world.jury.pool.candidates.all()[0], rule="must_sit")
    names = ("api-pools", "api-juries", "api-runs", "api-studies")
    before = {}
    for name in names:
        client.get(reverse(name))
        with CaptureQueriesContext(connection) as captured:
            assert read(client, reverse(name))
        before[name] = len(captured)
    world.say(2)
    for number in range(2):
        pool = Pool.objects.create(name=f"P{number}", slug=f"p{number}")
        value = pool.features.create(name="age").values.create(value="old")
        more = Jury.objects.create(pool=pool, name=f"J{number}", size=1)
        more.quotas.create(key="1", minimum=0, maximum=1).feature_values.add(value)
        person = pool.candidates.create(external_id=f"p{number}")
        more.seating_rules.create(candidate=person, rule="must_not_sit", reason="Staff")
        make_study(jury=more)
    for name in names:
        with CaptureQueriesContext(connection) as captured:
            assert len(read(client, reverse(name))) >= 3
        assert len(captured) == before[name], name


def test_a_jury_tells_its_seating_rules_by_the_candidates_random_ids(world: "World") -> None:
    person = world.jury.pool.candidates.all()[0]
    world.jury.seating_rules.create(candidate=person, rule="must_not_sit", reason="Staff")
    row = world.by_manager.get(reverse("api-jury", args=[world.jury.public_id])).json()
    assert row["seating_rules"] == [
        {"candidate_id": str(person.public_id), "rule": "must_not_sit", "reason": "Staff"}
    ]


def test_seats_candidates_and_draws_ask_as_often_for_three_rows_as_for_one(world: "World") -> None:
    client = world.by_manager
    seats = reverse("api-seats", args=[world.jury.public_id])
    Seat.objects.filter(number__gt=1).update(state="declined")
    one = queries_for(client, seats, 1, state="accepted")
    assert queries_for(client, seats, 3, state="declined") == one
    candidates = reverse("api-candidates", args=[world.jury.pool.public_id])
    Candidate.objects.filter(pk=world.jury.pool.candidates.all()[0].pk).update(state="withdrawn")
    one = queries_for(client, candidates, 1, state="withdrawn")
    assert queries_for(client, candidates, 7, state="active") == one
    draws = reverse("api-draws", args=[world.jury.public_id])
    one = queries_for(client, draws, 1)
    world.say(2)
    assert queries_for(client, draws, 3) == one


def test_predicted_ratings_ask_as_often_for_three_rows_as_for_one(world: "World") -> None:
    training = world.study.reward_trainings.get()
    url = world.url("api-predicted-ratings", training.public_id)
    one = queries_for(world.by_owner, url, 1)
    world.say(2)
    assert queries_for(world.by_owner, url, 3) == one


def test_predicted_ratings_are_marked_and_carry_their_error(world: "World") -> None:
    training = world.study.reward_trainings.get()
    [row] = read(world.by_owner, world.url("api-predicted-ratings", training.public_id))
    assert row["predicted"] is True
    assert row["held_out_error"] == 0.75
    assert row["is_usable"] is True
    assert (row["low"], row["mean"], row["high"]) == (2.2, 3.2, 4.2)
    assert row["training"] == str(training.public_id)
    detail = world.by_owner.get(world.url("api-reward-training", training.public_id)).json()
    assert detail["held_out_error"] == 0.75
    assert detail["evaluation"]["rows"][0]["mae"]["high"] == 0.8


def test_made_up_jurors_are_marked(world: "World") -> None:
    world.jury.jurors.update(is_simulated=True)
    assert read(world.by_owner, world.url("api-ratings"), history="true")[0]["is_simulated"]
    assert read(world.by_owner, world.url("api-jurors"))[0]["is_simulated"]
    assert (
        read(world.by_owner, world.url("api-ratings"), history="true", is_simulated="false") == []
    )


# --- Pages ------------------------------------------------------------------------------------


def walk(
    client: APIClient, url: str, between: Callable[[], object] = lambda: None
) -> list[dict[str, Any]]:
    """All rows, with something done between two pages."""
    rows = []
    while url:
        answer = client.get(url)
        assert answer.status_code == 200, answer.content
        rows += answer.json()["results"]
        url = answer.json()["next"]
        between()
    return rows


def test_a_walk_loses_and_repeats_nothing_while_rows_are_added(world: "World") -> None:
    world.say(6)
    added: list[int] = []

    def add() -> None:
        if len(added) < 5:
            world.say(1)
            added.append(1)

    url = world.url("api-ratings") + "?history=true&page_size=2"
    rows = walk(world.by_owner, url, add)
    assert len(rows) == 7 + 5 == Rating.objects.count()
    assert len({row["created_at"] for row in rows}) == len(rows)
    assert [row["created_at"] for row in rows] == sorted(row["created_at"] for row in rows)


def test_a_walk_from_the_newest_shows_what_was_there_when_it_began(world: "World") -> None:
    world.say(4)
    rows = walk(world.by_owner, world.url("api-windows") + "?page_size=2", lambda: world.say(1))
    ids = [row["id"] for row in rows]
    assert len(ids) == 5
    assert len(set(ids)) == 5


def test_a_walk_keeps_its_filters(world: "World") -> None:
    world.say(8)
    juror = world.jurors()[0].public_id
    url = world.url("api-ratings") + f"?history=true&page_size=1&juror={juror}"
    rows = walk(world.by_owner, url)
    assert len(rows) > 1
    assert {row["juror"] for row in rows} == {str(juror)}


def test_ratings_on_several_criteria_are_merged_in_their_order(world: "World") -> None:
    now = timezone.now()
    responses = list(world.study.queries.get(ordinal=0).responses.all())
    for number, key in enumerate(("fair", "fair", "helpful", "fair", "helpful", "helpful")):
        Rating.objects.create(
            juror=world.jurors()[number % 4],
            response=responses[0],
            criterion=world.study.criteria.get(key=key),
            value=number % 5 + 1,
            is_current=False,
            created_at=now + timedelta(seconds=number),
        )
    said = list(Rating.objects.order_by("pk").values_list("criterion__key", "value"))
    for size in (1, 2, 3, 1000):
        url = world.url("api-ratings") + f"?history=true&page_size={size}"
        rows = walk(world.by_owner, url)
        assert [(row["criterion"], row["value"]) for row in rows] == said
    url = world.url("api-ratings") + "?history=true&page_size=2&criterion=fair"
    rows = walk(world.by_owner, url)
    assert [row["value"] for row in rows] == [value for key, value in said if key == "fair"]


def test_a_cursor_is_opaque_and_good_for_one_list_alone(world: "World") -> None:
    world.say(3)
    page = world.by_owner.get(world.url("api-ratings"), {"history": "true", "page_size": "1"})
    cursor = page.json()["next"].split("cursor=")[1].split("&")[0]
    elsewhere: tuple[tuple[str, dict[str, str]], ...] = (
        (world.url("api-opinions"), {"history": "true"}),
        (world.url("api-ratings"), {}),
    )
    for url, parameters in elsewhere:
        refused = world.by_owner.get(url, {**parameters, "cursor": cursor})
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["parameter"] == "cursor"
    for forged in ("abc", "é", "A" * 32, cursor[:-1] + ("A" if cursor[-1] != "A" else "B")):
        answer = world.by_owner.get(world.url("api-ratings"), {"history": "true", "cursor": forged})
        assert answer.status_code == 400


@pytest.mark.parametrize("position", [0, 1, 255, 2**63 - 1])
def test_cursors_open_again(position: int) -> None:
    sealed = seal_cursor(position=position, scope="/a?b=c")
    assert open_cursor(cursor=sealed, scope="/a?b=c") == position
    with pytest.raises(InvalidInput):
        open_cursor(cursor=sealed, scope="/a?b=d")


@pytest.mark.parametrize("size", ["0", "1001", "-1", "ten", "1e2", "", "٣", "9" * 30])
def test_a_page_size_out_of_bounds_is_refused(world: "World", size: str) -> None:
    refused = world.by_owner.get(world.url("api-queries"), {"page_size": size})
    assert refused.status_code == 400
    assert "1 to 1000" in refused.json()["detail"]


# --- Filters ------------------------------------------------------------------------------------


def test_ratings_are_filtered_by_all_that_they_hang_on(world: "World") -> None:
    world.say(11)
    client, url = world.by_owner, world.url("api-ratings")
    everything = read(client, url, history="true")
    assert len(everything) == 12
    first = everything[0]
    for name in ("query", "response", "juror", "source", "criterion"):
        found = read(client, url, history="true", **{name: first[name]})
        expected = [row for row in everything if row[name] == first[name]]
        assert found == expected, name
    assert read(client, url, history="true", source="beta") == []
    assert read(client, url, history="true", criterion="fair") == []


def test_only_what_stands_is_listed_unless_history_is_asked_for(world: "World") -> None:
    url = world.url("api-ratings")
    assert read(world.by_owner, url) == []
    Rating.objects.update(is_current=True)
    assert len(read(world.by_owner, url)) == 1
    assert len(read(world.by_owner, url, history="false")) == 1


def test_since_leaves_out_what_came_before(world: "World") -> None:
    now = timezone.now()
    Rating.objects.update(is_current=True, created_at=now - timedelta(days=1))
    url = world.url("api-ratings")
    before = (now - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    after = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert len(read(world.by_owner, url, since=before)) == 1
    assert read(world.by_owner, url, since=after) == []


@pytest.mark.parametrize(
    ("name", "parameter", "value", "legal"),
    [
        ("api-ratings", "criterion", "kindness", ["helpful", "fair"]),
        ("api-ratings", "source", "delta", ["alpha", "beta"]),
        ("api-preferences", "verdict", "up", ["left", "right", "tie", "both_bad"]),
        (
            "api-judgements",
            "verdict",
            "good",
            ["correct", "reasonable", "unreasonable", "cant_say"],
        ),
        ("api-ratings", "history", "maybe", ["true", "false"]),
        ("api-answers", "state", "gone", ["proposed", "accepted", "merged", "rejected"]),
    ],
)
def test_a_bad_filter_is_refused_with_what_is_legal(
    world: "World", name: str, parameter: str, value: str, legal: list[str]
) -> None:
    refused = world.by_owner.get(world.url(name), {parameter: value})
    assert refused.status_code == 400
    assert refused["Content-Type"] == "application/problem+json"
    [error] = refused.json()["errors"]
    assert error["parameter"] == parameter
    assert error["legal"] == legal


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("juror", "7"),
        ("query", "not-an-id"),
        ("since", "yesterday"),
        ("since", "0001-01-01T00:00:00+14:00"),
        ("since", "9999-12-31T23:59:59-14:00"),
    ],
)
def test_an_unreadable_filter_is_refused(world: "World", parameter: str, value: str) -> None:
    refused = world.by_owner.get(world.url("api-ratings"), {parameter: value})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["parameter"] == parameter


@pytest.mark.parametrize("name", ["api-ratings", "api-windows", "api-steps"])
def test_an_unknown_parameter_is_refused_by_name(world: "World", name: str) -> None:
    refused = world.by_owner.get(world.url(name), {"jurer": "x"})
    assert refused.status_code == 400
    [error] = refused.json()["errors"]
    assert error["parameter"] == "jurer"
    assert "page_size" in error["legal"]


def test_a_thousand_ratings_are_a_quick_page(world: "World") -> None:
    """Target: under 100 ms. The limit here leaves room for a busy machine."""
    responses = list(world.study.queries.get(ordinal=0).responses.all())
    criterion = world.study.criteria.get(key="helpful")
    now = timezone.now()
    Rating.objects.bulk_create(
        Rating(
            juror=world.jurors()[number % 4],
            response=responses[number % 2],
            criterion=criterion,
            value=number % 5 + 1,
            is_current=False,
            created_at=now,
        )
        for number in range(3000)
    )
    client, url = world.by_owner, world.url("api-ratings")
    seconds = []
    for _ in range(5):
        started = time.process_time()
        rows = read(client, url, history="true", page_size="1000")
        seconds.append(time.process_time() - started)
    assert len(rows) == 1000
    assert min(seconds) < 0.2, seconds
