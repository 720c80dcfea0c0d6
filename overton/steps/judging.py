"""Judging answers: correct, reasonable, unreasonable, can't say; and whether she holds it."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.http import QueryDict

from annotations.models import Assignment, Submission
from annotations.ports import StepProblem
from overton.models import Answer, Judgement
from overton.selectors.answers import answers_put, judged_answers, judgement_of
from overton.services.judgements import record_judgement

# Value, what the juror reads, its note, its key.
VERDICTS = (
    (Judgement.Verdict.CORRECT, "Correct", "the right answer, all things considered", "c"),
    (Judgement.Verdict.REASONABLE, "Reasonable", "one that thoughtful people may hold", "r"),
    (Judgement.Verdict.UNREASONABLE, "Unreasonable", "one that can’t be defended", "u"),
    (Judgement.Verdict.CANT_SAY, "I can’t say", "", "?"),
)


class JudgingStep:
    """One page for each answer that is put to the jury. Nobody's verdict is shown to another."""

    kind: ClassVar[str] = "judging"
    label: ClassVar[str] = "judging answers"
    default_prompt: ClassVar[str] = "Is this a reasonable answer to the question?"
    template_name: ClassVar[str] = "overton/juror/judging.html"

    def items(self, *, assignment: Assignment) -> Sequence[str]:
        """Public ids of the query's accepted answers, in this juror's order."""
        return [answer.public_id.hex for answer in answers_put(assignment=assignment)]

    def done_items(self, *, assignment: Assignment) -> frozenset[str]:
        """The answers that she has judged."""
        return judged_answers(assignment=assignment)

    def context(self, *, assignment: Assignment, item: str) -> Mapping[str, Any]:
        """The answer, and her verdict where there is one."""
        answer = answer_of(assignment=assignment, item=item)
        said = judgement_of(assignment=assignment, answer=answer)
        keys = self.items(assignment=assignment)
        return {
            "answer": answer,
            "number": keys.index(item) + 1 if item in keys else 1,
            "count": len(keys),
            "verdicts": VERDICTS,
            "values": {}
            if said is None
            else {"verdict": said.verdict, "holds": "yes" if said.holds else ""},
        }

    def clean(self, *, assignment: Assignment, item: str, data: QueryDict) -> Mapping[str, Any]:
        """Check a verdict on one of the query's own answers.

        Raises:
            StepProblem: no verdict, an unknown one, or another query's answer.
        """
        answer = answer_of(assignment=assignment, item=item)
        verdict = data.get("verdict", "")
        if verdict not in Judgement.Verdict.values:
            raise StepProblem({"verdict": "Choose one of the four, “I can’t say” among them."})
        return {
            "answer": answer.public_id.hex,
            "verdict": verdict,
            "holds": data.get("holds", "") == "yes",
        }

    def store(self, *, submission: Submission, cleaned: Mapping[str, Any]) -> None:
        """Append the judgement."""
        record_judgement(
            juror=submission.participation.juror,
            answer=Answer.objects.get(public_id=cleaned["answer"]),
            verdict=cleaned["verdict"],
            holds=cleaned["holds"],
            now=submission.received_at,
            submission=submission,
        )


def answer_of(*, assignment: Assignment, item: str) -> Answer:
    """The answer behind an item's key, of this assignment's query alone.

    One that was merged or rejected while her page was open still takes her verdict.

    Raises:
        StepProblem: no such answer was ever put to the jury on this query.
    """
    try:
        public_id = uuid.UUID(hex=item)
    except ValueError:
        public_id = uuid.UUID(int=0)  # nobody's
    answer = (
        Answer.objects.filter(query_id=assignment.query_id, public_id=public_id)
        .exclude(state=Answer.State.PROPOSED)
        .first()
    )
    if answer is None:
        raise StepProblem({"verdict": "This answer does not belong to the question."})
    return answer
