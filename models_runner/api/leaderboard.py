"""A study's leaderboard: sources by welfare, at every alpha, of what was said and predicted."""

from collections.abc import Iterator
from math import inf, isfinite
from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.scope import StudyView
from juries.api.bodies import NoBody, OneOf, Row, checked
from juries.api.rights import signed_in
from juries.api.runs import RunDetail, run_requested
from juries.domain.alpha_sweep import AlphaSweep
from juries.tasks import enqueue_run
from models_runner.models import LeaderboardSnapshot
from models_runner.selectors.jury_ratings import Share
from models_runner.selectors.leaderboard import (
    leaderboard_page,
    stored_board,
    why_not_predicted,
)
from models_runner.services.leaderboard import request_leaderboard


class PlaceRow(Row):
    """A source's welfare at an alpha. Null: not computable, such as bands at `inf`."""

    source = serializers.CharField(  # type: ignore[assignment] # a field of this name, not the attribute of DRF
        help_text="The source."
    )
    alpha = serializers.CharField(help_text="The welfare w_α: 0, 1, ... or inf.")
    welfare = serializers.FloatField(allow_null=True, help_text="Its welfare, 0 to 1.")
    low = serializers.FloatField(allow_null=True, help_text="Lower end of the band.")
    high = serializers.FloatField(allow_null=True, help_text="Upper end of the band.")
    wins = serializers.FloatField(allow_null=True, help_text="Share of resamples that it leads.")
    lead = serializers.FloatField(
        allow_null=True, help_text="Its welfare less that of the best other source."
    )
    lead_low = serializers.FloatField(allow_null=True, help_text="Lower end of that band.")
    lead_high = serializers.FloatField(allow_null=True, help_text="Upper end of that band.")
    predicted_share = serializers.FloatField(
        allow_null=True, help_text="Share of what it is computed from that a model guessed."
    )


class BoardRow(Row):
    """The sources by one criterion."""

    criterion = serializers.CharField(help_text="Key of the criterion.")
    share = OneOf(Share.choices, help_text="What counts: what was said, or also what is guessed.")
    predicted = serializers.BooleanField(help_text="A model's guesses are counted.")
    training_run = serializers.UUIDField(
        allow_null=True, help_text="Run of the reward model that guesses; null: none does."
    )
    held_out_error = serializers.FloatField(
        allow_null=True, help_text="Its error on responses held out, on the rating scale."
    )
    reason = serializers.CharField(help_text="Why there are no places; empty where there are.")
    jurors = serializers.IntegerField(allow_null=True, help_text="Jurors who are counted.")
    level = serializers.FloatField(allow_null=True, help_text="Level of the bands, such as 0.95.")
    bootstraps = serializers.IntegerField(allow_null=True, help_text="Resamples of the jury.")
    places = PlaceRow(many=True, help_text="By alpha, then by source.")


class LeaderboardRow(Row):
    """The newest leaderboard of a study."""

    id = serializers.UUIDField(source="snapshot.public_id", help_text="Random id of it.")
    run = serializers.UUIDField(source="snapshot.run.public_id", help_text="The Run that made it.")
    input_digest = serializers.CharField(
        source="snapshot.input_digest", help_text="SHA-256 over what it was computed from."
    )
    is_outdated = serializers.BooleanField(help_text="The data have changed since.")
    stale_since = serializers.DateTimeField(
        source="snapshot.stale_since",
        allow_null=True,
        help_text="When a juror withdrew what is in it; null: nobody did.",
    )
    is_simulated = serializers.BooleanField(help_text="The study's jurors are made up.")
    pending_run = serializers.UUIDField(
        allow_null=True, help_text="A Run that is computing a newer one."
    )
    created_at = serializers.DateTimeField(
        source="snapshot.created_at", help_text="When it was computed."
    )
    boards = BoardRow(many=True, help_text="By criterion, of what was said and with guesses.")


def _number(value: float) -> float | None:
    return float(value) if isfinite(value) else None


def _places(sweep: AlphaSweep) -> Iterator[dict[str, Any]]:
    for row, alpha in enumerate(sweep.alphas):
        for column, source in enumerate(sweep.sources):
            yield {
                "source": source,
                "alpha": "inf" if alpha == inf else f"{alpha:g}",
                "welfare": _number(sweep.welfare[row, column]),
                "low": _number(sweep.lower[row, column]),
                "high": _number(sweep.upper[row, column]),
                "wins": _number(sweep.wins[row, column]),
                "lead": _number(sweep.lead[row, column]),
                "lead_low": _number(sweep.lead_lower[row, column]),
                "lead_high": _number(sweep.lead_upper[row, column]),
                "predicted_share": _number(sweep.predicted[column]),
            }


def _board(snapshot: LeaderboardSnapshot, criterion: str, share: Share, why: str) -> dict[str, Any]:
    stored = stored_board(snapshot=snapshot, criterion=criterion, share=share)
    sweep = None if stored is None or stored.board is None else stored.board.sweep
    return {
        "criterion": criterion,
        "share": share.value,
        "predicted": share == Share.BOTH,
        "training_run": (stored.training or None) if stored else None,
        "held_out_error": stored.error if stored else None,
        "reason": why if stored is None else stored.silence,
        "jurors": sweep.jurors if sweep else None,
        "level": sweep.level if sweep else None,
        "bootstraps": sweep.bootstraps if sweep else None,
        "places": list(_places(sweep)) if sweep else [],
    }


class Leaderboard(StudyView[LeaderboardSnapshot]):
    """The leaderboard of a study."""

    serializer_class = LeaderboardRow
    queryset = LeaderboardSnapshot.objects.all()

    @extend_schema(summary="Read the leaderboard", operation_id="leaderboard_read")
    def get(self, request: Request, study_id: UUID) -> Response:
        """The newest one: each source's welfare with its band, by criterion and alpha."""
        page = leaderboard_page(study=self.study)
        snapshot = page.snapshot
        if snapshot is None:
            raise Http404("No leaderboard has been computed; ask for one with POST.")
        why = why_not_predicted(snapshot=snapshot)
        told = {
            "snapshot": snapshot,
            "is_outdated": page.is_outdated,
            "is_simulated": self.study.is_simulated,
            "pending_run": page.pending.public_id if page.pending else None,
            "boards": [
                _board(snapshot, key, share, why.get(key, ""))
                for key in snapshot.content
                for share in Share
            ],
        }
        return Response(LeaderboardRow(told).data)

    @extend_schema(
        summary="Compute the leaderboard", request=NoBody, responses={202: RunDetail},
        operation_id="leaderboard_compute",
    )  # fmt: skip
    def post(self, request: Request, study_id: UUID) -> Response:
        """Compute it anew. Answers with the Run; where one is at it already, with that one."""
        checked(NoBody, request)
        pending = leaderboard_page(study=self.study).pending
        if pending is not None:
            return run_requested(pending)
        run = request_leaderboard(study=self.study, requested_by=signed_in(request))
        enqueue_run(run=run)
        return run_requested(run)
