"""A study as the simulation sees it: what is asked, and where each text stands.

Read from two documents: the study itself (what jurors may see) and the hidden parameters
(positions on the latent axes). The schema of both is in `fixtures/README.md`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Vector: TypeAlias = tuple[float, ...]
PairLabel: TypeAlias = Literal["expresses", "does_not", "contradicts"]

PAIR_LABELS: tuple[PairLabel, ...] = ("expresses", "does_not", "contradicts")


class PlanError(ValueError):
    """The study and its parameters don't fit each other; the message names the place."""


@dataclass(frozen=True, slots=True)
class PlannedCriterion:
    """A scale, and how much each quality of a response moves a rating on it."""

    key: str
    low: float
    high: float
    step: float
    base: float
    closeness: float
    quality: float
    even_handedness: float


@dataclass(frozen=True, slots=True)
class PlannedOption:
    """An option to choose, and where it stands."""

    key: str
    position: Vector


@dataclass(frozen=True, slots=True)
class PlannedAnswer:
    """An answer, where it stands, and how much it has for itself whoever judges it."""

    key: str
    text: str
    position: Vector
    plausibility: float


@dataclass(frozen=True, slots=True)
class PlannedResponse:
    """A response: position, quality, how far its appeal reaches, and the author's labels."""

    source: str
    words: int
    position: Vector
    quality: float
    breadth: float
    even_handedness: float
    labels: Mapping[str, PairLabel]


@dataclass(frozen=True, slots=True)
class PlannedQuery:
    """A query; `weights` say how much each axis matters to it."""

    key: str
    weights: Vector
    options: tuple[PlannedOption, ...]
    answers: tuple[PlannedAnswer, ...]
    responses: tuple[PlannedResponse, ...]


@dataclass(frozen=True, slots=True)
class PlannedQuestion:
    """A question about the juror herself."""

    key: str
    kind: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """All that simulated jurors need. Noises are standard deviations, rates are in [0, 1]."""

    axes: tuple[str, ...]
    trait_shifts: Mapping[str, Mapping[str, Vector]]
    position_noise: float
    leniency_noise: float
    rating_noise: float
    cant_say_rate: float
    label_error_rate: float
    criteria: tuple[PlannedCriterion, ...]
    queries: tuple[PlannedQuery, ...]
    questions: tuple[PlannedQuestion, ...]


def read_plan(*, study: Mapping[str, Any], parameters: Mapping[str, Any]) -> StudyPlan:
    """Join a study and its hidden parameters, both as read from JSON.

    Raises:
        PlanError: a key is missing or left over, a vector has the wrong length, a number lies
            outside its range, or a label is unknown; the message names the place.
    """
    axes = tuple(str(axis["key"]) for axis in _get(parameters, "axes", "parameters"))
    hidden = _get(parameters, "queries", "parameters")
    shown = _get(study, "queries", "study")
    _same((q["key"] for q in shown), hidden, "queries")
    weights = _get(parameters, "criteria", "parameters")
    criteria = _get(study, "criteria", "study")
    _same((c["key"] for c in criteria), weights, "criteria")
    return StudyPlan(
        axes=axes,
        trait_shifts={
            feature: {
                value: _vector(shift, len(axes), f"trait_shifts, {feature}, {value}")
                for value, shift in values.items()
            }
            for feature, values in _get(parameters, "trait_shifts", "parameters").items()
        },
        position_noise=_number(parameters, "position_noise", "parameters", low=0),
        leniency_noise=_number(parameters, "leniency_noise", "parameters", low=0),
        rating_noise=_number(parameters, "rating_noise", "parameters", low=0),
        cant_say_rate=_number(parameters, "cant_say_rate", "parameters", low=0, high=1),
        label_error_rate=_number(parameters, "label_error_rate", "parameters", low=0, high=1),
        criteria=tuple(_criterion(c, weights[c["key"]]) for c in criteria),
        queries=tuple(_query(q, hidden[q["key"]], len(axes)) for q in shown),
        questions=tuple(
            PlannedQuestion(str(q["key"]), str(q["kind"]), tuple(q.get("options", ())))
            for q in study.get("profile_questions", ())
        ),
    )


def _criterion(shown: Mapping[str, Any], hidden: Mapping[str, Any]) -> PlannedCriterion:
    place = f"criterion {shown['key']}"
    low = _number(shown, "low", place)
    high = _number(shown, "high", place)
    step = _number(shown, "step", place)
    if not (low < high and 0 < step <= high - low):
        raise PlanError(
            f"{place}: the scale runs from {low:g} to {high:g} by {step:g}; "
            "low must lie below high, and the step fit between them."
        )
    return PlannedCriterion(
        key=str(shown["key"]),
        low=low,
        high=high,
        step=step,
        base=_number(hidden, "base", place),
        closeness=_number(hidden, "closeness", place),
        quality=_number(hidden, "quality", place),
        even_handedness=_number(hidden, "even_handedness", place),
    )


def _query(shown: Mapping[str, Any], hidden: Mapping[str, Any], size: int) -> PlannedQuery:
    place = f"query {shown['key']}"
    parts = {name: _get(shown, name, place) for name in ("options", "answers", "responses")}
    _same((o["key"] for o in parts["options"]), hidden["options"], f"{place}, options")
    _same((a["key"] for a in parts["answers"]), hidden["answers"], f"{place}, answers")
    _same((r["source"] for r in parts["responses"]), hidden["responses"], f"{place}, responses")
    weights = _vector(_get(hidden, "weights", place), size, f"{place}, weights")
    if min(weights) < 0 or sum(weights) <= 0:
        raise PlanError(f"{place}: weights are {weights}; none may be negative, not all zero.")
    answers = tuple(
        PlannedAnswer(
            key=str(a["key"]),
            text=str(a["text"]),
            position=_vector(h["position"], size, f"{place}, answer {a['key']}"),
            plausibility=_number(h, "plausibility", f"{place}, answer {a['key']}"),
        )
        for a in parts["answers"]
        for h in (hidden["answers"][a["key"]],)
    )
    return PlannedQuery(
        key=str(shown["key"]),
        weights=weights,
        options=tuple(
            PlannedOption(
                str(o["key"]),
                _vector(
                    hidden["options"][o["key"]]["position"], size, f"{place}, option {o['key']}"
                ),
            )
            for o in parts["options"]
        ),
        answers=answers,
        responses=tuple(
            _response(r, hidden["responses"][r["source"]], [a.key for a in answers], size, place)
            for r in parts["responses"]
        ),
    )


def _response(
    shown: Mapping[str, Any],
    hidden: Mapping[str, Any],
    answers: list[str],
    size: int,
    place: str,
) -> PlannedResponse:
    place = f"{place}, response of {shown['source']}"
    labels = _get(shown, "labels", place)
    _same(answers, labels, f"{place}, labels")
    for answer, label in labels.items():
        if label not in PAIR_LABELS:
            raise PlanError(
                f"{place}: {label!r} for answer {answer} is no label; use one of "
                f"{', '.join(PAIR_LABELS)}."
            )
    breadth = _number(hidden, "breadth", place)
    if breadth <= 0:
        raise PlanError(f"{place}: breadth is {breadth:g}, and must be above 0.")
    return PlannedResponse(
        source=str(shown["source"]),
        words=len(str(shown["text"]).split()),
        position=_vector(_get(hidden, "position", place), size, place),
        quality=_number(hidden, "quality", place),
        breadth=breadth,
        even_handedness=_number(hidden, "even_handedness", place),
        labels=labels,
    )


def _get(document: Mapping[str, Any], key: str, place: str) -> Any:
    if key not in document:
        raise PlanError(f"{place}: {key!r} is missing.")
    return document[key]


def _number(
    document: Mapping[str, Any],
    key: str,
    place: str,
    *,
    low: float = float("-inf"),
    high: float = float("inf"),
) -> float:
    value = _get(document, key, place)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise PlanError(
            f"{place}: {key} is {value!r}; a number from {low:g} to {high:g} is needed."
        )
    return float(value)


def _vector(value: Any, size: int, place: str) -> Vector:
    if not isinstance(value, list) or len(value) != size:
        raise PlanError(f"{place}: {value!r} needs {size} numbers, one for each axis.")
    return tuple(float(number) for number in value)


def _same(found: Iterable[str], expected: Iterable[str], place: str) -> None:
    keys = list(found)
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise PlanError(f"{place}: {', '.join(twice)} stands there twice.")
    wanted = set(expected)
    missing, extra = sorted(wanted - set(keys)), sorted(set(keys) - wanted)
    if missing or extra:
        raise PlanError(
            f"{place}: missing {', '.join(missing) or 'nothing'}; "
            f"unexpected {', '.join(extra) or 'nothing'}."
        )
