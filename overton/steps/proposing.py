"""Naming a view that is missing, in one's own words."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.http import QueryDict

from annotations.models import Assignment, Submission
from annotations.ports import StepProblem
from overton.selectors.answers import answers_put, has_answered_step, proposal_of
from overton.services.answers import propose_answer

LONGEST = 2000


class ProposingStep:
    """One page a query; to leave it empty is an answer too."""

    kind: ClassVar[str] = "proposing"
    label: ClassVar[str] = "proposing a missing view"
    default_prompt: ClassVar[str] = "Is a view missing?"
    template_name: ClassVar[str] = "overton/juror/proposing.html"

    def items(self, *, assignment: Assignment) -> Sequence[str]:  # noqa: ARG002 - the Protocol's
        """One page, whatever the query."""
        return [""]

    def done_items(self, *, assignment: Assignment) -> frozenset[str]:
        """Done once she has sent the page, with words or without."""
        sent = has_answered_step(assignment=assignment, step=self.kind)
        return frozenset({""}) if sent else frozenset()

    def context(self, *, assignment: Assignment, item: str) -> Mapping[str, Any]:  # noqa: ARG002 - the Protocol's
        """The answers there are, and what she proposed before."""
        proposal = proposal_of(assignment=assignment)
        return {
            "answers": answers_put(assignment=assignment),
            "longest": LONGEST,
            "is_accepted": proposal is not None and proposal.state == proposal.State.ACCEPTED,
            "values": {"missing_view": "" if proposal is None else proposal.text},
        }

    def clean(self, *, assignment: Assignment, item: str, data: QueryDict) -> Mapping[str, Any]:  # noqa: ARG002 - the Protocol's
        """Her words, without the blanks around them.

        Raises:
            StepProblem: too long.
        """
        text = data.get("missing_view", "").replace("\x00", "").strip()
        if len(text) > LONGEST:
            raise StepProblem(
                {
                    "missing_view": f"This has {len(text)} characters; up to {LONGEST} are taken. "
                    "A sentence or two is best."
                }
            )
        return {"text": text}

    def store(self, *, submission: Submission, cleaned: Mapping[str, Any]) -> None:
        """Keep the proposal for the researchers."""
        propose_answer(
            juror=submission.participation.juror,
            query=submission.assignment.query,
            text=cleaned["text"],
            submission=submission,
        )
