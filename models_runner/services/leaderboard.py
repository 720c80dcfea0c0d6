"""Computing a study's leaderboard in a Run, and keeping it."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from annotations.models import Criterion, Study
from annotations.selectors.ratings import results_rng
from juries.models import Juror, Run, User
from juries.services.runs import RunContext, RunRefused, request_run
from models_runner.domain.leaderboard import Progress, board_to_json, compute_board
from models_runner.models import LeaderboardSnapshot
from models_runner.selectors.jury_ratings import (
    NothingPredicted,
    Share,
    held_out_error,
    utilities_said_and_predicted,
)
from models_runner.selectors.leaderboard import LEADERBOARD_KIND, leaderboard_digest


@transaction.atomic
def request_leaderboard(*, study: Study, requested_by: User | None) -> Run:
    """Ask for a study's leaderboard to be computed anew."""
    return request_run(
        kind=LEADERBOARD_KIND,
        title=f"Leaderboard of {study.title}",
        parameters={"study": study.pk},
        input_digest=leaderboard_digest(study=study),
        seed=study.order_seed,
        requested_by=requested_by,
        page_path=reverse("study-leaderboard", args=[study.public_id]),
    )


@transaction.atomic
def request_first_leaderboard(*, study: Study) -> Run | None:
    """Ask for a study's leaderboard unless that was ever asked for; returns the Run if so."""
    if Run.objects.filter(kind=LEADERBOARD_KIND, parameters__study=study.pk).exists():
        return None
    return request_leaderboard(study=study, requested_by=None)


def perform_leaderboard(context: RunContext) -> Mapping[str, Any]:
    """Compute the boards of every criterion, of what was said and with what is predicted."""
    study = Study.objects.get(pk=context.run.parameters["study"])
    digest = leaderboard_digest(study=study)
    criteria = list(study.criteria.all())
    if not criteria:
        raise RunRefused("The study has no criterion, so there is nothing to rank sources by.")
    content: dict[str, Any] = {}
    parts = [(criterion, share) for criterion in criteria for share in Share]
    for done, (criterion, share) in enumerate(parts):
        own = content.setdefault(criterion.key, {})
        try:
            own[share.value] = _board(
                criterion,
                share,
                partial(_report, context, before=done, parts=len(parts), name=criterion.name),
            )
        except NothingPredicted as refusal:
            own[share.value] = None
            own["why_not_predicted"] = str(refusal)
            context.log(f"{criterion.name}, {share.label}: left out. {refusal}")
        else:
            context.log(f"{criterion.name}, {share.label}: computed")
    snapshot = keep_leaderboard(study=study, run=context.run, content=content, digest=digest)
    context.progress(1, 1, "done")
    return {"snapshot": str(snapshot.public_id), "criteria": list(content)}


def _report(
    context: RunContext, within: float, note: str, *, before: int, parts: int, name: str
) -> None:
    """Progress inside one of several boards."""
    context.progress(round(1000 * (before + within)), 1000 * parts, f"{name}: {note}")


def _board(criterion: Criterion, share: Share, progress: Progress) -> dict[str, Any]:
    """One board as JSON, with what a page needs beside it."""
    data = utilities_said_and_predicted(criterion=criterion, share=share)
    board = None
    if data.utilities.size:
        board = compute_board(
            data.utilities,
            item_sources=[response.source for response in data.responses],
            item_queries=[response.query_id for response in data.responses],
            traits=data.traits,
            # The stream of the results page, so that both show the same bands.
            rng=results_rng(study=criterion.study, purpose=f"welfare {criterion.key}"),
            predicted=data.predicted,
            progress=progress,
        )
    public_ids = dict(Juror.objects.filter(pk__in=data.juror_ids).values_list("pk", "public_id"))
    return {
        "board": None if board is None else board_to_json(board),
        "jurors": [str(public_ids[identifier]) for identifier in data.juror_ids],
        "silence": "" if board else f"{criterion.name}: nobody has rated it yet.",
        "training": "" if data.training is None else str(data.training.run.public_id),
        "error": None if data.training is None else held_out_error(training=data.training),
    }


@transaction.atomic
def keep_leaderboard(
    *, study: Study, run: Run, content: Mapping[str, Any], digest: str
) -> LeaderboardSnapshot:
    """Store the boards of one Run."""
    snapshot, _ = LeaderboardSnapshot.objects.update_or_create(
        run=run, defaults={"study": study, "content": dict(content), "input_digest": digest}
    )
    return snapshot


@transaction.atomic
def erase_said(*, juror: Juror, erase_said: bool) -> None:
    """A withdrawal hook: boards that may hold what a juror has withdrawn are marked as stale."""
    if erase_said:
        LeaderboardSnapshot.objects.filter(
            study__participations__juror=juror, stale_since__isnull=True
        ).update(stale_since=timezone.now())
