"""An option picked on a query, for distributions of answers."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.http import QueryDict

from annotations.models import Assignment, Choice, QueryOption, Submission
from annotations.ports import StepProblem
from annotations.selectors.work import rows_on

DIGITS = 9


class ChoiceStep:
    """One page with the query's options; none where the query has no options."""

    kind: ClassVar[str] = "choice"
    label: ClassVar[str] = "choice among the options"
    default_prompt: ClassVar[str] = "Which comes closest to your own view?"
    template_name: ClassVar[str] = "annotations/juror/steps/choice.html"

    def items(self, *, assignment: Assignment) -> Sequence[str]:
        """One page, where there are options."""
        return ("",) if self._options(assignment) else ()

    def done_items(self, *, assignment: Assignment) -> frozenset[str]:
        """The page, once she has chosen."""
        return frozenset({""}) if self._said(assignment) is not None else frozenset()

    def context(self, *, assignment: Assignment, item: str) -> Mapping[str, Any]:  # noqa: ARG002 - the Protocol's
        """The options in their order, each with its key, and her choice."""
        said = self._said(assignment)
        options = [
            {"key": option.key, "text": option.text, "digit": str(n) if n <= DIGITS else ""}
            for n, option in enumerate(self._options(assignment), start=1)
        ]
        chosen = {option.pk: option.key for option in self._options(assignment)}
        return {
            "options": options,
            "values": {"option": chosen.get(said.option_id, "") if said else ""},
        }

    def clean(self, *, assignment: Assignment, item: str, data: QueryDict) -> Mapping[str, Any]:  # noqa: ARG002 - the Protocol's
        """One of this query's options."""
        by_key = {option.key: option for option in self._options(assignment)}
        key = data.get("option", "")
        if not key:
            raise StepProblem({"option": "Please choose one of the options."})
        if key not in by_key or len(data.getlist("option")) > 1:
            raise StepProblem({"option": "Please choose one of the options that are shown."})
        return {"option": by_key[key].pk}

    def store(self, *, submission: Submission, cleaned: Mapping[str, Any]) -> None:
        """Append her choice, superseding the one before."""
        said = self._said(submission.assignment)
        if said is not None and said.option_id == cleaned["option"]:
            return
        if said is not None:
            Choice.objects.filter(pk=said.pk).update(is_current=False)
        Choice.objects.create(
            juror_id=submission.participation.juror_id,
            query_id=submission.assignment.query_id,
            option_id=cleaned["option"],
            submission=submission,
            created_at=submission.received_at,
        )

    def _options(self, assignment: Assignment) -> Sequence[QueryOption]:
        return sorted(
            rows_on(assignment.query, QueryOption, by="query"),
            key=lambda option: (option.position, option.pk),
        )

    def _said(self, assignment: Assignment) -> Choice | None:
        return Choice.objects.filter(
            juror_id=assignment.participation.juror_id,
            query_id=assignment.query_id,
            is_current=True,
        ).first()
