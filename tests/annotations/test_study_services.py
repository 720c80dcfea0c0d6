"""Studies: who may, what is refused, what is kept in order."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotations.models import (
    Criterion,
    Participation,
    ProfileQuestion,
    ProtocolStep,
    Query,
    Rating,
    Response,
    Source,
    Study,
    StudyRole,
)
from annotations.permissions import can_edit_study, can_own_study, can_view_study
from annotations.selectors.checklist import WALKED, opening_checklist
from annotations.selectors.studies import acts_of
from annotations.services import studies, study_content
from juries.models import AuditEntry, Jury, User

MakeStudy = Callable[..., Study]


@pytest.fixture
def draft(jury: Jury, researcher: User) -> Study:
    return studies.create_study(
        study=Study(title="Tea or coffee?", jury=jury, consent_text="Do you agree?"),
        owner=researcher,
    )


def rate(study: Study, jury: Jury) -> Rating:
    """A juror has joined, holds the first query, and has rated a response of it."""
    juror = jury.jurors.order_by("id")[0]
    way = Participation.objects.create(
        study=study,
        juror=juror,
        ordinal=0,
        state=Participation.State.WORKING,
        consented_at=timezone.now(),
        consent_version=study.consent_version,
    )
    query = study.queries.get(ordinal=0)
    way.assignments.create(
        query=query, position=0, claimed_at=timezone.now(), lease_expires_at=timezone.now()
    )
    return Rating.objects.create(
        juror=juror,
        response=query.responses.all()[0],
        criterion=study.criteria.all()[0],
        value=3,
        created_at=timezone.now(),
    )


class TestMaking:
    def test_who_makes_it_owns_it(self, draft: Study, researcher: User) -> None:
        assert draft.slug == "tea-or-coffee"
        assert draft.state == Study.State.DRAFT
        role = draft.roles.get()
        assert (role.user, role.role) == (researcher, StudyRole.Role.OWNER)
        assert acts_of(study=draft).filter(verb="created the study", actor=researcher).exists()

    def test_slugs_do_not_collide(self, draft: Study, researcher: User) -> None:
        again = studies.create_study(study=Study(title=draft.title), owner=researcher)
        third = studies.create_study(study=Study(title=draft.title), owner=researcher)
        assert (again.slug, third.slug) == ("tea-or-coffee-2", "tea-or-coffee-3")

    def test_a_title_without_latin_letters_has_a_slug(self, researcher: User) -> None:
        assert studies.create_study(study=Study(title="茶？"), owner=researcher).slug == "study"

    def test_simulated_people_make_a_simulated_study(self, jury: Jury, researcher: User) -> None:
        jury.pool.is_simulated = True
        jury.pool.save()
        study = studies.create_study(study=Study(title="Demo", jury=jury), owner=researcher)
        assert study.is_simulated


class TestChanging:
    def test_what_stood_before_is_in_the_log(self, draft: Study, researcher: User) -> None:
        draft.consent_text = "Do you really agree?"
        studies.change_study(study=draft, actor=researcher)
        entry = acts_of(study=draft).get(verb="changed the study")
        assert entry.details["before"] == {"consent_text": "Do you agree?"}
        assert entry.details["fields"] == ["consent text"]

    def test_nothing_changed_leaves_no_entry(self, draft: Study, researcher: User) -> None:
        studies.change_study(study=draft, actor=researcher)
        assert not AuditEntry.objects.filter(verb="changed the study").exists()

    def test_state_and_counts_are_not_changed_along(self, draft: Study, researcher: User) -> None:
        draft.title = "Milk?"
        draft.state = Study.State.OPEN
        draft.query_count = 99
        studies.change_study(study=draft, actor=researcher)
        draft.refresh_from_db()
        assert (draft.title, draft.state, draft.query_count) == ("Milk?", "draft", 0)

    def test_agreed_text_needs_a_new_version(
        self, make_study: MakeStudy, jury: Jury, researcher: User
    ) -> None:
        study = make_study(jury=jury)
        rate(study, jury)
        study.consent_text = "Something else."
        with pytest.raises(
            studies.StudyRefused, match="1 juror has agreed to version 1"
        ) as refused:
            studies.change_study(study=study, actor=researcher)
        assert refused.value.field == "consent_version"
        study.consent_version = "2"
        studies.change_study(study=study, actor=researcher)
        study.consent_text = "A third text."
        studies.change_study(study=study, actor=researcher)  # nobody has agreed to version 2
        study.consent_text, study.consent_version = "A fourth.", "1"
        with pytest.raises(studies.StudyRefused):
            studies.change_study(study=study, actor=researcher)

    @pytest.mark.parametrize("field", ["order_seed", "jury"])
    def test_jury_and_seed_are_fixed_once_joined(
        self, field: str, make_study: MakeStudy, jury: Jury, researcher: User
    ) -> None:
        study = make_study(jury=jury)
        rate(study, jury)
        other = Jury.objects.create(pool=jury.pool, name="Other", size=2)
        setattr(study, field, {"order_seed": "9", "jury": other}[field])
        with pytest.raises(studies.StudyRefused, match="Jurors have joined"):
            studies.change_study(study=study, actor=researcher)


class TestRoles:
    def test_each_role_may_what_those_below_may(
        self, draft: Study, stranger: User, researcher: User
    ) -> None:
        rights = []
        for role in ("viewer", "editor", "owner"):
            studies.grant_role(study=draft, user=stranger, role=role, actor=researcher)
            rights.append(
                (
                    can_view_study(stranger, draft),
                    can_edit_study(stranger, draft),
                    can_own_study(stranger, draft),
                )
            )
        assert rights == [(True, False, False), (True, True, False), (True, True, True)]
        studies.revoke_role(study=draft, user=stranger, actor=researcher)
        assert not can_view_study(stranger, draft)

    def test_the_last_owner_stays(self, draft: Study, researcher: User, stranger: User) -> None:
        with pytest.raises(studies.StudyRefused, match="only owner"):
            studies.revoke_role(study=draft, user=researcher, actor=researcher)
        with pytest.raises(studies.StudyRefused, match="only owner"):
            studies.grant_role(study=draft, user=researcher, role="viewer", actor=researcher)
        studies.grant_role(study=draft, user=stranger, role="owner", actor=researcher)
        studies.revoke_role(study=draft, user=researcher, actor=stranger)
        assert [role.user for role in draft.roles.all()] == [stranger]

    def test_unknown_roles_are_refused(self, draft: Study, stranger: User) -> None:
        with pytest.raises(studies.StudyRefused, match="owner, editor, viewer"):
            studies.grant_role(study=draft, user=stranger, role="king", actor=None)


class TestOpening:
    def keys(self, study: Study, *, blocking: bool = True) -> set[str]:
        return {f.key for f in opening_checklist(study=study) if f.is_blocking == blocking}

    def test_a_bare_draft_lacks_everything(self, researcher: User) -> None:
        study = studies.create_study(study=Study(title="Bare"), owner=researcher)
        assert self.keys(study) == {"jury", "consent", "steps", "queries"}
        assert self.keys(study, blocking=False) == {"contact", "debrief"}
        with pytest.raises(studies.NotReady) as refused:
            studies.open_study(study=study, actor=researcher, now=timezone.now())
        assert len(refused.value.findings) == 4
        assert all(f.url and f.action for f in refused.value.findings)

    def test_a_whole_study_opens_closes_and_opens_again(
        self, make_study: MakeStudy, jury: Jury, researcher: User
    ) -> None:
        study = make_study(jury=jury)
        Study.objects.filter(pk=study.pk).update(state=Study.State.DRAFT)
        first = timezone.now()
        study = studies.open_study(study=study, actor=researcher, now=first)
        assert (study.state, study.opened_at) == ("open", first)
        study = studies.close_study(study=study, actor=researcher, now=timezone.now())
        assert study.state == "closed"
        assert study.closed_at is not None
        study = studies.open_study(study=study, actor=researcher, now=timezone.now())
        assert (study.opened_at, study.closed_at) == (first, None)
        verbs = [act.verb for act in acts_of(study=study)]
        assert verbs == ["opened the study again", "closed the study", "opened the study"]

    def test_a_draft_can_not_be_closed(self, draft: Study, researcher: User) -> None:
        with pytest.raises(studies.StudyRefused, match="draft"):
            studies.close_study(study=draft, actor=researcher, now=timezone.now())

    def test_a_jury_that_was_not_drawn(self, make_study: MakeStudy, jury: Jury) -> None:
        empty = Jury.objects.create(pool=jury.pool, name="Not drawn", size=4)
        assert "seats" in self.keys(make_study(jury=empty))

    def test_a_rating_step_needs_responses_and_criteria(
        self, make_study: MakeStudy, jury: Jury
    ) -> None:
        study = make_study(jury=jury)
        assert not self.keys(study)
        bare = study.queries.get(ordinal=1)
        bare.responses.all().delete()
        found = {f.key: f for f in opening_checklist(study=study) if f.is_blocking}
        assert set(found) == {"responses", "empty"}
        assert found["responses"].text == "1 of 3 query has no response to rate: q1."
        assert str(bare.pk) in found["responses"].url
        study.criteria.all().delete()
        assert "criteria" in self.keys(Study.objects.get(pk=study.pk))

    def test_a_query_without_responses_is_no_bar_beside_an_opinion(
        self, make_study: MakeStudy, jury: Jury
    ) -> None:
        study = make_study(jury=jury, steps=("opinion", "rating"))
        study.queries.get(ordinal=1).responses.all().delete()
        assert not self.keys(study)
        assert "responses" in self.keys(study, blocking=False)

    def test_a_choice_step_needs_options(self, make_study: MakeStudy, jury: Jury) -> None:
        study = make_study(jury=jury, steps=("choice",))
        study.queries.get(ordinal=2).options.all().delete()
        assert {"options", "empty"} == self.keys(study)

    def test_steps_of_other_floors_are_asked_through_the_port(
        self, make_study: MakeStudy, jury: Jury
    ) -> None:
        study = make_study(jury=jury, steps=("judging",))
        assert self.keys(study) == {"step-judging", "empty"}
        for query in study.queries.all():
            query.answers.create(external_id="a", text="One may.")
        assert not self.keys(Study.objects.get(pk=study.pk))

    def test_a_preference_needs_two_responses(self, make_study: MakeStudy, jury: Jury) -> None:
        study = make_study(jury=jury, sources=("alpha",), steps=("preference",))
        assert "step-preference" in self.keys(study)

    def test_an_unknown_step_is_named(self, make_study: MakeStudy, jury: Jury) -> None:
        study = make_study(jury=jury, steps=("rating", "juggling"))
        texts = [f.text for f in opening_checklist(study=study) if f.is_blocking]
        assert any("'juggling'" in text for text in texts)

    def test_an_overlap_beyond_the_bench_is_noticed(
        self, make_study: MakeStudy, jury: Jury
    ) -> None:
        study = make_study(jury=jury, assignment_mode="overlap", overlap=9)
        assert "overlap" in self.keys(study, blocking=False)

    def test_the_checklist_does_not_grow_with_the_study(
        self, make_study: MakeStudy, jury: Jury
    ) -> None:
        counts = []
        for queries in (WALKED, 2 * WALKED):
            study = make_study(jury=jury, queries=queries, steps=("opinion", "rating"))
            study = Study.objects.get(pk=study.pk)
            with CaptureQueriesContext(connection) as captured:
                opening_checklist(study=study)
            counts.append(len(captured))
        assert counts[0] == counts[1]


class TestQueries:
    def add(self, study: Study, text: str = "Why?", name: str = "") -> Query:
        return study_content.add_query(
            study=study, query=Query(text=text, external_id=name), actor=None
        )

    def test_ordinals_have_no_gaps(self, draft: Study) -> None:
        made = [self.add(draft) for _ in range(5)]
        draft.refresh_from_db()
        assert [q.ordinal for q in made] == [0, 1, 2, 3, 4]
        assert draft.query_count == 5
        assert [q.external_id for q in made] == ["q1", "q2", "q3", "q4", "q5"]
        study_content.remove_queries(queries=[made[3], made[1]], actor=None)
        draft.refresh_from_db()
        left = list(draft.queries.order_by("ordinal").values_list("external_id", "ordinal"))
        assert left == [("q1", 0), ("q3", 1), ("q5", 2)]
        assert draft.query_count == 3
        assert self.add(draft).ordinal == 3

    def test_an_id_stands_once(self, draft: Study) -> None:
        self.add(draft, name="tea")
        with pytest.raises(studies.StudyRefused, match="'tea' already"):
            self.add(draft, name="tea")
        other = self.add(draft)
        other.external_id = "tea"
        with pytest.raises(studies.StudyRefused, match="'tea' already"):
            study_content.change_query(query=other, actor=None)

    def test_made_ids_step_aside(self, draft: Study) -> None:
        self.add(draft, name="q2")
        assert self.add(draft).external_id == "q3"

    def test_what_jurors_saw_stays(self, make_study: MakeStudy, jury: Jury) -> None:
        study = make_study(jury=jury)
        rate(study, jury)
        query = study.queries.get(ordinal=0)
        query.text = "Another question?"
        with pytest.raises(studies.StudyRefused, match=r"shown to 1 juror.*Add a new query"):
            study_content.change_query(query=query, actor=None)
        with pytest.raises(studies.StudyRefused, match="Query 'q0' stays"):
            study_content.remove_queries(queries=list(study.queries.all()), actor=None)
        assert study.queries.count() == 3
        assert Rating.objects.count() == 1
        free = study.queries.get(ordinal=2)
        free.text = "Changed."
        study_content.change_query(query=free, actor=None)
        assert study.queries.get(ordinal=2).text == "Changed."

    def test_imported_ratings_fix_a_query_too(self, make_study: MakeStudy, jury: Jury) -> None:
        study = make_study(jury=jury)
        rating = rate(study, jury)
        rating.response.query.assignments.all().delete()
        with pytest.raises(studies.StudyRefused, match="1 rating"):
            study_content.remove_queries(queries=[rating.response.query], actor=None)

    def test_rows_of_upper_floors_fix_a_query_too(self, make_study: MakeStudy, jury: Jury) -> None:
        query = make_study(jury=jury).queries.get(ordinal=1)
        answer = query.answers.create(external_id="a", text="One may.")
        answer.judgements.create(
            juror=jury.jurors.all()[0], verdict="correct", created_at=timezone.now()
        )
        with pytest.raises(studies.StudyRefused, match="1 judgement"):
            study_content.remove_queries(queries=[query], actor=None)


class TestParts:
    def test_a_rated_response_stays_as_it_is(self, make_study: MakeStudy, jury: Jury) -> None:
        study = make_study(jury=jury)
        response = rate(study, jury).response
        response.text = "Better."
        with pytest.raises(studies.StudyRefused, match="source with a new revision"):
            study_content.save_part(study=study, part=response, actor=None)
        with pytest.raises(studies.StudyRefused, match="stays"):
            study_content.remove_part(study=study, part=response, actor=None)
        again = Response(query=response.query, source=response.source, text="Better.")
        study_content.save_part(study=study, part=again, actor=None)
        assert again.external_id == "q0-alpha-2"

    def test_a_scale_with_ratings_is_fixed_but_not_its_name(
        self, make_study: MakeStudy, jury: Jury
    ) -> None:
        study = make_study(jury=jury)
        criterion = rate(study, jury).criterion
        criterion.high = 7
        with pytest.raises(studies.StudyRefused, match="1 rating on this scale") as refused:
            study_content.save_part(study=study, part=criterion, actor=None)
        assert refused.value.field == "high"
        criterion.refresh_from_db()
        criterion.name = "Usefulness"
        study_content.save_part(study=study, part=criterion, actor=None)
        assert Criterion.objects.get(pk=criterion.pk).name == "Usefulness"
        with pytest.raises(studies.StudyRefused, match="stays"):
            study_content.remove_part(study=study, part=criterion, actor=None)

    def test_options_of_an_answered_question_can_only_be_added(
        self, make_study: MakeStudy, jury: Jury
    ) -> None:
        study = make_study(jury=jury)
        question = study.profile_questions.create(key="tea", text="Tea?", options=["yes", "no"])
        rate(study, jury)
        study.participations.get().profile_replies.create(question=question, value="yes")
        question.options = ["yes", "no", "sometimes"]
        study_content.save_part(study=study, part=question, actor=None)
        question.options = ["no", "sometimes"]
        with pytest.raises(studies.StudyRefused, match="Missing now: yes"):
            study_content.save_part(study=study, part=question, actor=None)
        assert ProfileQuestion.objects.get(pk=question.pk).options == ["yes", "no", "sometimes"]

    def test_unknown_steps_are_refused(self, draft: Study) -> None:
        with pytest.raises(studies.StudyRefused, match="'juggling'; there are opinion"):
            study_content.save_part(
                study=draft, part=ProtocolStep(study=draft, kind="juggling"), actor=None
            )

    def test_parts_of_another_study_are_refused(
        self, draft: Study, make_study: MakeStudy, jury: Jury
    ) -> None:
        other = make_study(jury=jury)
        with pytest.raises(studies.StudyRefused, match="another study"):
            study_content.save_part(study=draft, part=other.criteria.all()[0], actor=None)
        query = TestQueries().add(draft)
        stolen = Response(query=query, source=other.sources.all()[0], text="Mine.")
        with pytest.raises(studies.StudyRefused, match="another study"):
            study_content.save_part(study=draft, part=stolen, actor=None)

    def test_a_source_with_responses_stays(self, make_study: MakeStudy, jury: Jury) -> None:
        study = make_study(jury=jury)
        with pytest.raises(studies.StudyRefused, match="gave 3 responses"):
            study_content.remove_part(study=study, part=study.sources.all()[0], actor=None)
        idle = Source.objects.create(study=study, name="gamma")
        study_content.remove_part(study=study, part=idle, actor=None)
        assert not Source.objects.filter(name="gamma").exists()


def test_a_study_that_was_joined_is_never_deleted(
    make_study: MakeStudy, jury: Jury, researcher: User
) -> None:
    study = make_study(jury=jury)
    rate(study, jury)
    with pytest.raises(studies.StudyRefused, match="1 juror has joined"):
        studies.delete_study(study=study, actor=researcher)
    empty = make_study(jury=jury)
    studies.delete_study(study=empty, actor=researcher)
    assert not Study.objects.filter(pk=empty.pk).exists()
    assert AuditEntry.objects.filter(verb="deleted the study").exists()
