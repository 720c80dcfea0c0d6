"""Quiz, rankings and checks over HTTP: the juror's pages, the admin's forms, the reports."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotations.models import Participation, Query, QuizReply, Ranking, Study
from annotations.services.study_content import repeat_query
from juries.models import Jury, User
from juries.services.invitations import invite

pytestmark = pytest.mark.django_db

MakeStudy = Callable[..., Study]


def at_the_instructions(jury: Jury, study: Study, number: int = 0) -> tuple[Client, str]:
    """A browser in which a juror has agreed, and her way."""
    seat = jury.seats.order_by("number")[number]
    (issued,) = invite(seats=[seat], expires_in=timedelta(days=7), now=timezone.now())
    client = Client()
    client.get(f"/j/{issued.token}/")
    way = client.get("/work/")["Location"]
    client.post(f"{way}consent/", {"decision": "agree", "version": study.consent_version})
    return client, way


@pytest.fixture
def quizzed(jury: Jury, make_study: MakeStudy) -> Study:
    study = make_study(jury=jury, queries=1, instructions="You may skip.")
    study.quiz_questions.create(
        key="skip", text="May you skip?", options=["yes", "no"], right="yes", explanation="**May.**"
    )
    return study


def test_the_quiz_over_http(jury: Jury, quizzed: Study) -> None:
    client, way = at_the_instructions(jury, quizzed)
    quiz = f"{way}quiz/"
    assert client.get(quiz)["Location"] == way
    assert client.get(way)["Location"] == f"{way}instructions/"
    client.post(f"{way}instructions/")
    assert client.get(way)["Location"] == quiz
    # No page of the work opens before it.
    assert client.get(f"{way}1/").status_code == 404
    missing = client.post(quiz, {"attempt_skip": "1"})
    assert missing.status_code == 422
    assert "choose one of the answers" in missing.content.decode()
    wrong = client.post(quiz, {"skip": "no", "attempt_skip": "1"}, follow=True)
    page = wrong.content.decode()
    assert "“no” is not what was meant" in page
    assert "<strong>May.</strong>" in page
    assert 'name="attempt_skip" value="2"' in page
    assert client.get(f"{way}instructions/").status_code == 200
    last = client.post(quiz, {"skip": "no", "attempt_skip": "2"}, follow=True).content.decode()
    assert "The answer is “yes”" in last
    assert f'href="{way}"' in last
    assert "/1/rating/" in client.get(way)["Location"]
    assert list(QuizReply.objects.values_list("attempt", "value")) == [(1, "no"), (2, "no")]


def test_who_is_right_goes_straight_on(jury: Jury, quizzed: Study) -> None:
    client, way = at_the_instructions(jury, quizzed)
    client.post(f"{way}instructions/")
    sent = client.post(f"{way}quiz/", {"skip": "yes", "attempt_skip": "1"})
    assert sent["Location"] == way
    assert Participation.objects.get().state == Participation.State.CONSENTED
    client.get(way)
    assert Participation.objects.get().state == Participation.State.WORKING
    # It can be looked at again, and asks nothing more.
    page = client.get(f"{way}quiz/").content.decode()
    assert 'type="radio"' not in page


def test_another_jurors_quiz_is_not_there(jury: Jury, quizzed: Study) -> None:
    _, way = at_the_instructions(jury, quizzed)
    other, _ = at_the_instructions(jury, quizzed, 1)
    assert other.get(f"{way}quiz/").status_code == 404
    assert Client().get(f"{way}quiz/").status_code == 404


def test_a_closed_study_takes_no_quiz(jury: Jury, quizzed: Study) -> None:
    client, way = at_the_instructions(jury, quizzed)
    client.post(f"{way}instructions/")
    Study.objects.update(state=Study.State.CLOSED)
    sent = client.post(f"{way}quiz/", {"skip": "yes", "attempt_skip": "1"}, follow=True)
    assert sent.status_code == 410
    assert not QuizReply.objects.exists()


def test_a_ranking_over_http_is_blind(jury: Jury, make_study: MakeStudy) -> None:
    study = make_study(jury=jury, queries=1, steps=("ranking",), sources=("gpt-secret", "b-secret"))
    for response in study.queries.get().responses.all():
        response.text = "A **bold** text"
        response.save()
    client, way = at_the_instructions(jury, study)
    url = client.get(way)["Location"]
    page = client.get(url).content.decode()
    assert "secret" not in page
    assert "A <strong>bold</strong> text" in page
    assert '<span class="ranking__text">A bold text' in page
    names = re.findall(r'<select name="(place_\w+)"', page)
    refused = client.post(url, dict.fromkeys(names, "1"))
    assert refused.status_code == 422
    assert "A and B share place 1" in refused.content.decode()
    assert refused.content.decode().count('<option value="1" selected>') == 2
    client.post(url, {names[0]: "2", names[1]: "1"})
    assert Ranking.objects.count() == 2


# --- The researcher -------------------------------------------------------------------------------


@pytest.fixture
def desk(client: Client, researcher: User) -> Client:
    client.force_login(researcher)
    return client


def error_of(response: Any) -> str:
    return str(response.content.decode())


def test_the_admin_takes_a_quiz_whose_right_answer_is_an_option(
    desk: Client, researcher: User, make_study: MakeStudy
) -> None:
    study = make_study(queries=1)
    study.roles.create(user=researcher, role="owner")
    url = reverse("admin:annotations_study_change", args=[study.pk])
    page = desk.get(url)
    data: dict[str, Any] = {}
    forms = [page.context["adminform"].form]
    forms += [fs.formset.management_form for fs in page.context["inline_admin_formsets"]]
    forms += [f for fs in page.context["inline_admin_formsets"] for f in fs.formset.initial_forms]
    for form in forms:
        for field in form:
            value = field.value()
            if value is not None and value is not False:
                data[field.html_name] = field.field.prepare_value(value)
    quiz = {
        "quiz_questions-TOTAL_FORMS": "1",
        "quiz_questions-0-position": "0",
        "quiz_questions-0-key": "skip",
        "quiz_questions-0-text": "May you skip?",
        "quiz_questions-0-options": "yes\nno",
        "quiz_questions-0-right": "perhaps",
        "quiz_questions-0-explanation": "",
    }
    refused = desk.post(url, {**data, **quiz})
    assert "is not among the options: yes, no" in error_of(refused)
    refused = desk.post(url, {**data, **quiz, "quiz_questions-0-options": "yes"})
    assert "at least two options" in error_of(refused)
    refused = desk.post(url, {**data, **quiz, "quiz_questions-0-options": "yes\n" + "n" * 301})
    assert "Line 2 has 301 characters" in error_of(refused)
    refused = desk.post(url, {**data, "quiz_tries": "0"})
    assert "greater than or equal to 1" in error_of(refused)
    taken = desk.post(url, {**data, **quiz, "quiz_questions-0-right": " yes ", "quiz_tries": "3"})
    assert taken.status_code == 302, [
        *taken.context["errors"],
        taken.context["adminform"].form.errors,
    ]
    assert study.quiz_questions.get().right == "yes"
    study.refresh_from_db()
    assert study.quiz_tries == 3


def test_the_action_puts_queries_again_all_or_none(desk: Client, make_study: MakeStudy) -> None:
    study = make_study(queries=2)
    url = reverse("admin:annotations_query_changelist")
    first, second = study.queries.order_by("ordinal")
    ticked = {"action": "put_again", "_selected_action": [first.pk]}
    page = desk.post(url, ticked, follow=True).content.decode()
    assert "Put again at the end: q0-again" in page
    assert "puts q0 again" in page
    both = {"action": "put_again", "_selected_action": [first.pk, second.pk]}
    page = desk.post(url, both, follow=True).content.decode()
    assert "is put again already" in page
    assert study.queries.count() == 3
    page = desk.get(reverse("admin:annotations_query_change", args=[first.pk])).content.decode()
    assert "put again, word for word, as" in page


def test_a_viewer_can_not_put_queries_again(
    client: Client, stranger: User, make_study: MakeStudy
) -> None:
    User.objects.filter(pk=stranger.pk).update(is_staff=True)
    study = make_study(queries=1)
    study.roles.create(user=stranger, role="viewer")
    client.force_login(stranger)
    url = reverse("admin:annotations_query_changelist")
    ticked = {"action": "put_again", "_selected_action": [study.queries.get().pk]}
    client.post(url, ticked, follow=True)
    assert study.queries.count() == 1


@pytest.mark.parametrize(
    ("written", "words"),
    [("nice = 2", "no criterion"), ("helpful = 9", "helpful: "), ("helpful", "criterion with")],
)
def test_the_form_of_a_query_says_what_it_can_not_ask_for(
    desk: Client, make_study: MakeStudy, written: str, words: str
) -> None:
    study = make_study(queries=1)
    query = study.queries.get()
    query.options.all().delete()
    query.responses.all().delete()
    url = reverse("admin:annotations_query_change", args=[query.pk])
    bare = {
        "external_id": "q0", "text": query.text,
        "options-TOTAL_FORMS": "0", "options-INITIAL_FORMS": "0",
        "responses-TOTAL_FORMS": "0", "responses-INITIAL_FORMS": "0",
    }  # fmt: skip
    assert words in error_of(desk.post(url, {**bare, "expected": written}))
    assert desk.post(url, {**bare, "expected": "helpful = 2\nfair=1"}).status_code == 302
    query.refresh_from_db()
    assert (query.check_kind, query.expected) == ("instructed", {"helpful": 2.0, "fair": 1.0})
    page = desk.get(url).content.decode()
    assert "fair = 1\nhelpful = 2" in page


def test_the_sheet_shows_checks_and_the_quiz(
    desk: Client, jury: Jury, quizzed: Study, at_work: Callable[..., Participation]
) -> None:
    query = quizzed.queries.get()
    repeat_query(query=query, actor=None)
    Query.objects.create(
        study=quizzed, external_id="told", ordinal=2, text="Choose 2.", check_kind="instructed",
        expected={"helpful": 2},
    ).responses.create(
        source=quizzed.sources.earliest("id"), external_id="t", text="Choose 2."
    )  # fmt: skip
    own = at_work(quizzed)
    own.quiz_replies.create(
        question=quizzed.quiz_questions.get(), attempt=1, value="no", is_right=False,
        created_at=timezone.now(),
    )  # fmt: skip
    criterion = quizzed.criteria.get(key="helpful")
    for position, one in enumerate(quizzed.queries.order_by("ordinal")):
        own.assignments.create(
            query=one, position=position, state="completed", active_ms=90_000,
            claimed_at=timezone.now(), lease_expires_at=timezone.now(),
        )  # fmt: skip
        for response in one.responses.all():
            response.ratings.create(
                juror=own.juror, criterion=criterion, value=3 + position % 2,
                created_at=timezone.now(),
            )  # fmt: skip
    url = reverse("study-juror", args=[quizzed.public_id, own.juror.public_id])
    page = desk.get(url).content.decode()
    assert "missed 1 of 1 answer" in page
    assert "the same number 0 of 2 times; 1.00 apart on average" in page
    assert "“no” at try 1, which is not right" in page
    viewer = User.objects.create_user("viewer", is_staff=True)
    quizzed.roles.create(user=viewer, role="viewer")
    looking = Client()
    looking.force_login(viewer)
    seen = looking.get(url).content.decode()
    assert "not right at try 1" in seen
    assert "“no”" not in seen, "of two options the other one would be right"
    admin = reverse("admin:annotations_study_change", args=[quizzed.pk])
    seen = looking.get(admin).content.decode()
    assert "May you skip?" in seen
    assert "**May.**" not in seen
    assert "Right answer" not in seen
    assert "Right answer" in desk.get(admin).content.decode()
    assert "says what to answer</span>" in page
    front = desk.get(reverse("study", args=[quizzed.public_id])).content.decode()
    assert "1 juror of 1 missed 1 of the 1 answers" in front
    assert "the same number 0 of 2 times and were 1 apart on average" in front
    fair = quizzed.criteria.get(key="fair")
    for position, one in enumerate(quizzed.queries.order_by("ordinal")):
        for response in one.responses.all():
            response.ratings.create(
                juror=own.juror, criterion=fair, value=1 + 2 * (position % 2),
                created_at=timezone.now(),
            )  # fmt: skip
    front = desk.get(reverse("study", args=[quizzed.public_id])).content.decode()
    assert "0 of 4 times and were apart on average by 1 on Helpful, 2 on Fair." in front
