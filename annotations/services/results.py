"""Computing a study's results page in a Run, and keeping it."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from annotations.models import ResultsSnapshot, Study
from annotations.ports import SectionContent, results_sections
from annotations.selectors.results import results_digest
from juries.models import Juror, Run, User
from juries.services.runs import RunContext, request_run

RESULTS_KIND = "annotations.results"


@transaction.atomic
def request_results(*, study: Study, requested_by: User | None) -> Run:
    """Ask for a study's results to be computed anew."""
    return request_run(
        kind=RESULTS_KIND,
        title=f"Results of {study.title}",
        parameters={"study": study.pk},
        input_digest=results_digest(study=study),
        requested_by=requested_by,
        page_path=reverse("study-results", args=[study.public_id]),
    )


def perform_results(context: RunContext) -> Mapping[str, Any]:
    """Build every section of the results page and keep them as one snapshot."""
    study = Study.objects.get(pk=context.run.parameters["study"])
    digest = results_digest(study=study)
    sections = results_sections()
    content: dict[str, Any] = {}
    for done, (key, section) in enumerate(sections.items()):
        context.progress(done, len(sections), section.title)
        built = section.build(study=study)
        if built == SectionContent():
            context.log(f"left out, since this study does not ask for it: {section.title}")
            continue
        # Through JSON, so that what is shown is what is stored, and numpy types are refused here.
        content[key] = json.loads(
            json.dumps(dataclasses.asdict(built), allow_nan=False, default=_plain)
        )
        context.log(f"built: {section.title}")
    snapshot = keep_results(study=study, run=context.run, content=content, digest=digest)
    context.progress(len(sections), len(sections), "done")
    return {"snapshot": str(snapshot.public_id), "sections": list(content)}


def _plain(value: object) -> list[Any]:
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(f"a section holds {type(value).__name__}, which JSON can't: {value!r}")


@transaction.atomic
def keep_results(
    *, study: Study, run: Run, content: Mapping[str, Any], digest: str
) -> ResultsSnapshot:
    """Store the sections of one Run."""
    snapshot, _ = ResultsSnapshot.objects.update_or_create(
        run=run, defaults={"study": study, "content": content, "input_digest": digest}
    )
    return snapshot


@transaction.atomic
def erase_said(*, juror: Juror, erase_said: bool) -> None:
    """A withdrawal hook: snapshots that may hold what a juror has withdrawn are marked as stale."""
    if erase_said:
        ResultsSnapshot.objects.filter(
            study__participations__juror=juror, stale_since__isnull=True
        ).update(stale_since=timezone.now())
