"""Importing queries and responses on the study's page: columns, a dry run, all or nothing."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from annotations.models import Query, Study, StudyRole
from annotations.services import query_uploads
from annotations.tasks import bring_in_queries
from juries.models import Run, User

MakeStudy = Callable[..., Study]

TABLE = (
    "id,question,model,version,answer,choices\n"
    "t1,Is tea warm?,kettle,1,It is.,yes|no\n"
    "t1,Is tea warm?,mug,1,It was.,\n"
    't2,"Is ""milk"" white?",kettle,1,Mostly.,\n'
)
COLUMNS = {
    "query_id": "id", "query": "question", "source": "model", "revision": "version",
    "response": "answer", "options": "choices",
}  # fmt: skip


@pytest.fixture(autouse=True)
def uploads(tmp_path: Path, settings: LazySettings) -> Path:
    settings.UPLOADS_DIR = tmp_path / "uploads"
    return tmp_path / "uploads"


@pytest.fixture
def study(make_study: MakeStudy, stranger: User) -> Study:
    study = make_study(queries=1)
    study.roles.create(user=stranger, role=StudyRole.Role.EDITOR)
    return study


@pytest.fixture
def desk(client: Client, stranger: User) -> Client:
    client.force_login(stranger)
    return client


def address(study: Study) -> str:
    return reverse("study-query-import", args=[study.public_id])


def upload(desk: Client, study: Study, content: str | bytes, name: str = "t.csv") -> Any:
    body = content if isinstance(content, bytes) else content.encode()
    return desk.post(address(study), {"table": SimpleUploadedFile(name, body), "encoding": ""})


def token(page: Any) -> str:
    found = re.search(r'name="upload" value="([^"]+)"', page.content.decode())
    assert found, page.content.decode()[:2000]
    return found[1]


def test_from_the_file_to_the_study(desk: Client, study: Study, uploads: Path) -> None:
    page = upload(desk, study, TABLE)
    assert page.status_code == 200
    assert {name: page.context["form"][name].value() for name in COLUMNS} == COLUMNS
    data = {**COLUMNS, "upload": token(page)}
    tried = desk.post(address(study), {**data, "step": "check"})
    report = tried.context["report"]
    assert (report.is_done, report.rows, report.queries, report.responses) == (True, 3, 2, 3)
    assert study.queries.count() == 1
    assert "Bring in 2 queries and 3 responses" in tried.content.decode()
    done = desk.post(address(study), {**data, "upload": token(tried), "step": "import"})
    assert done.status_code == 302
    study.refresh_from_db()
    assert study.query_count == 3
    assert list(study.queries.values_list("external_id", "ordinal")) == [
        ("q0", 0), ("t1", 1), ("t2", 2),
    ]  # fmt: skip
    warm = study.queries.get(external_id="t1")
    assert [option.text for option in warm.options.all()] == ["yes", "no"]
    assert {str(r.source) for r in warm.responses.all()} == {"kettle@1", "mug@1"}
    assert study.queries.get(external_id="t2").text == 'Is "milk" white?'
    assert list(uploads.iterdir()) == []


def test_problems_are_listed_by_row_and_nothing_comes_in(desk: Client, study: Study) -> None:
    broken = TABLE + ",No id?,kettle,1,x,\nt1,Another text?,pot,1,x,\n"
    page = upload(desk, study, broken)
    data = {**COLUMNS, "upload": token(page)}
    for step in ("check", "import"):
        answer = desk.post(address(study), {**data, "step": step})
        text = answer.content.decode()
        assert "2 problems in 5 rows" in text
        rows = {problem.row for problem in answer.context["report"].problems}
        assert rows == {5, 6}
        assert study.queries.count() == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"query_id": ""}, "Say which column holds it"),
        ({"source": ""}, "A response comes from a source"),
        ({"options": "question"}, "is chosen for two things"),
        ({"query": "elsewhere"}, "Select a valid choice"),
    ],
)
def test_a_mapping_that_can_not_be_used(
    desk: Client, study: Study, changed: dict[str, str], said: str
) -> None:
    page = upload(desk, study, TABLE)
    answer = desk.post(address(study), {**COLUMNS, **changed, "upload": token(page)})
    assert answer.status_code == 400
    assert said in answer.content.decode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"id,question\nt1,caf\xe9\n", "is not in utf-8"),
        (b"id,id\n1,2\n", "stands more than once"),
        (b'id,question\n1,"open\n', "After row"),
    ],
)
def test_files_that_are_no_table(
    desk: Client, study: Study, uploads: Path, content: bytes, said: str
) -> None:
    answer = upload(desk, study, content)
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert not uploads.exists() or list(uploads.iterdir()) == []


def test_json_lines_and_a_mark_of_byte_order(desk: Client, study: Study) -> None:
    page = upload(desk, study, '{"query_id": "a", "query": "Why?"}\n', "t.jsonl")
    assert page.context["form"]["query"].value() == "query"
    page = upload(desk, study, b"\xef\xbb\xbf" + TABLE.encode())
    assert page.context["form"]["query_id"].value() == "id"


def test_a_forged_or_borrowed_upload_is_refused(
    desk: Client, study: Study, make_study: MakeStudy, stranger: User
) -> None:
    page = upload(desk, study, TABLE)
    other = make_study()
    other.roles.create(user=stranger, role=StudyRole.Role.EDITOR)
    borrowed = desk.post(address(other), {**COLUMNS, "upload": token(page)})
    assert "belongs to another study" in borrowed.content.decode()
    forged = desk.post(address(study), {**COLUMNS, "upload": "../../etc/passwd"})
    assert forged.status_code == 400
    with pytest.raises(query_uploads.UploadGone):
        query_uploads.table_of(upload="../secret", encoding="")


def test_who_may(client: Client, study: Study, stranger: User, researcher: User) -> None:
    assert client.get(address(study)).status_code == 302
    client.force_login(User.objects.create_user("other", is_staff=True))
    assert client.get(address(study)).status_code == 404
    study.roles.update(role=StudyRole.Role.VIEWER)
    client.force_login(stranger)
    assert client.get(address(study)).status_code == 404
    assert client.post(address(study), {}).status_code == 404
    client.force_login(researcher)
    assert client.get(address(study)).status_code == 200


def big(rows: int, *, broken: bool = False) -> str:
    lines = [f"b{n},Question {n}?" for n in range(rows)]
    if broken:
        lines[-1] = "q0,Question that the study has with another text?"
    return "\n".join(["query_id,query", *lines]) + "\n"


@pytest.mark.parametrize("broken", [False, True])
def test_a_large_table_is_brought_in_by_a_run(
    desk: Client, study: Study, monkeypatch: pytest.MonkeyPatch, broken: bool
) -> None:
    sent: list[Run] = []
    monkeypatch.setattr(
        "annotations.views.study_import.enqueue_run", lambda *, run: sent.append(run)
    )
    rows = query_uploads.DIRECT_ROWS + 1
    page = upload(desk, study, big(rows, broken=broken))
    data = {"query_id": "query_id", "query": "query", "upload": token(page)}
    assert desk.post(address(study), {**data, "step": "check"}).context["report"].is_done
    answer = desk.post(address(study), {**data, "step": "import"})
    (run,) = sent
    assert answer.headers["Location"] == reverse("run", args=[run.public_id])
    bring_in_queries(run.pk)
    run.refresh_from_db()
    study.refresh_from_db()
    if broken:
        assert run.state == Run.State.FAILED
        assert f"row {rows + 1}" in run.error
        assert (Query.objects.count(), study.query_count) == (1, 1)
    else:
        assert run.state == Run.State.SUCCEEDED, run.error
        assert (study.queries.count(), study.query_count) == (rows + 1, rows + 1)
        assert study.queries.order_by("-ordinal")[0].ordinal == rows
