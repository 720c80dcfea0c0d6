"""What jurors would say of texts, asked for by a program: a Run, and its result as lines."""

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from django.db import transaction
from django.utils import timezone

from annotations.models import Criterion, Study
from annotations.selectors.ratings import juror_traits
from juries.domain.verdicts import InvalidJury, JurySpecification, draw_juries, seat_kind
from juries.models import Juror, Run, User
from juries.services.runs import RunContext, RunRefused, request_run
from models_runner.domain.jury_reward import JuryRule
from models_runner.domain.reward import LOW_RANK
from models_runner.models import RewardTraining
from models_runner.ports import EncoderUnavailable
from models_runner.selectors.comparisons import comparing_jurors
from models_runner.selectors.kept_files import PREDICT_KIND
from models_runner.selectors.serving import model_to_ask
from models_runner.selectors.training import training_jurors
from models_runner.services import kept_files
from models_runner.services.predictions import (
    PredictionRefused,
    TextPredictions,
    predict_preferences,
    predict_texts,
)

MOST_ITEMS = 500
MOST_SEATS = 60
MOST_ROWS = 100_000
"""Items x jurors of one request that lists jurors one by one."""


class KeyUsed(Exception):
    """An idempotency key came again with another request."""


class TooManyRows(Exception):
    """More guesses were asked for than one answer may hold; the message says what to leave out."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a program wants to know.

    Attributes:
        items: `(name, query, response)`, names distinct.
        rule: how the jurors' utilities become one number.
        seats: traits and number of each kind of seat; empty: all jurors are the jury.
        with_jurors: also each juror's guess.
        seed: of juries and draws.
    """

    items: tuple[tuple[str, str, str], ...]
    rule: JuryRule
    seats: tuple[tuple[Mapping[str, str], int], ...] = ()
    with_jurors: bool = True
    seed: int = 0

    @property
    def specification(self) -> JurySpecification | None:
        """The seats; None where all jurors are the jury. Raises InvalidJury."""
        if not self.seats:
            return None
        return JurySpecification(tuple((seat_kind(traits), n) for traits, n in self.seats))

    def as_json(self) -> dict[str, Any]:
        """As a Run's parameters carry it; `from_json` reads it."""
        alpha = self.rule.alpha
        return {
            "items": [list(item) for item in self.items],
            "alpha": "inf" if alpha == inf else alpha,
            "threshold": self.rule.threshold,
            "seats": [[dict(traits), number] for traits, number in self.seats],
            "with_jurors": self.with_jurors,
            "seed": self.seed,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Asked":
        """What `as_json` wrote."""
        alpha = told["alpha"]
        return cls(
            items=tuple((name, query, response) for name, query, response in told["items"]),
            rule=JuryRule(None if alpha is None else float(alpha), told["threshold"]),
            seats=tuple((traits, number) for traits, number in told["seats"]),
            with_jurors=told["with_jurors"],
            seed=told["seed"],
        )


@transaction.atomic
def request_predictions(
    *,
    criterion: Criterion,
    asked: Asked,
    training_id: uuid.UUID | None = None,
    accept_unusable: bool = False,
    key: str = "",
    requested_by: User | None,
) -> tuple[Run, bool]:
    """Ask what the jurors of a study would say of texts.

    Args:
        criterion: on which criterion.
        asked: texts, rule and jury.
        training_id: which reward model; the criterion's newest that foresees ratings by default.
        accept_unusable: a model that did not pass its gate will do.
        key: made by the caller; the same request under the same key is the same Run.
        requested_by: whose key it is.

    Returns:
        The Run, and whether it is new: the caller enqueues it then.

    Raises:
        NoModel: no reward model can be asked.
        InvalidJury: the seats can't be filled; the message names the seat.
        TooManyRows: too many items and jurors at once.
        KeyUsed: the key stands for another request.
    """
    study = criterion.study
    # One at a time for a study, so that a retry that overtakes its first finds it.
    Study.objects.select_for_update().get(pk=study.pk)
    told = {
        **asked.as_json(),
        "training_id": None if training_id is None else str(training_id),
        "accept_unusable": accept_unusable,
        "criterion": criterion.pk,
    }
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    if key:
        before = Run.objects.filter(
            kind=PREDICT_KIND,
            requested_by=requested_by,
            parameters__study=study.pk,
            parameters__key=key,
        ).first()
        if before is not None:
            if before.parameters["digest"] != digest:
                raise KeyUsed(
                    f"The idempotency key {key!r} was sent with another request before. Make a "
                    "new key for a new request."
                )
            return before, False
    training = model_to_ask(
        criterion=criterion, training_id=training_id, accept_unusable=accept_unusable
    )
    _check_jury(training, asked)
    run = request_run(
        kind=PREDICT_KIND,
        title=f"What jurors of {study.title} would say: {len(asked.items)} texts",
        parameters={
            **told,
            "study": study.pk,
            "training": training.pk,
            "key": key,
            "digest": digest,
        },
        seed=str(asked.seed),
        requested_by=requested_by,
    )
    return run, True


def _check_jury(training: RewardTraining, asked: Asked) -> None:
    """Refuse now what the worker would refuse."""
    whose = comparing_jurors if training.method == LOW_RANK else training_jurors
    juror_ids = whose(criterion=training.criterion)
    if asked.with_jurors and len(asked.items) * len(juror_ids) > MOST_ROWS:
        raise TooManyRows(
            f"{len(asked.items)} items and {len(juror_ids)} jurors are more than {MOST_ROWS:,} "
            "guesses. Send fewer items, or jurors: false for the welfare alone."
        )
    specification = asked.specification
    if specification is not None:
        if specification.size > MOST_SEATS:
            raise InvalidJury(
                f"The jury has {specification.size} seats; at most {MOST_SEATS} can be asked for."
            )
        traits = juror_traits(juror_ids=juror_ids)
        draw_juries(
            traits=[
                {name: values[row] for name, values in traits.items()}
                for row in range(len(juror_ids))
            ],
            specification=specification,
            seed=asked.seed,
            juries=1,
        )


def perform_predictions(context: RunContext) -> Mapping[str, Any]:
    """Read the texts, guess, join the jury's utilities, and keep a line for each item."""
    parameters = context.run.parameters
    training = (
        RewardTraining.objects.select_related("criterion", "study__jury")
        .filter(pk=parameters["training"])
        .first()
    )
    if training is None:
        raise RunRefused("The reward model that was to answer has been deleted. Train again.")
    asked = Asked.from_json(parameters)
    try:
        predict = predict_preferences if training.method == LOW_RANK else predict_texts
        found = predict(
            training=training,
            texts=[(query, response) for _, query, response in asked.items],
            rule=asked.rule,
            seats=asked.specification,
            seed=asked.seed,
        )
    except (PredictionRefused, InvalidJury, EncoderUnavailable) as problem:
        raise RunRefused(str(problem)) from problem
    context.stop_if_cancelled()
    digest = kept_files.keep_lines(run=context.run, lines=_lines(asked, found), now=timezone.now())
    # Somebody may have withdrawn what these guesses rest on while they were made.
    training.refresh_from_db(fields=["stale_since"])
    if training.stale_since is not None:
        kept_files.forget_lines(run=context.run)
        raise RunRefused(
            "A juror has withdrawn what the reward model learnt from, while it answered. Train "
            "again."
        )
    Run.objects.filter(pk=context.run.pk).update(input_digest=found.data_digest)
    context.progress(len(asked.items), len(asked.items), "done")
    return {
        "items": len(asked.items),
        "jurors": len(found.juror_ids),
        "juries": found.reward.juries,
        "rule": asked.rule.label,
        "predicted": True,
        "unit": found.unit,
        "training": str(training.public_id),
        "method": training.method,
        "is_usable": found.is_usable,
        "held_out_error": found.held_out_error,
        "result_sha256": digest,
    }


def _lines(asked: Asked, found: TextPredictions) -> Iterator[dict[str, Any]]:
    """A line for each item, in the order in which they were sent."""
    public_ids = dict(Juror.objects.filter(pk__in=found.juror_ids).values_list("pk", "public_id"))
    jurors = [str(public_ids[juror_id]) for juror_id in found.juror_ids]
    reward = found.reward
    for place, (name, _, _) in enumerate(asked.items):
        yield {
            "name": name,
            "welfare": float(reward.welfare[place]),
            "expected_welfare": float(reward.expected[place]),
            "low": float(reward.lower[place]),
            "high": float(reward.upper[place]),
            "groups": [
                {
                    "feature": group.feature,
                    "value": group.group,
                    "jurors": group.jurors,
                    "mean_utility": float(group.means[place]),
                }
                for group in reward.groups
            ],
            "jurors": [
                {
                    "juror": juror,
                    "mean": float(found.mean[row, place]),
                    "median": float(found.median[row, place]),
                    "standard_deviation": float(found.standard_deviation[row, place]),
                    "low": float(found.low[row, place]),
                    "high": float(found.high[row, place]),
                    "own_ratings": int(found.own_ratings[row]),
                    "chance": None if found.chance is None else float(found.chance[row, place]),
                }
                for row, juror in enumerate(jurors)
            ]
            if asked.with_jurors
            else [],
        }
