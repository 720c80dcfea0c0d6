"""The juror's pages over HTTP: the way, three people, bad addresses, retries, query counts."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from annotations.models import Assignment, Opinion, Participation, Rating, Study, Submission
from juries.models import Jury, Seat
from juries.services.invitations import invite, revoke_invitations

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("four_steps")]

MakeStudy = Callable[..., Study]
JSON = {"Accept": "application/json"}


def link_to(jury: Jury, number: int) -> str:
    seat = jury.seats.order_by("number")[number]
    (issued,) = invite(seats=[seat], expires_in=timedelta(days=7), now=timezone.now())
    return f"/j/{issued.token}/"


def opened(jury: Jury, number: int = 0) -> Client:
    client = Client()
    response = client.get(link_to(jury, number))
    assert response["Location"] == "/work/"
    return client


def working(jury: Jury, study: Study, number: int = 0) -> tuple[Client, str]:
    """A browser in which a juror has agreed, and the address of her first page."""
    client = opened(jury, number)
    way = client.get("/work/")["Location"]
    client.post(f"{way}consent/", {"decision": "agree", "version": study.consent_version})
    if study.instructions:
        client.post(f"{way}instructions/")
    return client, client.get(way)["Location"]


def field(response: Any, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', response.content.decode())
    assert found is not None
    return found[1]


def own_address(response: Any) -> str:
    """The address of the page that a response shows."""
    found = re.search(r'data-url="([^"]+)"', response.content.decode())
    assert found is not None
    return found[1]


BOTH = {"rating_helpful": "4", "rating_fair": "2"}


def test_from_the_link_to_the_thanks(jury: Jury, make_study: MakeStudy) -> None:
    study = make_study(
        jury=jury,
        queries=2,
        steps=("opinion", "choice", "rating", "preference"),
        instructions="Take **your** time.",
        debrief="To see where people differ.",
        completion_code="BENCH-7",
    )
    study.profile_questions.create(key="trust", text="Do you trust it?", options=["yes", "no"])
    client = opened(jury)
    page = client.get("/work/", follow=True)
    assert page.redirect_chain[-1][0].endswith("/consent/")
    assert "Please agree." in page.content.decode()
    page = client.post(
        page.request["PATH_INFO"], {"decision": "agree", "version": "1"}, follow=True
    )
    assert page.redirect_chain[-1][0].endswith("/questions/")
    refused = client.post(page.request["PATH_INFO"], {"trust": "perhaps"})
    assert refused.status_code == 422
    page = client.post(page.request["PATH_INFO"], {"trust": "no"}, follow=True)
    assert page.redirect_chain[-1][0].endswith("/instructions/")
    assert "<strong>your</strong>" in page.content.decode()
    page = client.post(page.request["PATH_INFO"], follow=True)
    answers = {
        "opinion": {"text": "I think so."},
        "choice": {"option": "yes"},
        "rating": BOTH,
        "preference": {"verdict": "tie"},
    }
    shown = []
    for _ in range(10):
        url = own_address(page)
        kind = url.split("/")[4]
        shown.append((page.content.decode().split("steps__count")[1][2:8], kind))
        page = client.post(
            url, {**answers[kind], "client_id": field(page, "client_id")}, follow=True
        )
    assert [kind for _, kind in shown[:5]] == [
        "opinion",
        "choice",
        "rating",
        "rating",
        "preference",
    ]
    assert [count for count, _ in shown] == ["1 of 2"] * 5 + ["2 of 2"] * 5
    text = page.content.decode()
    to_answers = re.search(r'href="([^"]+at=end)"', text)
    assert to_answers is not None
    assert "BENCH-7" in text
    assert "To see where people differ." in text
    assert Submission.objects.count() == 10
    assert Participation.objects.get().state == Participation.State.FINISHED
    # The link brings her back to the thanks, and from there to her answers.
    assert client.get("/work/", follow=True).content.decode() == text
    assert "Saved; you can change it" in client.get(to_answers[1]).content.decode()


def test_a_refusal_is_taken_and_can_be_thought_over(jury: Jury, make_study: MakeStudy) -> None:
    make_study(jury=jury)
    client = opened(jury)
    way = client.get("/work/")["Location"]
    page = client.post(f"{way}consent/", {"decision": "decline", "version": "1"}, follow=True)
    assert "You did not agree" in page.content.decode()
    page = client.get(way, follow=True)
    assert page.request["PATH_INFO"] == f"{way}refused/"
    page = client.post(f"{way}consent/", {"decision": "agree", "version": "1"}, follow=True)
    assert "data-work" in page.content.decode()


def test_a_text_that_changed_meanwhile_is_shown_again(jury: Jury, make_study: MakeStudy) -> None:
    make_study(jury=jury)
    client = opened(jury)
    way = client.get("/work/")["Location"]
    Study.objects.update(consent_version="2", consent_text="Another text.")
    page = client.post(f"{way}consent/", {"decision": "agree", "version": "1"})
    assert "Another text." in page.content.decode()
    assert Participation.objects.get().consented_at is None


def test_several_studies_are_a_choice_and_none_is_said_so(
    jury: Jury, make_study: MakeStudy
) -> None:
    client = opened(jury)
    assert "nothing to do yet" in client.get("/work/").content.decode()
    first, second = make_study(jury=jury), make_study(jury=jury)
    make_study(jury=jury)
    Study.objects.exclude(pk__in=(first.pk, second.pk)).update(state=Study.State.DRAFT)
    page = client.get("/work/").content.decode()
    assert str(first.public_id) in page
    assert page.count("/work/join/") == 2
    response = client.post(reverse("juror-join", args=[second.public_id]))
    assert response["Location"] == f"/work/{Participation.objects.get(study=second).public_id}/"
    assert client.post(reverse("juror-join", args=[uuid4()])).status_code == 404


# --- Three people ---------------------------------------------------------------------------------


def test_everything_is_reached_through_her_own_seat(jury: Jury, make_study: MakeStudy) -> None:
    study = make_study(jury=jury, instructions="Read.")
    owner, url = working(jury, study, 0)
    mate, _ = working(jury, study, 1)
    stranger = Client()
    way = "/".join(url.split("/")[:3]) + "/"
    addresses = [url, way, *(f"{way}{name}/" for name in ("consent", "questions", "thanks"))]
    addresses += [f"{way}instructions/", f"{way}1/"]
    for address in addresses:
        assert owner.get(address).status_code in (200, 302)
        assert mate.get(address).status_code == 404
        assert stranger.get(address).status_code == 404
    for person in (mate, stranger):
        for address in (url, f"{way}1/lease/", f"{way}1/ahead/", f"{way}instructions/"):
            assert person.post(address, BOTH).status_code == 404
    assert stranger.get("/work/").status_code == 404
    assert stranger.get("/work/leave/").status_code == 404
    assert not Rating.objects.exists()


def test_forged_pages_and_other_studies_ids_do_not_exist(jury: Jury, make_study: MakeStudy) -> None:
    study, other = make_study(jury=jury, steps=("rating", "preference")), make_study(jury=jury)
    client = opened(jury)
    client.post(reverse("juror-join", args=[study.public_id]))
    way = f"/work/{Participation.objects.get().public_id}/"
    client.post(f"{way}consent/", {"decision": "agree", "version": "1"})
    url = client.get(way)["Location"]
    base, _, _ = url.partition("rating/")
    query = other.queries.first()
    assert query is not None
    foreign = query.responses.first()
    assert foreign is not None
    for address in (
        f"{base}rating/{foreign.public_id}/",
        f"{base}rating/{uuid4()}/",
        f"{base}rating/",
        f"{base}opinion/",
        f"{base}nothing/",
        f"{base}preference/{foreign.public_id}_{foreign.public_id}/",
        f"{way}99/rating/{foreign.public_id}/",
        f"{way}0/",
    ):
        assert client.get(address).status_code == 404
        assert client.post(address, BOTH).status_code in (404, 405)
    assert not Submission.objects.exists()


def test_links_that_cannot_be_used_say_why(jury: Jury, make_study: MakeStudy) -> None:
    make_study(jury=jury)
    seat = jury.seats.order_by("number")[0]
    first, second = link_to(jury, 0), link_to(jury, 0)
    page = Client().get(first)
    assert page.status_code == 410
    assert "newer link" in page.content.decode()
    seat.invitations.update(expires_at=timezone.now() - timedelta(minutes=1))
    page = Client().get(second)
    assert page.status_code == 410
    assert "has expired" in page.content.decode()
    assert Client().get("/j/guess/").status_code == 404
    client = opened(jury)
    revoke_invitations(seat=seat, now=timezone.now())
    assert client.get("/work/").status_code == 302
    Seat.objects.filter(pk=seat.pk).update(state=Seat.State.REPLACED)
    assert client.get("/work/").status_code == 404


def test_a_second_juror_in_the_same_browser_takes_over(jury: Jury, make_study: MakeStudy) -> None:
    study = make_study(jury=jury)
    client, url = working(jury, study, 0)
    client.get(link_to(jury, 1))
    assert client.get(url).status_code == 404


# --- Sending --------------------------------------------------------------------------------------


def test_a_problem_is_shown_beside_the_field_and_nothing_is_lost(
    jury: Jury, make_study: MakeStudy
) -> None:
    client, url = working(jury, make_study(jury=jury))
    page = client.post(url, {"rating_helpful": "4", "rating_fair": "9"})
    text = page.content.decode()
    assert page.status_code == 422
    assert 'href="#field-rating_fair"' in text
    assert "9 is not on the scale from 1 to 5" in text
    assert re.search(r'name="rating_helpful" value="4" checked', text)
    problem = client.post(url, {"rating_helpful": "4"}, headers=JSON)
    assert problem.status_code == 422
    assert problem.json()["errors"] == {"rating_fair": "Fair: please answer this question."}
    assert not Rating.objects.exists()


def test_double_clicks_retries_and_two_tabs(jury: Jury, make_study: MakeStudy) -> None:
    client, url = working(jury, make_study(jury=jury))
    data = {**BOTH, "client_id": str(uuid4()), "active_ms": "1500", "idle_ms": "-3"}
    answers = [client.post(url, data, headers=JSON).json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["saved"] is True
    assert Submission.objects.get().active_ms == 1500
    assert client.post(url, data).status_code == 303
    other = {"rating_helpful": "1", "rating_fair": "2", "client_id": str(uuid4())}
    assert client.post(url, other).status_code == 303
    assert Submission.objects.count() == 2
    current = Rating.objects.filter(is_current=True).values_list("criterion__key", "value")
    assert dict(current) == {"helpful": 1, "fair": 2}
    assert re.search(r'name="rating_helpful" value="1" checked', client.get(url).content.decode())


def test_back_reaches_every_page_before(jury: Jury, make_study: MakeStudy) -> None:
    client, url = working(jury, make_study(jury=jury, queries=2, sources=("alpha", "beta")))
    visited = [url]
    for _ in range(3):
        visited.append(own_address(client.get(client.post(visited[-1], BOTH)["Location"])))
    url = visited[-1]
    for before in reversed(visited[:-1]):
        page = client.get(url).content.decode()
        back = re.search(r'href="([^"]+)" data-back', page)
        assert back is not None
        url = back[1]
        assert f'data-url="{before}"' in client.get(url).content.decode()
    assert "data-back" not in client.get(url).content.decode()


def test_lease_and_the_next_query_ahead(jury: Jury, make_study: MakeStudy) -> None:
    client, url = working(jury, make_study(jury=jury, queries=5))
    base = "/".join(url.split("/")[:4]) + "/"
    held = Assignment.objects.get()
    Assignment.objects.update(lease_expires_at=timezone.now() - timedelta(minutes=1))
    assert client.post(f"{base}lease/").json() == {"held": True}
    held.refresh_from_db()
    assert held.lease_expires_at > timezone.now()
    ahead = client.post(f"{base}ahead/").json()["url"]
    assert client.post(f"{base}ahead/").json()["url"] == ahead
    assert client.get(ahead).status_code == 200
    assert client.get(f"{base}lease/").status_code == 405


def test_a_closed_study_says_so_and_keeps_what_still_comes(
    jury: Jury, make_study: MakeStudy
) -> None:
    client, url = working(jury, make_study(jury=jury))
    Study.objects.update(state=Study.State.CLOSED)
    page = client.get(url, follow=True)
    assert page.status_code == 410
    assert "has closed" in page.content.decode()
    page = client.post(url, BOTH, follow=True)
    assert Submission.objects.get().is_late
    assert "has closed" in client.get("/work/", follow=True).content.decode()


def test_no_script_or_style_in_the_pages(jury: Jury, make_study: MakeStudy) -> None:
    study = make_study(jury=jury)
    Study.objects.update(consent_text="<script>alert(1)</script> ![x](https://e.org/x.png)")
    study.queries.update(text="<b>bold?</b>")
    client, url = working(jury, study)
    way = "/".join(url.split("/")[:3]) + "/"
    for address in (url, f"{way}consent/", f"{way}instructions/", "/work/leave/"):
        text = client.get(address).content.decode()
        assert not re.search(
            r"<script(?![^>]* src=)|<style| style=| on[a-z]+=\"|<img|<b>bold", text
        )


# --- Leaving --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "state", "ratings"),
    [("seat", "declined", 2), ("person", "withdrawn", 2), ("everything", "withdrawn", 0)],
)
def test_she_can_leave_and_erase(
    jury: Jury, make_study: MakeStudy, how: str, state: str, ratings: int
) -> None:
    link = link_to(jury, 0)
    client = Client()
    client.get(link)
    study = make_study(jury=jury)
    way = client.get("/work/")["Location"]
    client.post(f"{way}consent/", {"decision": "agree", "version": study.consent_version})
    url = client.get(way)["Location"]
    client.post(url, BOTH)
    assert client.post("/work/leave/").status_code == 422
    page = client.post("/work/leave/", {"how": how})
    assert "You have left" in page.content.decode()
    assert jury.seats.order_by("number", "id")[0].state == state
    assert Rating.objects.count() == ratings
    assert client.get(url).status_code == 404
    # Her link still lets her have the rest erased.
    page = client.get(link)
    assert page.status_code == 410
    if how == "everything":
        assert "has been deleted" in page.content.decode()
    else:
        client.post(link)
        assert not Rating.objects.exists()


# --- Queries --------------------------------------------------------------------------------------


def statements(captured: CaptureQueriesContext) -> int:
    """What was asked of the database, without the savepoints around it."""
    return sum("SAVEPOINT" not in query["sql"] for query in captured)


@pytest.mark.parametrize("responses", [1, 3])
@pytest.mark.parametrize("count", [1, 40])
def test_a_page_costs_the_same_however_much_there_is(
    jury: Jury, make_study: MakeStudy, responses: int, count: int
) -> None:
    sources = tuple(f"s{n}" for n in range(responses))
    client, url = working(jury, make_study(jury=jury, queries=count, sources=sources))
    with CaptureQueriesContext(connection) as shown:
        client.get(url)
    data = {**BOTH, "client_id": str(uuid4())}
    with CaptureQueriesContext(connection) as taken:
        client.post(url, data)
    assert statements(shown) <= 6
    assert statements(taken) <= 20


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_of_studies_costs_the_same(jury: Jury, make_study: MakeStudy, count: int) -> None:
    for _ in range(count + 1):
        make_study(jury=jury)
    client = opened(jury)
    with CaptureQueriesContext(connection) as asked:
        assert client.get("/work/").status_code == 200
    assert len(asked) == 4


def test_an_opinion_keeps_its_line_breaks(jury: Jury, make_study: MakeStudy) -> None:
    client, url = working(jury, make_study(jury=jury, steps=("opinion",)))
    client.post(url, {"text": "One.\r\n\r\nTwo & <three>."})
    assert Opinion.objects.get().text == "One.\n\nTwo & <three>."
    assert "One.\n\nTwo &amp; &lt;three&gt;." in client.get(url).content.decode()
