"""Personal links through the API: told once, mailed, revoked; and who opened hers."""

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from juries.models import AuditEntry, CandidateContact, Invitation, Run, Seat
from juries.services.invitations import InvitationRefused, open_invitation

if TYPE_CHECKING:
    from tests.api.conftest import World

PROBLEM = "application/problem+json"


def url(world: "World", name: str = "api-invitations", *args: object) -> str:
    return reverse(name, args=[world.jury.public_id, *args])


def seats(world: "World") -> list[str]:
    rows = world.jury.seats.order_by("number").values_list("public_id", flat=True)
    return [str(row) for row in rows]


def test_a_link_is_told_once_and_opens_the_seat(world: "World") -> None:
    client, two = world.by_manager, seats(world)[:2]
    made = client.post(url(world), {"seats": [*two, two[0]], "days": 7})
    assert made.status_code == 201, made.content
    assert made["Cache-Control"] == "no-store"
    rows = made.json()
    assert [(row["seat"], row["number"]) for row in rows] == [(two[0], 1), (two[1], 2)]
    token = rows[0]["link"].rstrip("/").rsplit("/", 1)[1]
    assert str(open_invitation(token=token, now=timezone.now()).public_id) == two[0]
    listed = client.get(url(world))
    assert token not in listed.content.decode()
    opened = listed.json()["results"][0]
    assert opened["first_opened_at"] is not None
    assert (opened["sent_at"], opened["revoked_at"]) == (None, None)
    assert not Invitation.objects.filter(token_hash=token).exists()
    entry = AuditEntry.objects.order_by("-id")[0]
    assert (entry.verb, entry.actor) == ("made personal links", world.manager)
    assert token not in str(entry.details)

    gone = client.post(url(world, "api-invitations-revoke"), {"seats": two})
    assert gone.json() == {"revoked": 2}
    with pytest.raises(InvitationRefused):
        open_invitation(token=token, now=timezone.now())
    [row] = client.get(url(world), {"seat": two[1]}).json()["results"]
    assert row["revoked_at"] is not None


def test_all_links_or_none(world: "World") -> None:
    client, known = world.by_manager, seats(world)
    for name in ("api-invitations", "api-invitations-mail", "api-invitations-revoke"):
        refused = client.post(url(world, name), {"seats": [known[0], str(uuid4())]})
        assert (refused.status_code, refused["Content-Type"]) == (400, PROBLEM)
        assert refused.json()["errors"][0]["pointer"] == "#/seats/1"
    Seat.objects.filter(public_id=known[1]).update(state="declined")
    refused = client.post(url(world), {"seats": known})
    assert (refused.status_code, refused["Content-Type"]) == (409, PROBLEM)
    assert "Seat 2 is" in refused.json()["detail"]
    wrong: tuple[dict[str, Any], ...] = (
        {},
        {"seats": []},
        {"seats": known[:1], "days": 0},
        {"seats": known[:1], "days": 367},
    )
    for body in wrong:
        assert client.post(url(world), body).status_code == 400
    assert not Invitation.objects.exists()


def test_links_are_mailed_in_a_run(world: "World", settings: LazySettings) -> None:
    client, one = world.by_manager, seats(world)[:1]
    settings.MAIL_CONFIGURED = False
    refused = client.post(url(world, "api-invitations-mail"), {"seats": one})
    assert refused.status_code == 409
    assert "mail server" in refused.json()["detail"]
    settings.MAIL_CONFIGURED = True
    person = world.jury.seats.get(number=1).juror.candidate
    CandidateContact.objects.create(
        candidate=person, pool=world.jury.pool, name="Ada", email="ada@example.org"
    )
    made = client.post(url(world, "api-invitations-mail"), {"seats": one, "days": 2})
    assert made.status_code == 202, made.content
    run = Run.objects.get(kind="juries.mail_invitations")
    assert made["Location"] == reverse("api-run", args=[run.public_id])
    assert run.parameters["hours"] == 48
    assert "ada@example.org" not in made.content.decode()


def test_a_seat_is_given_up_for_a_juror(world: "World") -> None:
    client, one = world.by_manager, seats(world)[0]
    done = client.post(url(world, "api-seat-decline", one))
    assert done.status_code == 200, done.content
    assert (done.json()["id"], done.json()["state"]) == (one, "declined")
    Seat.objects.filter(public_id=one).update(state="replaced")
    assert client.post(url(world, "api-seat-decline", one)).status_code == 409
    assert client.post(url(world, "api-seat-decline", uuid4())).status_code == 404


def test_links_are_for_those_who_manage_juries(world: "World") -> None:
    one = seats(world)[:1]
    for client, status in ((world.by_owner, 403), (APIClient(), 401)):
        for refused in (
            client.get(url(world)),
            client.post(url(world), {"seats": one}),
            client.post(url(world, "api-invitations-mail"), {"seats": one}),
            client.post(url(world, "api-invitations-revoke"), {"seats": one}),
            client.post(url(world, "api-seat-decline", one[0])),
        ):
            assert (refused.status_code, refused["Content-Type"]) == (status, PROBLEM)
    assert not Invitation.objects.exists()


def test_the_list_asks_as_often_for_three_links_as_for_one(world: "World") -> None:
    client, known, counts = world.by_manager, seats(world), []
    for named in (known[:1], known[1:3]):
        client.post(url(world), {"seats": named})
        with CaptureQueriesContext(connection) as captured:
            rows = client.get(url(world)).json()["results"]
        counts.append((len(rows), len(captured)))
    assert [rows for rows, _ in counts] == [1, 3]
    assert counts[0][1] == counts[1][1]
