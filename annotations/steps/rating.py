"""Ratings of one response on every criterion of the study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db import IntegrityError, transaction
from django.http import QueryDict

from annotations.domain.scales import InvalidScale, OutsideScale, Scale, ScaleKind
from annotations.models import Assignment, Criterion, Rating, Response, Study, Submission
from annotations.ports import StepProblem
from annotations.selectors.work import responses_in_order, rows_on

CANT_SAY = "cant_say"
YES_NO = ((1.0, "Yes", "y"), (0.0, "No", "n"))


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a scale: what is sent, what stands beside it, the key that picks it."""

    value: str
    label: str
    key: str


@dataclass(frozen=True, slots=True)
class CriterionField:
    """A criterion as its field is shown.

    Attributes:
        name: of the input; `rating_` and the criterion's key.
        label: the criterion's name, for messages.
        cant_say_name: of the box beside a slider.
        kind: "likert", "slider" or "yes_no".
        points: of a likert or yes/no scale.
        is_labelled: every point has words of its own.
        low, high, step: as text; a slider's bounds.
    """

    name: str
    label: str
    cant_say_name: str
    question: str
    kind: str
    points: tuple[Point, ...]
    is_labelled: bool
    low: str
    high: str
    step: str
    low_label: str
    high_label: str
    allows_cant_say: bool


def as_text(value: float) -> str:
    """A number as the form sends it: no trailing zeros, nothing lost."""
    return format(value, ".12g")


def scale_of(criterion: Criterion) -> Scale:
    """The criterion's scale as the domain knows it."""
    return Scale(
        kind=ScaleKind(criterion.scale_kind),
        low=criterion.low,
        high=criterion.high,
        step=criterion.step,
        allows_cant_say=criterion.allows_cant_say,
    )


def field_of(criterion: Criterion) -> CriterionField:
    """How a criterion is shown."""
    points: tuple[Point, ...] = ()
    labels = {as_text(float(point)): str(text) for point, text in criterion.labels.items()}
    if criterion.scale_kind == Criterion.ScaleKind.YES_NO:
        points = tuple(
            Point(as_text(value), labels.get(as_text(value)) or word, key)
            for value, word, key in YES_NO
        )
    elif criterion.scale_kind == Criterion.ScaleKind.LIKERT:
        values = [as_text(point) for point in scale_of(criterion).points]
        points = tuple(
            Point(value, labels.get(value, ""), value if len(value) == 1 else "")
            for value in values
        )
    return CriterionField(
        name=f"rating_{criterion.key}",
        label=criterion.name,
        cant_say_name=f"cant_say_{criterion.key}",
        question=criterion.question,
        kind=criterion.scale_kind,
        points=points,
        is_labelled=bool(points) and all(point.label for point in points),
        low=as_text(criterion.low),
        high=as_text(criterion.high),
        step=as_text(criterion.step),
        low_label=criterion.low_label,
        high_label=criterion.high_label,
        allows_cant_say=criterion.allows_cant_say,
    )


class RatingStep:
    """A page for each response, in this juror's order, with all criteria. Sources stay unnamed."""

    kind: ClassVar[str] = "rating"
    label: ClassVar[str] = "ratings of each response"
    default_prompt: ClassVar[str] = ""
    template_name: ClassVar[str] = "annotations/juror/steps/rating.html"

    def items(self, *, assignment: Assignment) -> Sequence[str]:
        """Public ids of the query's responses; none in a study without criteria."""
        if not _criteria(assignment.participation.study):
            return ()
        return [str(r.public_id) for r in responses_in_order(assignment=assignment)]

    def done_items(self, *, assignment: Assignment) -> frozenset[str]:
        """Responses that she has rated on every criterion."""
        wanted = {criterion.pk for criterion in _criteria(assignment.participation.study)}
        responses = responses_in_order(assignment=assignment)
        rated: dict[int, set[int]] = {}
        for response_id, criterion_id in (
            Rating.objects.filter(
                juror_id=assignment.participation.juror_id,
                response_id__in=[response.pk for response in responses],
                is_current=True,
            )
            .order_by()
            .values_list("response_id", "criterion_id")
        ):
            rated.setdefault(response_id, set()).add(criterion_id)
        return frozenset(
            str(response.public_id)
            for response in responses
            if wanted <= rated.get(response.pk, set())
        )

    def context(self, *, assignment: Assignment, item: str) -> Mapping[str, Any]:
        """The response, a field for each criterion, and what she said."""
        responses = responses_in_order(assignment=assignment)
        response = _response(assignment, item)
        criteria = _criteria(assignment.participation.study)
        said = _current(assignment.participation.juror_id, response.pk)
        values: dict[str, str] = {}
        for criterion in criteria:
            if criterion.pk not in said:
                continue
            _, value = said[criterion.pk]
            slider = criterion.scale_kind == Criterion.ScaleKind.SLIDER
            if value is not None:
                values[f"rating_{criterion.key}"] = as_text(value)
            elif slider:
                values[f"cant_say_{criterion.key}"] = CANT_SAY
            else:
                values[f"rating_{criterion.key}"] = CANT_SAY
        return {
            "response": response,
            "number": responses.index(response) + 1,
            "count": len(responses),
            "fields": [field_of(criterion) for criterion in criteria],
            "values": values,
        }

    def clean(self, *, assignment: Assignment, item: str, data: QueryDict) -> Mapping[str, Any]:
        """A value on its scale, or "can't say" where that is allowed, for every criterion."""
        response = _response(assignment, item)
        errors: dict[str, str] = {}
        values: dict[str, float | None] = {}
        for criterion in _criteria(assignment.participation.study):
            try:
                values[str(criterion.pk)] = _value(criterion, data)
            except ValueError as problem:
                errors[f"rating_{criterion.key}"] = f"{criterion.name}: {problem}"
        if errors:
            raise StepProblem(errors)
        return {"response": response.pk, "values": values}

    def store(self, *, submission: Submission, cleaned: Mapping[str, Any]) -> None:
        """Append the ratings that are new or changed; those before them are superseded."""
        juror_id = submission.participation.juror_id
        values = {int(pk): value for pk, value in cleaned["values"].items()}
        try:
            # Most pages are answered once: then there is nothing to supersede, nor to read.
            with transaction.atomic():
                _append(submission, cleaned["response"], values)
        except IntegrityError:
            before = _current(juror_id, cleaned["response"])
            changed = {
                pk: value
                for pk, value in values.items()
                if pk not in before or before[pk][1] != value
            }
            superseded = [before[pk][0] for pk in changed if pk in before]
            Rating.objects.filter(pk__in=superseded).update(is_current=False)
            _append(submission, cleaned["response"], changed)


def _append(submission: Submission, response_id: int, values: Mapping[int, float | None]) -> None:
    Rating.objects.bulk_create(
        Rating(
            juror_id=submission.participation.juror_id,
            response_id=response_id,
            criterion_id=pk,
            submission=submission,
            value=value,
            created_at=submission.received_at,
        )
        for pk, value in values.items()
    )


def _value(criterion: Criterion, data: QueryDict) -> float | None:
    """What was sent for a criterion; ValueError with words for the juror."""
    name = f"rating_{criterion.key}"
    sent = data.get(name, "").strip()
    cant_say = data.get(f"cant_say_{criterion.key}", "") == CANT_SAY
    if len(data.getlist(name)) > 1:
        raise ValueError("please give one answer.")
    if cant_say and sent:
        raise ValueError("please either give a number or say that you can't.")
    if not sent and not cant_say:
        raise ValueError("please answer this question.")
    try:
        number = None if cant_say or sent == CANT_SAY else float(sent)
    except ValueError:
        raise ValueError("please give a number.") from None
    try:
        return scale_of(criterion).check_value(value=number)
    except (OutsideScale, InvalidScale) as problem:
        raise ValueError(str(problem)) from problem


def _criteria(study: Study) -> Sequence[Criterion]:
    return sorted(
        rows_on(study, Criterion, by="study"),
        key=lambda criterion: (criterion.position, criterion.pk),
    )


def _response(assignment: Assignment, item: str) -> Response:
    return next(
        response
        for response in responses_in_order(assignment=assignment)
        if str(response.public_id) == item
    )


def _current(juror_id: int, response_id: int) -> dict[int, tuple[int, float | None]]:
    """Her current ratings of a response, (id, value) by the criterion's id."""
    return {
        criterion_id: (pk, value)
        for criterion_id, pk, value in Rating.objects.filter(
            juror_id=juror_id, response_id=response_id, is_current=True
        )
        .order_by()
        .values_list("criterion_id", "id", "value")
    }
