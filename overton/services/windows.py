"""The declared rule of a study's windows, and snapshots of what it gives."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.urls import reverse

import venire
from annotations.models import Study
from juries.models import Feature, Run, User
from juries.services.audit import record_act
from juries.services.runs import RunContext, RunRefused, request_run
from overton.domain.windows import InvalidWindowInput
from overton.domain.windows import WindowRule as Rule
from overton.models import WindowRule, WindowSnapshot
from overton.selectors.windows import digest_of, result_of, study_windows

SNAPSHOT_KIND = "overton.snapshot"


class RuleRefused(ValueError):
    """A rule that can't be declared; the message names the field and the legal values."""


@transaction.atomic
def set_window_rule(
    *,
    study: Study,
    correct_share: float = 0.9,
    reasonable_share: float = 0.25,
    confidence: float = 0.95,
    group_minimum: int = 8,
    group_features: Sequence[str] = (),
    actor: User | None = None,
) -> WindowRule:
    """Declare when an answer of the study counts as correct, reasonable or unreasonable.

    Snapshots keep the rule under which they were taken.

    Args:
        study: whose rule it is.
        correct_share: in (0, 1], share in every group from which an answer is correct.
        reasonable_share: in (0, 1), share of some group from which it is reasonable.
        confidence: in (0.5, 1), level of the two-sided Wilson interval.
        group_minimum: at least 1; a group with fewer verdicts on an answer has no say on it.
        group_features: features of the jury's pool whose values are groups; none: the whole jury.
        actor: who declares it.

    Raises:
        RuleRefused: a number outside its range, or a feature that the pool does not have.
    """
    try:
        Rule(
            correct_share=correct_share,
            reasonable_share=reasonable_share,
            confidence=confidence,
            minimum_group_size=group_minimum,
        )
    except InvalidWindowInput as problem:
        raise RuleRefused(str(problem)) from problem
    if confidence <= 0.5:
        raise RuleRefused(f"The confidence is {confidence:g}; it must lie between 0.5 and 1.")
    names = list(dict.fromkeys(group_features))
    if study.jury is not None:
        known = list(
            Feature.objects.filter(pool_id=study.jury.pool_id).values_list("name", flat=True)
        )
        unknown = [name for name in names if name not in known]
        if unknown:
            raise RuleRefused(
                f"The pool has no feature {', '.join(map(repr, unknown))}; "
                f"it has {', '.join(known) or 'none'}."
            )
    rule, _ = WindowRule.objects.update_or_create(
        study=study,
        defaults={
            "correct_share": correct_share,
            "reasonable_share": reasonable_share,
            "confidence": confidence,
            "group_minimum": group_minimum,
            "group_features": names,
        },
    )
    record_act(
        actor=actor,
        verb="declared the window rule of",
        subject=study,
        details={
            "correct_share": correct_share,
            "reasonable_share": reasonable_share,
            "confidence": confidence,
            "group_minimum": group_minimum,
            "group_features": names,
        },
    )
    return rule


@transaction.atomic
def take_snapshot(*, study: Study, actor: User | None = None) -> WindowSnapshot:
    """Keep the study's windows as they are now: rule, jury, digest of what was said, result.

    If nothing has changed since the newest snapshot that is not stale, that one is given back.
    """
    found = study_windows(study=study)
    digest = digest_of(found=found)
    newest = WindowSnapshot.objects.filter(study=study, stale_since__isnull=True).first()
    if (
        newest is not None
        and newest.input_digest == digest
        and newest.software_version == venire.__version__
    ):
        return newest
    jury = study.jury
    snapshot = WindowSnapshot.objects.create(
        study=study,
        rule=found.rule.as_json(),
        result={
            "jury": None if jury is None else {"id": str(jury.public_id), "name": jury.name},
            **result_of(found=found),
        },
        input_digest=digest,
        software_version=venire.__version__,
    )
    record_act(
        actor=actor,
        verb="took a snapshot of the windows of",
        subject=study,
        details={"snapshot": str(snapshot.public_id), "digest": digest},
    )
    return snapshot


@transaction.atomic
def request_snapshot(*, study: Study, requested_by: User | None) -> Run:
    """Ask for a snapshot of a study that is too large for one page load."""
    return request_run(
        kind=SNAPSHOT_KIND,
        title=f"Snapshot of the windows of {study.title}",
        parameters={"study": study.pk},
        requested_by=requested_by,
        page_path=reverse("study-windows", args=[study.public_id]),
    )


def perform_snapshot(context: RunContext) -> Mapping[str, Any]:
    """Take the snapshot that a Run asks for."""
    study = Study.objects.filter(pk=context.run.parameters["study"]).first()
    if study is None:
        raise RunRefused("The study has been deleted since; there is nothing to keep.")
    context.progress(0, 1, "applying the rule")
    snapshot = take_snapshot(study=study, actor=context.run.requested_by)
    context.progress(1, 1, "done")
    return {"snapshot": str(snapshot.public_id), "input_digest": snapshot.input_digest}
