"""A study's pages: who may open them, what they say, what they ask of the database."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from annotations.models import (
    Assignment,
    Highlight,
    Opinion,
    Participation,
    Query,
    Rating,
    Reason,
    Study,
    StudyRole,
)
from annotations.selectors.juror_sheets import signs_of
from annotations.selectors.studies import front_page
from annotations.selectors.troubles import troubles
from annotations.services import studies
from juries.models import CandidateContact, FeatureValue, Jury, Quota, Run, Seat, User
from juries.services.audit import record_act

MakeStudy = Callable[..., Study]


@pytest.fixture
def study(make_study: MakeStudy, jury: Jury, stranger: User) -> Study:
    """A study that `stranger` owns."""
    study = make_study(jury=jury, instructions="Read well.", debrief="Thank you.", contact="Ada")
    study.roles.create(user=stranger, role=StudyRole.Role.OWNER)
    return study


@pytest.fixture
def owner(client: Client, study: Study, stranger: User) -> Client:
    client.force_login(stranger)
    return client


def work(study: Study, *, number: int = 0, queries: int = 2, value: float = 3) -> Participation:
    """A juror who has finished some queries, at a minute each, and rates everything alike."""
    assert study.jury is not None
    now = timezone.now()
    juror = study.jury.jurors.order_by("id")[number]
    way = Participation.objects.create(
        study=study, juror=juror, ordinal=number, state=Participation.State.WORKING,
        consented_at=now, consent_version="1", completed_count=queries, next_position=queries,
    )  # fmt: skip
    for query in study.queries.order_by("ordinal")[:queries]:
        way.assignments.create(
            query=query, position=query.ordinal, state=Assignment.State.COMPLETED, claimed_at=now,
            lease_expires_at=now, completed_at=now, active_ms=60_000,
        )  # fmt: skip
        for response in query.responses.all():
            for criterion in study.criteria.all():
                Rating.objects.create(
                    juror=juror, response=response, criterion=criterion, value=value,
                    created_at=now,
                )  # fmt: skip
    return way


def pages_of(study: Study) -> list[str]:
    """Every page of a study that only reads."""
    assert study.jury is not None
    juror = study.jury.jurors.all()[0]
    names = ("study", "study-live", "study-jurors", "study-log", "study-preview-consent",
             "study-preview-instructions", "study-preview-thanks")  # fmt: skip
    query = reverse("study-preview-query", args=[study.public_id, 1])
    item = study.queries.get(ordinal=0).responses.all()[0].public_id
    return [
        *(reverse(name, args=[study.public_id]) for name in names),
        reverse("study-juror", args=[study.public_id, juror.public_id]),
        f"{query}rating/{item}/",
    ]


class TestWhoMay:
    def test_owner_sees_every_page(self, owner: Client, study: Study) -> None:
        for url in pages_of(study):
            answer = owner.get(url)
            assert answer.status_code == 200, url
            assert "Content-Security-Policy" in answer.headers

    def test_viewer_sees_every_page_and_changes_nothing(
        self, owner: Client, study: Study, stranger: User
    ) -> None:
        study.roles.update(role=StudyRole.Role.VIEWER)
        for url in pages_of(study):
            assert owner.get(url).status_code == 200, url
        front = owner.get(reverse("study", args=[study.public_id])).content.decode()
        assert "Close the study" not in front
        for name in ("study-open", "study-close"):
            assert owner.post(reverse(name, args=[study.public_id])).status_code == 404

    def test_for_another_researcher_there_is_nothing(
        self, client: Client, study: Study, django_user_model: type[User]
    ) -> None:
        client.force_login(django_user_model.objects.create_user("other", is_staff=True))
        for url in pages_of(study):
            assert client.get(url).status_code == 404, url
        for name in ("study-open", "study-close"):
            assert client.post(reverse(name, args=[study.public_id])).status_code == 404
        assert study.title not in client.get(reverse("studies")).content.decode().replace(
            "Studies", ""
        )

    def test_anonymous_is_asked_to_sign_in(self, client: Client, study: Study) -> None:
        for url in (*pages_of(study), reverse("studies")):
            answer = client.get(url)
            assert answer.status_code == 302, url
            assert answer.headers["Location"].startswith(reverse("admin:login"))

    def test_a_juror_of_another_jury_has_no_sheet_here(
        self, owner: Client, study: Study, pool: object, jury: Jury
    ) -> None:
        other = Jury.objects.create(pool=jury.pool, name="Other", size=1)
        juror = other.jurors.create(candidate=jury.pool.candidates.order_by("-id")[0])
        for public_id in (juror.public_id, uuid.uuid4()):
            url = reverse("study-juror", args=[study.public_id, public_id])
            assert owner.get(url).status_code == 404


class TestFrontPage:
    def test_who_sits_and_how_far(self, study: Study, jury: Jury) -> None:
        work(study)
        gone = jury.seats.get(number=4)
        gone.state = Seat.State.DECLINED
        gone.save()
        front = front_page(study=study)
        assert (front.sitting, front.finished, front.working, front.waiting) == (3, 0, 1, 2)
        assert (front.answered, front.expected) == (2, 9)
        assert front.who.summary == "4 seats: 3 accepted, 1 declined"
        assert front.how_far.summary.startswith("4 jurors: 1 at work, 2 not started")
        features = {feature: len(groups) for feature, groups in front.groups}
        assert features == {"gender": 2, "age": 2}

    def test_overlap_bounds_what_is_expected(self, make_study: MakeStudy, jury: Jury) -> None:
        few = make_study(jury=jury, assignment_mode="overlap", overlap=2)
        assert front_page(study=few).expected == 6
        many = make_study(jury=jury, assignment_mode="overlap", overlap=9, queries_per_juror=1)
        assert front_page(study=many).expected == 4

    def test_the_newest_results_are_quoted(self, owner: Client, study: Study) -> None:
        run = Run.objects.create(kind="annotations.results", title="Results")
        study.results_snapshots.create(
            run=run, input_digest="x",
            content={"who": {"summary": ["3 of 4 seated jurors have finished."]}},
        )  # fmt: skip
        page = owner.get(reverse("study", args=[study.public_id])).content.decode()
        assert "3 of 4 seated jurors have finished." in page
        assert "Something was said or changed after the results were computed" in page

    def test_the_page_renews_itself_only_while_open(self, owner: Client, study: Study) -> None:
        url = reverse("study", args=[study.public_id])
        assert 'hx-trigger="every 10s"' in owner.get(url).content.decode()
        Study.objects.filter(pk=study.pk).update(state="closed", closed_at=timezone.now())
        assert 'hx-trigger="every 10s"' not in owner.get(url).content.decode()

    def test_opening_says_what_is_missing(self, owner: Client, study: Study) -> None:
        Study.objects.filter(pk=study.pk).update(state="draft", consent_text=" ")
        url = reverse("study-open", args=[study.public_id])
        page = owner.post(url, follow=True).content.decode()
        assert "There is no consent text" in page
        study.refresh_from_db()
        assert study.state == "draft"
        Study.objects.filter(pk=study.pk).update(consent_text="Yes?")
        assert "The study is open" in owner.post(url, follow=True).content.decode()
        closed = owner.post(reverse("study-close", args=[study.public_id]), follow=True)
        assert "The study is closed" in closed.content.decode()
        study.refresh_from_db()
        assert study.state == "closed"
        assert owner.get(url).status_code == 405


class TestWhatIsWrong:
    def keys(self, study: Study) -> dict[str, str]:
        study = Study.objects.get(pk=study.pk)
        found = troubles(study=study, front=front_page(study=study), now=timezone.now())
        assert all(f.url and f.action for f in found)
        return {f.key: f.text for f in found}

    def test_nothing_of_a_study_in_good_order(self, study: Study) -> None:
        work(study)
        assert self.keys(study) == {}

    def test_work_that_waits_without_a_worker(self, study: Study) -> None:
        Run.objects.create(
            kind="annotations.results", title="Results", parameters={"study": study.pk}
        )
        assert "no worker has answered for 30 seconds" in self.keys(study)["worker"]

    def test_the_newest_run_of_a_kind_failed(self, study: Study) -> None:
        run = Run.objects.create(
            kind="annotations.export", title="Export", parameters={"study": study.pk},
            state=Run.State.FAILED, error="The disk is full.",
        )  # fmt: skip
        assert self.keys(study)["run"] == "“Export” failed: The disk is full."
        Run.objects.create(
            kind=run.kind, title="Export", parameters=run.parameters, state=Run.State.SUCCEEDED
        )
        assert "run" not in self.keys(study)

    def test_vacant_seats_and_broken_quotas(self, study: Study, jury: Jury) -> None:
        value = FeatureValue.objects.get(value="woman")
        quota = Quota.objects.create(jury=jury, key=str(value.pk), minimum=2, maximum=2)
        quota.feature_values.add(value)
        assert self.keys(study) == {}
        jury.seats.filter(number=1).update(state=Seat.State.WITHDRAWN)
        found = self.keys(study)
        assert found["vacant"].startswith("1 seat is vacant")
        assert "gender woman has 1 of 2 to 2" in found["quotas"]

    def test_invitations_not_made_not_opened_and_expired(self, study: Study, jury: Jury) -> None:
        now = timezone.now()
        seats = list(jury.seats.order_by("number"))
        Seat.objects.filter(pk=seats[0].pk).update(state=Seat.State.DRAWN)
        for seat, days, opened in ((seats[1], 3, None), (seats[2], -1, now), (seats[3], 3, now)):
            Seat.objects.filter(pk=seat.pk).update(state=Seat.State.INVITED)
            seat.invitations.create(
                token_hash=str(seat.pk), expires_at=now + timedelta(days=days),
                first_opened_at=opened,
            )  # fmt: skip
        found = self.keys(study)
        assert found["uninvited"].startswith("1 juror has not been invited")
        assert found["unopened"].startswith("1 juror has not opened")
        assert found["expired"].startswith("The link of 1 juror")

    def test_leases_that_ran_out_and_late_answers(self, study: Study) -> None:
        way = work(study, queries=1)
        held = way.assignments.create(
            query=study.queries.get(ordinal=2), position=2, claimed_at=timezone.now(),
            lease_expires_at=timezone.now() - timedelta(minutes=1),
        )  # fmt: skip
        way.submissions.create(client_id=uuid.uuid4(), assignment=held, step="rating", is_late=True)
        found = self.keys(study)
        assert found["leases"].startswith("1 query is held")
        assert found["late"].startswith("1 answer came")

    def test_stale_exports(self, study: Study) -> None:
        run = Run.objects.create(kind="annotations.export", title="Export")
        study.exports.create(run=run, stale_since=timezone.now())
        assert self.keys(study)["exports"].startswith("1 export holds")


class TestSigns:
    def test_the_same_answer_on_and_on_is_reported(
        self, make_study: MakeStudy, jury: Jury, researcher: User, client: Client
    ) -> None:
        study = make_study(jury=jury, queries=5)
        work(study, queries=5)
        signs = signs_of(study=study, juror_ids=[jury.jurors.order_by("id")[0].pk])
        (found,) = signs.values()
        assert [report.longest_run for _, report in found.same_answers] == [10, 10]
        assert found.is_flagged
        assert not found.speed.flagged
        client.force_login(researcher)
        page = client.get(reverse("study-jurors", args=[study.public_id]) + "?signs=1")
        assert len(page.context["rows"]) == 1
        sheet = client.get(
            reverse("study-juror", args=[study.public_id, jury.jurors.order_by("id")[0].public_id])
        ).content.decode()
        assert "the same value 10 times in a row" in sheet

    def test_a_query_that_nobody_could_have_read(self, study: Study) -> None:
        way = work(study)
        way.assignments.update(active_ms=200)
        (found,) = signs_of(study=study, juror_ids=[way.juror_id]).values()
        assert found.speed.flagged
        assert found.speed.median_seconds.value == 0.2

    def test_unmeasured_time_is_no_sign(self, study: Study) -> None:
        way = work(study)
        way.assignments.update(active_ms=0)
        (found,) = signs_of(study=study, juror_ids=[way.juror_id]).values()
        assert not found.speed.flagged
        assert found.speed.median_seconds.reason

    def test_the_sheet_has_her_own_words(self, owner: Client, study: Study) -> None:
        way = work(study, queries=2)
        first, second = Query.objects.filter(assignments__participation=way).order_by("ordinal")
        url = reverse("study-juror", args=[study.public_id, way.juror.public_id])
        assert "In her own words" not in owner.get(url).content.decode()
        now = timezone.now()
        for text, is_current in (("A first thought.", False), ("Both <b>ways</b>.", True)):
            Opinion.objects.create(
                juror=way.juror, query=first, text=text, is_current=is_current, created_at=now
            )
        Reason.objects.create(juror=way.juror, query=second, text="Cost.", created_at=now)
        sheet = owner.get(url).content.decode()
        assert "Both &lt;b&gt;ways&lt;/b&gt;." in sheet
        assert "Cost." in sheet
        assert "A first thought." not in sheet

    def test_the_sheet_has_the_words_that_she_marked(self, owner: Client, study: Study) -> None:
        way = work(study, queries=2)
        first, second = Query.objects.filter(assignments__participation=way).order_by("ordinal")
        said = {"juror": way.juror, "created_at": timezone.now()}
        url = reverse("study-juror", args=[study.public_id, way.juror.public_id])
        counts = []
        for query in (first, second):
            one, other = query.responses.order_by("id")
            text = one.text
            end = len(text)
            Highlight.objects.create(response=one, kind="against", start=5, end=end, **said)
            Highlight.objects.create(
                response=one, kind="for", start=0, end=4, is_current=False, **said
            )
            Highlight.objects.create(response=other, kind="nothing", **said)
            with CaptureQueriesContext(connection) as captured:
                sheet = owner.get(url).content.decode()
            counts.append(len(captured))
            assert f"“{text[5:]}”" in sheet
            assert "“What”" not in sheet
        assert "alpha, spoke against it:" in sheet
        assert "beta, nothing stood out" in sheet
        assert counts[0] == counts[1]

    def test_the_sheet_names_nobody(self, owner: Client, study: Study, jury: Jury) -> None:
        seat = jury.seats.select_related("juror__candidate").get(number=1)
        candidate = seat.juror.candidate
        candidate.external_id = "panelist-4711"
        candidate.save()
        CandidateContact.objects.create(
            candidate=candidate, pool=jury.pool, name="Ada Lovelace", email="ada@example.org"
        )
        work(study)
        for url in pages_of(study):
            page = owner.get(url).content.decode()
            for secret in ("panelist-4711", "Ada Lovelace", "ada@example.org",
                           str(candidate.public_id)):  # fmt: skip
                assert secret not in page, url


def test_the_log_tells_who_did_what(owner: Client, study: Study, stranger: User) -> None:
    studies.close_study(study=study, actor=stranger, now=timezone.now())
    study.title = "Renamed"
    studies.change_study(study=study, actor=stranger)
    page = owner.get(reverse("study-log", args=[study.public_id])).content.decode()
    assert page.index("changed the study") < page.index("closed the study")
    assert "stranger" in page


def test_the_log_tells_details_of_any_name(owner: Client, study: Study) -> None:
    record_act(actor=None, verb="imported ratings", subject=study, details={"items": 11, "x": 7})
    page = owner.get(reverse("study-log", args=[study.public_id])).content.decode()
    assert "<dt>items</dt><dd>11</dd><dt>x</dt><dd>7</dd>" in page


@pytest.mark.parametrize("name", ["items", "values"])
def test_a_trait_may_have_any_name(owner: Client, study: Study, name: str) -> None:
    assert study.jury is not None
    feature = study.jury.pool.features.order_by("id")[0]
    feature.name = name
    feature.save()
    juror = study.jury.jurors.order_by("id")[0]
    mine = juror.candidate.traits.get(feature=feature).feature_value.value
    sheet = owner.get(reverse("study-juror", args=[study.public_id, juror.public_id]))
    assert f"<dt>{name}</dt><dd>{mine}</dd>" in sheet.content.decode()
    table = owner.get(reverse("study-jurors", args=[study.public_id]))
    assert f"<td>{mine}</td>" in table.content.decode()


class TestQueryCounts:
    def count(self, client: Client, url: str) -> int:
        client.get(url)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    def test_the_list(self, client: Client, make_study: MakeStudy, researcher: User) -> None:
        client.force_login(researcher)
        counts = []
        for more in (1, 2):
            for _ in range(more):
                make_study()
            counts.append(self.count(client, reverse("studies")))
        assert counts[0] == counts[1]

    @pytest.mark.parametrize("name", ["study", "study-jurors", "study-log"])
    def test_pages_with_one_juror_and_with_three(
        self, name: str, client: Client, make_study: MakeStudy, jury: Jury, researcher: User
    ) -> None:
        client.force_login(researcher)
        study = make_study(jury=jury)
        url = reverse(name, args=[study.public_id])
        counts = []
        for more in ((0,), (1, 2)):
            for number in more:
                work(study, number=number)
                studies.grant_role(
                    study=study, user=User.objects.create_user(f"u{number}"), role="viewer",
                    actor=researcher,
                )  # fmt: skip
            counts.append(self.count(client, url))
        assert counts[0] == counts[1]

    def test_a_sheet_with_one_query_and_with_three(
        self, client: Client, make_study: MakeStudy, jury: Jury, researcher: User
    ) -> None:
        client.force_login(researcher)
        counts = []
        for queries in (1, 3):
            study = make_study(jury=jury, queries=3)
            way = work(study, queries=queries)
            counts.append(
                self.count(
                    client, reverse("study-juror", args=[study.public_id, way.juror.public_id])
                )
            )
        assert counts[0] == counts[1]


def test_an_empty_list_offers_the_next_step(client: Client, django_user_model: type[User]) -> None:
    client.force_login(django_user_model.objects.create_user("new", is_staff=True))
    page = client.get(reverse("studies")).content.decode()
    assert "Make a study" in page
    assert reverse("admin:annotations_study_add") in page
