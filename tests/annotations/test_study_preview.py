"""The preview: the juror's own pages and checks, and not a row of what she would have said."""

import re
from collections.abc import Callable

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotations.models import Study
from juries.models import Jury, User

MakeStudy = Callable[..., Study]
ALL_STEPS = (
    "opinion", "choice", "rating", "highlight", "preference", "ranking", "judging", "proposing",
    "labelling", "reason",
)  # fmt: skip


@pytest.fixture
def study(make_study: MakeStudy, jury: Jury) -> Study:
    """A draft with every step there is, and questions about the juror."""
    study = make_study(
        jury=jury, steps=ALL_STEPS, instructions="Read **well**.", debrief="For science.",
        completion_code="C0DE",
    )  # fmt: skip
    Study.objects.filter(pk=study.pk).update(state=Study.State.DRAFT)
    study.profile_questions.create(key="tea", text="Tea or coffee?", options=["tea", "coffee"])
    study.quiz_questions.create(
        key="back", text="May you go back?", options=["yes", "no"], right="yes",
        explanation="You *may*.",
    )  # fmt: skip
    for query in study.queries.all():
        query.answers.create(external_id="a", text="One may.")
        query.answers.create(external_id="b", text="One may not.")
    return Study.objects.get(pk=study.pk)


@pytest.fixture
def desk(client: Client, researcher: User) -> Client:
    client.force_login(researcher)
    return client


def walk(desk: Client, study: Study) -> list[str]:
    """Follow the preview from the consent to the thanks, answering everything; the addresses."""
    url = reverse("study-preview", args=[study.public_id])
    visited = []
    for _ in range(100):
        page = desk.get(url, follow=True)
        assert page.status_code == 200
        url = page.request["PATH_INFO"]
        visited.append(url.split("/preview/")[1])
        if url.endswith("thanks/"):
            return visited
        answer = desk.post(url, answers(study, url, page.content.decode()))
        assert answer.status_code == 302, (url, answer.content.decode()[:3000])
        url = answer.headers["Location"]
    raise AssertionError(f"no end: {visited}")


def answers(study: Study, url: str, page: str) -> dict[str, str]:
    """Something that the page's form takes."""
    if "/consent/" in url:
        return {"decision": "agree", "version": "1"}
    if "/questions/" in url:
        return {"tea": "tea"}
    if "/quiz/" in url:
        return {"back": "yes", "attempt_back": "1"}
    if "/ranking/" in url:
        names = re.findall(r'name="(place_\w+)"', page)
        return {name: str(place) for place, name in enumerate(names, start=1)}
    if "/highlight/" in url:
        return {"marks": "for:0-4", "against_5_10": "yes"}
    data = {"text": "A view.", "option": "yes", "rating_helpful": "3", "rating_fair": "4"}
    if "/labelling/" in url:
        number = int(url.split("/preview/")[1].split("/")[0])
        answer = study.queries.get(ordinal=number - 1).answers.all()[0]
        return {f"label_{answer.public_id.hex}": "expresses"}
    return data | {"verdict": "left" if "/preference/" in url else "reasonable"}


def everything_stored() -> dict[str, int]:
    """Rows of every table, but sessions."""
    return {
        model._meta.label: model._default_manager.count()
        for model in apps.get_models()
        if model._meta.app_label in ("juries", "annotations", "overton", "models_runner")
    }


def test_the_whole_way_is_shown_and_nothing_is_kept(desk: Client, study: Study) -> None:
    before = everything_stored()
    visited = walk(desk, study)
    assert visited[:4] == ["consent/", "questions/", "instructions/", "quiz/"]
    assert visited[-1] == "thanks/"
    kinds = [place.split("/")[1] for place in visited[4:-1]]
    assert [kinds.count(kind) for kind in ALL_STEPS] == [3, 3, 6, 6, 3, 3, 6, 3, 6, 3]
    assert everything_stored() == before


def test_reading_it_writes_nothing(desk: Client, study: Study) -> None:
    for name in ("consent", "questions", "instructions", "quiz", "thanks"):
        with CaptureQueriesContext(connection) as captured:
            desk.get(reverse(f"study-preview-{name}", args=[study.public_id]))
        assert all(query["sql"].startswith("SELECT") for query in captured)


def test_every_page_says_that_it_is_a_preview(desk: Client, study: Study) -> None:
    base = reverse("study-preview", args=[study.public_id])
    for place in ("consent/", "questions/", "instructions/", "1/opinion/", "3/choice/", "thanks/"):
        page = desk.get(base + place).content.decode()
        assert "Preview: nothing is kept" in page, place
        assert "annotations/juror.js" not in page
        assert reverse("juror-leave") not in page, place  # only a juror has something to leave
    assert "C0DE" in desk.get(f"{base}thanks/").content.decode()
    assert "<strong>well</strong>" in desk.get(f"{base}instructions/").content.decode()


def test_answers_are_checked_as_a_jurors_would_be(desk: Client, study: Study) -> None:
    base = reverse("study-preview", args=[study.public_id])
    response = study.queries.get(ordinal=0).responses.all()[0]
    url = f"{base}1/rating/{response.public_id}/"
    answer = desk.post(url, {"rating_helpful": "9"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "9 is not on the scale" in page
    assert 'id="error-rating_fair"' in page
    assert desk.post(f"{base}questions/", {}).status_code == 422
    assert desk.post(f"{base}2/choice/", {"option": "perhaps"}).status_code == 422


def test_the_quiz_explains_and_goes_on_after_the_last_try(desk: Client, study: Study) -> None:
    url = reverse("study-preview-quiz", args=[study.public_id])
    page = desk.post(url, {"back": "no", "attempt_back": "1"}).content.decode()
    assert "is not what was meant" in page
    assert "You <em>may</em>." in page
    assert 'name="attempt_back" value="2"' in page
    page = desk.post(url, {"back": "no", "attempt_back": "2"}).content.decode()
    assert "The answer is “yes”" in page
    assert reverse("study-preview-query", args=[study.public_id, 1]) in page
    study.quiz_questions.all().delete()
    assert desk.get(url).status_code == 404


def test_a_viewer_does_not_learn_right_answers_from_the_preview(
    client: Client, study: Study, stranger: User
) -> None:
    study.roles.create(user=stranger, role="viewer")
    client.force_login(stranger)
    url = reverse("study-preview-quiz", args=[study.public_id])
    assert "May you go back?" in client.get(url).content.decode()
    told = set()
    for value in ("yes", "no", "perhaps"):
        for attempt in ("1", "2", "9"):
            sent = client.post(url, {"back": value, "attempt_back": attempt}, follow=True)
            told.add((sent.redirect_chain[0][0], "You <em>may</em>" in sent.content.decode()))
    assert told == {(reverse("study-preview-query", args=[study.public_id, 1]), False)}


def test_an_optional_step_may_be_left_empty(desk: Client, study: Study) -> None:
    study.steps.filter(kind="opinion").update(is_required=False)
    url = reverse("study-preview", args=[study.public_id]) + "1/opinion/"
    assert desk.post(url, {"text": ""}).status_code == 302


def test_saying_no_leads_nowhere(desk: Client, study: Study) -> None:
    url = reverse("study-preview-consent", args=[study.public_id])
    page = desk.post(url, {"decision": "decline", "version": "1"}, follow=True).content.decode()
    assert "thanked and asked nothing" in page


def test_what_is_not_there(desk: Client, study: Study, make_study: MakeStudy) -> None:
    base = reverse("study-preview", args=[study.public_id])
    for place in ("99/", "0/", "1/juggling/", "1/rating/nothing/"):
        assert desk.get(base + place).status_code == 404, place
    plain = make_study()
    assert desk.get(reverse("study-preview-questions", args=[plain.public_id])).status_code == 404


def test_a_query_without_pages_says_so(desk: Client, make_study: MakeStudy) -> None:
    study = make_study(queries=1)
    study.queries.get().responses.all().delete()
    url = reverse("study-preview-query", args=[study.public_id, 1])
    assert "has no page for a juror" in desk.get(url, follow=True).content.decode()


def test_an_unknown_step_leads_back_with_its_name(desk: Client, make_study: MakeStudy) -> None:
    study = make_study(steps=("juggling",))
    page = desk.get(reverse("study-preview", args=[study.public_id]), follow=True)
    assert "The step &#x27;juggling&#x27; is not known here" in page.content.decode()


def test_a_study_without_jury_and_queries_can_be_looked_at(desk: Client, researcher: User) -> None:
    bare = Study.objects.create(title="Bare", slug="bare")
    walked = walk(desk, bare)
    assert walked == ["consent/", "thanks/"]
