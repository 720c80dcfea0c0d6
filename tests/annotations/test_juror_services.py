"""A juror's work: joining, claiming, sending, changing, leaving; by hand examples and edges."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.http import QueryDict

from annotations.models import (
    Assignment,
    Choice,
    Export,
    Opinion,
    Participation,
    Preference,
    Query,
    Rating,
    Study,
    Submission,
)
from annotations.ports import StepProblem
from annotations.selectors import work
from annotations.selectors.work import Page, Stage
from annotations.services import claims, participation, submissions
from annotations.services.participation import ConsentOutdated, StudyNotOpen, UnansweredQuestions
from annotations.services.withdrawal import erase_said
from juries.models import Jury, Run, Seat

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("four_steps")]

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
MakeStudy = Callable[..., Study]
AtWork = Callable[..., Participation]


def loaded(assignment: Assignment | None) -> Assignment:
    assert assignment is not None
    return work.with_study(Assignment.objects.all()).get(pk=assignment.pk)


def sent(values: Mapping[str, str | list[str]]) -> QueryDict:
    data = QueryDict(mutable=True)
    for key, value in values.items():
        data.setlist(key, value if isinstance(value, list) else [value])
    return data


def send(
    assignment: Assignment,
    page: Page,
    values: Mapping[str, str | list[str]],
    *,
    client_id: UUID | None = None,
    now: datetime = NOW,
) -> submissions.Receipt:
    return submissions.submit(
        assignment=loaded(assignment),
        page=page,
        data=sent(values),
        client_id=client_id or uuid4(),
        active_ms=1200,
        idle_ms=300,
        now=now,
    )


BOTH = {"rating_helpful": "4", "rating_fair": "2"}


def places_add_up(study: Study) -> None:
    for query in study.queries.all():
        held = query.assignments.exclude(state=Assignment.State.RELEASED).count()
        done = query.assignments.filter(state=Assignment.State.COMPLETED).count()
        assert (query.claimed_count, query.completed_count) == (held, done)


# --- Joining and the way --------------------------------------------------------------------------


def test_jurors_are_numbered_as_they_join(jury: Jury, make_study: MakeStudy) -> None:
    study = make_study(jury=jury)
    seats = list(jury.seats.order_by("number"))
    joined = [participation.join_study(seat=seat, study=study) for seat in seats]
    again = participation.join_study(seat=seats[1], study=study)
    assert [row.ordinal for row in joined] == [0, 1, 2, 3]
    assert again == joined[1]


def test_nobody_joins_a_draft_a_closed_study_or_another_jurys(
    jury: Jury, make_study: MakeStudy
) -> None:
    seat = jury.seats.first()
    assert seat is not None
    for fields in (
        {"jury": jury, "state": Study.State.DRAFT},
        {"jury": jury, "state": Study.State.CLOSED},
        {"jury": None},
    ):
        study = make_study(**{k: v for k, v in fields.items() if k != "state"})
        Study.objects.filter(pk=study.pk).update(state=fields.get("state", Study.State.OPEN))
        with pytest.raises(StudyNotOpen):
            participation.join_study(seat=seat, study=study)


def test_the_way_leads_from_consent_to_thanks(jury: Jury, make_study: MakeStudy) -> None:
    study = make_study(jury=jury, instructions="Read, then rate.")
    study.profile_questions.create(key="trust", text="Do you trust it?", options=["yes", "no"])
    study.profile_questions.create(key="why", text="Why?", kind="text", is_required=False)
    seat = Seat.objects.filter(jury=jury).earliest("id")
    Seat.objects.filter(pk=seat.pk).update(state=Seat.State.INVITED)
    own = participation.join_study(seat=seat, study=study)
    assert work.stage_of(participation=own) == Stage.CONSENT
    with pytest.raises(ConsentOutdated):
        participation.record_consent(participation=own, version="0", now=NOW)
    participation.refuse_consent(participation=own)
    own.refresh_from_db()
    assert work.stage_of(participation=own) == Stage.REFUSED
    own = participation.record_consent(participation=own, version="1", now=NOW)
    seat.refresh_from_db()
    assert seat.state == Seat.State.ACCEPTED
    assert work.stage_of(participation=own) == Stage.QUESTIONS
    with pytest.raises(UnansweredQuestions, match="trust"):
        participation.record_profile(participation=own, replies={"why": "because"})
    participation.record_profile(participation=own, replies={"trust": "yes"})
    assert work.stage_of(participation=own) == Stage.INSTRUCTIONS
    own = participation.begin_work(participation=own, now=NOW)
    assert work.stage_of(participation=own) == Stage.WORK
    Study.objects.filter(pk=study.pk).update(consent_version="2")
    own.study.refresh_from_db()
    assert work.stage_of(participation=own) == Stage.CONSENT
    own = participation.record_consent(participation=own, version="2", now=NOW)
    assert work.stage_of(participation=own) == Stage.WORK


def test_a_changed_reply_supersedes(jury: Jury, make_study: MakeStudy, at_work: AtWork) -> None:
    study = make_study(jury=jury)
    study.profile_questions.create(key="trust", text="Do you trust it?", options=["yes", "no"])
    own = at_work(study)
    for value in ("yes", "yes", "no"):
        participation.record_profile(participation=own, replies={"trust": value})
    rows = list(own.profile_replies.order_by("id").values_list("value", "is_current"))
    assert rows == [("yes", False), ("no", True)]


# --- Every juror every query ----------------------------------------------------------------------


def test_every_query_once_in_an_order_of_her_own(
    jury: Jury, make_study: MakeStudy, at_work: AtWork
) -> None:
    study = make_study(jury=jury, queries=7)
    orders = []
    for number in range(3):
        own = at_work(study, number)
        order = []
        while (assignment := claims.current_assignment(participation=own, now=NOW)) is not None:
            order.append(assignment.query.ordinal)
            for page in work.pages_of(assignment=loaded(assignment)):
                send(assignment, page, BOTH)
        own.refresh_from_db()
        assert own.state == Participation.State.FINISHED
        assert own.completed_count == 7
        orders.append(order)
    assert all(sorted(order) == list(range(7)) for order in orders)
    assert orders[0] != orders[1] != orders[2]
    places_add_up(study)


def test_queries_added_to_an_open_study_come_too(
    jury: Jury, make_study: MakeStudy, at_work: AtWork
) -> None:
    study = make_study(jury=jury, queries=3)
    own = at_work(study)
    seen = set()
    for added in range(6):
        own = Participation.objects.get(pk=own.pk)
        assignment = claims.claim_next(participation=own, now=NOW)
        if assignment is None:
            break
        seen.add(assignment.query_id)
        claims_done(assignment)
        if added < 3:
            study.queries.create(external_id=f"new{added}", ordinal=3 + added, text="New?")
            Study.objects.filter(pk=study.pk).update(query_count=4 + added)
    assert len(seen) == 6
    assert claims.claim_next(participation=own, now=NOW) is None


def claims_done(assignment: Assignment) -> None:
    Assignment.objects.filter(pk=assignment.pk).update(state=Assignment.State.COMPLETED)


def test_a_juror_gets_no_more_than_her_share(
    jury: Jury, make_study: MakeStudy, at_work: AtWork
) -> None:
    study = make_study(jury=jury, queries=5, queries_per_juror=2)
    own = at_work(study)
    for _ in range(2):
        assignment = claims.claim_next(participation=own, now=NOW)
        assert assignment is not None
        claims_done(assignment)
    assert claims.claim_next(participation=own, now=NOW) is None


def test_two_tabs_that_ask_get_the_same(jury: Jury, make_study: MakeStudy, at_work: AtWork) -> None:
    own = at_work(make_study(jury=jury))
    first = claims.claim_next(participation=own, now=NOW)
    second = claims.claim_next(participation=own, now=NOW)
    assert first == second
    assert own.assignments.count() == 1


def test_a_browser_may_claim_a_little_ahead(
    jury: Jury, make_study: MakeStudy, at_work: AtWork
) -> None:
    own = at_work(make_study(jury=jury, queries=9))
    assignment = claims.claim_next(participation=own, now=NOW)
    positions = []
    while assignment is not None:
        positions.append(assignment.position)
        assignment = claims.claim_ahead(assignment=loaded(assignment), now=NOW)
    assert positions == [0, 1, 2]
    assert own.assignments.count() == claims.MAX_IN_HAND


def test_a_query_without_pages_is_passed_over(
    jury: Jury, make_study: MakeStudy, at_work: AtWork
) -> None:
    own = at_work(make_study(jury=jury, queries=4, sources=()))
    assert submissions.work_at_hand(participation=own, now=NOW) is None
    own.refresh_from_db()
    assert own.state == Participation.State.FINISHED


# --- Overlap, leases ------------------------------------------------------------------------------


def test_an_overlap_gives_each_query_to_so_many_and_no_more(
    jury: Jury, make_study: MakeStudy, at_work: AtWork
) -> None:
    study = make_study(jury=jury, queries=6, assignment_mode="overlap", overlap=2)
    jurors = [at_work(study, number) for number in range(4)]
    given = 0
    for _ in range(6):
        for own in jurors:
            assignment = claims.claim_next(participation=own, now=NOW)
            if assignment is not None:
                given += 1
                claims_done(assignment)
        counts = set(study.queries.values_list("claimed_count", flat=True))
        assert max(counts) - min(counts) <= 1
    assert given == 12
    assert set(study.queries.values_list("claimed_count", flat=True)) == {2}


def test_places_of_a_query_go_to_people_who_differ(
    jury: Jury, make_study: MakeStudy, at_work: AtWork
) -> None:
    # 0: woman under 40, 2: woman over 40; 1: man under 40, 3: man over 40. The women come first
    # and share the queries; each man shares an age with one of them.
    study = make_study(jury=jury, queries=8, assignment_mode="overlap", overlap=2)
    jurors = {number: at_work(study, number) for number in (0, 2, 1, 3)}
    for own in jurors.values():
        for _ in range(4):
            assignment = claims.claim_next(participation=own, now=NOW)
            assert assignment is not None
            claims_done(assignment)
    number_of = {own.pk: number for number, own in jurors.items()}
    together = [
        {number_of[pk] for pk in query.assignments.values_list("participation", flat=True)}
        for query in study.queries.all()
    ]
    assert sorted(map(sorted, together)) == [[0, 3]] * 4 + [[1, 2]] * 4


def test_a_lease_that_ran_out_is_given_to_another(
    jury: Jury, make_study: MakeStudy, at_work: AtWork
) -> None:
    study = make_study(jury=jury, queries=1, assignment_mode="overlap", overlap=1, lease_minutes=10)
    slow, quick = at_work(study, 0), at_work(study, 1)
    held = claims.claim_next(participation=slow, now=NOW)
    assert held is not None
    assert claims.claim_next(participation=quick, now=NOW + timedelta(minutes=9)) is None
    taken = claims.claim_next(participation=quick, now=NOW + timedelta(minutes=11))
    assert taken is not None
    assert taken.query == held.query
    held.refresh_from_db()
    assert held.state == Assignment.State.RELEASED
    places_add_up(study)
    # What the slow one still sends is kept, marked, and counted.
    later = NOW + timedelta(minutes=12)
    for page in work.pages_of(assignment=loaded(held)):
        assert send(held, page, BOTH, now=later).submission.is_late
    held.refresh_from_db()
    assert held.state == Assignment.State.COMPLETED
    places_add_up(study)


def test_a_renewed_lease_is_not_given_away(
    jury: Jury, make_study: MakeStudy, at_work: AtWork
) -> None:
    study = make_study(jury=jury, queries=1, assignment_mode="overlap", overlap=1, lease_minutes=10)
    own, other = at_work(study, 0), at_work(study, 1)
    held = claims.claim_next(participation=own, now=NOW)
    assert claims.renew_lease(assignment=loaded(held), now=NOW + timedelta(minutes=9))
    assert claims.claim_next(participation=other, now=NOW + timedelta(minutes=18)) is None
    assert claims.claim_next(participation=other, now=NOW + timedelta(minutes=20)) is not None
    assert not claims.renew_lease(assignment=loaded(held), now=NOW + timedelta(minutes=21))
    places_add_up(study)


def test_she_gets_back_what_lapsed_if_nobody_took_it(
    jury: Jury, make_study: MakeStudy, at_work: AtWork
) -> None:
    study = make_study(jury=jury, queries=1, assignment_mode="overlap", overlap=1)
    own = at_work(study)
    held = claims.claim_next(participation=own, now=NOW)
    claims.release_expired_leases(study=study, now=NOW + timedelta(days=1))
    again = claims.claim_next(participation=own, now=NOW + timedelta(days=1))
    assert again == held
    places_add_up(study)


# --- Sending --------------------------------------------------------------------------------------


@pytest.fixture
def assignment(jury: Jury, make_study: MakeStudy, at_work: AtWork) -> Assignment:
    study = make_study(jury=jury, steps=("opinion", "choice", "rating", "preference"))
    return loaded(claims.claim_next(participation=at_work(study), now=NOW))


def page_of(assignment: Assignment, kind: str, number: int = 0) -> Page:
    pages = [p for p in work.pages_of(assignment=assignment) if p.kind == kind]
    return pages[number]


def test_pages_follow_the_protocol(assignment: Assignment) -> None:
    kinds = [page.kind for page in work.pages_of(assignment=assignment)]
    assert kinds == ["opinion", "choice", "rating", "rating", "preference"]
    assert work.pages_of(assignment=assignment) == work.pages_of(assignment=loaded(assignment))


def test_all_that_she_says_is_stored(assignment: Assignment) -> None:
    send(assignment, page_of(assignment, "opinion"), {"text": "  It depends.\r\nOn much. "})
    send(assignment, page_of(assignment, "choice"), {"option": "no"})
    rated = page_of(assignment, "rating")
    send(assignment, rated, {"rating_helpful": "5", "rating_fair": "cant_say"})
    send(assignment, page_of(assignment, "rating", 1), BOTH)
    pair = page_of(assignment, "preference")
    receipt = send(assignment, pair, {"verdict": "both_bad"})
    assert receipt.is_completed
    assert Opinion.objects.get().text == "It depends.\nOn much."
    assert Choice.objects.get().option.key == "no"
    values = Rating.objects.filter(response__public_id=rated.item)
    assert dict(values.values_list("criterion__key", "value")) == {"helpful": 5, "fair": None}
    said = Preference.objects.get()
    assert f"{said.left.public_id}_{said.right.public_id}" == pair.item
    assignment.refresh_from_db()
    assert assignment.state == Assignment.State.COMPLETED
    assert (assignment.active_ms, assignment.idle_ms) == (6000, 1500)
    places_add_up(assignment.participation.study)


def test_the_same_submission_twice_is_one(assignment: Assignment) -> None:
    page, client_id = page_of(assignment, "rating"), uuid4()
    first = send(assignment, page, BOTH, client_id=client_id)
    second = send(assignment, page, BOTH, client_id=client_id)
    assert (first.is_repeat, second.is_repeat) == (False, True)
    assert first.submission == second.submission
    assert Rating.objects.count() == 2
    assert Submission.objects.get().payload == {key: [value] for key, value in BOTH.items()}


def test_the_same_id_with_other_content_is_a_change(assignment: Assignment) -> None:
    # A page from the browser's history, without JavaScript: same id, another answer.
    page, client_id = page_of(assignment, "rating"), uuid4()
    send(assignment, page, BOTH, client_id=client_id)
    changed = {**BOTH, "rating_fair": "5"}
    for _ in range(2):
        send(assignment, page, changed, client_id=client_id)
    assert Submission.objects.count() == 2
    current = Rating.objects.filter(is_current=True).values_list("criterion__key", "value")
    assert dict(current) == {"helpful": 4, "fair": 5}
    assert Rating.objects.count() == 3


def test_a_change_supersedes_and_nothing_is_overwritten(assignment: Assignment) -> None:
    page = page_of(assignment, "opinion")
    for text in ("One.", "Two.", "Two.", ""):
        send(assignment, page, {"text": text})
    rows = list(Opinion.objects.order_by("id").values_list("text", "is_current"))
    assert rows == [("One.", False), ("Two.", False)]
    assert Submission.objects.count() == 4
    choice = page_of(assignment, "choice")
    pair = page_of(assignment, "preference")
    for option, verdict in (("yes", "left"), ("no", "tie"), ("no", "tie")):
        send(assignment, choice, {"option": option})
        send(assignment, pair, {"verdict": verdict})
    assert list(Choice.objects.values_list("option__key", "is_current")) == [
        ("yes", False),
        ("no", True),
    ]
    assert list(Preference.objects.values_list("verdict", "is_current")) == [
        ("left", False),
        ("tie", True),
    ]


@pytest.mark.parametrize(
    ("kind", "values", "field"),
    [
        ("rating", {"rating_helpful": "6", "rating_fair": "2"}, "rating_helpful"),
        ("rating", {"rating_helpful": "0", "rating_fair": "2"}, "rating_helpful"),
        ("rating", {"rating_helpful": "3.5", "rating_fair": "2"}, "rating_helpful"),
        ("rating", {"rating_helpful": "nan", "rating_fair": "2"}, "rating_helpful"),
        ("rating", {"rating_helpful": "inf", "rating_fair": "2"}, "rating_helpful"),
        ("rating", {"rating_helpful": "much", "rating_fair": "2"}, "rating_helpful"),
        ("rating", {"rating_helpful": ["1", "2"], "rating_fair": "2"}, "rating_helpful"),
        ("rating", {"rating_helpful": "4"}, "rating_fair"),
        ("rating", {}, "rating_fair"),
        ("choice", {"option": "perhaps"}, "option"),
        ("choice", {}, "option"),
        ("choice", {"option": ["yes", "no"]}, "option"),
        ("preference", {"verdict": "up"}, "verdict"),
        ("preference", {"verdict": ""}, "verdict"),
        ("opinion", {"text": " \n "}, "text"),
        ("opinion", {"text": "a" * 10_001}, "text"),
        ("opinion", {"text": "a" * 200_001}, ""),
    ],
)
def test_what_no_scale_has_is_refused_whole(
    assignment: Assignment, kind: str, values: dict[str, str | list[str]], field: str
) -> None:
    with pytest.raises(StepProblem) as problem:
        send(assignment, page_of(assignment, kind), values)
    assert field in problem.value.errors
    for table in (Submission, Rating, Choice, Preference, Opinion):
        assert not table._default_manager.exists()


def test_cant_say_must_be_allowed(assignment: Assignment) -> None:
    study = assignment.participation.study
    study.criteria.filter(key="fair").update(allows_cant_say=False)
    with pytest.raises(StepProblem, match="Can't say"):
        send(
            assignment,
            page_of(assignment, "rating"),
            {"rating_helpful": "1", "rating_fair": "cant_say"},
        )


def test_a_slider_takes_a_number_or_the_box_not_both(assignment: Assignment) -> None:
    study = assignment.participation.study
    study.criteria.filter(key="fair").update(scale_kind="slider", low=0, high=100, step=0.5)
    page = page_of(assignment, "rating")
    with pytest.raises(StepProblem, match="either"):
        send(
            assignment,
            page,
            {"rating_helpful": "1", "rating_fair": "40", "cant_say_fair": "cant_say"},
        )
    send(assignment, page, {"rating_helpful": "1", "rating_fair": "62.5"})
    assert Rating.objects.get(criterion__key="fair").value == 62.5
    send(assignment, page, {"rating_helpful": "1", "cant_say_fair": "cant_say"})
    assert Rating.objects.get(criterion__key="fair", is_current=True).value is None


def test_another_assignments_pages_are_unknown(
    assignment: Assignment, jury: Jury, make_study: MakeStudy, at_work: AtWork
) -> None:
    other = loaded(claims.claim_next(participation=at_work(make_study(jury=jury), 1), now=NOW))
    for page in (
        page_of(other, "rating"),
        Page(kind="rating", item=str(uuid4()), is_required=True),
        Page(kind="judging", item="", is_required=True),
        Page(kind="rating", item="", is_required=True),
    ):
        with pytest.raises(submissions.UnknownPage):
            send(assignment, page, BOTH)
    assert not Submission.objects.exists()


def test_nothing_is_taken_from_one_who_left(assignment: Assignment) -> None:
    erase_said(juror=assignment.participation.juror, erase_said=False)
    with pytest.raises(submissions.WorkClosed):
        send(assignment, page_of(assignment, "rating"), BOTH)


def test_what_comes_after_the_study_closed_is_kept_and_marked(assignment: Assignment) -> None:
    Study.objects.update(state=Study.State.CLOSED)
    assert send(assignment, page_of(assignment, "rating"), BOTH).submission.is_late
    assert claims.claim_next(participation=assignment.participation, now=NOW) == assignment


def test_optional_pages_can_be_passed_over(
    jury: Jury, make_study: MakeStudy, at_work: AtWork
) -> None:
    study = make_study(jury=jury, queries=2, steps=("rating", "opinion"), sources=("alpha",))
    study.steps.filter(kind="opinion").update(is_required=False)
    own = at_work(study)
    assignment = loaded(claims.claim_next(participation=own, now=NOW))
    rating, opinion = work.pages_of(assignment=assignment)
    with pytest.raises(StepProblem):
        submissions.pass_over(assignment=assignment, page=rating, now=NOW)
    assert submissions.pass_over(assignment=assignment, page=opinion, now=NOW) == rating
    assert send(assignment, rating, BOTH).is_completed
    assert submissions.pass_over(assignment=assignment, page=opinion, now=NOW) is None
    following = claims.assignment_after(assignment=loaded(assignment), now=NOW)
    assert following is not None
    assert following.position == 1
    own.refresh_from_db()
    assert own.completed_count == 1


def test_with_optional_pages_alone_the_last_one_completes(
    jury: Jury, make_study: MakeStudy, at_work: AtWork
) -> None:
    study = make_study(jury=jury, steps=("opinion", "choice"))
    study.steps.update(is_required=False)
    assignment = loaded(claims.claim_next(participation=at_work(study), now=NOW))
    opinion, choice = work.pages_of(assignment=assignment)
    assert not send(assignment, opinion, {"text": "Yes."}).is_completed
    submissions.pass_over(assignment=assignment, page=choice, now=NOW)
    assignment.refresh_from_db()
    assert assignment.state == Assignment.State.COMPLETED


# --- Sides and order ------------------------------------------------------------------------------


def test_sides_are_shuffled_over_jurors_and_stay_for_one(
    jury: Jury, make_study: MakeStudy, at_work: AtWork
) -> None:
    study = make_study(jury=jury, queries=12, steps=("preference",))
    lefts: dict[int, list[str]] = {0: [], 1: []}
    for number in (0, 1):
        own = at_work(study, number)
        while (assignment := claims.claim_next(participation=own, now=NOW)) is not None:
            pairs = work.pairs_in_order(assignment=loaded(assignment))
            assert pairs == work.pairs_in_order(assignment=loaded(assignment))
            ((left, _),) = pairs.values()
            lefts[number].append(f"{assignment.query.external_id} {left.source.name}")
            claims_done(assignment)
    # Two jurors who joined one after the other see each pair with the sides exchanged.
    assert not set(lefts[0]) & set(lefts[1])
    assert len({name.split()[1] for name in lefts[0]}) == 2


@pytest.mark.parametrize(("count", "pairs"), [(1, 0), (2, 1), (3, 3), (4, 6), (5, 5), (9, 9)])
def test_many_responses_are_compared_on_a_ring(
    jury: Jury, make_study: MakeStudy, at_work: AtWork, count: int, pairs: int
) -> None:
    study = make_study(
        jury=jury,
        queries=1,
        sources=tuple(f"s{n}" for n in range(count)),
        steps=("preference", "rating"),
    )
    assignment = loaded(claims.claim_next(participation=at_work(study), now=NOW))
    found = work.pairs_in_order(assignment=assignment)
    assert len({frozenset(pair) for pair in found.values()}) == len(found) == pairs
    if count > 4:
        seen = [response.pk for pair in found.values() for response in pair]
        assert all(seen.count(pk) == 2 for pk in seen)


# --- Leaving --------------------------------------------------------------------------------------


def finished_pair(study: Study, at_work: AtWork) -> tuple[Participation, Participation]:
    both = at_work(study, 0), at_work(study, 1)
    for own in both:
        assignment = loaded(claims.claim_next(participation=own, now=NOW))
        for page in work.pages_of(assignment=assignment):
            send(assignment, page, BOTH)
        claims.claim_next(participation=own, now=NOW)
    return both


def test_erasing_deletes_what_she_said_and_nothing_else(
    jury: Jury, make_study: MakeStudy, at_work: AtWork
) -> None:
    study = make_study(jury=jury)
    own, other = finished_pair(study, at_work)
    bundle = Export.objects.create(study=study, run=Run.objects.create(kind="x", title="x"))
    erase_said(juror=own.juror, erase_said=True)
    assert not Rating.objects.filter(juror=own.juror).exists()
    assert not Submission.objects.filter(participation=own).exists()
    assert Rating.objects.filter(juror=other.juror).count() == 4
    own.refresh_from_db()
    assert own.state == Participation.State.WITHDRAWN
    bundle.refresh_from_db()
    assert bundle.stale_since is not None
    places_add_up(study)


def test_leaving_without_erasing_keeps_what_she_said(
    jury: Jury, make_study: MakeStudy, at_work: AtWork
) -> None:
    study = make_study(jury=jury)
    own, _ = finished_pair(study, at_work)
    bundle = Export.objects.create(study=study, run=Run.objects.create(kind="x", title="x"))
    erase_said(juror=own.juror, erase_said=False)
    assert Rating.objects.filter(juror=own.juror).count() == 4
    bundle.refresh_from_db()
    assert bundle.stale_since is None
    assert not Assignment.objects.filter(participation=own, state=Assignment.State.CLAIMED).exists()
    places_add_up(study)
    erase_said(juror=own.juror, erase_said=True)
    assert not Rating.objects.filter(juror=own.juror).exists()
    assert Query.objects.filter(study=study, claimed_count__lt=0).count() == 0
    places_add_up(study)
