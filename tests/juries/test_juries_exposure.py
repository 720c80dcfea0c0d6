"""Who accepted a seat on another jury not long ago sits out.

Four candidates have accepted a seat on the fixture `jury`; `next_jury` is another one of the pool.
"""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from juries.models import Candidate, CandidateContact, Jury, Pool, Seat
from juries.selectors.draws import draw_inputs
from juries.selectors.exposure import first_moment, sitting_out


@pytest.fixture
def next_jury(pool: Pool) -> Jury:
    return Jury.objects.create(pool=pool, name="Panel", size=4)


def test_who_accepted_elsewhere_rests(jury: Jury, next_jury: Jury) -> None:
    assert sitting_out(jury=next_jury) == ()
    next_jury.rest_months = 6
    served = Candidate.objects.filter(jurors__jury=jury).order_by("public_id")
    resting = tuple(str(candidate.public_id) for candidate in served)
    assert sitting_out(jury=next_jury) == resting
    inputs = draw_inputs(jury=next_jury)
    assert inputs.must_not_sit == resting
    free = draw_inputs(jury=Jury.objects.get(pk=next_jury.pk))
    assert free.digest != inputs.digest
    Seat.objects.filter(number=1).update(state=Seat.State.DECLINED)
    assert len(sitting_out(jury=next_jury)) == 3
    # Her own jury doesn't make her rest.
    jury.rest_months = 6
    assert sitting_out(jury=jury) == ()


def test_not_for_ever(jury: Jury, next_jury: Jury) -> None:
    next_jury.rest_months = 6
    now = timezone.make_aware(datetime.fromisoformat("2030-08-31T15:00"))
    Seat.objects.filter(jury=jury).update(changed_at=first_moment(now=now, months=6))
    assert len(sitting_out(jury=next_jury, now=now)) == 4
    assert sitting_out(jury=next_jury, now=now + timedelta(days=1)) == ()


@pytest.mark.parametrize(
    ("months", "date"),
    [(1, "2030-04-30"), (3, "2030-02-28"), (5, "2029-12-31"), (27, "2028-02-29")],
)
def test_calendar_months(months: int, date: str) -> None:
    now = timezone.make_aware(datetime.fromisoformat("2030-05-31T23:30"))
    assert f"{first_moment(now=now, months=months):%Y-%m-%d %H:%M}" == f"{date} 00:00"


def test_the_same_address_in_another_pool(jury: Jury) -> None:
    other = Pool.objects.create(name="Other", slug="other")
    twin = other.candidates.create(external_id="twin")
    other.candidates.create(external_id="stranger")
    elsewhere = Jury.objects.create(pool=other, name="Elsewhere", size=1, rest_months=1)
    assert sitting_out(jury=elsewhere) == ()
    seated = Candidate.objects.filter(jurors__jury=jury)[0]
    for person in (seated, twin):
        CandidateContact.objects.create(
            candidate=person, pool=person.pool, email="a@example.org", email_key="k"
        )
    assert sitting_out(jury=elsewhere) == (str(twin.public_id),)


def test_the_quotas_page_counts_them(jury: Jury, next_jury: Jury, staff_client: Client) -> None:
    Jury.objects.filter(pk=next_jury.pk).update(rest_months=6)
    path = reverse("admin:juries_jury_quotas", args=[next_jury.pk])
    page = staff_client.get(path).content.decode()
    assert "4 of 8 candidates sit out" in page
    assert "No quotas" in page
