"""Personal links, and what a juror does with her seat."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings

from juries.models import (
    AuditEntry,
    Candidate,
    CandidateContact,
    Feature,
    FeatureValue,
    Invitation,
    Juror,
    Jury,
    Seat,
)
from juries.services import invitations
from juries.services.invitations import InvitationRefused, SeatNotOpen

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
WEEK = timedelta(days=7)

calls: list[tuple[Juror, bool]] = []


def remember_withdrawal(*, juror: Juror, erase_said: bool) -> None:
    """A hook of an upper floor."""
    calls.append((juror, erase_said))


def break_withdrawal(*, juror: Juror, erase_said: bool) -> None:
    """A hook that fails."""
    raise RuntimeError("the upper floor could not erase")


@pytest.fixture
def seat(jury: Jury) -> Seat:
    Seat.objects.update(state=Seat.State.DRAWN)
    return jury.seats.get(number=1)


def open_refused(token: str, now: datetime = NOW) -> InvitationRefused:
    with pytest.raises(InvitationRefused) as refusal:
        invitations.open_invitation(token=token, now=now)
    return refusal.value


class TestInvite:
    def test_opens_the_seat_and_notes_it(self, seat: Seat) -> None:
        [issued] = invitations.invite(seats=[seat], expires_in=WEEK, now=NOW)
        assert issued.link.endswith(f"/{issued.token}/")
        opened = invitations.open_invitation(token=issued.token, now=NOW)
        later = NOW + timedelta(hours=1)
        invitations.open_invitation(token=issued.token, now=later)
        assert opened == seat
        assert opened.state == Seat.State.INVITED
        row = Invitation.objects.get()
        assert (row.first_opened_at, row.last_opened_at) == (NOW, later)

    def test_the_secret_is_not_stored(self, seat: Seat) -> None:
        [issued] = invitations.invite(seats=[seat], expires_in=WEEK, now=NOW)
        stored = Invitation.objects.values().get()
        assert all(issued.token not in str(value) for value in stored.values())
        assert all(issued.token not in str(entry.details) for entry in AuditEntry.objects.all())

    def test_a_new_link_revokes_the_old_one(self, seat: Seat) -> None:
        [old] = invitations.invite(seats=[seat], expires_in=WEEK, now=NOW)
        [new] = invitations.invite(seats=[seat], expires_in=WEEK, now=NOW)
        assert open_refused(old.token).reason_code == "revoked"
        assert invitations.open_invitation(token=new.token, now=NOW) == seat

    def test_one_seat_that_is_not_held_stops_all(self, seat: Seat, jury: Jury) -> None:
        gone = jury.seats.get(number=2)
        invitations.decline_seat(seat=gone)
        with pytest.raises(SeatNotOpen, match="Seat 2 is declined"):
            invitations.invite(seats=[seat, gone], expires_in=WEEK, now=NOW)
        assert not Invitation.objects.exists()
        seat.refresh_from_db()
        assert seat.state == Seat.State.DRAWN

    def test_refuses_links_that_expire_at_once(self, seat: Seat) -> None:
        with pytest.raises(SeatNotOpen, match="expire at once"):
            invitations.invite(seats=[seat], expires_in=timedelta(0), now=NOW)


class TestRefusals:
    def test_unknown(self, seat: Seat) -> None:
        invitations.invite(seats=[seat], expires_in=WEEK, now=NOW)
        refusal = open_refused("forged")
        assert (refusal.reason_code, refusal.seat) == ("unknown", None)

    def test_expired(self, seat: Seat) -> None:
        [issued] = invitations.invite(seats=[seat], expires_in=WEEK, now=NOW)
        refusal = open_refused(issued.token, NOW + WEEK)
        assert refusal.reason_code == "expired"
        assert "08 May 2026" in refusal.message

    def test_revoked(self, seat: Seat) -> None:
        [issued] = invitations.invite(seats=[seat], expires_in=WEEK, now=NOW)
        assert invitations.revoke_invitations(seat=seat, now=NOW) == 1
        assert invitations.revoke_invitations(seat=seat, now=NOW) == 0
        assert open_refused(issued.token).reason_code == "revoked"

    @pytest.mark.parametrize(
        ("state", "code"),
        [
            (Seat.State.DECLINED, "given_up"),
            (Seat.State.WITHDRAWN, "withdrawn"),
            (Seat.State.REPLACED, "replaced"),
        ],
    )
    def test_seat_not_held(self, seat: Seat, state: str, code: str) -> None:
        [issued] = invitations.invite(seats=[seat], expires_in=WEEK, now=NOW)
        Seat.objects.filter(pk=seat.pk).update(state=state)
        refusal = open_refused(issued.token)
        assert (refusal.reason_code, refusal.seat) == (code, seat)


class TestSeat:
    def test_accept_twice_is_once(self, seat: Seat) -> None:
        assert invitations.accept_seat(seat=seat).state == Seat.State.ACCEPTED
        assert invitations.accept_seat(seat=seat).state == Seat.State.ACCEPTED
        assert AuditEntry.objects.filter(verb="accepted").count() == 1

    def test_a_seat_given_up_is_not_taken_again(self, seat: Seat) -> None:
        invitations.decline_seat(seat=seat)
        assert invitations.decline_seat(seat=seat).state == Seat.State.DECLINED
        with pytest.raises(SeatNotOpen, match="Seat 1 is declined"):
            invitations.accept_seat(seat=seat)

    def test_a_withdrawn_seat_is_not_declined(self, seat: Seat) -> None:
        Seat.objects.filter(pk=seat.pk).update(state=Seat.State.WITHDRAWN)
        with pytest.raises(SeatNotOpen, match="withdrawn"):
            invitations.decline_seat(seat=seat)


class TestWithdraw:
    @pytest.fixture(autouse=True)
    def hook(self, settings: LazySettings) -> None:
        calls.clear()
        settings.WITHDRAWAL_HOOKS = [f"{__name__}.remember_withdrawal"]

    @pytest.fixture
    def person(self, seat: Seat) -> Candidate:
        person = seat.juror.candidate
        Candidate.objects.filter(pk=person.pk).update(household="12 Mill Lane")
        CandidateContact.objects.create(
            candidate=person, pool=person.pool, name="Ada", email="ada@example.org", email_key="k"
        )
        return person

    def test_erases_the_person_and_keeps_what_she_said(self, seat: Seat, person: Candidate) -> None:
        invitations.withdraw_juror(juror=seat.juror, erase_said=False)
        person.refresh_from_db()
        seat.refresh_from_db()
        assert not CandidateContact.objects.exists()
        assert person.external_id.startswith("withdrawn-")
        assert (person.household, person.state) == ("", Candidate.State.WITHDRAWN)
        assert person.traits.count() == 2
        assert seat.state == Seat.State.WITHDRAWN
        assert Juror.objects.get(pk=seat.juror_id).erased_at is None
        assert calls == [(seat.juror, False)]
        assert "p0" not in "".join(map(str, AuditEntry.objects.all()))

    def test_erases_traits_too_if_she_asks_even_later(self, seat: Seat, person: Candidate) -> None:
        invitations.withdraw_juror(juror=seat.juror, erase_said=False)
        person.refresh_from_db()
        name = person.external_id
        invitations.withdraw_juror(juror=seat.juror, erase_said=True)
        person.refresh_from_db()
        assert person.external_id == name
        assert not person.traits.exists()
        assert Juror.objects.get(pk=seat.juror_id).erased_at is not None
        assert calls == [(seat.juror, False), (seat.juror, True)]

    def test_leaves_every_jury_of_the_pool(self, seat: Seat, person: Candidate) -> None:
        other = Jury.objects.create(pool=person.pool, name="Second", size=1)
        juror = Juror.objects.create(jury=other, candidate=person)
        second = Seat.objects.create(jury=other, juror=juror, number=1)
        invitations.withdraw_juror(juror=seat.juror, erase_said=False)
        second.refresh_from_db()
        assert second.state == Seat.State.WITHDRAWN
        assert {call[0] for call in calls} == {seat.juror, juror}

    def test_nothing_is_erased_when_an_upper_floor_fails(
        self, seat: Seat, person: Candidate, settings: LazySettings
    ) -> None:
        settings.WITHDRAWAL_HOOKS = [f"{__name__}.break_withdrawal"]
        with pytest.raises(RuntimeError, match="could not erase"):
            invitations.withdraw_juror(juror=seat.juror, erase_said=True)
        seat.refresh_from_db()
        assert CandidateContact.objects.filter(candidate=person).exists()
        assert person.traits.count() == 2
        assert seat.state == Seat.State.DRAWN

    def test_others_keep_their_traits(self, seat: Seat, person: Candidate) -> None:
        invitations.withdraw_juror(juror=seat.juror, erase_said=True)
        assert Feature.objects.count() == 2
        assert FeatureValue.objects.filter(traits__candidate__external_id="p1").count() == 2
