from collections.abc import Callable, Mapping

import pytest
from django.template.loader import render_to_string

from annotations.models import Assignment, Study, Submission
from annotations.ports import JurorStep, StepProblem
from juries.models import Juror, User
from overton.models import Answer, ExpressionLabel, Judgement
from overton.services.answers import merge_answer
from overton.steps import JudgingStep, LabellingStep, ProposingStep


@pytest.fixture
def assignment(
    study: Study,
    jurors: list[Juror],
    make_answers: Callable[..., list[Answer]],
    make_assignment: Callable[..., Assignment],
) -> Assignment:
    query = study.queries.get(ordinal=0)
    make_answers(query, 6)
    return make_assignment(query, jurors[0])


def page(
    step: JurorStep, assignment: Assignment, item: str, errors: Mapping[str, str] | None = None
) -> str:
    context = dict(step.context(assignment=assignment, item=item))
    return render_to_string(
        step.template_name,
        {
            "query": assignment.query,
            "prompt": step.default_prompt,
            "errors": errors or {},
            **context,
        },
    )


# --- Judging --------------------------------------------------------------------------------------


def test_answers_come_in_each_jurors_own_lasting_order(
    study: Study,
    assignment: Assignment,
    jurors: list[Juror],
    make_assignment: Callable[..., Assignment],
    make_answers: Callable[..., list[Answer]],
) -> None:
    step = JudgingStep()
    first = step.items(assignment=assignment)
    assert first == step.items(assignment=assignment)
    assert set(first) == {answer.public_id.hex for answer in assignment.query.answers.all()}
    others = [
        step.items(assignment=make_assignment(assignment.query, juror, ordinal))
        for ordinal, juror in enumerate(jurors[1:], start=1)
    ]
    assert any(other != first for other in others)
    Answer.objects.create(query=assignment.query, external_id="new", text="A late one")
    assert [item for item in step.items(assignment=assignment) if item in first] == first


def test_only_answers_before_the_jury_are_judged(
    assignment: Assignment, jurors: list[Juror]
) -> None:
    for state in (Answer.State.PROPOSED, Answer.State.REJECTED):
        Answer.objects.create(query=assignment.query, external_id=state, text="No", state=state)
    assert len(JudgingStep().items(assignment=assignment)) == 6


def test_a_verdict_is_stored_shown_again_and_superseded(
    assignment: Assignment, send: Callable[..., Submission]
) -> None:
    step = JudgingStep()
    item = step.items(assignment=assignment)[0]
    assert step.done_items(assignment=assignment) == frozenset()
    send(step, assignment, item, verdict="reasonable", holds="yes")
    assert step.done_items(assignment=assignment) == {item}
    assert step.context(assignment=assignment, item=item)["values"] == {
        "verdict": "reasonable",
        "holds": "yes",
    }
    send(step, assignment, item, verdict="cant_say")
    assert list(Judgement.objects.values_list("verdict", "holds", "is_current")) == [
        ("reasonable", True, False),
        ("cant_say", False, True),
    ]


def test_the_judging_page_has_its_keys_and_nobody_elses_verdict(
    assignment: Assignment,
    jurors: list[Juror],
    make_assignment: Callable[..., Assignment],
    send: Callable[..., Submission],
) -> None:
    step = JudgingStep()
    item = step.items(assignment=assignment)[0]
    other = make_assignment(assignment.query, jurors[1], 1)
    send(step, other, item, verdict="unreasonable")
    html = page(step, assignment, item)
    assert [html.count(f'data-key="{key}"') for key in "cru?h"] == [1] * 5
    assert "checked" not in html
    assert page(step, other, item).count("checked") == 1


@pytest.mark.parametrize("verdict", ["", "excellent", "CORRECT"])
def test_a_missing_or_unknown_verdict_is_refused(
    assignment: Assignment, send: Callable[..., Submission], verdict: str
) -> None:
    step = JudgingStep()
    item = step.items(assignment=assignment)[0]
    with pytest.raises(StepProblem) as problem:
        send(step, assignment, item, verdict=verdict)
    assert set(problem.value.errors) == {"verdict"}
    assert not Submission.objects.exists()
    assert 'id="error-verdict"' in page(step, assignment, item, problem.value.errors)


def test_another_querys_answer_is_refused(
    study: Study,
    assignment: Assignment,
    make_answers: Callable[..., list[Answer]],
    send: Callable[..., Submission],
) -> None:
    foreign = make_answers(study.queries.get(ordinal=1), 1)[0]
    hidden = Answer.objects.create(
        query=assignment.query, external_id="p", text="Hidden", state=Answer.State.PROPOSED
    )
    for item in (foreign.public_id.hex, hidden.public_id.hex, "nonsense", ""):
        with pytest.raises(StepProblem):
            send(JudgingStep(), assignment, item, verdict="correct")
    assert not Judgement.objects.exists()


def test_a_verdict_on_an_answer_merged_meanwhile_is_kept(
    assignment: Assignment, researcher: User, send: Callable[..., Submission]
) -> None:
    step = JudgingStep()
    item = step.items(assignment=assignment)[0]
    answers = list(assignment.query.answers.all())
    mine = next(answer for answer in answers if answer.public_id.hex == item)
    target = next(answer for answer in answers if answer != mine)
    merge_answer(answer=mine, into=target, reason="same", actor=researcher)
    send(step, assignment, item, verdict="correct")
    assert Judgement.objects.get().answer == mine


# --- Proposing ------------------------------------------------------------------------------------


def test_an_empty_page_counts_as_done_and_makes_no_answer(
    assignment: Assignment, send: Callable[..., Submission]
) -> None:
    step = ProposingStep()
    assert step.items(assignment=assignment) == [""]
    assert step.done_items(assignment=assignment) == frozenset()
    send(step, assignment, "", missing_view="  ")
    assert step.done_items(assignment=assignment) == {""}
    assert not Answer.objects.filter(state=Answer.State.PROPOSED).exists()


def test_her_words_wait_for_a_researcher_and_can_be_changed(
    assignment: Assignment, jurors: list[Juror], send: Callable[..., Submission]
) -> None:
    step = ProposingStep()
    send(step, assignment, "", missing_view="Ask <b>everyone</b>.")
    proposal = Answer.objects.get(state=Answer.State.PROPOSED)
    assert (proposal.proposed_by, proposal.origin) == (jurors[0], Answer.Origin.JUROR)
    html = page(step, assignment, "")
    assert "Ask &lt;b&gt;everyone&lt;/b&gt;." in html
    send(step, assignment, "", missing_view="Ask nobody.")
    assert Answer.objects.get(state=Answer.State.PROPOSED).text == "Ask nobody."


def test_too_many_words_are_refused_with_their_number(
    assignment: Assignment, send: Callable[..., Submission]
) -> None:
    with pytest.raises(StepProblem, match="2001 characters"):
        send(ProposingStep(), assignment, "", missing_view="x" * 2001)


# --- Labelling ------------------------------------------------------------------------------------


def test_a_response_is_labelled_row_by_row(
    assignment: Assignment, send: Callable[..., Submission]
) -> None:
    step = LabellingStep()
    items = step.items(assignment=assignment)
    assert len(items) == 2
    first, second = (a.public_id.hex for a in assignment.query.answers.all()[:2])
    send(
        step,
        assignment,
        items[0],
        **{f"label_{first}": "expresses", f"label_{second}": ""},
    )
    assert step.done_items(assignment=assignment) == {items[0]}
    label = ExpressionLabel.objects.get()
    assert (label.label, label.answer.public_id.hex) == ("expresses", first)
    assert step.context(assignment=assignment, item=items[0])["values"] == {
        f"label_{first}": "expresses"
    }
    assert page(step, assignment, items[0]).count(" checked") == 1


def test_labelling_is_blind(assignment: Assignment) -> None:
    step = LabellingStep()
    for item in step.items(assignment=assignment):
        html = page(step, assignment, item)
        assert "Expresses it" in html
        source = assignment.query.responses.get(public_id=item).source
        assert f"@{source.revision}" not in html
        assert f'"{source.name}"' not in html


def test_labelling_refuses_nothing_nonsense_and_other_queries(
    study: Study,
    assignment: Assignment,
    make_answers: Callable[..., list[Answer]],
    send: Callable[..., Submission],
) -> None:
    step = LabellingStep()
    item = step.items(assignment=assignment)[0]
    own = assignment.query.answers.all()[0].public_id.hex
    foreign_query = study.queries.get(ordinal=1)
    foreign = make_answers(foreign_query, 1)[0].public_id.hex
    for wrong, name in (
        ({}, "labels"),
        ({f"label_{own}": ""}, "labels"),
        ({f"label_{own}": "perhaps"}, f"label_{own}"),
        ({f"label_{own}": "expresses", f"label_{foreign}": "expresses"}, "labels"),
    ):
        with pytest.raises(StepProblem) as problem:
            send(step, assignment, item, **wrong)
        assert set(problem.value.errors) == {name}
        assert f'id="error-{name}"' in page(step, assignment, item, problem.value.errors)
    with pytest.raises(StepProblem):
        send(
            step,
            assignment,
            foreign_query.responses.all()[0].public_id.hex,
            **{f"label_{own}": "expresses"},
        )
    assert not ExpressionLabel.objects.exists()


def test_without_answers_there_is_nothing_to_label_or_judge(
    study: Study, jurors: list[Juror], make_assignment: Callable[..., Assignment]
) -> None:
    assignment = make_assignment(study.queries.get(ordinal=1), jurors[0])
    assert LabellingStep().items(assignment=assignment) == []
    assert JudgingStep().items(assignment=assignment) == []
