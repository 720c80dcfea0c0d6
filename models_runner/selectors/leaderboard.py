"""What a leaderboard page shows: the last snapshot, and whether it still tells the truth."""

import hashlib
from dataclasses import dataclass

from django.db.models import Count, Max, Sum

from annotations.models import Study
from annotations.selectors.ratings import ratings_fingerprint
from juries.models import CandidateTrait, Run
from models_runner.domain.leaderboard import Board, board_from_json
from models_runner.models import LeaderboardSnapshot, RewardTraining
from models_runner.selectors.jury_ratings import Share

LEADERBOARD_KIND = "models_runner.leaderboard"


@dataclass(frozen=True)
class LeaderboardPage:
    """A leaderboard as it is to be shown.

    Attributes:
        snapshot: the newest snapshot, if there is one.
        pending: a Run that is computing a newer one, if there is one.
        failed: the newest Run, if it failed and nothing was computed since.
        is_outdated: the data have changed since the snapshot.
    """

    snapshot: LeaderboardSnapshot | None
    pending: Run | None
    failed: Run | None
    is_outdated: bool


@dataclass(frozen=True, eq=False)
class StoredBoard:
    """One criterion's board as it was stored.

    Attributes:
        board: the numbers; None where there are none.
        jurors: public ids, one for each row that the board counts by.
        silence: why there is no board, in words.
        training: public id of the Run of the reward model whose guesses are counted, or empty.
        error: its mean absolute error on held-out responses of known jurors, on the rating scale.
    """

    board: Board | None
    jurors: tuple[str, ...]
    silence: str
    training: str
    error: float | None


def leaderboard_page(*, study: Study) -> LeaderboardPage:
    """The newest leaderboard of a study."""
    snapshot = newest_snapshot(study=study)
    runs = Run.objects.filter(kind=LEADERBOARD_KIND, parameters__study=study.pk)
    pending = runs.filter(state__in=(Run.State.QUEUED, Run.State.RUNNING)).first()
    newest = runs.order_by("-created_at", "-id").first()
    return LeaderboardPage(
        snapshot=snapshot,
        pending=pending,
        failed=newest if newest is not None and newest.state == Run.State.FAILED else None,
        is_outdated=snapshot is not None
        and snapshot.input_digest != leaderboard_digest(study=study),
    )


def newest_snapshot(*, study: Study) -> LeaderboardSnapshot | None:
    """The newest stored leaderboard of a study."""
    return LeaderboardSnapshot.objects.filter(study=study).select_related("run").first()


def leaderboard_digest(*, study: Study) -> str:
    """SHA-256 that changes with ratings, scales, jurors' traits and trainings of reward models."""
    traits = CandidateTrait.objects.filter(candidate__jurors__jury=study.jury_id).aggregate(
        number=Count("id"), newest=Max("id"), values=Sum("feature_value_id")
    )
    trainings = list(
        RewardTraining.objects.filter(study=study, run__state=Run.State.SUCCEEDED)
        .order_by("id")
        .values_list("id", "is_usable", "stale_since")
    )
    told = f"{study.public_id}{ratings_fingerprint(study=study)}{traits}{trainings}"
    return hashlib.sha256(told.encode()).hexdigest()


def stored_board(
    *, snapshot: LeaderboardSnapshot, criterion: str, share: Share
) -> StoredBoard | None:
    """A criterion's board of a snapshot; None if it was not computed."""
    told = snapshot.content.get(criterion, {}).get(share.value)
    if told is None:
        return None
    return StoredBoard(
        board=None if told["board"] is None else board_from_json(told["board"]),
        jurors=tuple(told["jurors"]),
        silence=told["silence"],
        training=told["training"],
        error=told["error"],
    )


def stored_traits(*, snapshot: LeaderboardSnapshot) -> list[str]:
    """The features by whose groups a snapshot can be seen, in the pool's order."""
    features: dict[str, None] = {}
    for own in snapshot.content.values():
        for share in Share:
            told = (own.get(share.value) or {}).get("board") or {"groups": []}
            features.update(dict.fromkeys(group["feature"] for group in told["groups"]))
    return list(features)


def why_not_predicted(*, snapshot: LeaderboardSnapshot) -> dict[str, str]:
    """For each criterion (by key) without predictions, why they could not be counted."""
    return {
        key: own["why_not_predicted"]
        for key, own in snapshot.content.items()
        if "why_not_predicted" in own
    }
