import json
import re
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from annotations.models import Study
from annotations.ports import SectionContent
from juries.models import Candidate, Juror, Jury, Pool, User
from overton.models import Answer, ExpressionLabel, Judgement
from overton.sections import CoverageSection, WindowSection
from overton.selectors.labels import label_table
from overton.selectors.said import asked_queries, judgement_table
from overton.selectors.windows import digest_of, study_windows
from overton.services.answers import exclude_answer, merge_answer, propose_answer
from overton.services.labels import label_expression
from overton.services.windows import set_window_rule, take_snapshot

# One query, three answers; eight jurors, women and men in turn.
SAID = {
    # answer: verdict by juror; "c" correct, "r" reasonable, "u" unreasonable, "?" can't say
    "a0": "rrrrrrrr",
    "a1": "uuuuuuuu",
    "a2": "curuu?uu",
}
HELD = {"a0": "11110000", "a1": "00000000", "a2": "10100000"}
VERDICT = {"c": "correct", "r": "reasonable", "u": "unreasonable", "?": "cant_say"}


@pytest.fixture
def eight(pool: Pool, jury: Jury) -> list[Juror]:
    for candidate in pool.candidates.order_by("id")[4:]:
        Juror.objects.create(jury=jury, candidate=candidate)
    return list(jury.jurors.order_by("id"))


@pytest.fixture
def judged(study: Study, eight: list[Juror], make_answers: Callable[..., list[Answer]]) -> Study:
    answers = {a.external_id: a for a in make_answers(study.queries.get(ordinal=0))}
    for key, verdicts in SAID.items():
        for juror, verdict, held in zip(eight, verdicts, HELD[key], strict=True):
            Judgement.objects.create(
                juror=juror,
                answer=answers[key],
                verdict=VERDICT[verdict],
                holds=held == "1",
                created_at=timezone.now(),
            )
    return study


def label(
    study: Study,
    source: str,
    answer: str,
    word: str,
    juror: Juror | None = None,
    researcher: User | None = None,
) -> None:
    query = study.queries.get(ordinal=0)
    label_expression(
        response=query.responses.get(source__name=source),
        answer=query.answers.get(external_id=answer),
        label=word,
        now=timezone.now(),
        juror=juror,
        researcher=researcher,
    )


# --- Windows --------------------------------------------------------------------------------------


def test_verdicts_follow_the_rule_by_hand(judged: Study) -> None:
    # 8 of 8: Wilson [.676, 1]; none of 8: [0, .324]; 2 of 7 (one can't say): [.082, .641].
    set_window_rule(study=judged, reasonable_share=0.4)
    found = study_windows(study=judged)
    assert [v.verdict.value for v in found.windows[0].window.answers] == [
        "reasonable",
        "unreasonable",
        "undecided",
    ]
    third = found.windows[0].window.answers[2].everyone
    assert (third.judged, third.cant_say) == (7, 1)
    assert third.acceptability.value == pytest.approx(2 / 7)
    assert third.support.value == pytest.approx(2 / 8)


def test_groups_are_the_declared_features_values(judged: Study) -> None:
    set_window_rule(study=judged, group_minimum=4, group_features=["gender"])
    groups = study_windows(study=judged).windows[0].window.answers[2].groups
    # women are jurors 0, 2, 4, 6: correct, reasonable, unreasonable, unreasonable
    assert [(g.name, g.acceptability.value) for g in groups] == [
        ("gender: woman", 0.5),
        ("gender: man", 0.0),
    ]


def test_an_excluded_answer_is_in_no_set_and_says_why(judged: Study, researcher: User) -> None:
    answer = Answer.objects.get(external_id="a0")
    exclude_answer(answer=answer, reason="calls for violence", actor=researcher)
    content = WindowSection().build(study=judged)
    assert content.figures[0].table.rows[0][1:3] == ("excluded", "Excluded: calls for violence")


def test_merged_answers_count_once_a_juror_by_the_rule(
    judged: Study, eight: list[Juror], researcher: User
) -> None:
    first, third = (Answer.objects.get(external_id=key) for key in ("a0", "a2"))
    Judgement.objects.filter(answer=first, juror=eight[1]).delete()
    merge_answer(answer=third, into=first, reason="says the same", actor=researcher)
    table = judgement_table(study=judged)
    assert table.verdicts.shape == (8, 2)
    # juror 1 judged only the merged one (unreasonable), the others keep what they said of the first
    assert table.verdicts[:, 0].tolist() == [1, 0, 1, 1, 1, 1, 1, 1]
    assert [answer.merged for answer in table.answers] == [1, 0]


def test_a_chain_of_merges_ends_at_the_standing_answer(judged: Study, researcher: User) -> None:
    one, two, three = (Answer.objects.get(external_id=key) for key in ("a0", "a1", "a2"))
    Judgement.objects.exclude(answer=three).delete()
    merge_answer(answer=three, into=two, reason="same", actor=researcher)
    merge_answer(answer=two, into=one, reason="same", actor=researcher)
    table = judgement_table(study=judged)
    assert table.verdicts[:, 0].tolist() == [2, 0, 1, 0, 0, 3, 0, 0]


def test_the_section_says_rule_numbers_and_what_is_wrong(judged: Study, eight: list[Juror]) -> None:
    propose_answer(juror=eight[0], query=judged.queries.get(ordinal=0), text="Another view")
    content = WindowSection().build(study=judged)
    assert content.summary[0].startswith("8 jurors gave 24 verdicts on 3 answers to 1 query: ")
    assert "at least 90% of the whole jury" in content.summary[1]
    wrong = " ".join(content.notices)
    assert "Nobody has declared the rule" in wrong
    assert "1 view proposed by jurors waits" in wrong
    assert "1 query has no answers" in wrong
    figure = content.figures[0]
    assert figure.title == "Question 0?"
    assert figure.n == "8 jurors, 24 verdicts"
    assert "50% (22% to 78%): “View 0 on Question 0?”" in figure.finding
    assert not re.search(r"style|script", figure.svg)
    texts = [row[0] for row in figure.table.rows]
    assert texts[0] == "View 0 on Question 0?"  # the most acceptable first
    json.dumps([asdict(part) for part in content.figures], allow_nan=False, default=list)


def test_empty_windows_say_why_and_what_to_do(
    study: Study, make_answers: Callable[..., list[Answer]]
) -> None:
    assert "Write the distinct positions" in WindowSection().build(study=study).empty_reason
    make_answers(study.queries.get(ordinal=0))
    assert "3 answers wait to be judged" in WindowSection().build(study=study).empty_reason


def test_many_queries_make_one_figure(
    judged: Study, make_answers: Callable[..., list[Answer]]
) -> None:
    for ordinal in range(2, 16):
        query = judged.queries.create(external_id=f"x{ordinal}", ordinal=ordinal, text="Another?")
        make_answers(query, 1)
    content = WindowSection().build(study=judged)
    assert [figure.key for figure in content.figures] == ["all"]
    assert len(content.figures[0].table.rows) == 3 + 14


def test_the_fingerprint_changes_with_what_the_section_reads(
    judged: Study, eight: list[Juror], researcher: User
) -> None:
    seen = {WindowSection().fingerprint(study=judged)}
    answer = Answer.objects.get(external_id="a1")
    changes = (
        lambda: exclude_answer(answer=answer, reason="safety", actor=researcher),
        lambda: set_window_rule(study=judged, confidence=0.9),
        lambda: Judgement.objects.filter(juror=eight[0]).delete(),
        lambda: Answer.objects.filter(pk=answer.pk).update(text="Other words"),
    )
    for change in changes:
        change()
        seen.add(WindowSection().fingerprint(study=judged))
    assert len(seen) == 1 + len(changes)


def test_windows_need_few_queries_however_many_answers(
    judged: Study,
    make_answers: Callable[..., list[Answer]],
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    make_answers(judged.queries.get(ordinal=1), 6)
    with django_assert_max_num_queries(12):
        WindowSection().build(study=judged)


# --- Snapshots ------------------------------------------------------------------------------------


def test_a_snapshot_keeps_rule_jury_digest_and_result(judged: Study, researcher: User) -> None:
    set_window_rule(study=judged, reasonable_share=0.4, group_features=["age"], actor=researcher)
    first = take_snapshot(study=judged, actor=researcher)
    assert first.rule["reasonable_share"] == 0.4
    assert first.rule["group_features"] == ["age"]
    assert judged.jury is not None
    assert first.result["jury"]["id"] == str(judged.jury.public_id)
    assert len(first.result["queries"][0]["answers"]) == 3
    assert len(first.input_digest) == 64
    assert take_snapshot(study=judged) == first  # nothing new: no second row
    Judgement.objects.filter(answer__external_id="a2", juror__pk__gt=0)[0].delete()
    second = take_snapshot(study=judged)
    assert second.pk != first.pk
    assert second.input_digest != first.input_digest


def test_the_digest_does_not_depend_on_the_order_of_rows(judged: Study) -> None:
    before = digest_of(found=study_windows(study=judged))
    rows = list(Judgement.objects.all())
    Judgement.objects.all().delete()
    for row in reversed(rows):
        row.pk = None
        row.save(force_insert=True)
    assert digest_of(found=study_windows(study=judged)) == before


# --- Coverage -------------------------------------------------------------------------------------


@pytest.fixture
def labelled(judged: Study, eight: list[Juror]) -> Study:
    set_window_rule(study=judged, reasonable_share=0.3, group_minimum=4, group_features=["gender"])
    # By groups of four, none of 4 reaches up to .49: so "a1" needs a lower bar to be in U.
    set_window_rule(study=judged, reasonable_share=0.4)
    label(judged, "alpha", "a0", "expresses", juror=eight[0])
    label(judged, "alpha", "a1", "does_not", juror=eight[0])
    label(judged, "beta", "a0", "does_not", juror=eight[0])
    label(judged, "beta", "a1", "expresses", juror=eight[0])
    label(judged, "beta", "a2", "contradicts", juror=eight[0])
    return judged


def rows_by_source(content: SectionContent) -> dict[str, dict[str, object]]:
    table = content.figures[0].table
    return {str(row[0]): dict(zip(table.columns, row, strict=True)) for row in table.rows}


def test_coverage_by_hand(labelled: Study) -> None:
    # W = {a0}, U = {a1}: alpha expresses all of W and none of U; beta the other way round.
    rows = rows_by_source(CoverageSection().build(study=labelled))
    alpha, beta = rows["alpha"], rows["beta"]
    assert [alpha[key] for key in ("coverage", "precision", "accuracy", "F1")] == [1, 1, 1, 1]
    assert [beta[key] for key in ("coverage", "precision", "accuracy", "F1")] == [0, 0, 0, 0]
    assert (alpha["unreasonable rate"], beta["unreasonable rate"]) == (0, 1)
    assert (alpha["Overton-pluralistic"], beta["Overton-pluralistic"]) == (1, 0)
    assert alpha["words a query"] == 6
    assert alpha["coverage per 100 words"] == pytest.approx(100 / 6)
    assert "One query gives no interval" in str(alpha["not computed"])


def test_a_researchers_reading_settles_and_everything_is_counted(
    labelled: Study, eight: list[Juror], researcher: User
) -> None:
    label(labelled, "alpha", "a0", "does_not", researcher=researcher)
    content = CoverageSection().build(study=labelled)
    assert rows_by_source(content)["alpha"]["coverage"] == 0
    assert content.summary[0].startswith(
        "5 of 6 pairs of a response and an answer are labelled, by 1 juror and 1 researcher; 0"
    )
    counts = {row[0]: row[1] for row in content.tables[1][1].rows}
    assert counts["settled by a researcher"] == 1
    assert counts["on which readers differ"] == 1
    assert "1 pairs have no label" in content.notices[0]


def test_labels_of_merged_answers_count_for_the_standing_one(
    labelled: Study, eight: list[Juror], researcher: User
) -> None:
    one, three = (Answer.objects.get(external_id=key) for key in ("a0", "a2"))
    label(labelled, "alpha", "a2", "contradicts", juror=eight[0])  # her own word on a0 prevails
    label(labelled, "alpha", "a2", "does_not", juror=eight[1])
    label(labelled, "alpha", "a2", "does_not", juror=eight[2])
    merge_answer(answer=three, into=one, reason="same", actor=researcher)
    table = label_table(study=labelled, queries=asked_queries(study=labelled))
    pooled = table.pooled[0, 0]
    assert {str(label): count for label, count in pooled.counts} == {
        "expresses": 1,
        "does_not": 2,
        "contradicts": 0,
    }
    assert table.expressed(response=0, answers=(0, 1)).tolist() == [0, 0]


def test_groups_show_who_is_left_out(labelled: Study, eight: list[Juror]) -> None:
    set_window_rule(
        study=labelled, reasonable_share=0.3, confidence=0.6, group_minimum=4,
        group_features=["gender"],
    )  # fmt: skip
    content = CoverageSection().build(study=labelled)
    groups = next(figure for figure in content.figures if figure.key == "groups")
    shares = {row[:2]: row[2] for row in groups.table.rows}
    # Women accept a0 and a2 (2 of 4: lower bound .32): two of four women hold each of them.
    # alpha expresses a0; nobody has read it for a2. beta expresses neither.
    assert shares["gender: woman", "alpha"] == 1
    assert shares["gender: woman", "beta"] == 0
    assert groups.finding.startswith("Least of all, beta says what gender: ")


def test_coverage_says_why_it_is_empty(study: Study, judged: Study, eight: list[Juror]) -> None:
    assert "6 pairs of a response and an answer wait" in (
        CoverageSection().build(study=judged).empty_reason
    )
    Judgement.objects.all().delete()
    label(judged, "alpha", "a0", "expresses", juror=eight[0])
    assert "leave all of them undecided" in CoverageSection().build(study=judged).empty_reason
    Answer.objects.all().delete()
    assert "no answers yet" in CoverageSection().build(study=judged).empty_reason


def test_coverage_is_the_same_again_and_plain_json(labelled: Study) -> None:
    first = CoverageSection().build(study=labelled)
    assert CoverageSection().build(study=labelled) == first
    json.dumps(asdict(first), allow_nan=False, default=list)


def test_the_coverage_fingerprint_sees_labels(labelled: Study, eight: list[Juror]) -> None:
    before = CoverageSection().fingerprint(study=labelled)
    label(labelled, "alpha", "a2", "expresses", juror=eight[0])
    assert CoverageSection().fingerprint(study=labelled) != before


def test_large_studies_are_arrays_not_objects(
    study: Study,
    pool: Pool,
    jury: Jury,
    make_answers: Callable[..., list[Answer]],
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    """40 jurors, 2 queries, 6 answers each: queries don't grow with people or answers."""
    people = [
        Juror.objects.create(
            jury=jury, candidate=Candidate.objects.create(pool=pool, external_id=f"n{number}")
        )
        for number in range(36)
    ]
    answers = [answer for query in study.queries.all() for answer in make_answers(query, 6)]
    rng = np.random.default_rng(3)
    Judgement.objects.bulk_create(
        Judgement(
            juror=juror,
            answer=answer,
            verdict=rng.choice(Judgement.Verdict.values),
            holds=bool(rng.integers(2)),
            created_at=timezone.now(),
        )
        for juror in people
        for answer in answers
    )
    ExpressionLabel.objects.bulk_create(
        ExpressionLabel(
            juror=people[0],
            response=response,
            answer=answer,
            label=rng.choice(ExpressionLabel.Label.values),
            created_at=timezone.now(),
        )
        for query in study.queries.all()
        for response in query.responses.all()
        for answer in query.answers.all()
    )
    with django_assert_max_num_queries(17):
        content = CoverageSection().build(study=study)
    assert len(content.tables[0][1].rows) == 4
