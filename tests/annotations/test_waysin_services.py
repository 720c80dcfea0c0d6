"""Places for people who come by themselves: given, held, lost, taken again; and what is refused."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from annotations.domain.completion import Outcome
from annotations.models import Arrival, Participation, PlaceGroup, ProfileReply, Study, WayIn
from annotations.sections import ParticipationSection
from annotations.selectors import ways_in
from annotations.selectors.checklist import opening_checklist
from annotations.selectors.places import taken
from annotations.services import participation as road
from annotations.services import places
from annotations.services import ways_in as services
from annotations.services.exports import write_bundle
from annotations.services.places import PlaceGone, WayClosed
from annotations.services.studies import StudyRefused
from annotations.services.study_import import import_bundle
from juries.models import Candidate, Draw, Feature, Jury, Run, Seat
from juries.services import invitations, newcomers
from juries.services.draws import DrawRefused, request_draw
from juries.services.replacements import ReplacementRefused, request_replacement

pytestmark = pytest.mark.django_db

MakeWay = Callable[..., WayIn]
NOW = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=31)
PID = "5f0c1ab2c3d4e5f601234567"


def come(way: WayIn, name: str, now: datetime = NOW, **said: str) -> Arrival:
    """Somebody agrees, answers, and gets what there is."""
    loaded = ways_in.way_by_token(token=way.token)
    assert loaded is not None
    arrival = places.arrive(way=loaded, brought=name, version="1", now=now)
    replies = {"gender": "woman", "age": "18-34", **said}
    return places.admit(arrival=arrival, replies=replies, now=now).arrival


def way_of(arrival: Arrival) -> Participation:
    """Her participation as a page loads it."""
    assert arrival.participation is not None
    found = Participation.objects.select_related("study", "juror__seat", "arrival")
    return found.get(pk=arrival.participation.pk)


def finish(arrival: Arrival) -> None:
    own = road.begin_work(participation=way_of(arrival), now=NOW)
    road.finish(participation=own, now=NOW)


class TestAdmission:
    def test_she_becomes_a_juror_with_a_seat(self, make_way: MakeWay, open_jury: Jury) -> None:
        arrival = come(make_way(groups={"woman": 2}), "a")
        own = way_of(arrival)
        assert (own.state, own.came_by) == (Participation.State.CONSENTED, "open")
        assert (own.consented_at, own.consent_version) == (NOW, "1")
        assert (own.juror.seat.state, own.juror.seat.number) == (Seat.State.ACCEPTED, 1)
        assert own.juror.seat.draw is None
        assert dict(own.profile_replies.values_list("question__key", "value")) == {
            "gender": "woman",
            "age": "18-34",
        }
        assert [group.name for group in arrival.groups.all()] == ["woman"]
        # She agreed to a study, not to be drawn.
        assert not open_jury.pool.candidates.drawable().exists()

    def test_asked_again_it_is_the_same_place(self, make_way: MakeWay) -> None:
        way = make_way()
        first, second = come(way, "a"), come(way, "a", gender="man")
        assert first == second
        assert Seat.objects.count() == Participation.objects.count() == 1

    def test_a_full_group_and_one_that_is_not_looked_for(self, make_way: MakeWay) -> None:
        way = make_way(groups={"woman": 1, "man": 1})
        states = [
            come(way, name, gender=gender).state
            for name, gender in zip("abcd", ("woman", "woman", "man", "other"), strict=True)
        ]
        assert states == ["seated", "full", "seated", "screened_out"]
        assert Seat.objects.count() == 2
        # Of those who got no place nothing is kept but the outcome.
        assert ProfileReply.objects.count() == 4
        assert come(way, "d", gender="woman").state == "screened_out"

    def test_combined_and_side_by_side(self, make_way: MakeWay) -> None:
        way = make_way(groups={"woman": 5})
        way.groups.create(name="young", answers={"age": ["18-34"]}, places=1)
        way.groups.create(name="old", answers={"age": ["35+"]}, places=9)
        assert [come(way, name).state for name in "ab"] == ["seated", "full"]
        assert come(way, "c", age="35+").groups.count() == 2

    def test_all_places_of_the_way_and_of_the_jury(
        self, make_way: MakeWay, open_jury: Jury
    ) -> None:
        way = make_way(places=1)
        assert [come(way, name).state for name in "ab"] == ["seated", "full"]
        Jury.objects.update(size=2)
        other = make_way(places=2, name="Other")
        assert [come(other, name).state for name in "cd"] == ["seated", "full"]
        assert open_jury.seats.count() == 2

    def test_a_required_question_is_not_skipped(self, make_way: MakeWay) -> None:
        with pytest.raises(road.UnansweredQuestions):
            come(make_way(), "a", age="")
        assert not Seat.objects.exists()

    def test_a_changed_consent_is_put_to_her_again(
        self, make_way: MakeWay, open_study: Study
    ) -> None:
        way = ways_in.way_by_token(token=make_way().token)
        assert way is not None
        arrival = places.arrive(way=way, brought="a", version="1", now=NOW)
        Study.objects.update(consent_version="2")
        with pytest.raises(road.ConsentOutdated):
            places.arrive(way=WayIn.objects.get(), brought="b", version="1", now=NOW)
        replies = {"gender": "man", "age": "35+"}
        own = way_of(places.admit(arrival=arrival, replies=replies, now=NOW).arrival)
        assert (own.state, own.consented_at) == (Participation.State.STARTED, None)

    def test_traits_that_the_pool_knows(self, make_way: MakeWay, open_jury: Jury) -> None:
        feature = Feature.objects.create(pool=open_jury.pool, name="gender")
        value = feature.values.create(value="woman")
        arrival = come(make_way(), "a")
        assert [trait.feature_value for trait in arrival.candidate.traits.all()] == [value]
        assert not come(make_way(name="Other"), "b", gender="man").candidate.traits.exists()

    def test_an_id_is_one_person_by_whatever_way(self, make_way: MakeWay) -> None:
        first = make_way(kind="prolific", complete="C")
        second = make_way(kind="prolific", complete="C", name="Second wave")
        assert come(first, PID) == come(second, PID)
        assert Candidate.objects.get().external_id == f"prolific:{PID}"


class TestClosed:
    def test_nobody_comes_in(self, make_way: MakeWay, open_study: Study) -> None:
        way = make_way()
        arrival = places.arrive(way=way, brought="a", version="1", now=NOW)
        WayIn.objects.update(is_open=False)
        for refused in (lambda: come(way, "b"), lambda: places.admit(
            arrival=arrival, replies={"gender": "man", "age": "35+"}, now=NOW
        )):  # fmt: skip
            with pytest.raises(WayClosed, match="closed"):
                refused()
        WayIn.objects.update(is_open=True)
        Study.objects.update(state=Study.State.CLOSED)
        with pytest.raises(WayClosed, match="study is closed"):
            come(way, "b")
        assert not Seat.objects.exists()

    def test_a_jury_that_is_drawn_meanwhile_is_not_mixed(
        self, make_way: MakeWay, open_jury: Jury
    ) -> None:
        way = make_way()
        arrival = places.arrive(way=way, brought="a", version="1", now=NOW)
        run = Run.objects.create(kind="juries.draw", title="Draw", parameters={})
        Draw.objects.create(jury=open_jury, run=run, method="maximin", seed="1", size=1)
        with pytest.raises(WayClosed, match="drawn by lot"):
            places.admit(arrival=arrival, replies={"gender": "man", "age": "35+"}, now=NOW)
        assert not Seat.objects.exists()

    def test_a_draw_that_is_going_on(self, open_jury: Jury) -> None:
        Run.objects.create(kind="juries.draw", title="D", parameters={"jury": open_jury.pk})
        person = newcomers.register_newcomer(pool=open_jury.pool, external_id="a")
        with pytest.raises(newcomers.NoSeatForNewcomers, match="being drawn"):
            newcomers.seat_newcomer(jury=open_jury, candidate=person)

    def test_somebody_of_another_pool(self, open_jury: Jury, jury: Jury) -> None:
        person = jury.pool.candidates.all()[0]
        with pytest.raises(newcomers.NoSeatForNewcomers, match="another pool"):
            newcomers.seat_newcomer(jury=open_jury, candidate=person)

    def test_a_simulated_pool_takes_no_real_people(
        self, make_way: MakeWay, open_jury: Jury
    ) -> None:
        open_jury.pool.is_simulated = True
        open_jury.pool.save()
        with pytest.raises(WayClosed, match="invented people"):
            come(make_way(), "a")


class TestLease:
    def test_a_silent_place_goes_to_the_next_one(self, make_way: MakeWay) -> None:
        way = make_way(places=1)
        first = come(way, "a")
        assert come(way, "b").state == "full"
        second = come(way, "c", now=LATER)
        assert second.state == "seated"
        with pytest.raises(PlaceGone):
            places.keep_place(participation=way_of(first), now=LATER)
        # What she has said so far stands.
        assert way_of(first).profile_replies.count() == 2

    def test_the_seat_goes_only_when_it_is_needed(self, make_way: MakeWay) -> None:
        Jury.objects.update(size=2)
        way = make_way(groups={"woman": 1, "man": 1}, places=2)
        first = come(way, "a")
        assert come(way, "b", now=LATER).state == "seated"
        assert way_of(first).juror.seat.state == Seat.State.ACCEPTED
        assert come(way, "c", now=LATER, gender="man").state == "seated"
        seat = way_of(first).juror.seat
        assert seat.state == Seat.State.REPLACED
        with pytest.raises(PlaceGone):
            places.refuse_if_given_away(seat_id=seat.pk)
        assert sorted(
            Seat.objects.filter(state__in=Seat.SITTING).values_list("number", flat=True)
        ) == [1, 2]

    def test_she_comes_back_to_a_free_place(self, make_way: MakeWay) -> None:
        Jury.objects.update(size=1)
        way = make_way(places=1)
        first = come(way, "a")
        second = come(way, "b", now=LATER)
        much_later = LATER + timedelta(hours=2)
        seat = places.take_again(arrival=first, now=much_later)
        assert (seat.state, seat.number) == (Seat.State.ACCEPTED, 1)
        assert way_of(second).juror.seat.state == Seat.State.REPLACED
        assert taken(way=way, now=much_later).total == 1

    def test_work_renews_it(self, make_way: MakeWay) -> None:
        way = make_way(places=1)
        first = come(way, "a")
        at = NOW
        for minutes in (5, 20, 19, 28):
            at += timedelta(minutes=minutes)
            places.keep_place(participation=way_of(first), now=at)
        assert come(way, "b", now=at + timedelta(minutes=1)).state == "full"
        lease = Arrival.objects.get(pk=first.pk).lease_expires_at
        assert lease == at + timedelta(minutes=30)

    def test_who_has_finished_keeps_it(self, make_way: MakeWay) -> None:
        way = make_way(places=1)
        first = come(way, "a")
        finish(first)
        assert come(way, "b", now=LATER).state == "full"
        places.keep_place(participation=way_of(first), now=LATER)
        assert places.take_again(arrival=first, now=LATER).is_sitting

    def test_a_refusal_lets_it_go(self, make_way: MakeWay) -> None:
        way = make_way(places=1)
        own = way_of(come(way, "a"))
        road.refuse_consent(participation=own)
        places.let_go(participation=own, now=NOW)
        assert come(way, "b").state == "seated"

    def test_drawn_jurors_are_not_asked(self, jury: Jury, make_study: Callable[..., Study]) -> None:
        study = make_study(jury=jury)
        seat = jury.seats.order_by("number")[0]
        own = road.join_study(seat=seat, study=study)
        loaded = Participation.objects.select_related("study", "arrival").get(pk=own.pk)
        places.keep_place(participation=loaded, now=NOW)
        assert ways_in.ending_of(participation=loaded, outcome=Outcome.COMPLETE) is None
        assert not ways_in.is_open_jury(study=study)


class TestNoLot:
    def test_who_came_by_herself_is_told_from_who_was_drawn(
        self, make_way: MakeWay, open_jury: Jury
    ) -> None:
        come(make_way(), "a")
        person = Candidate.objects.get()
        assert (person.origin, person.state) == ("way_in", "undrawn")
        with pytest.raises(DrawRefused, match="came by themselves"):
            request_draw(jury=open_jury)
        with pytest.raises(ReplacementRefused, match="came by themselves"):
            request_replacement(jury=open_jury)


class TestLeaving:
    def test_giving_up_frees_the_place_for_another(self, make_way: MakeWay) -> None:
        Jury.objects.update(size=1)
        way = make_way(places=1)
        first = come(way, "a")
        invitations.decline_seat(seat=way_of(first).juror.seat)
        second = come(way, "b")
        assert second.state == "seated"
        left = way_of(first)
        assert way_of(second).juror.seat.replaces == left.juror.seat
        assert places.has_left(participation=left)
        with pytest.raises(PlaceGone):
            places.take_again(arrival=first, now=LATER + timedelta(days=1))

    def test_who_gave_up_stays_so_when_another_comes_back(self, make_way: MakeWay) -> None:
        Jury.objects.update(size=1)
        way = make_way(places=1)
        first = come(way, "a")
        second = come(way, "b", now=LATER)
        invitations.decline_seat(seat=way_of(second).juror.seat)
        assert places.take_again(arrival=first, now=LATER).number == 1
        assert places.has_left(participation=way_of(second))

    def test_who_withdrew_without_a_place_gets_none_again(self, make_way: MakeWay) -> None:
        Jury.objects.update(size=1)
        way = make_way(places=1)
        first = come(way, "a")
        come(way, "b", now=LATER)
        assert way_of(first).juror.seat.state == Seat.State.REPLACED
        invitations.withdraw_juror(juror=way_of(first).juror, erase_said=True)
        with pytest.raises(PlaceGone, match="have left"):
            places.take_again(arrival=first, now=LATER + timedelta(days=1))

    def test_withdrawal_erases_id_answers_and_group(self, make_way: MakeWay) -> None:
        way = make_way(groups={"woman": 1}, kind="prolific", complete="C")
        first = come(way, PID)
        finish(first)
        invitations.withdraw_juror(juror=way_of(first).juror, erase_said=True)
        first.refresh_from_db()
        assert PID not in first.candidate.external_id
        assert ways_in.brought_id(way=way, candidate=first.candidate) == ""
        assert not first.groups.exists()
        assert not ProfileReply.objects.exists()
        assert come(way, "b" * 24).state == "seated"


class TestEndings:
    @pytest.mark.parametrize("outcome", list(Outcome))
    def test_prolific(self, make_way: MakeWay, outcome: Outcome) -> None:
        codes = {name.value: f"CODE-{name.value}" for name in Outcome}
        way = make_way(kind="prolific", **codes)
        found = ways_in.ending(way=way, outcome=outcome, brought=PID)
        assert found.url == (
            f"https://app.prolific.com/submissions/complete?cc=CODE-{outcome.value}"
        )

    def test_prolific_without_a_code_sends_nowhere(self, make_way: MakeWay) -> None:
        way = make_way(kind="prolific", complete="C")
        found = ways_in.ending(way=way, outcome=Outcome.QUOTA_FULL, brought=PID)
        assert (found.url, found.code, found.place) == ("", "", "Prolific")

    def test_a_panel(self, make_way: MakeWay) -> None:
        way = make_way(
            kind="panel", id_parameter="pid", complete="OK1", no_consent="https://p.example/no/{id}",
            completion_url="https://p.example/end?id={id}&s={status}&c={code}",
        )  # fmt: skip
        end = {
            outcome: ways_in.ending(way=way, outcome=outcome, brought="a+b@c").url
            for outcome in Outcome
        }
        assert end[Outcome.COMPLETE] == "https://p.example/end?id=a%2Bb%40c&s=complete&c=OK1"
        assert end[Outcome.QUOTA_FULL] == "https://p.example/end?id=a%2Bb%40c&s=quota_full&c="
        assert end[Outcome.NO_CONSENT] == "https://p.example/no/a%2Bb%40c"

    def test_an_open_link(self, make_way: MakeWay) -> None:
        way = make_way(complete="THANKS")
        found = ways_in.ending(way=way, outcome=Outcome.COMPLETE, brought="")
        assert (found.url, found.code, found.place) == ("", "THANKS", "")


class TestKeeping:
    def test_a_drawn_jury_takes_none(self, jury: Jury, make_study: Callable[..., Study]) -> None:
        study = make_study(jury=jury)
        with pytest.raises(StudyRefused, match="4 seats that were given out otherwise"):
            services.save_way(way=WayIn(study=study, name="Link", places=4), actor=None)
        run = Run.objects.create(kind="juries.draw", title="Draw", parameters={})
        Draw.objects.create(jury=jury, run=run, method="maximin", seed="1", size=4)
        with pytest.raises(StudyRefused, match="drawn by lot"):
            services.save_way(way=WayIn(study=study, name="Link", places=4), actor=None)
        assert not WayIn.objects.exists()

    def test_a_new_one_is_closed_and_opened_once_it_is_whole(self, open_study: Study) -> None:
        way = WayIn(study=open_study, name="P", kind="prolific", places=11, is_open=True)
        services.save_way(way=way, actor=None)
        assert not way.is_open
        group = PlaceGroup(way_in=way, name="x", answers={"gender": ["nobody"]}, places=1)
        services.save_group(group=group, actor=None)
        open_study.profile_questions.update(is_required=False)
        with pytest.raises(StudyRefused) as caught:
            services.open_way(way=way, actor=None)
        for words in ("11 places", "code for who has finished", "'nobody'", "can be skipped"):
            assert words in str(caught.value)
        open_study.profile_questions.update(is_required=True)
        group.answers = {"gender": ["woman"]}
        services.save_group(group=group, actor=None)
        way.places, way.complete = 10, "C"
        services.save_way(way=way, actor=None)
        assert services.open_way(way=WayIn.objects.get(), actor=None).is_open
        assert not services.close_way(way=WayIn.objects.get(), actor=None).is_open

    def test_what_people_came_by_stays(self, make_way: MakeWay) -> None:
        way = make_way(groups={"woman": 2})
        come(way, "a")
        group = way.groups.get()
        group.answers = {"gender": ["man"]}
        with pytest.raises(StudyRefused, match="1 person has come"):
            services.save_group(group=group, actor=None)
        with pytest.raises(StudyRefused):
            services.save_group(
                group=PlaceGroup(way_in=way, name="n", answers={"age": ["35+"]}, places=1),
                actor=None,
            )
        with pytest.raises(StudyRefused):
            services.remove_group(group=group, actor=None)
        with pytest.raises(StudyRefused):
            services.remove_way(way=way, actor=None)
        way.kind = "panel"
        with pytest.raises(StudyRefused, match="kind can't change"):
            services.save_way(way=way, actor=None)
        group.refresh_from_db()
        group.places = 5
        services.save_group(group=group, actor=None)
        assert come(way, "b").state == "seated"

    def test_an_unused_one_goes(self, make_way: MakeWay) -> None:
        way = make_way(groups={"woman": 2})
        services.remove_group(group=way.groups.get(), actor=None)
        services.remove_way(way=way, actor=None)
        assert not WayIn.objects.exists()

    def test_the_study_can_be_opened_before_anybody_sits(self, make_way: MakeWay) -> None:
        way = make_way()
        assert "seats" not in [found.key for found in opening_checklist(study=way.study)]
        way.delete()
        assert "seats" in [found.key for found in opening_checklist(study=way.study)]


class TestWhatIsPublished:
    def test_results_say_that_nobody_was_drawn(self, make_way: MakeWay, open_study: Study) -> None:
        way = make_way(groups={"woman": 2})
        before = ParticipationSection().fingerprint(study=open_study)
        finish(come(way, "a"))
        assert ParticipationSection().fingerprint(study=open_study) != before
        content = ParticipationSection().build(study=open_study)
        assert content.summary[0] == "1 of 1 seated jurors have finished."
        assert "Nobody was drawn by lot" in content.summary[1]
        [(_, table)] = content.tables
        assert table.rows == (("woman", "gender: woman", "List", 1, 2),)

    def test_the_export_marks_the_way_and_keeps_the_id_to_itself(
        self, make_way: MakeWay, open_study: Study, tmp_path: Path
    ) -> None:
        way = make_way(kind="prolific", complete="C", groups={"woman": 1})
        finish(come(way, PID))
        come(way, "f" * 24)  # full
        write_bundle(study=open_study, folder=tmp_path / "out")
        written = b"".join(path.read_bytes() for path in sorted((tmp_path / "out").rglob("*.*")))
        assert PID.encode() not in written
        assert way.token.encode() not in written
        card = (tmp_path / "out" / "README.md").read_text()
        assert "Self-selected: nobody was drawn by lot" in card
        assert "1 from Prolific" in card
        jurors = (tmp_path / "out" / "data" / "jurors.csv").read_text().splitlines()
        assert len(jurors) == 2
        copy = import_bundle(path=tmp_path / "out", slug="copy")
        assert [way.came_by for way in copy.study.participations.all()] == ["prolific"]
        assert ways_in.is_open_jury(study=copy.study)
