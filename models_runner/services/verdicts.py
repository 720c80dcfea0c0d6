"""Verdicts of sampled juries of large studies, found in a Run and kept for a week."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from annotations.models import Criterion
from juries.domain.verdicts import InvalidJury
from juries.models import Run, User
from juries.services.runs import RunContext, RunRefused, request_run
from models_runner.selectors.jury_ratings import NothingPredicted, utilities_said_and_predicted
from models_runner.selectors.kept_files import VERDICTS_KIND
from models_runner.selectors.verdicts import (
    SEED,
    Question,
    of_query,
    question_digest,
    seats_from_json,
    tell,
    told_lines,
    verdict_runs,
)
from models_runner.services.kept_files import keep_lines


@transaction.atomic
def request_verdicts(
    *, question: Question, requested_by: User | None, page_path: str = ""
) -> tuple[Run, bool]:
    """Ask for verdicts to be found; the Run that is at the same already, if there is one.

    Returns:
        The Run, and whether it is new: the caller enqueues it then.
    """
    study = question.criterion.study
    digest = question_digest(question=question)
    for run in verdict_runs(study=study, digest=digest):
        if not run.is_final:
            return run, False
    run = request_run(
        kind=VERDICTS_KIND,
        title=f"Verdicts of juries of {study.title}: {question.criterion.name}",
        parameters={**question.as_json, "study": study.pk},
        input_digest=digest,
        seed=str(SEED),
        requested_by=requested_by,
        page_path=page_path,
    )
    return run, True


def perform_verdicts(context: RunContext) -> Mapping[str, Any]:
    """Draw the juries, and keep what they say."""
    asked = context.run.parameters
    criterion = Criterion.objects.select_related("study").filter(pk=asked["criterion"]).first()
    if criterion is None:
        raise RunRefused("The criterion has been deleted. Ask anew by another.")
    try:
        data = utilities_said_and_predicted(criterion=criterion, share=asked["share"])
        question = Question(
            criterion=criterion,
            share=asked["share"],
            data=data if asked["query"] is None else of_query(data, asked["query"]),
            seats=seats_from_json(asked["seats"]),
            threshold=asked["threshold"],
            query_id=asked["query"],
        )
        told = tell(question, is_bounded=False)
    except (NothingPredicted, InvalidJury) as problem:
        raise RunRefused(str(problem)) from problem
    context.stop_if_cancelled()
    lines = told_lines(told)
    # More may have been said since it was asked for: this is what these data say.
    Run.objects.filter(pk=context.run.pk).update(input_digest=question_digest(question=question))
    return {
        "responses": len(lines) - 1,
        "result_sha256": keep_lines(run=context.run, lines=lines, now=timezone.now()),
    }
