"""The researchers' pages of answers: who sees them, what is decided there, files brought in."""

import re
import uuid
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotations.models import Opinion, Query, Study, StudyRole
from juries.models import Juror, Run, User
from overton.models import Answer, AnswerMerge, DuplicateScore, Exclusion
from overton.services.answers import merge_answer, propose_answer
from overton.services.merging import DUPLICATES_KIND
from overton.tasks import find_duplicates


@pytest.fixture
def query(study: Study) -> Query:
    return study.queries.get(ordinal=0)


@pytest.fixture
def answers(query: Query, make_answers: Callable[..., list[Answer]]) -> list[Answer]:
    return make_answers(query)


@pytest.fixture
def editor(study: Study, client: Client) -> User:
    """Signed in."""
    user = User.objects.create_user("editor", password="a-long-password")
    study.roles.create(user=user, role=StudyRole.Role.EDITOR)
    client.force_login(user)
    return user


@pytest.fixture
def opinion(query: Query, jurors: list[Juror]) -> Opinion:
    return Opinion.objects.create(
        juror=jurors[0], query=query, text="It depends.", created_at=timezone.now()
    )


def base(study: Study) -> str:
    return f"/studies/{study.public_id}/answers/"


def page(query: Query) -> str:
    return f"{base(query.study)}{query.public_id}/"


def decision(answer: Answer, act: str, other: Answer | None = None) -> str:
    more = f"?other={other.public_id}" if other else ""
    return f"{page(answer.query)}{act}/{answer.public_id}/{more}"


# --- Who sees what --------------------------------------------------------------------------------


def test_viewers_read_and_only_editors_decide(
    client: Client, study: Study, query: Query, answers: list[Answer], opinion: Opinion,
    stranger: User, jurors: list[Juror],
) -> None:  # fmt: skip
    propose_answer(juror=jurors[1], query=query, text="Another")
    viewer = User.objects.create_user("viewer", password="a-long-password")
    study.roles.create(user=viewer, role=StudyRole.Role.VIEWER)
    reads = (base(study), page(query))
    writes = (
        f"{base(study)}import/",
        decision(answers[0], "reject"),
        f"{page(query)}words-of/{opinion.juror.public_id}/",
    )
    for address in (*reads, *writes):
        assert client.get(address)["Location"].startswith("/admin/login/")
    for user, statuses in ((stranger, (404, 404)), (viewer, (200, 404))):
        client.force_login(user)
        assert {client.get(address).status_code for address in reads} == {statuses[0]}
        assert {client.get(address).status_code for address in writes} == {statuses[1]}
        assert client.post(page(query), {"text": "No."}).status_code == 404
        assert client.post(f"{base(study)}duplicates/").status_code == 404
    html = client.get(page(query)).content.decode()
    for word in ("Undo", ">Merge<", ">Accept<", "Put forward", "Add an answer", "Look for"):
        assert word not in html
    assert Answer.objects.count() == 4


def test_what_is_not_there_is_not_found(
    client: Client, editor: User, answers: list[Answer], make_study: Callable[..., Study]
) -> None:
    elsewhere = make_study(queries=1).queries.get()
    here = page(answers[0].query)
    for address in (
        f"{base(answers[0].study)}{elsewhere.public_id}/",
        f"{here}dance/{answers[0].public_id}/",
        f"{here}merge/{uuid.uuid4()}/",
        f"{here}words-of/{uuid.uuid4()}/",
    ):
        assert client.get(address).status_code == 404


# --- Decisions ------------------------------------------------------------------------------------


def test_a_merge_with_its_reason_and_its_undoing(
    client: Client, editor: User, query: Query, answers: list[Answer]
) -> None:
    one, two, _ = answers
    DuplicateScore.objects.create(first=one, second=two, forward=0.91, backward=0.72, judge="m@1")
    html = client.get(page(query)).content.decode()
    assert "Do these say the same?" in html
    assert "The first entails the second 0.91, the second the first 0.72" in html
    asked = client.get(decision(two, "merge", one))
    assert asked.context["form"].initial["into"] == one.public_id
    assert f'<option value="{one.public_id}" selected>' in asked.content.decode()
    refused = client.post(decision(two, "merge", one), {"into": one.public_id, "reason": ""})
    assert refused.status_code == 400
    assert 'role="alert"' in refused.content.decode()
    done = client.post(
        decision(two, "merge", one), {"into": one.public_id, "reason": "Both say so."}, follow=True
    )
    html = done.content.decode()
    assert "The answers were merged." in html
    assert "1 merged into it" in html
    assert "Both say so." in html
    assert "model: 0.72 and 0.91" in html
    assert "editor" in html
    late = client.post(decision(two, "merge"), {"into": answers[2].public_id, "reason": "x"})
    assert "undo that first" in late.content.decode()
    assert late.status_code == 400
    client.post(decision(two, "undo"), {"reason": "A shade apart."})
    two.refresh_from_db()
    assert (two.state, two.merged_into) == ("accepted", None)
    html = client.get(page(query)).content.decode()
    assert "split off from it again" in html
    assert "Do these say the same?" not in html


def test_every_decision_has_its_page(
    client: Client, editor: User, query: Query, answers: list[Answer], jurors: list[Juror]
) -> None:
    waiting = propose_answer(juror=jurors[0], query=query, text="Another view")
    assert waiting is not None
    # A proposal is no target of a merge, but may be said to differ.
    offered = client.get(decision(answers[0], "merge")).context["form"].fields["into"].queryset
    assert waiting not in offered
    client.post(decision(answers[0], "apart"), {"into": waiting.public_id, "reason": "differs"})
    assert AnswerMerge.objects.get().act == "apart"
    client.post(decision(waiting, "accept"), {"reason": ""})
    waiting.refresh_from_db()
    assert waiting.state == "accepted"
    client.post(decision(waiting, "exclude"), {"reason": "Against the law."})
    assert Exclusion.objects.get().reason == "Against the law."
    assert "Against the law." in client.get(decision(waiting, "readmit")).content.decode()
    client.post(decision(waiting, "readmit"))
    assert not Exclusion.objects.exists()
    client.post(decision(waiting, "reject"), {"reason": "A question."})
    waiting.refresh_from_db()
    assert (waiting.state, waiting.decision_reason) == ("rejected", "A question.")
    assert client.get(page(query)).content.decode().count("1 rejected") == 1


def test_an_answer_is_added_and_what_was_typed_is_kept(
    client: Client, editor: User, query: Query, answers: list[Answer]
) -> None:
    refused = client.post(page(query), {"text": "New words", "external_id": "a0"})
    assert refused.status_code == 400
    html = refused.content.decode()
    assert "already has an answer with the id a0" in html
    assert ">\nNew words</textarea>" in html
    client.post(page(query), {"text": "New words", "external_id": "a9"})
    assert Answer.objects.get(external_id="a9").text == "New words"


def test_a_jurors_own_view_is_put_forward_and_nobody_is_named(
    client: Client, editor: User, query: Query, opinion: Opinion
) -> None:
    html = client.get(page(query)).content.decode()
    assert "It depends." in html
    # As a word: the letters may be inside a form's random token.
    assert not re.search(r"\bp0\b", html.split("It depends.")[1])
    address = f"{page(query)}words-of/{opinion.juror.public_id}/"
    assert ">\nIt depends.</textarea>" in client.get(address).content.decode()
    assert client.post(address, {"text": ""}).status_code == 400
    done = client.post(address, {"text": "It depends on the town."}, follow=True)
    assert "Views that wait for you" in done.content.decode()
    again = client.post(address, {"text": "Again"})
    assert "put forward already" in again.content.decode()
    assert Answer.objects.get().origin == "opinion"


def test_looking_for_duplicates_is_a_run(
    client: Client, editor: User, query: Query, answers: list[Answer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    sent: list[Run] = []
    monkeypatch.setattr("overton.views.answers.enqueue_run", lambda *, run: sent.append(run))
    answer = client.post(f"{base(query.study)}duplicates/", {"query": query.public_id})
    assert answer["Location"] == f"/runs/{sent[0].public_id}/"
    assert (sent[0].kind, sent[0].page_path) == (DUPLICATES_KIND, page(query))
    client.post(f"{base(query.study)}duplicates/", {"query": "nonsense"})
    assert sent[1].page_path == base(query.study)
    assert find_duplicates.name == DUPLICATES_KIND


# --- Files ----------------------------------------------------------------------------------------


def send(client: Client, study: Study, text: str, kind: str = "answers", name: str = "t.csv"):  # type: ignore[no-untyped-def] # the test client's own response
    file = SimpleUploadedFile(name, text.encode())
    return client.post(f"{base(study)}import/", {"kind": kind, "table": file, "encoding": ""})


def test_a_file_comes_in_whole_or_with_what_is_wrong(
    client: Client, editor: User, study: Study, jurors: list[Juror]
) -> None:
    broken = send(client, study, "query_id,answer_id,text\nq0,a,Yes.\nq7,b,No.\n")
    assert broken.status_code == 400
    html = broken.content.decode()
    assert "1 problem in 2 rows" in html
    assert "no query with the id &#x27;q7&#x27;" in html
    assert not Answer.objects.exists()
    for text, name, message in (
        ("a,b\n1,2\n", "t.csv", "There is no column query_id"),
        ("", "t.csv", "empty"),
        ("{", "t.jsonl", "Row 1 is no JSON"),
    ):
        refused = send(client, study, text, name=name)
        assert refused.status_code == 400
        assert message in refused.content.decode()
    done = send(client, study, "query_id,answer_id,text\nq0,a,Yes.\n")
    assert done.status_code == 302
    done = send(
        client, study, "juror_id,query_id,answer_id,verdict\np0,q0,a,correct\n", "judgements"
    )
    assert done.status_code == 302
    html = client.get(base(study)).content.decode()
    assert "1 answers added" in html
    assert "1 judgements added" in html


# --- Figures of the lists -------------------------------------------------------------------------


def test_the_pages_take_the_same_number_of_queries_however_long_they_are(
    client: Client, make_study: Callable[..., Study], jurors: list[Juror], researcher: User,
    make_answers: Callable[..., list[Answer]],
) -> None:  # fmt: skip
    client.force_login(researcher)
    counts = []
    for rows in (2, 4):
        study = make_study(queries=rows)
        for query in study.queries.all():
            made = make_answers(query, 2 * rows)
            for number in range(rows - 1):
                merge_answer(answer=made[number], into=made[-1], reason="r", actor=researcher)
            for juror in jurors[:rows]:
                propose_answer(juror=juror, query=query, text=f"View of {juror.pk}")
                Opinion.objects.create(
                    juror=juror, query=query, text="Words", created_at=timezone.now()
                )
        with CaptureQueriesContext(connection) as listed:
            assert client.get(base(study)).status_code == 200
        with CaptureQueriesContext(connection) as shown:
            assert client.get(page(study.queries.get(ordinal=0))).status_code == 200
        counts.append((len(listed), len(shown)))
    assert counts[0] == counts[1]
    assert counts[0][0] <= 9
    assert counts[0][1] <= 12
