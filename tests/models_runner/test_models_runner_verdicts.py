"""The jury builder: what its address asks for, what it shows, and what it refuses by name."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape
from rest_framework.test import APIClient

from annotations.models import Participation, Rating, Response, Study, StudyRole
from juries.domain.counterfactuals import counterfactual
from juries.domain.verdicts import JurySpecification, seat_kind, verdicts
from juries.models import Juror, Jury, Pool, Run, Seat, User
from juries.services.runs import perform_run
from models_runner.forms import seat_field
from models_runner.models import PredictedRating, RewardTraining
from models_runner.selectors import verdicts as selected
from models_runner.selectors.kept_files import VERDICTS_KIND
from models_runner.services.verdicts import perform_verdicts

WOMAN, MAN = seat_kind({"gender": "woman"}), seat_kind({"gender": "man"})
# Women like alpha, men like beta, each of the eight in her own measure.
SAID = {"alpha": (5, 2, 4, 1, 5, 2, 4, 3), "beta": (1, 5, 2, 4, 1, 5, 3, 4)}


@pytest.fixture
def eight(pool: Pool) -> Jury:
    jury = Jury.objects.create(pool=pool, name="Eight", size=8)
    for number, candidate in enumerate(pool.candidates.order_by("id"), start=1):
        juror = Juror.objects.create(jury=jury, candidate=candidate)
        Seat.objects.create(jury=jury, juror=juror, number=number, state=Seat.State.ACCEPTED)
    return jury


@pytest.fixture
def study(make_study: Callable[..., Study], eight: Jury) -> Study:
    made = make_study(jury=eight, queries=2)
    rate(made)
    return made


def rate(study: Study) -> None:
    assert study.jury is not None
    criterion = study.criteria.get(key="helpful")
    responses = list(Response.objects.filter(query__study=study).select_related("source"))
    for place, juror in enumerate(study.jury.jurors.order_by("id")):
        Participation.objects.create(study=study, juror=juror, ordinal=place, state="finished")
        Rating.objects.bulk_create(
            Rating(
                juror=juror, response=response, criterion=criterion,
                value=SAID[response.source.name][place], created_at=timezone.now(),
            )
            for response in responses
        )  # fmt: skip


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def asked(study: Study, women: int, men: int, **query: Any) -> dict[str, Any]:
    told = {"criterion": "helpful", "share": "said", "by": ["gender"], "threshold": "3"}
    return {**told, "changes": "3", **query, seat_field(WOMAN): women, seat_field(MAN): men}


def address(study: Study) -> str:
    return reverse("study-verdicts", args=[study.public_id])


def shown(client: Client, study: Study, query: dict[str, Any]) -> str:
    answer = client.get(address(study), query)
    assert answer.status_code == 200
    return answer.content.decode()


def rows(client: Client, study: Study, figure: str, query: dict[str, Any]) -> list[dict[str, Any]]:
    path = reverse("study-verdicts-download", args=[study.public_id, figure, "json"])
    told = json.loads(client.get(path, query).content)
    return [dict(zip(told["columns"], row, strict=True)) for row in told["rows"]]


TRAITS = [{"gender": ("woman", "man")[number % 2]} for number in range(8)]


# --- The numbers ------------------------------------------------------------------------------


def test_the_verdicts_are_those_of_the_domain(study: Study, researcher: User) -> None:
    client = client_of(researcher)
    query = asked(study, 3, 1)
    told = {row["source"]: row for row in rows(client, study, "responses", query)}
    jury = JurySpecification(((WOMAN, 3), (MAN, 1)))
    for source, said in SAID.items():
        found = verdicts(
            [[value] for value in said], traits=TRAITS, specification=jury, seed=0, threshold=3
        )
        row = told[source]
        assert row["median"] == pytest.approx(found.median[0])
        assert (row["low"], row["high"]) == pytest.approx((found.lower[0], found.upper[0]))
        assert row["chance to reach the threshold"] == pytest.approx(found.chance[0])
        assert row["predicted share"] == 0
    # Both queries were rated alike, so a source's juries say what they say of each response.
    by_source = {row["source"]: row for row in rows(client, study, "sources", query)}
    assert by_source["alpha"]["median"] == pytest.approx(told["alpha"]["median"])
    assert by_source["alpha"]["responses"] == 2


def test_what_turns_a_verdict(study: Study, researcher: User) -> None:
    client = client_of(researcher)
    response = Response.objects.filter(query__study=study, source__name="alpha").first()
    assert response is not None
    query = asked(study, 3, 1, response=response.public_id)
    found = counterfactual(
        SAID["alpha"],
        traits=TRAITS,
        specification=JurySpecification(((WOMAN, 3), (MAN, 1))),
        threshold=3,
        seed=0,
        most_changes=3,
    )
    assert found.changes == 2
    page = shown(client, study, query)
    assert "It turns by 2 changed seats" in page
    told = rows(client, study, "counterfactual", query)
    assert [row["expected"] for row in told] == [own.expected for own in found.alternatives]
    assert told[0]["seats lost"] == "2 × gender: woman"
    assert told[0]["seats gained"] == "2 × gender: man"
    none = shown(client, study, {**query, "changes": "1"})
    assert "No jury within one changed seat says otherwise." in none


def test_predictions_fill_the_gaps_where_a_model_may_be_used(
    study: Study, researcher: User
) -> None:
    client = client_of(researcher)
    refused = shown(client, study, asked(study, 1, 1, share="both"))
    assert "both is not one of the available choices" in refused
    assert "No reward model has learnt helpful yet" in refused
    silent = Juror.objects.order_by("id").first()
    assert silent is not None
    Rating.objects.filter(juror=silent).delete()
    run = Run.objects.create(kind="k", title="t", state=Run.State.SUCCEEDED)
    training = RewardTraining.objects.create(
        study=study, criterion=study.criteria.get(key="helpful"), run=run, method="independent",
        is_usable=True,
    )  # fmt: skip
    for response in Response.objects.filter(query__study=study):
        PredictedRating.objects.create(
            training=training, juror=silent, response=response,
            mean=4, standard_deviation=0.5, low=3, high=5,
        )  # fmt: skip
    told = rows(client, study, "responses", asked(study, 4, 0, share="both"))
    assert {row["predicted share"] for row in told} == {0.25}
    page = shown(client, study, asked(study, 4, 0, share="both"))
    assert "tag--predicted" in page
    # Without them only three women have rated.
    assert escape("first 'gender: woman'") in shown(client, study, asked(study, 4, 0))


# --- The address ------------------------------------------------------------------------------


def test_a_bare_address_proposes_a_jury_in_proportion(study: Study, researcher: User) -> None:
    page = client_of(researcher).get(address(study)).content.decode()
    assert re.findall(r'name="seat:gender=(\w+)" value="(\d+)"', page) == [
        ("man", "4"),
        ("woman", "4"),
    ]
    assert "100 juries of 8 seats from 8 jurors" in page


def test_the_address_of_a_part_shows_the_same_whole(study: Study, researcher: User) -> None:
    client = client_of(researcher)
    query = asked(study, 2, 1, by=["gender", "age"])
    part = client.get(address(study), query, headers={"HX-Target": "outcome"})
    text = part.content.decode()
    assert "<html" not in text
    assert "100 juries of 3 seats" in text
    again = client.get(address(study) + part["HX-Replace-Url"]).content.decode()
    assert "100 juries of 3 seats" in again
    # Rows of the newly ticked traits stand beside the seats that were asked for before.
    assert 'name="seat:age=under+40&amp;gender=woman" value="0"' in again
    assert 'name="seat:gender=woman" value="2"' in again


def test_one_query_alone(study: Study, researcher: User) -> None:
    told = rows(client_of(researcher), study, "responses", asked(study, 2, 2, query="2"))
    assert [row["query"] for row in told] == ["Question 1?"] * 2


def test_without_any_trait_seats_are_for_anyone(study: Study, researcher: User) -> None:
    query = {"criterion": "helpful", "share": "said", "threshold": "3", "changes": "1", "seat:": 3}
    page = shown(client_of(researcher), study, query)
    assert "anyone" in page
    assert "100 juries of 3 seats" in page


# --- Refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seat:gender=robot": 1}, "can take the seat 'gender: robot'; change what it requires"),
        ({"seat:gender=woman": 5}, "5 juror(s), 4 match"),
        ({"seat:gender=woman": "many"}, "'many' seats for 'gender: woman' is no number of seats"),
        ({"seat:gender=woman": "-1"}, "'-1' seats for 'gender: woman' is no number of seats"),
        ({"seat:gender": "1"}, "The seat 'gender' can't be read."),
        ({"seat:gender=woman": 61}, "has 62 seats; at most 60"),
        ({"seat:gender=woman": 0, "seat:gender=man": 0}, "A jury has one seat or more"),
        ({"threshold": "9"}, "9 is not on the scale, which runs from 1 to 5."),
        ({"changes": "99"}, "less than or equal to 6"),
        ({"criterion": "kind"}, "kind is not one of the available choices"),
        ({"by": ["shoe"]}, "shoe is not one of the available choices"),
        ({"query": "7"}, "7 is not one of the available choices"),
        ({"response": "7"}, "7 is not one of the available choices"),
    ],
)
def test_what_does_not_fit_is_named(
    study: Study, researcher: User, change: dict[str, Any], message: str
) -> None:
    page = shown(client_of(researcher), study, {**asked(study, 1, 1), **change})
    assert escape(message) in page


def test_what_was_written_stays_beside_the_error(study: Study, researcher: User) -> None:
    page = shown(client_of(researcher), study, asked(study, 2, 3) | {"seat:gender=man": "few"})
    assert 'name="seat:gender=man" value="few"' in page
    assert 'name="seat:gender=woman" value="2"' in page


def test_more_than_a_page_can_try_is_refused_with_a_way_out(
    study: Study, researcher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selected, "MOST_WORK", 40)
    client = client_of(researcher)
    assert "2 seats, 8 jurors and 4 responses are more than a page can try at once" in shown(
        client, study, asked(study, 1, 1)
    )
    assert "100 juries of 2 seats" in shown(client, study, asked(study, 1, 1, query="1"))


def test_what_is_too_much_for_a_page_is_found_in_a_run(
    study: Study,
    researcher: User,
    monkeypatch: pytest.MonkeyPatch,
    settings: LazySettings,
    tmp_path: Path,
) -> None:
    settings.ARTEFACTS_DIR = tmp_path
    settings.RUN_HEARTBEAT_SECONDS = 3600
    client, query = client_of(researcher), asked(study, 1, 1)
    expected = rows(client, study, "responses", query)
    sources = rows(client, study, "sources", query)
    monkeypatch.setattr(selected, "MOST_WORK", 40)
    page = shown(client, study, query)
    assert "Compute in the background" in page
    compute = reverse("study-verdicts-compute", args=[study.public_id])
    for _ in range(2):
        assert client.post(f"{compute}?{urlencode(query, doseq=True)}").status_code == 302
    [run] = Run.objects.filter(kind=VERDICTS_KIND)
    assert "It is being computed" in shown(client, study, query)
    perform_run(run_id=run.pk, work=perform_verdicts)
    run.refresh_from_db()
    assert run.state == "succeeded", run.error
    assert "more than a page" not in shown(client, study, query)
    assert rows(client, study, "responses", query) == expected
    assert rows(client, study, "sources", query) == sources
    Rating.objects.filter(pk=Rating.objects.order_by("id")[0].pk).delete()
    assert "Compute in the background" in shown(client, study, query), "the data have changed"


# --- Over REST ----------------------------------------------------------------------------------


def api(study: Study, user: User, tail: str = "", **body: Any) -> Any:
    client = APIClient()
    client.force_authenticate(user)
    path = reverse("api-verdicts", args=[study.public_id])
    return client.post(path + tail, {"criterion": "helpful", **body}, format="json")


def test_the_api_says_what_the_page_says(study: Study, researcher: User) -> None:
    page = rows(client_of(researcher), study, "responses", asked(study, 3, 1))
    seats = [
        {"traits": {"gender": "woman"}, "seats": 3},
        {"traits": {"gender": "man"}, "seats": 1},
    ]
    told = api(study, researcher, seats=seats).json()
    assert [row["median"] for row in told["responses"]] == [row["median"] for row in page]
    assert [row["chance"] for row in told["responses"]] == [
        row["chance to reach the threshold"] for row in page
    ]
    assert (told["juries"], told["threshold"], told["training"]) == (100, 3, None)
    picked = told["responses"][0]["response"]
    turned = api(study, researcher, seats=seats, response=picked).json()["turned"]
    assert set(turned) == {"changes", "alternatives"}
    usual = api(study, researcher, by="gender").json()
    assert sum(own["seats"] for own in usual["seats"]) == 8


def test_the_api_answers_with_a_run_where_it_takes_long(
    study: Study,
    researcher: User,
    monkeypatch: pytest.MonkeyPatch,
    settings: LazySettings,
    tmp_path: Path,
) -> None:
    settings.ARTEFACTS_DIR = tmp_path
    settings.RUN_HEARTBEAT_SECONDS = 3600
    expected = api(study, researcher).json()
    monkeypatch.setattr(selected, "MOST_WORK", 40)
    asked_for = api(study, researcher)
    assert asked_for.status_code == 202, asked_for.content
    run = Run.objects.get(kind=VERDICTS_KIND)
    assert asked_for["Location"] == reverse("api-run", args=[run.public_id])
    perform_run(run_id=run.pk, work=perform_verdicts)
    again = api(study, researcher, "?wait=1")
    assert again.status_code == 200
    assert again.json() == expected


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"criterion": "kind"}, 400, "no criterion 'kind'"),
        ({"criterion": "fair"}, 409, "nobody has rated it yet"),
        ({"threshold": 9}, 400, "9 is not on the scale"),
        ({"by": "shoe"}, 400, "no trait 'shoe'"),
        ({"share": "both"}, 409, "No reward model has learnt helpful"),
        ({"seats": [{"traits": {"gender": "cat"}, "seats": 1}]}, 400, "'gender: cat'"),
        ({"seats": [{"traits": {}, "seats": 1}] * 2}, 400, "stands twice"),
        ({"query": "00000000-0000-0000-0000-000000000000"}, 400, "no rated query"),
        ({"response": "00000000-0000-0000-0000-000000000000"}, 400, "no rated response"),
        ({"wish": 1}, 400, "no field 'wish'"),
    ],
)
def test_the_api_refuses_with_the_place(
    study: Study, researcher: User, body: dict[str, Any], status: int, message: str
) -> None:
    answer = api(study, researcher, **body)
    assert answer.status_code == status, answer.content
    assert message in answer.json()["detail"]


def test_nobody_has_rated(study: Study, researcher: User) -> None:
    page = shown(client_of(researcher), study, {"criterion": "fair"})
    assert "Fair: nobody has rated it yet." in page
    assert 'href="?criterion=helpful"' in page
    Rating.objects.all().delete()
    study.criteria.all().delete()
    assert "The study has no criterion yet" in shown(client_of(researcher), study, {})


# --- The page ---------------------------------------------------------------------------------


def test_three_people(study: Study, researcher: User, stranger: User) -> None:
    colleague = User.objects.create_user("colleague", password="a-long-password")
    StudyRole.objects.create(study=study, user=colleague, role="viewer")
    path = reverse("study-verdicts-download", args=[study.public_id, "sources", "csv"])
    for user, status in ((researcher, 200), (colleague, 200), (stranger, 404)):
        client = client_of(user)
        assert client.get(address(study)).status_code == status
        assert client.get(path).status_code == status
    assert Client().get(address(study)).status_code == 302


def test_downloads(study: Study, researcher: User) -> None:
    client = client_of(researcher)
    query = asked(study, 2, 1)

    def got(figure: str, form: str, **change: Any) -> Any:
        path = reverse("study-verdicts-download", args=[study.public_id, figure, form])
        return client.get(path, {**query, **change})

    assert got("sources", "svg").content.startswith(b"<svg")
    for figure in ("sources", "responses"):
        told = list(csv.reader(io.StringIO(got(figure, "csv").content.decode())))
        assert len({len(row) for row in told}) == 1
    assert got("counterfactual", "csv").status_code == 404
    assert got("responses", "svg").status_code == 404
    assert got("sources", "csv", threshold="9").status_code == 404
    assert got("sources", "csv", **{"seat:gender=robot": 1}).status_code == 404


def test_nothing_is_stored(study: Study, researcher: User) -> None:
    with CaptureQueriesContext(connection) as caught:
        shown(client_of(researcher), study, asked(study, 2, 1))
    written = [own["sql"] for own in caught if re.match(r"INSERT|UPDATE|DELETE", own["sql"])]
    assert all("django_session" in own or "last_login" in own for own in written)


def test_the_page_takes_as_many_queries_whatever_it_shows(
    make_study: Callable[..., Study], eight: Jury, researcher: User
) -> None:
    client = client_of(researcher)
    taken = []
    for queries in (1, 3):
        study = make_study(jury=eight, queries=queries)
        rate(study)
        client.get(address(study))
        with CaptureQueriesContext(connection) as caught:
            shown(client, study, asked(study, 2, 1))
        taken.append(len(caught))
    assert taken[0] == taken[1]
    assert taken[0] <= 20
