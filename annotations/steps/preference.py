"""Side by side: which of two responses is better, without saying who gave them."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.http import QueryDict

from annotations.models import Assignment, Preference, Submission
from annotations.ports import StepProblem
from annotations.selectors.work import pairs_in_order

VERDICTS = (
    (Preference.Verdict.LEFT, "A is better", "a"),
    (Preference.Verdict.RIGHT, "B is better", "b"),
    (Preference.Verdict.TIE, "Both are equally good", "t"),
    (Preference.Verdict.BOTH_BAD, "Both are bad", "n"),
)


class PreferenceStep:
    """A page for each pair. The key says which stood on the left, so the side is on record."""

    kind: ClassVar[str] = "preference"
    label: ClassVar[str] = "side-by-side preference"
    default_prompt: ClassVar[str] = "Which response is better?"
    template_name: ClassVar[str] = "annotations/juror/steps/preference.html"

    def items(self, *, assignment: Assignment) -> Sequence[str]:
        """The pairs in this juror's order; none with fewer than two responses."""
        return tuple(pairs_in_order(assignment=assignment))

    def done_items(self, *, assignment: Assignment) -> frozenset[str]:
        """The pairs that she has decided."""
        decided = {(said.left_id, said.right_id) for said in self._said(assignment)}
        return frozenset(
            key
            for key, (left, right) in pairs_in_order(assignment=assignment).items()
            if (left.pk, right.pk) in decided
        )

    def context(self, *, assignment: Assignment, item: str) -> Mapping[str, Any]:
        """Both responses as they stand, and her verdict."""
        pairs = pairs_in_order(assignment=assignment)
        left, right = pairs[item]
        verdict = next(
            (
                said.verdict
                for said in self._said(assignment)
                if (said.left_id, said.right_id) == (left.pk, right.pk)
            ),
            "",
        )
        return {
            "left": left,
            "right": right,
            "verdicts": VERDICTS,
            "number": list(pairs).index(item) + 1,
            "count": len(pairs),
            "values": {"verdict": verdict},
        }

    def clean(self, *, assignment: Assignment, item: str, data: QueryDict) -> Mapping[str, Any]:
        """One of the four verdicts, on a pair of this assignment."""
        left, right = pairs_in_order(assignment=assignment)[item]
        verdict = data.get("verdict", "")
        if not verdict:
            raise StepProblem({"verdict": "Please say which is better, or that they are alike."})
        if verdict not in Preference.Verdict.values or len(data.getlist("verdict")) > 1:
            raise StepProblem({"verdict": "Please choose one of the four verdicts."})
        return {"left": left.pk, "right": right.pk, "verdict": verdict}

    def store(self, *, submission: Submission, cleaned: Mapping[str, Any]) -> None:
        """Append her verdict, superseding the one before."""
        juror_id = submission.participation.juror_id
        before = Preference.objects.filter(
            juror_id=juror_id, left=cleaned["left"], right=cleaned["right"], is_current=True
        ).first()
        if before is not None and before.verdict == cleaned["verdict"]:
            return
        if before is not None:
            Preference.objects.filter(pk=before.pk).update(is_current=False)
        Preference.objects.create(
            juror_id=juror_id,
            query_id=submission.assignment.query_id,
            left_id=cleaned["left"],
            right_id=cleaned["right"],
            verdict=cleaned["verdict"],
            submission=submission,
            created_at=submission.received_at,
        )

    def _said(self, assignment: Assignment) -> Sequence[Preference]:
        return list(
            Preference.objects.filter(
                juror_id=assignment.participation.juror_id,
                query_id=assignment.query_id,
                is_current=True,
            )
        )
