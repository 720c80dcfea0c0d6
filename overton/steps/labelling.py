"""Labelling: does this response express this answer, say something else, or contradict it?"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.http import QueryDict

from annotations.models import Assignment, Response, Submission
from annotations.ports import StepProblem
from overton.models import Answer, ExpressionLabel
from overton.selectors.answers import answers_put, labelled_responses, labels_of, responses_put
from overton.services.labels import label_expressions

# Value, what the reader sees, its key.
LABELS = (
    (ExpressionLabel.Label.EXPRESSES, "Expresses it", "e"),
    (ExpressionLabel.Label.DOES_NOT, "Doesn’t", "d"),
    (ExpressionLabel.Label.CONTRADICTS, "Contradicts it", "x"),
)
FIELD = "label_"


class LabellingStep:
    """One page for each response, all answers as rows. The response's source is not shown."""

    kind: ClassVar[str] = "labelling"
    label: ClassVar[str] = "labelling which answers a response expresses"
    default_prompt: ClassVar[str] = "Which of these views does the response express?"
    template_name: ClassVar[str] = "overton/juror/labelling.html"

    def items(self, *, assignment: Assignment) -> Sequence[str]:
        """Public ids of the query's responses in this juror's order; none without answers."""
        if not Answer.objects.filter(
            query_id=assignment.query_id, state=Answer.State.ACCEPTED
        ).exists():
            return []
        return [response.public_id.hex for response in responses_put(assignment=assignment)]

    def done_items(self, *, assignment: Assignment) -> frozenset[str]:
        """The responses of which she has labelled something."""
        return labelled_responses(assignment=assignment)

    def context(self, *, assignment: Assignment, item: str) -> Mapping[str, Any]:
        """The response, blind, and a row for each answer."""
        response = _response_of(assignment=assignment, item=item)
        answers = answers_put(assignment=assignment)
        said = labels_of(assignment=assignment, response=response)
        keys = self.items(assignment=assignment)
        return {
            "response": response,
            "number": keys.index(item) + 1 if item in keys else 1,
            "count": len(keys),
            "rows": [(f"{FIELD}{answer.public_id.hex}", answer) for answer in answers],
            "labels": LABELS,
            "values": {f"{FIELD}{key}": label for key, label in said.items()},
        }

    def clean(self, *, assignment: Assignment, item: str, data: QueryDict) -> Mapping[str, Any]:
        """Check the labels of one response against answers of the same query.

        A row may stay empty; at least one must be labelled.

        Raises:
            StepProblem: nothing was labelled, an unknown label, or another query's answer.
        """
        response = _response_of(assignment=assignment, item=item)
        known = {
            f"{FIELD}{public_id.hex}"
            for public_id in Answer.objects.filter(query_id=assignment.query_id)
            .exclude(state=Answer.State.PROPOSED)
            .values_list("public_id", flat=True)
        }
        errors, labels = {}, {}
        for name in sorted(name for name in data if name.startswith(FIELD)):
            label = data.get(name, "")
            if name not in known:
                errors["labels"] = "One of these views does not belong to the question."
            elif label and label not in ExpressionLabel.Label.values:
                errors[name] = "Choose one of the three."
            elif label:
                labels[name.removeprefix(FIELD)] = str(label)
        if not errors and not labels:
            errors["labels"] = "Label at least one of the views; leave a row empty if you can’t."
        if errors:
            raise StepProblem(errors)
        return {"response": response.public_id.hex, "labels": labels}

    def store(self, *, submission: Submission, cleaned: Mapping[str, Any]) -> None:
        """Append the labels."""
        chosen: Mapping[str, str] = cleaned["labels"]
        answers = Answer.objects.filter(public_id__in=chosen)
        label_expressions(
            response=Response.objects.get(public_id=cleaned["response"]),
            labels={answer: chosen[answer.public_id.hex] for answer in answers},
            now=submission.received_at,
            juror=submission.participation.juror,
            submission=submission,
        )


def _response_of(*, assignment: Assignment, item: str) -> Response:
    """The response behind an item's key, of this assignment's query alone.

    Raises:
        StepProblem: it belongs to another query.
    """
    try:
        public_id = uuid.UUID(hex=item)
    except ValueError:
        public_id = uuid.UUID(int=0)  # nobody's
    response = Response.objects.filter(query_id=assignment.query_id, public_id=public_id).first()
    if response is None:
        raise StepProblem({"labels": "This response does not belong to the question."})
    return response
