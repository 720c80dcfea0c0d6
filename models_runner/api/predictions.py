"""What jurors would say of any texts, and a jury's welfare of each: a reward for trainers."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.scope import StudyView
from annotations.models import Criterion, Study
from juries.api.bodies import Body, OneOf, Row, checked
from juries.api.pagination import (
    DEFAULT_SIZE,
    MAXIMUM_SIZE,
    open_cursor,
    page_size_of,
    seal_cursor,
)
from juries.api.problems import INVALID, REFUSED, InputError, InvalidInput, pointer, refuse_as
from juries.api.rights import signed_in
from juries.api.runs import RunDetail
from juries.domain.verdicts import InvalidJury
from juries.domain.welfare import alpha_of
from juries.models import Run
from juries.tasks import enqueue_run
from models_runner.api.waiting import MOST_WAIT, seconds_to_wait, wait_for
from models_runner.domain.jury_reward import JuryRule
from models_runner.domain.reward import LOW_RANK
from models_runner.models import RewardTraining
from models_runner.selectors.kept_files import NotKept, kept_lines
from models_runner.selectors.serving import NoModel, prediction_run
from models_runner.selectors.training import held_out_accuracy, held_out_error
from models_runner.services.serving import (
    MOST_ITEMS,
    MOST_SEATS,
    Asked,
    KeyUsed,
    TooManyRows,
    request_predictions,
)

refuse_as(REFUSED, NoModel, NotKept, KeyUsed)
refuse_as(INVALID, InvalidJury, TooManyRows)

LONGEST_TEXT = 50_000
LONGEST_KEY = 100
WAIT = OpenApiParameter(
    "wait",
    float,
    description=f"Seconds to wait for the result, 0 to {MOST_WAIT}; 0 by default.",
)


class TextBody(Body):
    """A response to a query; neither need stand in the study."""

    name = serializers.CharField(
        required=False,
        max_length=100,
        help_text="Your name for it, once in a request; its place from 0 if left out.",
    )
    query = serializers.CharField(
        max_length=LONGEST_TEXT, trim_whitespace=False, help_text="What was asked."
    )
    response = serializers.CharField(
        max_length=LONGEST_TEXT, trim_whitespace=False, help_text="What was answered."
    )


class SeatBody(Body):
    """Some seats of a jury."""

    traits = serializers.DictField(
        child=serializers.CharField(max_length=200),
        help_text="What a juror must be to sit there, feature to value; {}: anyone.",
    )
    seats = serializers.IntegerField(
        min_value=1, max_value=MOST_SEATS, help_text="How many such seats."
    )


class PredictionBody(Body):
    """What is to be guessed, and how a jury's view becomes one number."""

    criterion = serializers.CharField(help_text="Key of the criterion.")
    items = TextBody(many=True, help_text=f"1 to {MOST_ITEMS} texts.")
    alpha = serializers.CharField(
        required=False,
        help_text='Welfare w_alpha: a number from 0 (mean) on, or "inf" (the worst-off). 0 if '
        "left out.",
    )
    share_above = serializers.FloatField(
        required=False,
        min_value=0,
        max_value=1,
        help_text="In place of alpha: the share of the jury whose utility is above this.",
    )
    seats = SeatBody(
        many=True,
        required=False,
        help_text="A jury by its seats: juries are drawn, and their median is the welfare. All "
        "jurors of the study if left out.",
    )
    jurors = serializers.BooleanField(
        required=False, default=True, help_text="Also the guess for each juror."
    )
    training = serializers.UUIDField(
        required=False,
        help_text="Id of the training that is to guess; the newest that foresees ratings if left "
        "out. One of a method of preferences (low_rank) answers in logits.",
    )
    accept_unusable = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Also ask a training that did not pass its gate; its guesses come marked.",
    )
    seed = serializers.IntegerField(
        required=False,
        default=0,
        min_value=0,
        max_value=2**53,
        help_text="Of drawn juries and intervals; the same one gives the same numbers.",
    )


class GroupRow(Row):
    """What the jurors of one group would say."""

    feature = serializers.CharField(help_text="The trait.")
    value = serializers.CharField(help_text="Its value.")
    jurors = serializers.IntegerField(help_text="How many jurors have it.")
    mean_utility = serializers.FloatField(help_text="Their mean utility, 0.01 to 1.")


class JurorGuess(Row):
    """A guess of what one juror would say."""

    juror = serializers.UUIDField(help_text="Random id of the juror.")
    mean = serializers.FloatField(help_text="The guess, in the answer's unit.")
    median = serializers.FloatField(help_text="As likely above as below.")
    standard_deviation = serializers.FloatField(help_text="How wide the guess is.")
    low = serializers.FloatField(help_text="Lower end of its interval.")
    high = serializers.FloatField(help_text="Upper end of its interval.")
    own_ratings = serializers.IntegerField(
        help_text="Ratings of hers that stand behind it; of a method of preferences, comparisons."
    )
    chance = serializers.FloatField(
        default=None,
        allow_null=True,
        help_text="Of a method of preferences: how likely she prefers the text to the average "
        "response; null elsewhere.",
    )


class GuessRow(Row):
    """One text."""

    name = serializers.CharField(help_text="Your name for it.")
    predicted = serializers.BooleanField(help_text="Always true: nobody said it.")
    welfare = serializers.FloatField(
        help_text="The jury's welfare with each guess at its mean, 0 to 1: the reward."
    )
    expected_welfare = serializers.FloatField(
        help_text="Its mean over draws from the guesses; lower where the rule punishes doubt."
    )
    low = serializers.FloatField(help_text="5th percentile of those draws.")
    high = serializers.FloatField(help_text="95th percentile of those draws.")
    groups = GroupRow(many=True, help_text="The same by group, trait by trait.")
    jurors = JurorGuess(many=True, help_text="Juror by juror; empty if that was not asked for.")


class PredictionRow(Row):
    """What was asked, how far it is, and the texts' page of the result."""

    id = serializers.UUIDField(help_text="Id of the Run.")
    run = RunDetail(help_text="The Run that guesses.")
    criterion = serializers.CharField(help_text="Key of the criterion.")
    rule = serializers.CharField(help_text="How utilities are joined.")
    training = serializers.UUIDField(help_text="Id of the training that guesses.")
    method = serializers.CharField(help_text="How it has learnt.")
    unit = OneOf(
        (
            ("rating", "a rating on the criterion's scale"),
            ("logit", "utility above that of the average response to the same query"),
        ),
        help_text="Of the guesses for jurors. Logits may be compared between texts that answer "
        "one query.",
    )
    is_usable = serializers.BooleanField(
        allow_null=True,
        help_text="It beat the baselines; where it did not, don't rely on the numbers.",
    )
    held_out_error = serializers.FloatField(
        allow_null=True,
        help_text="Mean absolute error on responses held out, on the criterion's scale; null: not "
        "measured, or a method of preferences.",
    )
    held_out_accuracy = serializers.FloatField(
        allow_null=True,
        help_text="Of a method of preferences: share of comparisons of responses held out that it "
        "foresaw, without ties; null: not measured, or a method of ratings.",
    )
    next = serializers.URLField(
        allow_null=True, help_text="Address of the next page; null on the last or before the end."
    )
    results = GuessRow(
        many=True,
        allow_null=True,
        help_text="The texts in order; null until the Run has succeeded.",
    )


class PredictionView(StudyView[Study]):
    """Shared by asking and reading."""

    serializer_class = PredictionRow
    queryset = Study.objects.all()
    viewers_may_write = True

    def answer(self, run: Run, *, seconds: float) -> Response:
        """The Run's result, or where it stands once the wait is over.

        Raises:
            NotKept: the result is gone.
            NoModel: a juror has withdrawn what it rests on.
        """
        wait_for(run, seconds=seconds)
        training = (
            RewardTraining.objects.select_related("criterion", "run")
            .filter(pk=run.parameters["training"])
            .first()
        )
        if training is None or training.stale_since is not None:
            raise NotKept(
                "A juror has withdrawn what these guesses rest on, or the training was deleted. "
                "Train again and ask anew."
            )
        asked = Asked.from_json(run.parameters)
        results, following = None, None
        if run.state == Run.State.SUCCEEDED:
            results, following = self._page(run, len(asked.items))
        row = {
            "id": run.public_id,
            "run": run,
            "criterion": training.criterion.key,
            "rule": asked.rule.label,
            "training": training.public_id,
            "method": training.method,
            "unit": "logit" if training.method == LOW_RANK else "rating",
            "is_usable": training.is_usable,
            "held_out_error": held_out_error(training),
            "held_out_accuracy": held_out_accuracy(training),
            "next": following,
            "results": results,
        }
        path = reverse("api-prediction", args=[self.study.public_id, run.public_id])
        return Response(
            PredictionRow(row).data,
            status=200 if run.is_final else 202,
            headers={"Location": path},
        )

    def _page(self, run: Run, count: int) -> tuple[list[dict[str, Any]], str | None]:
        """Lines of the result from the cursor on, and the address of what follows."""
        path = reverse("api-prediction", args=[self.study.public_id, run.public_id])
        size = page_size_of(self.request.query_params)
        cursor = self.request.query_params.get("cursor", "")
        start = open_cursor(cursor=cursor, scope=path) if cursor else 0
        lines = kept_lines(run=run, start=start, number=size)
        following = None
        if start + size < count:
            query = {"cursor": seal_cursor(position=start + size, scope=path), "page_size": size}
            following = self.request.build_absolute_uri(f"{path}?{urlencode(query)}")
        return [{**line, "predicted": True} for line in lines], following


class Predictions(PredictionView):
    """What jurors would say."""

    @extend_schema(
        summary="Ask what jurors would say",
        operation_id="predictions_create",
        request=PredictionBody,
        responses={200: PredictionRow, 202: PredictionRow},
        parameters=[
            WAIT,
            OpenApiParameter(
                "Idempotency-Key",
                str,
                OpenApiParameter.HEADER,
                description="A text that you make; the same request with it is the same Run.",
            ),
        ],
    )
    def post(self, request: Request, study_id: UUID) -> Response:
        """Guess each juror's rating or utility of texts, and the jury's welfare of each. With
        `wait` the answer is the result, if it is there in time; else follow `Location`.
        """
        seconds = seconds_to_wait(request)
        given = checked(PredictionBody, request)
        key = request.headers.get("Idempotency-Key", "")
        if len(key) > LONGEST_KEY:
            raise InvalidInput(
                InputError(
                    f"The key has {len(key)} characters; it may have {LONGEST_KEY}.",
                    parameter="Idempotency-Key",
                )
            )
        run, is_new = request_predictions(
            criterion=_criterion(self.study, given["criterion"]),
            asked=Asked(
                items=_items(given["items"]),
                rule=_rule(given),
                seats=_seats(given.get("seats", ())),
                with_jurors=given["jurors"],
                seed=given["seed"],
            ),
            training_id=given.get("training"),
            accept_unusable=given["accept_unusable"],
            key=key,
            requested_by=signed_in(request),
        )
        if is_new:
            enqueue_run(run=run)
        return self.answer(run, seconds=seconds)


class OnePrediction(PredictionView):
    """One request for predictions."""

    @extend_schema(
        summary="Read what jurors would say",
        operation_id="predictions_read",
        responses={200: PredictionRow, 202: PredictionRow},
        parameters=[
            WAIT,
            OpenApiParameter("cursor", str, description="Where to go on; taken from `next`."),
            OpenApiParameter(
                "page_size",
                int,
                description=f"Texts on a page, 1 to {MAXIMUM_SIZE}; {DEFAULT_SIZE} by default.",
            ),
        ],
    )
    def get(self, request: Request, study_id: UUID, run_id: UUID) -> Response:
        """How far it is, and the result once it is there; kept for a week."""
        run = prediction_run(study=self.study, public_id=run_id)
        if run is None:
            raise Http404("The study has no such predictions.")
        return self.answer(run, seconds=seconds_to_wait(request))


def _criterion(study: Study, key: str) -> Criterion:
    criterion = Criterion.objects.filter(study=study, key=key).select_related("study").first()
    if criterion is None:
        raise InvalidInput(
            InputError(
                f"The study has no criterion {key!r}.",
                pointer=pointer("criterion"),
                legal=list(study.criteria.values_list("key", flat=True)),
            )
        )
    return criterion


def _items(given: Sequence[Mapping[str, str]]) -> tuple[tuple[str, str, str], ...]:
    if not 1 <= len(given) <= MOST_ITEMS:
        raise InvalidInput(
            InputError(
                f"A request has 1 to {MOST_ITEMS} items; this one has {len(given)}. Send more of "
                "them in several requests.",
                pointer=pointer("items"),
            )
        )
    items = tuple(
        (item.get("name", str(place)), item["query"], item["response"])
        for place, item in enumerate(given)
    )
    first: dict[str, int] = {}
    for place, (name, _, _) in enumerate(items):
        if name in first:
            raise InvalidInput(
                InputError(
                    f"Items {first[name]} and {place} (from 0) are both called "
                    f"{name!r}; give each another name.",
                    pointer=pointer("items", place, "name"),
                )
            )
        first[name] = place
    return items


def _rule(given: Mapping[str, Any]) -> JuryRule:
    if "share_above" in given:
        if "alpha" in given:
            raise InvalidInput(
                InputError(
                    "Send alpha or share_above; both at once are two rules.",
                    pointer=pointer("share_above"),
                )
            )
        return JuryRule(None, given["share_above"])
    return JuryRule(_alpha(given.get("alpha", "0")))


def _alpha(written: str) -> float:
    try:
        return alpha_of(written)
    except ValueError:
        raise InvalidInput(
            InputError(
                f'{written!r} is no alpha. Send a number of 0 or more, or "inf".',
                pointer=pointer("alpha"),
            )
        ) from None


def _seats(given: Sequence[Mapping[str, Any]]) -> tuple[tuple[Mapping[str, str], int], ...]:
    return tuple((own["traits"], own["seats"]) for own in given)
