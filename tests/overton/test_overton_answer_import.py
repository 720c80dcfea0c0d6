"""Answers, judgements and conversations from files: all or nothing, and once is enough."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from annotations.domain.tables import read_table
from annotations.models import Participation, Study, Submission
from juries.models import AuditEntry, Candidate, Juror, Jury, User
from overton.domain.windows import Verdict
from overton.models import Answer, Judgement
from overton.selectors.windows import study_windows
from overton.services.answer_import import (
    ImportRefused,
    OutsideReport,
    VoteMeaning,
    VoteReading,
    import_answers,
    import_judgements,
)
from overton.services.answers import propose_answer
from overton.services.judgements import record_judgement

THREE = "query_id,answer_id,text,origin\nq0,yes,Yes.,expert\nq0,no,No.,\nq1,yes,Yes.,\n"


def answers_from(study: Study, text: str, **more: Any) -> OutsideReport:
    return import_answers(study=study, table=read_table(text.encode()), actor=None, **more)


def judgements_from(study: Study, text: str) -> OutsideReport:
    head = "juror_id,query_id,answer_id,verdict,holds\n"
    table = read_table((head + text).encode())
    return import_judgements(study=study, table=table, actor=None, now=timezone.now())


def problems(report: OutsideReport) -> list[str]:
    return [str(problem) for problem in report.problems]


# --- Answers --------------------------------------------------------------------------------------


def test_the_same_file_again_changes_nothing(study: Study) -> None:
    first = answers_from(study, THREE)
    assert (first.added, first.known, first.is_done) == (3, 0, True)
    kept = list(Answer.objects.values())
    assert {(row["origin"], row["state"]) for row in kept} == {
        ("expert", "accepted"),
        ("import", "accepted"),
    }
    again = answers_from(study, THREE)
    assert (again.added, again.known) == (0, 3)
    assert list(Answer.objects.values()) == kept
    more = answers_from(study, THREE + "q1,no,No.,\n")
    assert (more.added, more.known) == (1, 3)
    assert AuditEntry.objects.filter(verb="imported answers into").count() == 2


def test_a_broken_file_leaves_nothing_behind(study: Study) -> None:
    answers_from(study, THREE)
    study.queries.filter(external_id="q1").update(check_kind="instructed", expected={"helpful": 1})
    report = answers_from(
        study,
        "query_id,answer_id,text,origin\nq0,new,Perhaps.,\nq9,yes,Yes.,\nq0,yes,Yes?,\n"
        "q0,no,No.,expert\nq1,x,Yes.,\nq0,late,,\n",
    )
    told = problems(report)
    assert [line.split(":")[0] for line in told] == [
        "row 3, query_id",
        "row 4, text",
        "row 5, origin",
        "row 6, query_id",
        "row 7, text",
    ]
    assert "no query with the id 'q9'. Import the queries first" in told[0]
    assert "with other words: “Yes.”. Give this one another id" in told[1]
    assert "as 'import', not 'expert'" in told[2]
    assert "is a check" in told[3]
    assert (report.added, report.problems_total, Answer.objects.count()) == (0, 5, 3)


def test_columns_may_be_mapped(study: Study) -> None:
    text = "frage,a,b\nq0,yes,Yes.\n"
    with pytest.raises(ImportRefused, match="no column query_id and none answer_id and none text"):
        answers_from(study, text)
    mapping = {"query_id": "frage", "answer_id": "a", "text": "b"}
    assert answers_from(study, text, mapping=mapping).added == 1
    with pytest.raises(ImportRefused, match="no column 'c'"):
        answers_from(study, text, mapping={**mapping, "text": "c"})


# --- Judgements -----------------------------------------------------------------------------------


def test_judgements_are_appended_superseded_and_not_repeated(
    study: Study, jurors: list[Juror]
) -> None:
    answers_from(study, THREE)
    # By the id in the pool, and by the public id.
    said = f"p0,q0,yes,correct,yes\n{jurors[1].public_id},q0,yes,unreasonable,no\n"
    assert judgements_from(study, said).added == 2
    again = judgements_from(study, said)
    assert (again.added, again.known, Judgement.objects.count()) == (0, 2, 2)
    changed = judgements_from(study, "p0,q0,yes,reasonable,\n")
    assert (changed.added, changed.changed) == (1, 1)
    rows = Judgement.objects.filter(juror=jurors[0]).values_list("verdict", "holds", "is_current")
    assert list(rows) == [("correct", True, False), ("reasonable", None, True)]


def test_what_a_juror_said_here_is_not_superseded_by_a_file(
    study: Study, jurors: list[Juror], make_assignment: Callable[..., Any]
) -> None:
    answers_from(study, THREE)
    assignment = make_assignment(study.queries.get(ordinal=0), jurors[0])
    record_judgement(
        juror=jurors[0],
        answer=Answer.objects.get(query__ordinal=0, external_id="yes"),
        verdict="correct",
        holds=True,
        now=timezone.now(),
        submission=Submission.objects.create(
            client_id="0" * 32,
            participation=assignment.participation,
            assignment=assignment,
            step="judging",
            item="",
            payload={},
        ),
    )
    propose_answer(juror=jurors[0], query=assignment.query, text="Perhaps")
    waiting = Answer.objects.get(state="proposed").external_id
    report = judgements_from(
        study,
        "p0,q0,yes,unreasonable,no\np1,q0,yes,correct,\np7,q0,yes,correct,\n"
        f"p1,q0,nope,correct,\np1,q0,{waiting},correct,\n",
    )
    told = problems(report)
    assert [line.split(":")[0] for line in told] == [
        "row 2, verdict",
        "row 4, juror_id",
        "row 5, answer_id",
        "row 6, answer_id",
    ]
    assert "Her own word stands; leave the row out" in told[0]
    assert "nobody on the study's jury has the id 'p7'" in told[1]
    assert "no answer 'nope' to the query 'q0'" in told[2]
    assert "accept it before it is judged" in told[3]
    assert Judgement.objects.count() == 1
    assert judgements_from(study, "p0,q0,yes,correct,yes\n").known == 1


def test_without_a_jury_nobody_can_have_judged(make_study: Callable[..., Study]) -> None:
    with pytest.raises(ImportRefused, match="has no jury"):
        judgements_from(make_study(), "p0,q0,yes,correct,yes\n")


# --- Commands -------------------------------------------------------------------------------------


def test_the_command_brings_in_answers_then_judgements(
    study: Study, jury: Jury, researcher: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "answers.jsonl"
    rows = [{"query": "q0", "id": "yes", "text": "Yes."}, {"query": "q0", "id": "no", "text": "No"}]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    call_command("import_answers", study.slug, path, user="researcher")
    assert "2 rows: 2 answers added; 0 were here already" in capsys.readouterr().out
    assert AuditEntry.objects.get(verb="imported answers into").actor == researcher
    said = tmp_path / "said.csv"
    said.write_text("who,query_id,answer_id,verdict\np0,q0,yes,fine\np0,q0,no,correct\n")
    command = ("import_answers", study.slug, said)
    with pytest.raises(CommandError, match=r"1 problems in said\.csv; nothing was imported"):
        call_command(*command, judgements=True, column=["juror_id=who"])
    assert "row 2, verdict: 'fine' is no verdict" in capsys.readouterr().err
    said.write_text(said.read_text().replace("fine", "reasonable"))
    call_command(*command, judgements=True, column=["juror_id=who"])
    assert "2 judgements added" in capsys.readouterr().out
    for wrong, change in (
        ("no study 'x'", {"slug": "x"}),
        ("no user 'x'", {"user": "x"}),
        ("not of the form", {"column": ["who"]}),
        ("No such file", {"file": tmp_path / "nothing.csv"}),
        ("no column juror_id", {"judgements": True}),
    ):
        given: dict[str, Any] = {"slug": study.slug, "file": said, **change}
        with pytest.raises(CommandError, match=wrong):
            call_command("import_answers", given.pop("slug"), given.pop("file"), **given)


COMMENTS = """comment-id,agrees,disagrees,moderated,comment-body
0,2,1,1,Cats too
1,0,1,-1,Buy now
"""
VOTES = """timestamp,comment-id,voter-id,vote
10,0,a,-1
20,0,b,1
30,0,a,1
40,1,b,-1
50,0,c,0
"""


@pytest.fixture
def conversation(tmp_path: Path, db: None) -> tuple[Path, Path]:
    comments, votes = tmp_path / "comments.csv", tmp_path / "votes.csv"
    comments.write_text(COMMENTS)
    votes.write_text(VOTES)
    return comments, votes


def test_a_conversation_becomes_a_study_that_puts_no_words_into_mouths(
    conversation: tuple[Path, Path], researcher: User, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    groups = tmp_path / "participants-votes.csv"
    groups.write_text("participant,group-id\na,0\nb,1\nc,\n")
    call_command(
        "import_polis", *conversation, study_title="Cats", query="Which pets?", groups=groups,
        licence="cc-by-4.0", owner="researcher",
    )  # fmt: skip
    out = capsys.readouterr()
    assert (
        "2 answers, 1 of them taken out by moderators; 4 judgements by 3 jurors, and 1" in out.out
    )
    assert out.err == ""
    study = Study.objects.get()
    assert (study.state, study.slug, study.jury is not None) == ("closed", "cats", True)
    assert (
        "agree = can't say, holds it; disagree = can't say, does not hold it" in study.description
    )
    shown, hidden = Answer.objects.order_by("external_id")
    assert (shown.state, hidden.state) == ("accepted", "rejected")
    assert "moderators" in hidden.decision_reason
    rows = shown.judgements.values_list("juror__candidate__external_id", "holds", "is_current")
    assert list(rows) == [
        ("a", False, False), ("b", True, True), ("a", True, True), ("c", None, True),
    ]  # fmt: skip
    assert Judgement.objects.earliest("created_at").created_at.year == 1970
    assert Participation.objects.filter(state="finished").count() == 3
    [window] = study_windows(study=study).windows
    [verdict] = window.window.answers
    assert (verdict.verdict, verdict.everyone.support.value) == (Verdict.UNDECIDED, 1.0)
    assert verdict.everyone.acceptability.value is None
    people = Candidate.objects.values_list("external_id", "traits__feature_value__value")
    assert dict(people) == {"a": "group 0", "b": "group 1", "c": None}


def test_another_reading_is_declared_and_a_one_sided_one_warned_of(
    conversation: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    call_command(
        "import_polis", *conversation, study_title="A", query="Which?", agree="reasonable,yes"
    )
    assert "every verdict is of one kind" in capsys.readouterr().err
    call_command(
        "import_polis", *conversation, study_title="B", query="Which?",
        agree="reasonable,yes", disagree="unreasonable,no",
    )  # fmt: skip
    assert capsys.readouterr().err == ""
    answer = Answer.objects.get(query__study__slug="b", external_id="0")
    assert sorted(answer.judgements.filter(is_current=True).values_list("verdict", flat=True)) == [
        "cant_say", "reasonable", "reasonable",
    ]  # fmt: skip
    acts = AuditEntry.objects.filter(verb="imported a conversation into").order_by("id")
    assert [("disagree = unreasonable" in act.details["reading"]) for act in acts] == [False, True]
    assert not VoteReading().is_one_sided
    assert VoteReading(agree=VoteMeaning("correct", True)).is_one_sided


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"agree": "fine"}, "--agree is 'fine'; give VERDICT"),
        ({"disagree": "cant_say,maybe"}, "--disagree is 'cant_say,maybe'"),
        ({"owner": "x"}, "no user 'x'"),
        ({"query": " "}, "Say what the statements answer"),
        ({"slug": "Not One"}, "The slug 'Not One' is taken, or"),
        ({"groups": "votes"}, "no column 'participant'"),
        ({"votes": VOTES.replace(",1\n", ",5\n")}, "2 problems in the table of votes"),
        ({"votes": VOTES.splitlines()[0] + "\n"}, "Nobody voted"),
        ({"comments": "comment-id\n1\n"}, "no column 'comment-body'"),
    ],
)
def test_a_broken_conversation_makes_nothing(
    conversation: tuple[Path, Path], change: dict[str, Any], message: str
) -> None:
    for name, path in zip(("comments", "votes"), conversation, strict=True):
        if name in change:
            path.write_text(change.pop(name))
    if "groups" in change:
        change["groups"] = conversation[1]
    with pytest.raises(CommandError, match=message):
        call_command(
            "import_polis", *conversation, **{"study_title": "T", "query": "Which?", **change}
        )
    assert not Study.objects.exists()
    assert not Jury.objects.exists()


def test_a_real_conversation(shared_data: Path, db: None) -> None:
    folder = shared_data / "polis" / "scoop-hivemind.biodiversity"
    call_command(
        "import_polis", folder / "comments.csv", folder / "votes.csv", study_title="Real",
        query="What should be done?", groups=folder / "participants-votes.csv",
    )  # fmt: skip
    study = Study.objects.get()
    assert Answer.objects.filter(state="accepted").count() == 154
    said = Judgement.objects.filter(is_current=True)
    assert (said.count(), said.values("juror").distinct().count()) == (29_719, 536)
    agreed = said.filter(holds=True, answer__external_id="0").count()
    assert 0 < agreed < said.filter(answer__external_id="0").count()
    assert study.jury is not None
