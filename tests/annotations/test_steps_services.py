"""Ranking, reasons, the quiz and checks: what is kept, refused, reported, and left out."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from django.http import QueryDict
from django.test import override_settings

from annotations.domain.tables import OutsideTable
from annotations.models import (
    Assignment,
    Participation,
    Query,
    QuizReply,
    Ranking,
    Rating,
    Reason,
    Study,
    Submission,
)
from annotations.parts.material import QueriesPart
from annotations.ports import ImportedIds, SectionContent, StepProblem, juror_steps
from annotations.sections import RankingSection
from annotations.selectors import work
from annotations.selectors.checklist import opening_checklist
from annotations.selectors.checks import check_reports
from annotations.selectors.juror_sheets import signs_of
from annotations.selectors.quiz import quiz_of, quiz_outcomes
from annotations.selectors.ratings import rating_matrix
from annotations.selectors.studies import front_page
from annotations.selectors.troubles import troubles
from annotations.selectors.work import Page, Stage
from annotations.services import claims, participation, submissions
from annotations.services.bundles import Bundle, BundleRefused, BundleTable
from annotations.services.query_import import QueryImportReport, import_queries
from annotations.services.quiz import QuizUnanswered, answer_quiz
from annotations.services.studies import StudyRefused
from annotations.services.study_content import add_query, change_query, repeat_query, save_part
from annotations.services.withdrawal import erase_said
from juries.models import Jury, Seat

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
MakeStudy = Callable[..., Study]
AtWork = Callable[..., Participation]


@pytest.fixture(autouse=True)
def own_steps() -> Iterator[None]:
    """Only the steps of this app are plugged in."""
    names = ("Opinion", "Choice", "Rating", "Preference", "Ranking", "Reason")
    juror_steps.cache_clear()
    with override_settings(JUROR_STEPS=[f"annotations.steps.{name}Step" for name in names]):
        yield
    juror_steps.cache_clear()


def first_claim(own: Participation, *, now: datetime = NOW) -> Assignment:
    assignment = claims.claim_next(participation=own, now=now)
    assert assignment is not None
    return work.with_study(Assignment.objects.all()).get(pk=assignment.pk)


def send(assignment: Assignment, page: Page, values: Mapping[str, str]) -> submissions.Receipt:
    data = QueryDict(mutable=True)
    for key, value in values.items():
        data[key] = value
    return submissions.submit(
        assignment=work.with_study(Assignment.objects.all()).get(pk=assignment.pk),
        page=page,
        data=data,
        client_id=uuid4(),
        active_ms=20_000,
        now=NOW,
    )


# --- Ranking --------------------------------------------------------------------------------------

THE_PAGE = Page("ranking", "", is_required=True)


def names_of(assignment: Assignment) -> list[str]:
    """The fields in the order in which this juror sees the responses."""
    rows = juror_steps()["ranking"].context(assignment=assignment, item="")["rows"]
    return [row.name for row in rows]


def ranked(juror_id: int) -> list[tuple[str, int, int]]:
    rows = Ranking.objects.filter(juror_id=juror_id, is_current=True)
    return sorted((row.response.source.name, row.place, row.shown) for row in rows)


def test_an_order_is_kept_with_where_each_response_stood(
    jury: Jury, make_study: MakeStudy, at_work: AtWork
) -> None:
    study = make_study(jury=jury, queries=1, steps=("ranking",), sources=("a", "b", "c"))
    own = at_work(study)
    assignment = first_claim(own)
    assert work.pages_of(assignment=assignment) == (THE_PAGE,)
    shown = [row.source.name for row in work.responses_in_order(assignment=assignment)]
    receipt = send(
        assignment, THE_PAGE, dict(zip(names_of(assignment), ("3", "1", "2"), strict=True))
    )
    assert receipt.is_completed
    places = {name: (place, seen) for name, place, seen in ranked(own.juror_id)}
    assert places == {shown[0]: (3, 1), shown[1]: (1, 2), shown[2]: (2, 3)}
    again = work.with_study(Assignment.objects.all()).get(pk=assignment.pk)
    values = juror_steps()["ranking"].context(assignment=again, item="")["values"]
    assert list(values.values()) == ["3", "1", "2"]


def test_a_changed_order_supersedes_the_whole_and_a_repeated_one_nothing(
    jury: Jury, make_study: MakeStudy, at_work: AtWork
) -> None:
    study = make_study(jury=jury, queries=1, steps=("ranking",))
    own = at_work(study)
    assignment = first_claim(own)
    first, second = names_of(assignment)
    for places in (("1", "2"), ("1", "2"), ("2", "1")):
        send(assignment, THE_PAGE, {first: places[0], second: places[1]})
    assert Ranking.objects.count() == 4
    assert Ranking.objects.filter(is_current=True).count() == 2
    assert sorted(place for _, place, _ in ranked(own.juror_id)) == [1, 2]
    assert Submission.objects.count() == 3


def test_places_must_be_whole_known_and_without_ties_unless_allowed(
    jury: Jury, make_study: MakeStudy, at_work: AtWork
) -> None:
    study = make_study(jury=jury, queries=1, steps=("ranking",), sources=("a", "b", "c"))
    assignment = first_claim(at_work(study))
    one, two, three = names_of(assignment)
    for values, words in (
        ({}, "in order, or say that"),
        ({one: "1", two: "2"}, "Response C has no place"),
        ({one: "2"}, "Responses B and C have no place"),
        ({one: "1", two: "2", three: "4"}, "from 1 to 3"),
        ({one: "1", two: "1", three: "2"}, "A and B share place 1"),
        ({one: "1", two: "2", three: "3", "place_" + "0" * 32: "1"}, "does not belong"),
    ):
        with pytest.raises(StepProblem, match=words) as problem:
            send(assignment, THE_PAGE, values)
        assert set(problem.value.errors) == {"order"}
    assert not Ranking.objects.exists()
    study.steps.update(allows_ties=True)
    send(assignment, THE_PAGE, {one: "1", two: "1", three: "2"})
    assert sorted(Ranking.objects.values_list("place", flat=True)) == [1, 1, 3]


def test_one_response_is_no_ranking_and_the_checklist_says_so(
    jury: Jury, make_study: MakeStudy, at_work: AtWork
) -> None:
    study = make_study(jury=jury, queries=1, steps=("ranking",), sources=("alone",))
    assert work.pages_of(assignment=first_claim(at_work(study))) == ()
    found = {finding.key: finding for finding in opening_checklist(study=study)}
    assert found["step-ranking"].is_blocking
    assert "two responses" in found["step-ranking"].text


def test_jurors_see_the_responses_in_orders_of_their_own(
    jury: Jury, make_study: MakeStudy, at_work: AtWork
) -> None:
    sources = ("a", "b", "c", "d", "e")
    study = make_study(jury=jury, queries=1, steps=("ranking",), sources=sources)
    orders = {tuple(names_of(first_claim(at_work(study, number)))) for number in range(4)}
    assert len(orders) > 1
    assert len({frozenset(order) for order in orders}) == 1


def test_results_of_rankings_by_hand(jury: Jury, make_study: MakeStudy) -> None:
    study = make_study(jury=jury, queries=2, steps=("ranking",), sources=("a", "b"))
    jurors = list(jury.jurors.order_by("id"))
    said = {"place": 0, "shown": 1, "created_at": NOW}
    for juror, winners in zip(jurors, ("aa", "ab"), strict=False):
        for query, winner in zip(study.queries.all(), winners, strict=True):
            for response in query.responses.all():
                place = 1 if response.source.name == winner else 2
                Ranking.objects.create(juror=juror, response=response, **{**said, "place": place})
    content = RankingSection().build(study=study)
    rows = {row[0]: row for row in content.figures[0].table.rows}
    # Juror 1 puts a first twice (1.0), juror 2 once in two (0.5).
    assert rows["a"][1] == pytest.approx(0.75)
    assert rows["b"][1] == pytest.approx(0.25)
    assert rows["a"][4] == pytest.approx(1.25)
    assert rows["a"][5] == 2
    low, high = rows["a"][2], rows["a"][3]
    assert isinstance(low, float)
    assert isinstance(high, float)
    assert 0.5 <= low <= 0.75 <= high <= 1.0
    assert "a (above 75% of the others" in content.summary[0]
    assert content == RankingSection().build(study=study)


def test_the_section_is_left_out_where_nobody_is_asked(jury: Jury, make_study: MakeStudy) -> None:
    assert RankingSection().build(study=make_study(jury=jury)) == SectionContent()
    asked = make_study(jury=None, steps=("ranking",))
    assert "put responses in order" in RankingSection().build(study=asked).empty_reason
    before = RankingSection().fingerprint(study=asked)
    response = asked.queries.first().responses.first()  # type: ignore[union-attr] # made above
    assert response is not None
    juror = jury.jurors.earliest("id")
    Ranking.objects.create(juror=juror, response=response, place=1, shown=1, created_at=NOW)
    assert RankingSection().fingerprint(study=asked) != before


# --- Reasons --------------------------------------------------------------------------------------


def test_a_reason_is_kept_changed_and_taken_back(
    jury: Jury, make_study: MakeStudy, at_work: AtWork
) -> None:
    study = make_study(jury=jury, queries=1, steps=("choice", "reason"))
    own = at_work(study)
    assignment = first_claim(own)
    page = work.pages_of(assignment=assignment)[-1]
    for text in ("It is clearer.", "It is clearer and kinder.", ""):
        send(assignment, page, {"text": text})
    rows = list(Reason.objects.order_by("id").values_list("text", "is_current"))
    assert rows == [("It is clearer.", False), ("It is clearer and kinder.", False)]
    with pytest.raises(StepProblem, match="sentence"):
        send(assignment, page, {"text": " "})


def test_an_optional_reason_may_be_passed_over(
    jury: Jury, make_study: MakeStudy, at_work: AtWork
) -> None:
    study = make_study(jury=jury, queries=1, steps=("choice", "reason"))
    study.steps.filter(kind="reason").update(is_required=False)
    assignment = first_claim(at_work(study))
    choice, reason = work.pages_of(assignment=assignment)
    assert not reason.is_required
    send(assignment, choice, {"option": "yes"})
    submissions.pass_over(assignment=assignment, page=reason, now=NOW)
    assignment.refresh_from_db()
    assert assignment.state == Assignment.State.COMPLETED
    assert not Reason.objects.exists()


# --- The quiz -------------------------------------------------------------------------------------


@pytest.fixture
def quizzed(jury: Jury, make_study: MakeStudy) -> Study:
    """A study with instructions and two questions on them."""
    study = make_study(jury=jury, instructions="You may skip. You may go back.")
    for position, (key, right) in enumerate({"skip": "yes", "alone": "no"}.items()):
        study.quiz_questions.create(
            key=key, text=f"{key}?", options=["yes", "no"], right=right, position=position,
            explanation=f"Why {key}.",
        )  # fmt: skip
    return study


def before_the_quiz(study: Study, number: int = 0) -> Participation:
    seat = Seat.objects.filter(jury=study.jury).order_by("number")[number]
    own = participation.join_study(seat=seat, study=study)
    own = participation.record_consent(participation=own, version="1", now=NOW)
    assert work.stage_of(participation=own) == Stage.INSTRUCTIONS
    return participation.read_instructions(participation=own, now=NOW)


def take(own: Participation, answers: Mapping[str, str], attempts: Mapping[str, int]) -> bool:
    return answer_quiz(participation=own, answers=answers, attempts=attempts, now=NOW)


def test_the_quiz_stands_between_the_instructions_and_the_work(quizzed: Study) -> None:
    own = before_the_quiz(quizzed)
    assert work.stage_of(participation=own) == Stage.QUIZ
    assert take(own, {"skip": "yes", "alone": "no"}, {"skip": 1, "alone": 1})
    assert work.stage_of(participation=own) == Stage.WORK
    own = participation.begin_work(participation=own, now=NOW + timedelta(minutes=5))
    assert own.instructions_read_at == NOW
    assert own.state == Participation.State.WORKING


def test_after_the_last_try_she_goes_on_and_nobody_is_excluded(quizzed: Study) -> None:
    own = before_the_quiz(quizzed)
    assert not take(own, {"skip": "no", "alone": "no"}, {"skip": 1, "alone": 1})
    skip, alone = quiz_of(participation=own)
    assert (skip.is_open, skip.tries_left, alone.is_open) == (True, 1, False)
    assert work.stage_of(participation=own) == Stage.QUIZ
    assert not take(own, {"skip": "no"}, {"skip": 2})
    assert work.stage_of(participation=own) == Stage.WORK
    outcome = quiz_outcomes(study=quizzed, juror_ids=[own.juror_id])[own.juror_id]
    assert (outcome.asked, outcome.right_at_once, outcome.right, outcome.tries) == (2, 1, 1, 3)
    front = front_page(study=quizzed)
    found = {row.key: row for row in troubles(study=quizzed, front=front, now=NOW)}
    assert "1 of the 1 juror who took the quiz" in found["quiz"].text
    assert not found["quiz"].is_blocking
    assert claims.claim_next(
        participation=participation.begin_work(participation=own, now=NOW), now=NOW
    )


def test_must_be_right_repeats_until_it_is(quizzed: Study) -> None:
    Study.objects.filter(pk=quizzed.pk).update(quiz_must_be_right=True)
    own = before_the_quiz(quizzed)
    for attempt in range(1, 6):
        take(own, {"skip": "no", "alone": "no"}, {"skip": attempt, "alone": attempt})
    own.study.refresh_from_db()
    assert work.stage_of(participation=own) == Stage.QUIZ
    assert take(own, {"skip": "yes"}, {"skip": 6})
    assert work.stage_of(participation=own) == Stage.WORK


def test_the_same_page_sent_twice_is_one_try(quizzed: Study) -> None:
    own = before_the_quiz(quizzed)
    for _ in range(3):
        assert not take(own, {"skip": "no", "alone": "yes"}, {"skip": 1, "alone": 1})
    assert QuizReply.objects.count() == 2
    assert work.stage_of(participation=own) == Stage.QUIZ


def test_an_answer_that_was_not_offered_keeps_nothing(quizzed: Study) -> None:
    own = before_the_quiz(quizzed)
    for answers in ({"skip": "yes"}, {"skip": "yes", "alone": "perhaps"}, {}):
        with pytest.raises(QuizUnanswered, match="alone"):
            take(own, answers, {})
    assert not QuizReply.objects.exists()


def test_a_new_consent_does_not_jump_the_quiz(quizzed: Study) -> None:
    own = before_the_quiz(quizzed)
    own = participation.record_consent(participation=own, version="1", now=NOW)
    assert own.state == Participation.State.CONSENTED
    assert work.stage_of(participation=own) == Stage.QUIZ


def test_an_answered_question_of_the_quiz_stays_as_it_is(quizzed: Study) -> None:
    own = before_the_quiz(quizzed)
    take(own, {"skip": "no", "alone": "no"}, {})
    question = quizzed.quiz_questions.get(key="skip")
    question.right = "no"
    with pytest.raises(StudyRefused, match="answered 1 time"):
        save_part(study=quizzed, part=question, actor=None)
    question.refresh_from_db()
    question.explanation = "Read the first line."
    save_part(study=quizzed, part=question, actor=None)


# --- Checks ---------------------------------------------------------------------------------------


def rate(juror_id: int, query: Query, values: Mapping[str, float | None]) -> None:
    for response in query.responses.all():
        for key, value in values.items():
            Rating.objects.create(
                juror_id=juror_id,
                response=response,
                criterion=query.study.criteria.get(key=key),
                value=value,
                created_at=NOW,
            )


@pytest.fixture
def checked(jury: Jury, make_study: MakeStudy) -> Study:
    """A study of three queries, one of them put again, and one that says what to answer."""
    study = make_study(jury=jury, queries=3)
    repeat_query(query=study.queries.get(external_id="q0"), actor=None)
    told = Query(study=study, external_id="told", text="Choose 2.", expected={"helpful": 2.0})
    add_query(study=study, query=told, actor=None)
    source = study.sources.first()
    assert source is not None
    told.responses.create(source=source, external_id="told-1", text="Please choose 2 here.")
    study.refresh_from_db()
    return study


def test_a_copy_has_what_its_original_has(checked: Study) -> None:
    original, copy = checked.queries.get(external_id="q0"), checked.queries.get(ordinal=3)
    assert (copy.external_id, copy.text, copy.check_kind) == ("q0-again", original.text, "repeated")
    texts = [list(one.responses.values_list("external_id", "text")) for one in (original, copy)]
    assert texts[0] == texts[1]
    assert [one.key for one in copy.options.all()] == ["yes", "no"]
    assert checked.query_count == 5
    for query, words in ((original, "put again already"), (copy, "is a check")):
        with pytest.raises(StudyRefused, match=words):
            repeat_query(query=query, actor=None)


def test_a_query_and_its_copy_can_not_come_apart(checked: Study) -> None:
    original, copy = checked.queries.get(external_id="q0"), checked.queries.get(ordinal=3)
    for query in (original, copy):
        query.text = "Something else?"
        with pytest.raises(StudyRefused, match="word for word"):
            change_query(query=query, actor=None)
        response = query.responses.first()
        assert response is not None
        response.text = "Something else."
        with pytest.raises(StudyRefused, match="word for word"):
            save_part(study=checked, part=response, actor=None)
        response.pk, response.external_id = None, "new"
        with pytest.raises(StudyRefused, match="word for word"):
            save_part(study=checked, part=response, actor=None)


def test_an_instructed_query_asks_for_what_can_be_given(checked: Study) -> None:
    told = checked.queries.get(external_id="told")
    assert told.check_kind == "instructed"
    for expected, words in (({"kind": 2.0}, "no criterion 'kind'"), ({"fair": 9.0}, "fair: ")):
        told.expected = expected
        with pytest.raises(StudyRefused, match=words):
            change_query(query=told, actor=None)
    told.expected = {}
    change_query(query=told, actor=None)
    told.refresh_from_db()
    assert told.check_kind == ""


def test_the_checklist_sees_a_criterion_that_went(checked: Study) -> None:
    checked.criteria.filter(key="helpful").delete()
    found = [row for row in opening_checklist(study=checked) if row.key == "expected"]
    assert found[0].is_blocking
    assert "'told'" in found[0].text


def test_an_instructed_query_is_rated_and_no_more(
    jury: Jury, make_study: MakeStudy, at_work: AtWork
) -> None:
    study = make_study(jury=jury, queries=1, steps=("opinion", "rating", "ranking", "reason"))
    study.queries.update(check_kind="instructed", expected={"helpful": 2})
    pages = work.pages_of(assignment=first_claim(at_work(study)))
    assert {page.kind for page in pages} == {"rating"}
    assert not {"step-ranking", "responses"} & {row.key for row in opening_checklist(study=study)}


def test_checks_enter_no_matrix_and_change_no_fingerprint(checked: Study, jury: Jury) -> None:
    juror = jury.jurors.earliest("id")
    criterion = checked.criteria.get(key="helpful")
    rate(juror.pk, checked.queries.get(external_id="q1"), {"helpful": 4})
    before = rating_matrix(criterion=criterion)
    sections = [RankingSection()]
    marks = [section.fingerprint(study=checked) for section in sections]
    for query in checked.queries.exclude(check_kind=""):
        rate(juror.pk, query, {"helpful": 1})
        for place, response in enumerate(query.responses.all(), start=1):
            Ranking.objects.create(
                juror=juror, response=response, place=place, shown=place, created_at=NOW
            )
    after = rating_matrix(criterion=criterion)
    assert len(after.responses) == 6
    assert np.array_equal(before.values, after.values, equal_nan=True)
    assert [section.fingerprint(study=checked) for section in sections] == marks
    assert RankingSection().build(study=checked) == SectionContent()


def test_reports_of_checks_by_hand(checked: Study, jury: Jury, at_work: AtWork) -> None:
    own = [at_work(checked, number) for number in range(2)]
    for row in own:
        assignment = first_claim(row)
        Assignment.objects.filter(pk=assignment.pk).update(
            state="completed", completed_at=NOW, active_ms=60_000
        )
    told = checked.queries.get(external_id="told")
    original, copy = checked.queries.get(external_id="q0"), checked.queries.get(ordinal=3)
    rate(own[0].juror_id, told, {"helpful": 2, "fair": 5})
    rate(own[1].juror_id, told, {"helpful": None})
    rate(own[0].juror_id, original, {"helpful": 4, "fair": 3})
    rate(own[0].juror_id, copy, {"helpful": 2, "fair": None})
    ids = [row.juror_id for row in own]
    reports = check_reports(study=checked, juror_ids=ids)
    first, second = reports[ids[0]], reports[ids[1]]
    assert first.instructed is not None
    assert (first.instructed.answered, first.instructed.missed) == (1, ())
    agreement = dict(first.repeated)
    assert agreement["Helpful"].pairs == 2
    assert agreement["Helpful"].exact.value == 0
    assert agreement["Helpful"].mean_difference.value == 2
    assert agreement["Fair"].pairs == 0
    # "Can't say" is not what was asked for.
    assert second.instructed is not None
    assert (second.instructed.answered, second.instructed.missed) == (1, (0,))
    assert second.repeated == ()
    signs = signs_of(study=checked, juror_ids=ids)
    assert [signs[pk].is_flagged for pk in ids] == [False, True]
    front = front_page(study=checked)
    found = {row.key: row.text for row in troubles(study=checked, front=front, now=NOW)}
    assert "1 juror of 2 missed 1 of the 2 answers" in found["instructed"]
    assert "the same number 0 of 2 times and were 2 apart" in found["repeated"]
    assert "quality" not in found


@pytest.mark.parametrize("seed", ["1", "2", "5"])
@pytest.mark.parametrize("mode", ["all", "overlap"])
def test_a_copy_comes_after_its_original_whoever_is_asked(
    checked: Study, at_work: AtWork, seed: str, mode: str
) -> None:
    Study.objects.filter(pk=checked.pk).update(
        order_seed=seed, assignment_mode=mode, overlap=4 if mode == "overlap" else None
    )
    for number in range(4):
        own = at_work(checked, number)
        given = []
        while (assignment := claims.claim_next(participation=own, now=NOW)) is not None:
            given.append(assignment.query.external_id)
            Assignment.objects.filter(pk=assignment.pk).update(state="completed")
        assert sorted(given) == ["q0", "q0-again", "q1", "q2", "told"]
        assert given.index("q0") < given.index("q0-again")
    for query in checked.queries.all():
        assert query.claimed_count == 4


def test_queries_that_come_late_keep_a_copy_behind_its_original(
    checked: Study, at_work: AtWork
) -> None:
    own = at_work(checked)
    given = []
    while (assignment := claims.claim_next(participation=own, now=NOW)) is not None:
        given.append(assignment.query.external_id)
        Assignment.objects.filter(pk=assignment.pk).update(state="completed")
        if len(given) == 2:
            late = Query(study=checked, external_id="late", text="Late?")
            add_query(study=checked, query=late, actor=None)
            repeat_query(query=late, actor=None)
            own.study.refresh_from_db()
    assert len(given) == len(set(given)) == 7
    assert given.index("late") < given.index("late-again")
    assert given.index("q0") < given.index("q0-again")


def test_a_copy_goes_to_nobody_who_has_not_had_the_original(
    checked: Study, at_work: AtWork
) -> None:
    Study.objects.filter(pk=checked.pk).update(
        assignment_mode="overlap", overlap=1, queries_per_juror=2
    )
    had: dict[int, set[str]] = {}
    for number in range(4):
        own = at_work(checked, number)
        while (assignment := claims.claim_next(participation=own, now=NOW)) is not None:
            had.setdefault(number, set()).add(assignment.query.external_id)
            Assignment.objects.filter(pk=assignment.pk).update(state="completed")
    assert all("q0" in given for given in had.values() if "q0-again" in given)


# --- Checks from a table --------------------------------------------------------------------------

FIELDS = ("query_id", "query", "source", "response", "expected", "repeats")


def bring_in(study: Study, *rows: tuple[str, ...]) -> QueryImportReport:
    table = OutsideTable(FIELDS, tuple(enumerate(rows, start=2)))
    return import_queries(
        study=study, table=table, mapping={name: name for name in FIELDS}, actor=None
    )


def test_checks_come_in_from_a_table(make_study: MakeStudy) -> None:
    study = make_study(queries=1)
    report = bring_in(
        study,
        ("new", "New?", "alpha", "Yes.", "", ""),
        ("again", "", "", "", "", "new"),
        ("q0-2", "Question 0?", "", "", "", "q0"),
        ("told", "Choose 2.", "alpha", "Choose 2.", "helpful = 2; fair = 1", ""),
    )
    assert report.is_done, report.problems
    kinds = list(study.queries.order_by("ordinal").values_list("external_id", "check_kind"))
    assert kinds == [
        ("q0", ""), ("new", ""), ("again", "repeated"), ("q0-2", "repeated"),
        ("told", "instructed"),
    ]  # fmt: skip
    again = study.queries.get(external_id="again")
    assert (again.text, again.repeats) == ("New?", study.queries.get(external_id="new"))
    assert [row.text for row in again.responses.all()] == ["Yes."]
    assert study.queries.get(external_id="q0-2").responses.count() == 2
    assert study.queries.get(external_id="told").expected == {"helpful": 2.0, "fair": 1.0}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("c", "", "", "", "", "nowhere"), "there is no query 'nowhere'"),
        (("c", "Other?", "", "", "", "q0"), "another text"),
        (("c", "", "alpha", "Yes.", "", "q0"), "are copied"),
        (("c", "T", "alpha", "R", "helpful = 99", ""), "helpful: "),
        (("c", "T", "alpha", "R", "nice = 1", ""), "no criterion 'nice'"),
        (("c", "T", "alpha", "R", "helpful", ""), "criterion with a value"),
        (("c", "T", "", "", "helpful = 1", "q0"), "fill in one of the two"),
        (("c", "", "", "", "", "q1-again"), "is a check itself"),
        (("c", "", "", "", "", "q1"), "is put again already"),
        (("q1", "", "alpha", "A new one.", "", ""), "word for word"),
    ],
)
def test_a_check_that_makes_no_sense_is_named_by_row(
    make_study: MakeStudy, row: tuple[str, ...], words: str
) -> None:
    study = make_study(queries=2)
    repeat_query(query=study.queries.get(external_id="q1"), actor=None)
    if row[0] == "q1":
        row = (row[0], "Question 1?", *row[2:])
    report = bring_in(study, row)
    assert not report.is_done
    assert words in " ".join(map(str, report.problems))
    assert all(problem.row == 2 for problem in report.problems)
    assert study.queries.count() == 3


# --- Out and in -----------------------------------------------------------------------------------


def query_rows(*changes: Mapping[str, object]) -> Iterator[dict[str, object]]:
    for number, change in enumerate(changes):
        yield {
            "query": f"00000000-0000-4000-8000-00000000000{number}", "external_id": f"q{number}",
            "ordinal": number, "text": "What?", "check": "", "expected": {}, "repeats": None,
            **change,
        }  # fmt: skip


NOWHERE = "00000000-0000-4000-8000-000000000009"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"check": "repeated", "repeats": NOWHERE}, "which is not there"),
        ({"check": "repeated"}, "repeats 'None'"),
        ({"repeats": "00000000-0000-4000-8000-000000000000"}, "not marked so"),
        ({"check": "instructed"}, "contradict each other"),
        ({"expected": {"helpful": 2}}, "contradict each other"),
        ({"check": "instructed", "expected": {"nice": 2}}, "no criterion 'nice'"),
        ({"check": "odd"}, "must be one of"),
        ({"check": "instructed", "expected": {"helpful": "2"}}, "a number for each criterion"),
    ],
)
def test_a_bundle_whose_checks_make_no_sense_is_refused(
    make_study: MakeStudy, change: Mapping[str, object], words: str
) -> None:
    study = make_study(queries=0)
    ids = ImportedIds(keep_public_ids=True, now=NOW)
    with pytest.raises(BundleRefused, match=words):
        QueriesPart().load(study=study, rows=query_rows({}, change), ids=ids)


def test_a_bundle_from_before_there_were_checks_can_be_read(
    make_study: MakeStudy, tmp_path: Path
) -> None:
    columns = QueriesPart().columns(study=Study())
    old = tuple(column for column in columns if not column.may_lack)
    assert len(old) == 4
    (row,) = query_rows({})
    line = json.dumps({column.name: row[column.name] for column in old})
    (tmp_path / "queries.jsonl").write_text(line + "\n")
    table = BundleTable(name="queries", rows=1, columns=old, files=("queries.jsonl",))
    bundle = Bundle(folder=tmp_path, manifest={}, tables={"queries": table})
    study = make_study(queries=0)
    ids = ImportedIds(keep_public_ids=True, now=NOW)
    rows = bundle.rows(name="queries", columns=columns)
    assert QueriesPart().load(study=study, rows=rows, ids=ids) == 1
    assert (study.queries.get().check_kind, study.queries.get().expected) == ("", {})


# --- Leaving --------------------------------------------------------------------------------------


def test_a_withdrawal_erases_rankings_reasons_and_the_quiz(quizzed: Study, at_work: AtWork) -> None:
    stays, leaves = at_work(quizzed, 0), at_work(quizzed, 1)
    query = quizzed.queries.get(ordinal=0)
    response = query.responses.earliest("id")
    for own in (stays, leaves):
        said = {"juror_id": own.juror_id, "created_at": NOW}
        Ranking.objects.create(response=response, place=1, shown=1, **said)
        Reason.objects.create(query=query, text="Because.", **said)
        take(own, {"skip": "yes", "alone": "no"}, {})
    erase_said(juror=leaves.juror, erase_said=False)
    assert Ranking.objects.count() == Reason.objects.count() == 2
    erase_said(juror=leaves.juror, erase_said=True)
    assert list(Ranking.objects.values_list("juror_id", flat=True)) == [stays.juror_id]
    assert list(Reason.objects.values_list("juror_id", flat=True)) == [stays.juror_id]
    assert {row.participation for row in QuizReply.objects.all()} == {stays}
