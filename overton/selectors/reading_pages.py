"""What the page of readings shows: report cards, the history, and the work that is under way."""

from dataclasses import dataclass

from annotations.models import Study
from juries.models import Run
from overton.domain.report_card import FEWEST_FOR_VALIDATION, ReportCard
from overton.models import EntailmentReading
from overton.selectors.readings import card_of


@dataclass(frozen=True)
class CurrentReading:
    """A reading that counts, with its report card."""

    reading: EntailmentReading
    card: ReportCard

    @property
    def missing(self) -> int:
        """How many labelled pairs are missing before it counts as validated."""
        return max(0, FEWEST_FOR_VALIDATION - self.card.pairs)


@dataclass(frozen=True)
class ReadingsPage:
    """The page.

    Attributes:
        current: readings that count, that by entailment first.
        history: all readings, newest first.
        pending: the Run that is waiting or under way.
        failed: the last Run, where it failed.
        needed: labelled pairs from which a judge counts as validated.
    """

    current: tuple[CurrentReading, ...]
    history: tuple[EntailmentReading, ...]
    pending: Run | None
    failed: Run | None
    needed: int


def readings_page(*, study: Study, kind: str, limit: int = 50) -> ReadingsPage:
    """A study's readings as they stand; `kind` is that of the Runs that read."""
    rows = list(
        EntailmentReading.objects.filter(study=study)
        .select_related("run")
        .order_by("-created_at", "-id")[:limit]
    )
    current = sorted(
        (row for row in rows if row.is_current),
        key=lambda row: row.mode != EntailmentReading.Mode.ENTAILMENT,
    )
    runs = Run.objects.filter(kind=kind, parameters__study=study.pk)
    newest = runs.order_by("-created_at", "-id").first()
    return ReadingsPage(
        current=tuple(CurrentReading(reading=row, card=card_of(reading=row)) for row in current),
        history=tuple(rows),
        pending=runs.filter(state__in=(Run.State.QUEUED, Run.State.RUNNING)).first(),
        failed=newest if newest is not None and newest.state == Run.State.FAILED else None,
        needed=FEWEST_FOR_VALIDATION,
    )
