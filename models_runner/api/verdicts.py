"""Verdicts of sampled juries of given seats on a study's responses."""

from math import isnan
from typing import Any
from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.scope import StudyView
from annotations.models import Criterion, Study
from juries.api.bodies import Body, OneOf, Row, checked
from juries.api.problems import REFUSED, InputError, InvalidInput, pointer, refuse_as
from juries.api.rights import signed_in
from juries.api.runs import run_requested
from juries.domain.verdicts import JURIES, InvalidJury, JurySpecification, seat_kind
from juries.tasks import enqueue_run
from models_runner.api.predictions import WAIT, SeatBody
from models_runner.api.waiting import seconds_to_wait, wait_for
from models_runner.domain.jury_builder import in_proportion, kinds_present
from models_runner.forms import MOST_CHANGES, MOST_SEATS
from models_runner.selectors.jury_ratings import (
    NothingPredicted,
    Share,
    utilities_said_and_predicted,
)
from models_runner.selectors.training import held_out_error
from models_runner.selectors.verdicts import (
    SEED,
    Question,
    Told,
    TooMuch,
    of_query,
    tell,
    usual_threshold,
)
from models_runner.services.verdicts import request_verdicts

refuse_as(REFUSED, NothingPredicted)

USUAL_SEATS = 12


class VerdictsBody(Body):
    """What is asked of which jury."""

    criterion = serializers.CharField(help_text="Key of the criterion.")
    share = OneOf(
        [(share.value, share.label) for share in Share],
        required=False,
        default=Share.SAID.value,
        help_text="said: ratings alone; both: gaps filled by a usable training's guesses.",
    )
    seats = SeatBody(
        many=True,
        required=False,
        help_text="The jury's seats. Twelve in proportion to the jurors' values of `by` if left "
        "out.",
    )
    by = serializers.CharField(
        required=False, help_text="Trait by which seats are shared out where none are given."
    )
    threshold = serializers.FloatField(
        required=False, help_text="On the criterion's scale; its middle if left out."
    )
    query = serializers.UUIDField(required=False, help_text="The one query asked about.")
    response = serializers.UUIDField(
        required=False, help_text="The response whose verdict is to be turned by other seats."
    )
    changes = serializers.IntegerField(
        required=False,
        default=3,
        min_value=1,
        max_value=MOST_CHANGES,
        help_text="So many seats may be changed to turn it.",
    )


class VerdictRow(Row):
    """What juries say of one response or, on average, of one source."""

    median = serializers.FloatField(allow_null=True, help_text="The verdict; null: see `reason`.")
    low = serializers.FloatField(allow_null=True, help_text="5th percentile of the juries.")
    high = serializers.FloatField(allow_null=True, help_text="95th percentile of the juries.")
    chance = serializers.FloatField(
        allow_null=True, help_text="Part of the juries at the threshold or above."
    )
    predicted_share = serializers.FloatField(
        allow_null=True, help_text="Part of the ratings heard that a model has guessed."
    )


class ResponseVerdict(VerdictRow):
    """What juries say of one response."""

    response = serializers.UUIDField(help_text="Id of the response.")
    source = serializers.CharField(  # type: ignore[assignment] # a field of this name, not the attribute of DRF
        help_text="Its source."
    )
    reason = serializers.CharField(help_text="Why there is no verdict; empty where there is one.")


class SourceVerdict(VerdictRow):
    """What juries say of one source: each jury's mean over its responses."""

    source = serializers.CharField(  # type: ignore[assignment] # a field of this name, not the attribute of DRF
        help_text="Name of the source."
    )
    responses = serializers.IntegerField(help_text="Responses for which the seats were filled.")


class VerdictsRow(Row):
    """What sampled juries say."""

    criterion = serializers.CharField(help_text="Key of the criterion.")
    share = serializers.CharField(help_text="said, or both: with guesses.")
    seats = serializers.ListField(
        child=serializers.DictField(), help_text="The jury: `traits` and number of `seats`."
    )
    juries = serializers.IntegerField(help_text="Juries that were drawn.")
    seed = serializers.IntegerField(help_text="Of the draws.")
    threshold = serializers.FloatField(help_text="On the criterion's scale.")
    training = serializers.UUIDField(
        allow_null=True, help_text="Id of the training that fills gaps; null: none does."
    )
    held_out_error = serializers.FloatField(
        allow_null=True, help_text="Its mean absolute error on responses held out."
    )
    sources = SourceVerdict(many=True, help_text="By source.")
    responses = ResponseVerdict(many=True, help_text="By response.")
    turned = serializers.DictField(
        allow_null=True,
        help_text="How few changed seats turn the verdict on the response asked about: `changes` "
        "(null: none within the limit) and `alternatives`; null where none was asked about.",
    )


class Verdicts(StudyView[Study]):
    """Verdicts of juries."""

    serializer_class = VerdictsRow
    queryset = Study.objects.all()
    viewers_may_write = True

    @extend_schema(
        summary="Ask juries for verdicts",
        operation_id="verdicts_find",
        request=VerdictsBody,
        responses={200: VerdictsRow},
        parameters=[WAIT],
    )
    def post(self, request: Request, study_id: UUID) -> Response:
        """Draw 100 juries of the seats and take their median. What takes more than a second is
        answered with 202 and a Run: once it has succeeded, the same request gets the verdicts.
        """
        seconds = seconds_to_wait(request)
        question = _question(self.study, checked(VerdictsBody, request))
        try:
            told = tell(question)
        except TooMuch:
            run, is_new = request_verdicts(
                question=question,
                requested_by=signed_in(request),
                page_path=reverse("study-verdicts", args=[study_id]),
            )
            if is_new:
                enqueue_run(run=run)
            wait_for(run, seconds=seconds)
            try:
                told = tell(question)
            except TooMuch:
                return run_requested(run)
        return Response(VerdictsRow(_row(question, told)).data)


def _question(study: Study, given: dict[str, Any]) -> Question:
    """The body as a question. Raises InvalidInput, each error at its place."""
    criteria = {own.key: own for own in Criterion.objects.filter(study=study)}
    criterion = criteria.get(given["criterion"])
    if criterion is None:
        raise InvalidInput(
            InputError(
                f"The study has no criterion {given['criterion']!r}.",
                pointer=pointer("criterion"),
                legal=list(criteria),
            )
        )
    criterion.study = study
    data = utilities_said_and_predicted(criterion=criterion, share=given["share"])
    if not data.ratings.size:
        raise NothingPredicted(f"{criterion.name}: nobody has rated it yet.")
    query_id = None
    if "query" in given:
        query = study.queries.filter(public_id=given["query"], check_kind="").first()
        if query is None or all(own.query_id != query.pk for own in data.responses):
            raise _invalid("query", f"The study has no rated query {given['query']}.")
        query_id = query.pk
        data = of_query(data, query.pk)
    places = {own.public_id: place for place, own in enumerate(data.responses)}
    picked = places.get(str(given["response"])) if "response" in given else None
    if "response" in given and picked is None:
        raise _invalid("response", f"There is no rated response {given['response']} among these.")
    threshold = given.get("threshold", usual_threshold(criterion))
    if not criterion.low <= threshold <= criterion.high:
        raise _invalid(
            "threshold",
            f"{threshold:g} is not on the scale, which runs from {criterion.low:g} to "
            f"{criterion.high:g}.",
        )
    question = Question(
        criterion=criterion,
        share=given["share"],
        data=data,
        seats=JurySpecification(((seat_kind({}), 1),)),
        threshold=float(threshold),
        query_id=query_id,
        picked=picked,
        changes=given["changes"],
    )
    return _seated(question, given)


def _seated(question: Question, given: dict[str, Any]) -> Question:
    """The question with the seats that are asked for, or twelve in proportion."""
    features = list(question.data.traits)
    by = given.get("by", features[0] if features else "")
    if by and by not in features:
        raise InvalidInput(
            InputError(f"There is no trait {by!r}.", pointer=pointer("by"), legal=features)
        )
    if "seats" in given:
        pairs = [(seat_kind(own["traits"]), own["seats"]) for own in given["seats"]]
    else:
        kinds = kinds_present(question.traits, features=[by] if by else [])
        pairs = list(in_proportion(kinds, seats=USUAL_SEATS).items())
    try:
        seats = JurySpecification(tuple(pairs))
    except InvalidJury as problem:
        raise _invalid("seats", str(problem)) from problem
    if seats.size > MOST_SEATS:
        raise _invalid(
            "seats", f"The jury has {seats.size} seats; at most {MOST_SEATS} can be tried here."
        )
    return Question(
        criterion=question.criterion,
        share=question.share,
        data=question.data,
        seats=seats,
        threshold=question.threshold,
        query_id=question.query_id,
        picked=question.picked,
        changes=question.changes,
    )


def _invalid(field: str, message: str) -> InvalidInput:
    return InvalidInput(InputError(message, pointer=pointer(field)))


def _row(question: Question, told: Told) -> dict[str, Any]:
    training = question.data.training
    found, sources, turned = told.responses, told.sources, told.turned
    return {
        "criterion": question.criterion.key,
        "share": question.share,
        "seats": [
            {"traits": dict(kind.traits), "seats": number} for kind, number in question.seats.seats
        ],
        "juries": JURIES,
        "seed": SEED,
        "threshold": question.threshold,
        "training": training and training.public_id,
        "held_out_error": training and held_out_error(training),
        "sources": [
            {"source": name, "responses": sources.items[place], **_numbers(sources, place)}
            for place, name in enumerate(sources.sources)
        ],
        "responses": [
            {
                "response": own.public_id,
                "source": own.source,
                "reason": found.reasons[place],
                **_numbers(found, place),
            }
            for place, own in enumerate(question.data.responses)
        ],
        "turned": turned
        and {
            "changes": turned.changes,
            "alternatives": [
                {
                    "gained": [[dict(kind.traits), number] for kind, number in own.gained],
                    "lost": [[dict(kind.traits), number] for kind, number in own.lost],
                    "median": own.median,
                }
                for own in turned.alternatives
            ],
        },
    }


def _numbers(found: Any, place: int) -> dict[str, float | None]:
    names = {
        "median": found.median,
        "low": found.lower,
        "high": found.upper,
        "chance": found.chance,
        "predicted_share": found.predicted,
    }
    return {
        name: None if isnan(array[place]) else float(array[place]) for name, array in names.items()
    }
