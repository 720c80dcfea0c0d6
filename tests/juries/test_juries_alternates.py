"""Alternates drawn in advance, and vacant seats that they fill."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from juries import tasks
from juries.domain.dropout import DropoutRates
from juries.models import Candidate, Draw, FeatureValue, Jury, Pool, Run, Seat
from juries.selectors.alternates import alternates_of, estimated_rates, ready_alternates
from juries.selectors.vacancies import outlook_of, vacancies_of
from juries.services import alternates, draws, invitations, quotas, replacements
from juries.services.alternates import AlternatesRefused, Wanted
from juries.services.quotas import WantedQuota
from juries.services.runs import perform_run

WANTED = Wanted(rates=DropoutRates(0.2, {}), level=0.8)


@pytest.fixture(autouse=True)
def do_not_send(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_send", lambda *, run_id, kind: None)


@pytest.fixture
def drawn_jury(pool: Pool) -> Jury:
    """Four seats in a pool of sixteen, two women and two men, drawn."""
    for person in list(pool.candidates.all()):
        twin = pool.candidates.create(external_id=f"{person.external_id}-twin")
        for trait in person.traits.all():
            twin.traits.create(feature=trait.feature, feature_value=trait.feature_value)
    jury = Jury.objects.create(pool=pool, name="Panel", size=4)
    women, men = (
        FeatureValue.objects.get(feature__pool=pool, value=value) for value in ("woman", "man")
    )
    quotas.set_quotas(
        jury=jury, quotas=[WantedQuota((women.pk,), 2, 2), WantedQuota((men.pk,), 2, 2)]
    )
    done(draws.request_draw(jury=jury, seed="s"), draws.perform_draw)
    return jury


def done(run: Run, work: Callable[..., object]) -> Run:
    perform_run(run_id=run.pk, work=work)  # type: ignore[arg-type]  # any service
    run.refresh_from_db()
    return run


def with_alternates(jury: Jury, number: int = 4, seed: str = "a") -> Draw:
    run = alternates.request_alternates(jury=jury, wanted=WANTED, number=number, seed=seed)
    assert done(run, alternates.perform_alternates).state == Run.State.SUCCEEDED, run.error
    return Draw.objects.get(purpose=Draw.Purpose.ALTERNATES, run=run)


def gender(candidate: Candidate) -> str:
    return candidate.traits.get(feature__name="gender").feature_value.value


class TestDraw:
    def test_alternates_are_drawn_by_trait_with_everyones_chance(self, drawn_jury: Jury) -> None:
        plan = alternates.plan_for(jury=drawn_jury, wanted=WANTED)
        women = next(demand for demand in plan.demands if demand.label == "gender: woman")
        draw = with_alternates(drawn_jury, plan.number)
        found = alternates_of(jury=drawn_jury)
        assert found is not None
        assert found.ready == len(found.people) == plan.number
        chosen = [gender(row.candidate) for row in found.people]
        assert chosen.count("woman") >= women.wanted >= 1
        seated = set(drawn_jury.jurors.values_list("candidate_id", flat=True))
        assert not seated & {row.candidate.pk for row in found.people}
        assert draw.chances.count() == 12
        assert sum(draw.chances.values_list("probability", flat=True)) == pytest.approx(plan.number)
        coverage = draw.record["coverage"]
        assert coverage["trials"] == 500
        assert coverage["low"] <= coverage["met"] / 500 <= coverage["high"]
        assert coverage["high"] >= WANTED.level

    def test_the_same_seed_gives_the_same_record(self, drawn_jury: Jury) -> None:
        first, second = with_alternates(drawn_jury), with_alternates(drawn_jury)
        assert first.record_digest == second.record_digest
        found = alternates_of(jury=drawn_jury)
        assert found is not None
        assert found.draw == second

    def test_a_new_draw_of_the_jury_ends_them(self, drawn_jury: Jury) -> None:
        with_alternates(drawn_jury)
        done(draws.request_draw(jury=drawn_jury, seed="again"), draws.perform_draw)
        assert alternates_of(jury=drawn_jury) is None
        assert ready_alternates(jury=drawn_jury) == ()

    def test_refusals(self, drawn_jury: Jury) -> None:
        with pytest.raises(AlternatesRefused, match="12 candidates could be one"):
            alternates.request_alternates(jury=drawn_jury, wanted=WANTED, number=13)
        empty = Jury.objects.create(pool=drawn_jury.pool, name="Empty", size=2)
        with pytest.raises(AlternatesRefused, match="Nobody sits"):
            alternates.request_alternates(jury=empty, wanted=WANTED, number=1)
        with pytest.raises(AlternatesRefused, match="Nobody sits"):
            alternates.plan_for(jury=empty, wanted=WANTED)
        alternates.request_alternates(jury=drawn_jury, wanted=WANTED, number=2)
        with pytest.raises(AlternatesRefused, match="still going on"):
            alternates.request_alternates(jury=drawn_jury, wanted=WANTED, number=2)
        with pytest.raises(replacements.ReplacementRefused):
            replacements.request_replacement(jury=drawn_jury)

    def test_what_changed_meanwhile_stops_it(self, drawn_jury: Jury) -> None:
        run = alternates.request_alternates(jury=drawn_jury, wanted=WANTED, number=2)
        invitations.decline_seat(seat=drawn_jury.seats.get(number=1))
        run = done(run, alternates.perform_alternates)
        assert run.state == Run.State.FAILED
        assert "have changed since" in run.error
        assert not Draw.objects.filter(purpose=Draw.Purpose.ALTERNATES).exists()

    def test_without_a_number_it_takes_as_many_as_are_enough(self, drawn_jury: Jury) -> None:
        run = alternates.request_alternates(jury=drawn_jury, wanted=WANTED, seed="a")
        run = done(run, alternates.perform_alternates)
        assert run.state == Run.State.SUCCEEDED, run.error
        plan = alternates.plan_for(jury=drawn_jury, wanted=WANTED)
        assert run.result["alternates"] >= plan.number
        assert "by trying sets out" in run.log


class TestReplacement:
    def test_alternates_come_first(self, drawn_jury: Jury) -> None:
        with_alternates(drawn_jury)
        ready = ready_alternates(jury=drawn_jury)
        seat = drawn_jury.seats.get(number=1)
        invitations.decline_seat(seat=seat)
        run = replacements.request_replacement(jury=drawn_jury, seed="r")
        run = done(run, replacements.perform_replacement)
        assert run.state == Run.State.SUCCEEDED, run.error
        assert "alternates can fill 1 of 1" in run.log
        seat.refresh_from_db()
        new = seat.replaced_by.juror.candidate
        assert str(new.public_id) in ready
        assert gender(new) == gender(seat.juror.candidate)
        draw = Draw.objects.get(purpose=Draw.Purpose.REPLACEMENT)
        assert draw.record["from_alternates"] == 1
        above = draw.chances.filter(probability__gt=0).values_list(
            "candidate__public_id", flat=True
        )
        assert {str(who) for who in above} <= set(ready)
        assert len(ready_alternates(jury=drawn_jury)) == len(ready) - 1
        found = alternates_of(jury=drawn_jury)
        assert found is not None
        assert [row.state for row in found.people].count("seated") == 1

    def test_the_pool_comes_after_them(self, drawn_jury: Jury) -> None:
        with_alternates(drawn_jury)
        ready = ready_alternates(jury=drawn_jury)
        Candidate.objects.filter(public_id__in=ready[1:]).update(state=Candidate.State.WITHDRAWN)
        (only,) = ready_alternates(jury=drawn_jury)
        kind = gender(Candidate.objects.get(public_id=only))
        for seat in drawn_jury.seats.all():
            if gender(seat.juror.candidate) == kind:
                invitations.decline_seat(seat=seat)
        run = done(
            replacements.request_replacement(jury=drawn_jury, seed="r"),
            replacements.perform_replacement,
        )
        assert run.state == Run.State.SUCCEEDED, run.error
        new = Seat.objects.filter(jury=drawn_jury, replaces__isnull=False)
        assert new.count() == 2
        assert only in {str(seat.juror.candidate.public_id) for seat in new}

    def test_those_who_rest_are_not_asked(self, drawn_jury: Jury, pool: Pool) -> None:
        Jury.objects.filter(pk=drawn_jury.pk).update(rest_months=1)
        drawn_jury.refresh_from_db()
        seat = drawn_jury.seats.get(number=1)
        invitations.decline_seat(seat=seat)
        left = pool.candidates.exclude(jurors__jury=drawn_jury)
        other = Jury.objects.create(pool=pool, name="Other", size=5)
        same = [person for person in left if gender(person) == gender(seat.juror.candidate)]
        for number, person in enumerate(same[:-1], start=1):
            juror = other.jurors.create(candidate=person)
            Seat.objects.create(jury=other, juror=juror, number=number, state=Seat.State.ACCEPTED)
        run = done(
            replacements.request_replacement(jury=drawn_jury, seed="r"),
            replacements.perform_replacement,
        )
        assert run.state == Run.State.SUCCEEDED, run.error
        seat.refresh_from_db()
        assert seat.replaced_by.juror.candidate == same[-1]


class TestEstimate:
    def test_from_seats_that_ended(self, drawn_jury: Jury) -> None:
        assert estimated_rates(pool=drawn_jury.pool) is None
        states = (Seat.State.ACCEPTED, Seat.State.ACCEPTED, Seat.State.DECLINED)
        for seat, state in zip(drawn_jury.seats.all(), states, strict=False):
            Seat.objects.filter(pk=seat.pk).update(state=state)
        seen = estimated_rates(pool=drawn_jury.pool)
        assert seen is not None
        assert (seen.seats, seen.given_up) == (3, 1)


class TestPage:
    def test_vacant_seats_say_what_they_ask_for(
        self, drawn_jury: Jury, staff_client: Client
    ) -> None:
        path = reverse("admin:juries_jury_seats", args=[drawn_jury.pk])
        assert "1 vacant seat" not in staff_client.get(path).content.decode()
        seat = drawn_jury.seats.get(number=1)
        invitations.decline_seat(seat=seat)
        page = staff_client.get(path).content.decode()
        assert "1 vacant seat" in page
        assert "exactly 1" in page
        assert "Proven: those who are left can fill the seat" in page
        kind = gender(seat.juror.candidate)
        Candidate.objects.exclude(jurors__jury=drawn_jury).filter(
            traits__feature_value__value=kind
        ).update(state=Candidate.State.WITHDRAWN)
        page = staff_client.get(path).content.decode()
        assert "Those who are left can’t fill the seat" in page
        assert f"recruit 1 more of gender: {kind}" in page

    def test_a_seat_whose_holder_left_the_pool_is_told(
        self, drawn_jury: Jury, staff_client: Client
    ) -> None:
        invitations.decline_seat(seat=drawn_jury.seats.get(number=1))
        holder = drawn_jury.seats.get(number=2).juror.candidate
        Candidate.objects.filter(pk=holder.pk).update(state=Candidate.State.UNCONFIRMED)
        path = reverse("admin:juries_jury_seats", args=[drawn_jury.pk])
        page = staff_client.get(path).content.decode()
        assert f"1 id(s) that must sit are not in the pool, first &#x27;{holder.public_id}" in page

    def test_the_page_takes_as_many_queries_for_more_seats(
        self,
        drawn_jury: Jury,
        staff_client: Client,
        count_queries: Callable[[Client, str], int],
    ) -> None:
        path = reverse("admin:juries_jury_seats", args=[drawn_jury.pk])
        with_alternates(drawn_jury)
        for seat in drawn_jury.seats.all()[:3]:
            invitations.decline_seat(seat=seat)
        three = count_queries(staff_client, path)
        Seat.objects.filter(number__in=(2, 3)).update(state=Seat.State.DRAWN)
        assert count_queries(staff_client, path) == three

    def test_nothing_vacant_has_no_outlook(self, drawn_jury: Jury) -> None:
        assert outlook_of(vacancies=vacancies_of(jury=drawn_jury)) is None

    def test_works_out_a_number_and_draws(self, drawn_jury: Jury, staff_client: Client) -> None:
        path = reverse("admin:juries_jury_alternates", args=[drawn_jury.pk])
        typed = {"overall": "20", "level": "0.8", "number": "", "seed": "a"}
        page = staff_client.post(path, {**typed, "action": "plan"}).content.decode()
        number = alternates.plan_for(jury=drawn_jury, wanted=WANTED).number
        assert f"{number} alternates at the least" in page
        assert "style=" not in page
        answer = staff_client.post(path, {**typed, "number": "3", "action": "alternates"})
        run = Run.objects.get(kind=alternates.KIND)
        assert answer["Location"] == reverse("run", args=[run.public_id])
        done(run, alternates.perform_alternates)
        page = staff_client.get(
            reverse("admin:juries_jury_seats", args=[drawn_jury.pk])
        ).content.decode()
        assert "3 of them ready" in page
        assert staff_client.get(run.page_path).status_code == 200

    def test_rates_of_traits(self, drawn_jury: Jury, staff_client: Client) -> None:
        path = reverse("admin:juries_jury_alternates", args=[drawn_jury.pk])
        woman = FeatureValue.objects.get(feature__pool=drawn_jury.pool, value="woman")
        typed = {"overall": "10", "level": "0.9", f"rate-{woman.pk}": "60", "action": "plan"}
        assert staff_client.post(path, typed).status_code == 200
        typed[f"rate-{woman.pk}"] = "120"
        answer = staff_client.post(path, typed)
        assert answer.status_code == 400

    def test_only_for_those_who_manage_juries(
        self, drawn_jury: Jury, colleague_client: Client, stranger_client: Client
    ) -> None:
        path = reverse("admin:juries_jury_alternates", args=[drawn_jury.pk])
        assert colleague_client.post(path, {}).status_code == 403
        assert stranger_client.post(path, {}).status_code == 302
