"""What rows that come with a data set need beside themselves."""

from django.utils import timezone

from annotations.models import Study
from juries.models import Run


def imported_run(*, study: Study, what: str, input_digest: str = "") -> Run:
    """A finished Run that stands for the one elsewhere which made `what`."""
    now = timezone.now()
    return Run.objects.create(
        kind="models_runner.imported",
        title=f"{what} brought in with {study.title}"[:200],
        state=Run.State.SUCCEEDED,
        input_digest=input_digest,
        started_at=now,
        finished_at=now,
    )
