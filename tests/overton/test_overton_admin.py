from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from annotations.models import Study, StudyRole
from juries.models import AuditEntry, Juror, Jury, User
from overton.models import Answer, Exclusion, Judgement, WindowRule, WindowSnapshot
from overton.services.windows import take_snapshot

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as TestResponse

LIST = reverse("admin:overton_answer_changelist")


@pytest.fixture
def answers(study: Study, make_answers: Callable[..., list[Answer]]) -> list[Answer]:
    return make_answers(study.queries.get(ordinal=0))


@pytest.fixture
def owner(study: Study) -> User:
    user = User.objects.create_user("owner", password="a-long-password", is_staff=True)
    study.roles.create(user=user, role=StudyRole.Role.OWNER)
    return user


@pytest.fixture
def outsider(db: None) -> User:
    return User.objects.create_user("outsider", password="a-long-password", is_staff=True)


@pytest.fixture
def desk(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def act(client: Client, action: str, rows: list[Answer], **data: object) -> "TestResponse":
    sent = {"action": action, "_selected_action": [row.pk for row in rows], **data}
    return client.post(LIST, sent, follow=True)


def test_the_owner_sees_her_answers_and_others_none(
    client: Client, desk: Client, answers: list[Answer], outsider: User
) -> None:
    assert desk.get(LIST).content.decode().count("View ") >= 3
    other = Client()
    other.force_login(outsider)
    assert "View 0" not in other.get(LIST).content.decode()
    address = reverse("admin:overton_answer_change", args=[answers[0].pk])
    assert desk.get(address).status_code == 200
    assert other.get(address).status_code == 302  # to the list: it does not exist for her
    assert Client().get(LIST).status_code == 302


def test_answers_are_added_and_reworded_until_judged(
    desk: Client, study: Study, answers: list[Answer], jurors: list[Juror]
) -> None:
    query = study.queries.get(ordinal=1)
    add = reverse("admin:overton_answer_add")
    desk.post(add, {"query": query.pk, "external_id": "", "text": "A new view."})
    made = query.answers.get()
    assert (made.text, made.state) == ("A new view.", Answer.State.ACCEPTED)
    assert made.external_id.startswith("answer-")
    change = reverse("admin:overton_answer_change", args=[made.pk])
    desk.post(change, {"text": "Better words."})
    made.refresh_from_db()
    assert made.text == "Better words."
    Judgement.objects.create(
        juror=jurors[0], answer=made, verdict="correct", created_at=timezone.now()
    )
    page = desk.post(change, {"text": "Other words."}, follow=True)
    made.refresh_from_db()
    assert made.text == "Better words."
    assert "People have judged or labelled" in page.content.decode()
    assert [entry.verb for entry in AuditEntry.objects.order_by("id")] == ["added", "reworded"]


def test_one_id_stands_once_in_a_query(desk: Client, answers: list[Answer]) -> None:
    page = desk.post(
        reverse("admin:overton_answer_add"),
        {"query": answers[0].query_id, "external_id": "a0", "text": "Again."},
        follow=True,
    )
    assert "already" in page.content.decode()
    assert Answer.objects.filter(text="Again.").count() == 0


def test_rejecting_asks_for_the_reason_first(desk: Client, answers: list[Answer]) -> None:
    asked = act(desk, "reject", answers[:2])
    assert "Reject 2 answers" in asked.content.decode()
    assert act(desk, "reject", answers[:2], apply="1", reason=" ").status_code == 400
    assert Answer.objects.filter(state="accepted").count() == 3
    done = act(desk, "reject", answers[:2], apply="1", reason="too vague")
    assert "2 were rejected." in done.content.decode()
    assert set(
        Answer.objects.filter(state="rejected").values_list("decision_reason", flat=True)
    ) == {"too vague"}


def test_merging_offers_the_querys_other_answers(
    desk: Client, study: Study, answers: list[Answer], make_answers: Callable[..., list[Answer]]
) -> None:
    foreign = make_answers(study.queries.get(ordinal=1), 1)[0]
    page = act(desk, "merge", answers[1:]).content.decode()
    assert f'<option value="{answers[0].pk}"' in page
    assert f'<option value="{foreign.pk}"' not in page
    forged = act(desk, "merge", answers[1:], apply="1", reason="same", into=foreign.pk)
    assert forged.status_code == 400
    act(desk, "merge", answers[1:], apply="1", reason="same", into=answers[0].pk)
    assert set(answers[0].merged_answers.all()) == set(answers[1:])
    mixed = act(desk, "merge", [answers[0], foreign])
    assert "Choose answers to one query" in mixed.content.decode()


def test_what_a_service_refuses_is_said_and_the_rest_done(
    desk: Client, answers: list[Answer], researcher: User
) -> None:
    act(desk, "merge", answers[1:2], apply="1", reason="same", into=answers[0].pk)
    page = act(desk, "reject", [answers[0], answers[2]], apply="1", reason="no").content.decode()
    assert "1 answer was merged into" in page
    assert "1 was rejected." in page


def test_excluding_and_lifting_it(desk: Client, answers: list[Answer]) -> None:
    act(desk, "keep_out", answers[:1], apply="1", reason="calls for violence")
    assert Exclusion.objects.get().reason == "calls for violence"
    assert "calls for violence" in desk.get(LIST).content.decode()
    listed = desk.get(reverse("admin:overton_exclusion_changelist")).content.decode()
    assert "calls for violence" in listed
    act(desk, "readmit", answers[:1])
    assert not Exclusion.objects.exists()


def test_viewers_decide_nothing(client: Client, study: Study, answers: list[Answer]) -> None:
    viewer = User.objects.create_user("viewer", password="a-long-password", is_staff=True)
    study.roles.create(user=viewer, role=StudyRole.Role.VIEWER)
    client.force_login(viewer)
    page = act(client, "reject", answers, apply="1", reason="no").content.decode()
    assert "3 belong to studies that you may only view" in page
    assert Answer.objects.filter(state="accepted").count() == 3


def test_judged_answers_are_not_deleted(
    desk: Client, answers: list[Answer], jurors: list[Juror]
) -> None:
    Judgement.objects.create(
        juror=jurors[0], answer=answers[0], verdict="correct", created_at=timezone.now()
    )
    for answer, status in ((answers[0], 403), (answers[1], 200)):
        address = reverse("admin:overton_answer_delete", args=[answer.pk])
        assert desk.get(address).status_code == status
    assert "delete_selected" not in desk.get(LIST).content.decode()


def test_the_rule_is_declared_with_the_pools_features(desk: Client, study: Study) -> None:
    add = reverse("admin:overton_windowrule_add")
    form = {
        "study": study.pk,
        "correct_share": "0.9",
        "reasonable_share": "0.3",
        "confidence": "0.95",
        "group_minimum": "5",
        "group_features": ["gender"],
    }
    page = desk.get(add).content.decode()
    assert 'value="gender"' in page
    assert 'value="age"' in page
    for wrong in ({"group_minimum": "0"}, {"reasonable_share": "1.5"}, {"group_features": ["x"]}):
        assert desk.post(add, {**form, **wrong}).status_code == 200
        assert not WindowRule.objects.exists()
    desk.post(add, form)
    rule = WindowRule.objects.get()
    assert (rule.reasonable_share, rule.group_features) == (0.3, ["gender"])
    change = reverse("admin:overton_windowrule_change", args=[rule.pk])
    desk.post(change, {**form, "reasonable_share": "0.2", "group_features": []})
    rule.refresh_from_db()
    assert (rule.reasonable_share, rule.group_features) == (0.2, [])
    assert AuditEntry.objects.filter(verb__startswith="declared").count() == 2


def test_snapshots_are_read_only(desk: Client, study: Study, answers: list[Answer]) -> None:
    snapshot = take_snapshot(study=study)
    listed = desk.get(reverse("admin:overton_windowsnapshot_changelist")).content.decode()
    assert snapshot.input_digest[:12] in listed
    address = reverse("admin:overton_windowsnapshot_change", args=[snapshot.pk])
    assert desk.get(address).status_code == 200
    assert desk.post(address, {"input_digest": "0"}).status_code == 403
    assert desk.get(reverse("admin:overton_windowsnapshot_add")).status_code == 403
    assert WindowSnapshot.objects.get().input_digest == snapshot.input_digest


@pytest.mark.parametrize("name", ["answer", "exclusion", "windowrule", "windowsnapshot"])
def test_lists_take_the_same_number_of_queries_for_one_row_and_three(
    client: Client,
    researcher: User,
    make_study: Callable[..., Study],
    make_answers: Callable[..., list[Answer]],
    jury: Jury,
    name: str,
) -> None:
    client.force_login(researcher)
    address = reverse(f"admin:overton_{name}_changelist")
    counts: list[int] = []
    for _ in (1, 3):
        for _ in range(1 if not counts else 2):
            study = make_study(jury=jury, queries=1)
            answer = make_answers(study.queries.get(), 1)[0]
            Exclusion.objects.create(answer=answer, reason="safety")
            WindowRule.objects.create(study=study)
            WindowSnapshot.objects.create(study=study, input_digest="0" * 64)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
