"""A page with a text field: what the own opinion and the reason have in common."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.http import QueryDict

from annotations.models import Assignment, Opinion, Reason, Submission
from annotations.ports import StepProblem

MAX_LENGTH = 10_000


class WordsStep:
    """One page a query with a text field. Subclasses say where the words are kept."""

    model: ClassVar[type[Opinion] | type[Reason]]

    def items(self, *, assignment: Assignment) -> Sequence[str]:  # noqa: ARG002 - the Protocol's
        """One page, on every query."""
        return ("",)

    def done_items(self, *, assignment: Assignment) -> frozenset[str]:
        """The page, once she has written something."""
        return frozenset({""}) if self._said(assignment) is not None else frozenset()

    def context(self, *, assignment: Assignment, item: str) -> Mapping[str, Any]:  # noqa: ARG002 - the Protocol's
        """Her words, if she has written any."""
        said = self._said(assignment)
        return {"values": {"text": said.text if said else ""}, "max_length": MAX_LENGTH}

    def clean(self, *, assignment: Assignment, item: str, data: QueryDict) -> Mapping[str, Any]:  # noqa: ARG002 - the Protocol's
        """Some words, not too many. Empty takes back what stood there."""
        text = data.get("text", "").replace("\r\n", "\n").strip()
        if not text and self._said(assignment) is None:
            raise StepProblem({"text": "Please write a sentence or two."})
        if len(text) > MAX_LENGTH:
            raise StepProblem(
                {
                    "text": f"This has {len(text):,} characters; at most {MAX_LENGTH:,} can be "
                    "kept. Please shorten it."
                }
            )
        return {"text": text}

    def store(self, *, submission: Submission, cleaned: Mapping[str, Any]) -> None:
        """Append her words, superseding those before."""
        said = self._said(submission.assignment)
        if said is not None and said.text == cleaned["text"]:
            return
        if said is not None:
            self.model._default_manager.filter(pk=said.pk).update(is_current=False)
        if cleaned["text"]:
            self.model._default_manager.create(
                juror_id=submission.participation.juror_id,
                query_id=submission.assignment.query_id,
                submission=submission,
                text=cleaned["text"],
                created_at=submission.received_at,
            )

    def _said(self, assignment: Assignment) -> Opinion | Reason | None:
        said: Opinion | Reason | None = self.model._default_manager.filter(
            juror_id=assignment.participation.juror_id,
            query_id=assignment.query_id,
            is_current=True,
        ).first()
        return said
