"""Which reward model answers, and the Runs that were asked for predictions."""

import uuid

from annotations.models import Criterion, Study
from juries.models import Run
from models_runner.domain.reward import JURY_LEARNING, LOW_RANK, STATEMENT
from models_runner.models import RewardTraining
from models_runner.selectors.kept_files import PREDICT_KIND

# They need more than a text, so that they can't be asked.
NOT_OF_TEXTS = (STATEMENT, JURY_LEARNING)


class NoModel(Exception):
    """No reward model can be asked; the message says why and what to do."""


def model_to_ask(
    *, criterion: Criterion, training_id: uuid.UUID | None, accept_unusable: bool
) -> RewardTraining:
    """The training that a request names, or the newest that foresees ratings of any text.

    What a method of preferences says has another unit, so that it is asked by its id alone.

    Raises:
        NoModel: there is none, a juror's withdrawal made it stale, or it did not pass its gate and
            the request does not accept that.
    """
    trainings = (
        RewardTraining.objects.filter(criterion=criterion, run__state=Run.State.SUCCEEDED)
        .select_related("criterion", "study__jury", "run")
        .order_by("-created_at", "-id")
    )
    name = criterion.name.lower()
    if training_id is not None:
        training = trainings.filter(public_id=training_id).first()
    else:
        training = trainings.exclude(method__in=(LOW_RANK, *NOT_OF_TEXTS)).first()
        other = trainings.first()
        if training is None and other is not None and other.method in NOT_OF_TEXTS:
            raise NoModel(
                f"No reward model of {name} foresees ratings of texts that it has not seen: "
                f"{other.method} needs more than a text. Train another method."
            )
        if training is None and other is not None:
            raise NoModel(
                f"No reward model of {name} foresees ratings. {other.method} foresees which of two "
                f"responses a juror prefers: send training: {other.public_id} to ask it."
            )
    if training is None:
        raise NoModel(
            f"No reward model has learnt {name} yet. Train one first."
            if training_id is None
            else f"The study has no finished training {training_id} of {name}."
        )
    if training.stale_since is not None:
        raise NoModel(
            f"The reward model of {name} ({training.method}) learnt from answers that a juror has "
            "withdrawn. Train again."
        )
    if not training.is_usable and not accept_unusable:
        reasons = " ".join(training.evaluation.get("gate", {}).get("reasons", ()))
        raise NoModel(
            " ".join(
                f"The reward model of {name} ({training.method}) did not pass its gate. {reasons} "
                "Ask for more ratings and train again; or send accept_unusable: true, and its "
                "guesses come marked as not usable.".split()
            )
        )
    return training


def prediction_run(*, study: Study, public_id: uuid.UUID) -> Run | None:
    """A Run that was asked what the jurors of a study would say."""
    return Run.objects.filter(
        kind=PREDICT_KIND, public_id=public_id, parameters__study=study.pk
    ).first()
