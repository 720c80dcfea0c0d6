"""The study in the admin: what it saves and refuses, who sees it, what it asks of the database."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from annotations.models import Participation, Query, Rating, Response, Study, StudyRole
from annotations.selectors.studies import acts_of
from juries.models import Jury, User

MakeStudy = Callable[..., Study]
STAFF = "a-long-password"


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user("owner", password=STAFF, is_staff=True)


@pytest.fixture
def outsider(db: None) -> User:
    return User.objects.create_user("outsider", password=STAFF, is_staff=True)


@pytest.fixture
def desk(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


@pytest.fixture
def owned(make_study: MakeStudy, jury: Jury, owner: User) -> Study:
    study = make_study(jury=jury)
    study.roles.create(user=owner, role=StudyRole.Role.OWNER)
    return study


def form_data(client: Client, url: str) -> dict[str, str]:
    """What a browser would send of the form on a page, unchanged."""
    page = client.get(url)
    assert page.status_code == 200, url
    data: dict[str, str] = {}
    forms = [page.context["adminform"].form]
    for inline in page.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    for form in forms:
        for bound in form:
            value = (
                bound.field.prepare_value(bound.value())
                if hasattr(bound.field, "prepare_value")
                else bound.value()
            )
            if value is None or value is False:
                continue
            data[bound.html_name] = "on" if value is True else str(value)
    return data


def errors_of(response: Any) -> str:
    """All errors on a form's page, as text."""
    assert response.status_code == 200
    return re.sub(
        r"\s+",
        " ",
        " ".join(
            re.findall(r'<ul class="errorlist[^>]*>(.*?)</ul>', response.content.decode(), re.S)
        ),
    )


def change_url(row: Study | Query | Response) -> str:
    return reverse(f"admin:annotations_{row._meta.model_name}_change", args=[row.pk])


def seen(study: Study) -> Rating:
    """A juror holds the first query and has rated a response of it."""
    assert study.jury is not None
    juror = study.jury.jurors.order_by("id")[0]
    way = Participation.objects.create(
        study=study, juror=juror, ordinal=0, consented_at=timezone.now(),
        consent_version=study.consent_version,
    )  # fmt: skip
    query = study.queries.get(ordinal=0)
    way.assignments.create(
        query=query, position=0, claimed_at=timezone.now(), lease_expires_at=timezone.now()
    )
    return Rating.objects.create(
        juror=juror, response=query.responses.all()[0], criterion=study.criteria.all()[0],
        value=3, created_at=timezone.now(),
    )  # fmt: skip


class TestMakingAStudy:
    def test_from_the_empty_form_to_a_study_with_parts(self, desk: Client, owner: User) -> None:
        url = reverse("admin:annotations_study_add")
        data = form_data(desk, url)
        data |= {
            "title": "Tea", "consent_text": "Yes?",
            "profile_questions-TOTAL_FORMS": "1", "profile_questions-0-position": "0",
            "profile_questions-0-key": "milk", "profile_questions-0-text": "Milk?",
            "profile_questions-0-kind": "choice",
            "profile_questions-0-options": "yes\n\n no \n",
            "steps-TOTAL_FORMS": "1", "steps-0-position": "0", "steps-0-kind": "rating",
            "criteria-TOTAL_FORMS": "1", "criteria-0-position": "0", "criteria-0-key": "warm",
            "criteria-0-name": "Warmth", "criteria-0-question": "How warm?",
            "criteria-0-scale_kind": "likert", "criteria-0-low": "1", "criteria-0-high": "5",
            "criteria-0-step": "1", "criteria-0-labels": "1 = cold\n5 = hot",
            "sources-TOTAL_FORMS": "1", "sources-0-name": "kettle", "sources-0-revision": "1",
            "sources-0-kind": "model",
        }  # fmt: skip
        response = desk.post(url, data)
        assert response.status_code == 302, errors_of(response)
        study = Study.objects.get(title="Tea")
        assert study.slug == "tea"
        assert study.roles.get().user == owner
        assert study.profile_questions.get().options == ["yes", "no"]
        assert study.criteria.get().labels == {"1": "cold", "5": "hot"}
        assert study.steps.get().kind == "rating"
        assert acts_of(study=study).count() == 5

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"criteria-0-low": "5", "criteria-0-high": "1"}, "bounds are 5 and 1"),
            ({"criteria-0-labels": "9 = hot"}, "stands at 9, which is not on the scale"),
            ({"criteria-0-labels": "hot"}, "Line 1 reads 'hot'"),
            ({"criteria-0-labels": "1 = a\n1.0 = b"}, "Line 2: the point 1 stands twice"),
            ({"criteria-0-step": "0.3"}, "Steps of 0.3 do not lead from 1 to 5"),
            ({"criteria-0-scale_kind": "yes_no"}, "A yes/no scale has low 0, high 1"),
            ({"steps-0-kind": "juggling"}, "Select a valid choice"),
            ({"profile_questions-0-options": "yes"}, "at least two options; there is 1"),
            ({"profile_questions-0-options": "a\na"}, "stand twice: a"),
            ({"profile_questions-0-kind": "number"}, "Only a choice has options"),
            ({"assignment_mode": "overlap"}, "to how many jurors each query goes"),
            ({"lease_minutes": "0"}, "at least 1"),
            ({"title": ""}, "required"),
        ],
    )
    def test_what_makes_no_sense_is_refused_in_words(
        self, desk: Client, fields: dict[str, str], said: str
    ) -> None:
        url = reverse("admin:annotations_study_add")
        data = form_data(desk, url) | {
            "title": "Tea",
            "profile_questions-TOTAL_FORMS": "1", "profile_questions-0-position": "0",
            "profile_questions-0-key": "milk", "profile_questions-0-text": "Milk?",
            "profile_questions-0-kind": "choice", "profile_questions-0-options": "yes\nno",
            "steps-TOTAL_FORMS": "1", "steps-0-position": "0", "steps-0-kind": "rating",
            "criteria-TOTAL_FORMS": "1", "criteria-0-position": "0", "criteria-0-key": "warm",
            "criteria-0-name": "Warmth", "criteria-0-question": "How warm?",
            "criteria-0-scale_kind": "likert", "criteria-0-low": "1", "criteria-0-high": "5",
            "criteria-0-step": "1",
        } | fields  # fmt: skip
        assert said in errors_of(desk.post(url, data)).replace("&#x27;", "'")
        assert not Study.objects.exists()


class TestChangingAStudy:
    def test_an_unchanged_form_changes_nothing(self, desk: Client, owned: Study) -> None:
        url = change_url(owned)
        response = desk.post(url, form_data(desk, url))
        assert response.status_code == 302, errors_of(response)
        assert not acts_of(study=owned).exists()

    def test_agreed_text_needs_a_new_version(self, desk: Client, owned: Study) -> None:
        seen(owned)
        url = change_url(owned)
        data = form_data(desk, url) | {"consent_text": "Other."}
        assert "agreed to version 1" in errors_of(desk.post(url, data))
        assert desk.post(url, data | {"consent_version": "2"}).status_code == 302
        owned.refresh_from_db()
        assert (owned.consent_text, owned.consent_version) == ("Other.", "2")

    def test_a_rated_scale_is_refused_with_the_way_out(self, desk: Client, owned: Study) -> None:
        seen(owned)
        url = change_url(owned)
        data = form_data(desk, url)
        said = errors_of(desk.post(url, data | {"criteria-0-high": "7"}))
        assert "1 rating on this scale. Add another criterion under a new key" in said

    def test_a_rated_scale_can_not_be_removed(self, desk: Client, owned: Study) -> None:
        seen(owned)
        url = change_url(owned)
        response = desk.post(url, form_data(desk, url) | {"criteria-0-DELETE": "on"}, follow=True)
        assert "The criterion &#x27;Helpful&#x27; stays" in response.content.decode()
        assert owned.criteria.count() == 2
        assert Rating.objects.count() == 1

    def test_roles_come_and_go(self, desk: Client, owned: Study, outsider: User) -> None:
        url = change_url(owned)
        data = form_data(desk, url) | {
            "roles-TOTAL_FORMS": "2", "roles-1-user": str(outsider.pk), "roles-1-role": "viewer",
            "roles-1-study": str(owned.pk),
        }  # fmt: skip
        response = desk.post(url, data)
        assert response.status_code == 302, errors_of(response)
        assert owned.roles.get(user=outsider).role == "viewer"
        data = form_data(desk, url) | {"roles-1-DELETE": "on"}
        assert desk.post(url, data).status_code == 302
        assert owned.roles.count() == 1

    def test_the_last_owner_stays(self, desk: Client, owned: Study) -> None:
        url = change_url(owned)
        said = desk.post(url, form_data(desk, url) | {"roles-0-role": "viewer"}).content.decode()
        assert "A study needs an owner" in said
        assert owned.roles.get().role == "owner"

    def test_the_page_says_what_is_missing(self, desk: Client, owned: Study) -> None:
        Study.objects.filter(pk=owned.pk).update(state="draft", consent_text="")
        page = desk.get(change_url(owned)).content.decode()
        assert "There is no consent text" in page
        assert "#id_consent_text" in page


class TestQueries:
    def test_one_with_options_and_responses(self, desk: Client, owned: Study) -> None:
        url = f"{reverse('admin:annotations_query_add')}?study={owned.pk}"
        source = owned.sources.all()[0]
        data = form_data(desk, url) | {
            "text": "Is tea warm?",
            "options-TOTAL_FORMS": "1", "options-0-position": "0", "options-0-key": "yes",
            "options-0-text": "Yes",
            "responses-TOTAL_FORMS": "2", "responses-0-source": str(source.pk),
            "responses-0-text": "It is.", "responses-1-source": str(source.pk),
            "responses-1-text": "It was.",
        }  # fmt: skip
        response = desk.post(url, data)
        assert response.status_code == 302, errors_of(response)
        query = owned.queries.get(text="Is tea warm?")
        assert (query.ordinal, query.external_id) == (3, "q4")
        assert [r.external_id for r in query.responses.all()] == ["q4-alpha", "q4-alpha-2"]
        owned.refresh_from_db()
        assert owned.query_count == 4

    def test_an_id_that_stands_is_refused(self, desk: Client, owned: Study) -> None:
        url = f"{reverse('admin:annotations_query_add')}?study={owned.pk}"
        data = form_data(desk, url) | {"text": "Is tea warm?", "external_id": "q1"}
        assert "has a query &#x27;q1&#x27; already" in errors_of(desk.post(url, data))

    def test_the_study_is_asked_for(
        self, desk: Client, owned: Study, make_study: MakeStudy, owner: User
    ) -> None:
        url = reverse("admin:annotations_query_add")
        assert desk.get(url).headers["Location"].endswith(f"?study={owned.pk}")
        make_study().roles.create(user=owner, role="editor")
        assert "To which study?" in desk.get(url).content.decode()

    def test_what_jurors_saw_is_fixed_and_said_so(self, desk: Client, owned: Study) -> None:
        query = seen(owned).response.query
        url = change_url(query)
        assert "shown to 1 juror" in desk.get(url).content.decode()
        said = errors_of(desk.post(url, form_data(desk, url) | {"text": "Other?"}))
        assert "Add a new query" in said
        said = errors_of(desk.post(url, form_data(desk, url) | {"responses-0-text": "Other."}))
        assert "Add another response" in said
        query.refresh_from_db()
        assert query.text == "Question 0?"

    def test_removing_all_that_are_ticked_or_none(self, desk: Client, owned: Study) -> None:
        seen(owned)
        url = reverse("admin:annotations_query_changelist")
        ids = list(owned.queries.values_list("pk", flat=True))
        data = {"action": "delete_selected", "_selected_action": ids, "post": "yes"}
        page = desk.post(url, data).content.decode()
        assert "Add a new query" in page
        assert owned.queries.count() == 3
        assert desk.post(url, data | {"_selected_action": ids[1:2]}).status_code == 302
        left = owned.queries.order_by("ordinal").values_list("external_id", "ordinal")
        assert list(left) == [("q0", 0), ("q2", 1)]

    def test_a_response_of_its_own_page(self, desk: Client, owned: Study) -> None:
        response = Response.objects.filter(query__study=owned).order_by("-id")[0]
        url = change_url(response)
        assert desk.post(url, form_data(desk, url) | {"text": "New."}).status_code == 302
        response.refresh_from_db()
        assert response.text == "New."
        assert acts_of(study=owned).get().verb == "changed a response"


LISTS = ("study", "query", "response", "source")


class TestWhoSeesWhat:
    @pytest.mark.parametrize("name", LISTS)
    def test_lists_hold_only_ones_own(
        self, name: str, desk: Client, owned: Study, outsider: User
    ) -> None:
        url = reverse(f"admin:annotations_{name}_changelist")
        mine = desk.get(url)
        assert mine.context["cl"].result_count > 0
        other = Client()
        other.force_login(outsider)
        theirs = other.get(url)
        assert theirs.context["cl"].result_count == 0
        assert owned.title not in theirs.content.decode().replace("Studies", "")
        assert Client().get(url).status_code == 302

    def test_an_outsider_is_sent_away_from_every_row(self, owned: Study, outsider: User) -> None:
        other = Client()
        other.force_login(outsider)
        query = owned.queries.all()[0]
        for row in (owned, query, query.responses.all()[0]):
            answer = other.get(change_url(row))
            assert answer.status_code == 302
            assert answer.headers["Location"] == reverse("admin:index")
        add = f"{reverse('admin:annotations_query_add')}?study={owned.pk}"
        assert "no study to add it to" in other.get(add).content.decode()
        assert other.post(add, {"text": "Mine?"}).status_code == 200
        assert owned.queries.count() == 3

    def test_a_viewer_reads_and_changes_nothing(self, owned: Study, outsider: User) -> None:
        owned.roles.create(user=outsider, role="viewer")
        viewer = Client()
        viewer.force_login(outsider)
        query = owned.queries.all()[0]
        for row in (owned, query, query.responses.all()[0]):
            page = viewer.get(change_url(row))
            assert page.status_code == 200
            assert 'name="_save"' not in page.content.decode()
            assert viewer.post(change_url(row), {"title": "Mine", "text": "x"}).status_code == 403
        assert (
            viewer.post(
                reverse("admin:annotations_query_delete", args=[query.pk]), {"post": "yes"}
            ).status_code
            == 403
        )

    def test_an_editor_changes_but_gives_no_roles(self, owned: Study, outsider: User) -> None:
        owned.roles.create(user=outsider, role="editor")
        editor = Client()
        editor.force_login(outsider)
        url = change_url(owned)
        data = form_data(editor, url) | {
            "title": "Edited", "roles-TOTAL_FORMS": "2", "roles-INITIAL_FORMS": "2",
            "roles-1-role": "owner",
        }  # fmt: skip
        assert editor.post(url, data).status_code == 302
        owned.refresh_from_db()
        assert owned.title == "Edited"
        assert owned.roles.get(user=outsider).role == "editor"
        assert (
            editor.get(reverse("admin:annotations_study_delete", args=[owned.pk])).status_code
            == 403
        )

    def test_filters_name_no_other_study(
        self, desk: Client, owned: Study, make_study: MakeStudy
    ) -> None:
        other = make_study()
        Study.objects.filter(pk=other.pk).update(title="A secret study")
        for name in ("query", "response", "source"):
            page = desk.get(reverse(f"admin:annotations_{name}_changelist")).content.decode()
            assert "A secret study" not in page


@pytest.mark.parametrize("name", LISTS)
def test_lists_take_as_many_queries_for_three_rows_as_for_one(
    name: str, make_study: MakeStudy, jury: Jury, researcher: User
) -> None:
    client = Client()
    client.force_login(researcher)
    url = reverse(f"admin:annotations_{name}_changelist")
    counts = []
    make_study(jury=jury, queries=1, sources=("alpha",))
    for _ in range(2):
        client.get(url)
        with CaptureQueriesContext(connection) as captured:
            rows = client.get(url).context["cl"].result_count
        counts.append((rows, len(captured)))
        for _ in range(2):
            make_study(jury=jury, queries=1, sources=("alpha",))
    assert [rows for rows, _ in counts] == [1, 3]
    assert counts[0][1] == counts[1][1]


def test_the_admin_of_a_query_takes_as_many_queries_for_three_responses_as_for_one(
    make_study: MakeStudy, researcher: User
) -> None:
    client = Client()
    client.force_login(researcher)
    counts = []
    for sources in (("a",), ("a", "b", "c")):
        url = change_url(make_study(queries=1, sources=sources).queries.get())
        client.get(url)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        counts.append(len(captured))
    # Each response's list of sources is one query of Django's own widget.
    assert counts[1] - counts[0] <= 2


def test_a_source_takes_no_name_that_another_has(desk: Client, owned: Study) -> None:
    alpha = owned.sources.get(name="alpha")
    url = reverse("admin:annotations_source_change", args=[alpha.pk])
    answer = desk.post(url, {**form_data(desk, url), "name": "beta"}, follow=True)
    assert answer.status_code == 200
    assert "There is a source &#x27;beta@1&#x27; already" in answer.content.decode()
    assert desk.post(url, {**form_data(desk, url), "revision": "2"}).status_code == 302
    alpha.refresh_from_db()
    assert (alpha.name, alpha.revision) == ("alpha", "2")
