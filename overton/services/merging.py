"""Likely duplicates among answers: which ones a model reads as entailing each other."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from annotations.models import Study
from juries.models import Run, User
from juries.services.runs import RunContext, RunRefused, request_run
from overton.models import Answer, DuplicateScore
from overton.ports import (
    ENTAILMENT,
    EntailmentBackend,
    EntailmentUnavailable,
    load_entailment_backend,
)
from overton.selectors.merging import MUTUAL, pairs_to_score
from overton.services.entailment import score_pairs

DUPLICATES_KIND = "overton.duplicates"
PAIRS_AT_A_TIME = 256

Pair = tuple[Answer, Answer]


@transaction.atomic
def request_duplicates(
    *, study: Study, requested_by: User | None, backend: str = "", page_path: str = ""
) -> Run:
    """Ask which answers of a study may be the same. The caller then enqueues the Run.

    Args:
        study: whose answers, query by query.
        requested_by: who asks.
        backend: as `overton.ports.load_entailment_backend` takes it; empty: that of the settings.
        page_path: where the result is shown; the study's list of answers if empty.
    """
    return request_run(
        kind=DUPLICATES_KIND,
        title=f"Likely duplicates among the answers of {study.title}",
        parameters={"study": study.pk, "backend": backend},
        requested_by=requested_by,
        page_path=page_path or reverse("study-answers", args=[study.public_id]),
    )


def perform_duplicates(context: RunContext) -> Mapping[str, Any]:
    """Read every pair of answers that this model has not read yet, in both directions.

    What has been read is kept as the work goes on: after a cancel, another Run reads the rest.
    """
    study = Study.objects.filter(pk=context.run.parameters["study"]).first()
    if study is None:
        raise RunRefused("The study has been deleted since; there is nothing to compare.")
    try:
        context.progress(0, 1, "loading the model")
        judge = load_entailment_backend(context.run.parameters.get("backend") or None)
        name = (f"{judge.name}@{judge.revision}" if judge.revision else judge.name)[:300]
        pairs = pairs_to_score(study=study, judge=name, weights_digest=judge.weights_digest)
        digest = hashlib.sha256(f"{name} {judge.weights_digest}\n".encode())
        done = likely = 0
        for part in _portions(pairs):
            context.progress(done, len(pairs), f"{done} of {len(pairs)} pairs of answers")
            for one, two in part:
                digest.update(
                    f"{one.public_id} {one.text!r} {two.public_id} {two.text!r}\n".encode()
                )
            likely += _read(judge, name, part)
            done += len(part)
    except EntailmentUnavailable as problem:
        raise RunRefused(str(problem)) from problem
    context.progress(len(pairs), max(len(pairs), 1), "done")
    return {
        "pairs": len(pairs),
        "likely_duplicates": likely,
        "mutual_from": MUTUAL,
        "judge": name,
        "weights_digest": judge.weights_digest,
        "input_digest": digest.hexdigest(),
    }


def _portions(pairs: Sequence[Pair]) -> Iterator[Sequence[Pair]]:
    for start in range(0, len(pairs), PAIRS_AT_A_TIME):
        yield pairs[start : start + PAIRS_AT_A_TIME]


def _read(judge: EntailmentBackend, name: str, pairs: Sequence[Pair]) -> int:
    """Read some pairs and keep what was read; returns how many entail each other."""
    firsts = [one.text for one, _ in pairs]
    seconds = [two.text for _, two in pairs]
    found = score_pairs(
        premises=[*firsts, *seconds], hypotheses=[*seconds, *firsts], backend=judge
    )[:, ENTAILMENT]
    rows = [
        DuplicateScore(
            first=one,
            second=two,
            forward=float(found[place]),
            backward=float(found[place + len(pairs)]),
            judge=name,
            weights_digest=judge.weights_digest,
            created_at=timezone.now(),
        )
        for place, (one, two) in enumerate(pairs)
    ]
    with transaction.atomic():
        # Reading takes a while; an answer may have gone or been worded anew in the meantime.
        texts = dict(
            Answer.objects.select_for_update()
            .filter(pk__in={answer.pk for pair in pairs for answer in pair})
            .values_list("pk", "text")
        )
        rows = [
            row
            for row in rows
            if texts.get(row.first_id) == row.first.text
            and texts.get(row.second_id) == row.second.text
        ]
        DuplicateScore.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["first", "second"],
            update_fields=["forward", "backward", "judge", "weights_digest", "created_at"],
        )
    return sum(row.mutual >= MUTUAL for row in rows)
