"""A researcher's studies: the list, the front page, the log of who did what."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.fields.json import KeyTextTransform

from annotations.models import Participation, ResultsSnapshot, Study, StudyRole
from annotations.ports import results_sections
from annotations.selectors.progress import (
    FINISHED,
    GONE,
    NOT_STARTED,
    STAGES,
    WORKING,
    SeatProgress,
    Stratum,
    seats_with_progress,
    strata,
)
from annotations.selectors.ways_in import is_open_jury
from annotations.selectors.work import query_limit
from juries.models import AuditEntry, Jury, Run, Seat, User
from juries.permissions import can_manage_juries
from juries.selectors.seats import FEW, MANY, Bench, BenchMark, KeyRow

# The marks that stand for how far somebody is, on benches of their own with a key of their own.
STAGE_MARKS = {FINISHED: "accepted", WORKING: "invited", NOT_STARTED: "empty", GONE: "withdrawn"}


def studies_for_list(*, user: User, state: str = "") -> QuerySet[Study]:
    """The user's studies, newest first, with `joined` and `finished`; of one state if named."""
    finished = Participation.State.FINISHED
    studies = (
        Study.objects.visible_to(user)
        .select_related("jury")
        .annotate(
            joined=Count("participations"),
            finished=Count("participations", filter=Q(participations__state=finished)),
        )
        .order_by("-created_at", "-id")
    )
    return studies.filter(state=state) if state in Study.State.values else studies


def juries_to_ask(*, user: User) -> QuerySet[Jury]:
    """Juries that a user may put a study before: all for who manages them, else her own.

    Her own are those that she made, and those of studies in which she has a role.
    """
    if can_manage_juries(user):
        return Jury.objects.all()
    return Jury.objects.filter(
        Q(created_by=user) | Q(studies__in=Study.objects.visible_to(user))
    ).distinct()


def roles_of(*, study: Study) -> QuerySet[StudyRole]:
    """Who has which role, owners first."""
    return study.roles.select_related("user").order_by("-role", "user__username")


def acts_of(*, study: Study) -> QuerySet[AuditEntry]:
    """Who did what to the study, to its jury and to the Runs that were asked for, newest first."""
    about = Q(subject_type=Study._meta.label, subject_id=str(study.public_id))
    if study.jury is not None:
        about |= Q(subject_type=study.jury._meta.label, subject_id=str(study.jury.public_id))
    # An act that asks for work names its Run; who cancels it or starts it again acts on that.
    named = (
        AuditEntry.objects.filter(about, details__has_key="run")
        .order_by()
        .values_list(KeyTextTransform("run", "details"))
    )
    about |= Q(subject_type=Run._meta.label, subject_id__in=named)
    return AuditEntry.objects.filter(about).select_related("actor").order_by("-created_at", "-id")


# --- The front page -------------------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """Those of the bench who share a feature value.

    Attributes:
        stratum: the value, its quota and its seats.
        bench: the same seats as marks of how far each is.
    """

    stratum: Stratum
    bench: Bench

    @property
    def is_short(self) -> bool:
        """Fewer sit than the quota asks for, or more than it allows."""
        low, high = self.stratum.minimum, self.stratum.maximum
        sitting = self.stratum.sitting
        return (low is not None and sitting < low) or (high is not None and sitting > high)

    @property
    def finished(self) -> int:
        """How many have finished."""
        return self.stratum.count(FINISHED)

    @property
    def working(self) -> int:
        """How many are at work."""
        return self.stratum.count(WORKING)

    @property
    def waiting(self) -> int:
        """How many have not begun."""
        return self.stratum.count(NOT_STARTED)


@dataclass(frozen=True)
class FrontPage:
    """What a study's front page says at a glance.

    Attributes:
        who: the bench by the seats' states.
        how_far: the same bench by stage.
        groups: feature by feature, the groups of its values.
        sitting: seats that are held.
        finished: jurors who have finished; likewise `working` and `waiting`.
        answered: queries finished, over all jurors.
        expected: queries that those who sit are to finish; None where that depends on the others.
        snapshot: the newest results.
        sayings: section titles with the first sentence of each, of those results.
        is_open: people come to the jury by themselves; nobody was drawn by lot.
    """

    who: Bench
    how_far: Bench
    groups: tuple[tuple[str, tuple[Group, ...]], ...]
    sitting: int
    finished: int
    working: int
    waiting: int
    answered: int
    expected: int | None
    snapshot: ResultsSnapshot | None
    sayings: tuple[tuple[str, str], ...]
    is_open: bool


def front_page(*, study: Study) -> FrontPage:
    """Everything that the front page shows, but what is wrong."""
    seats = seats_with_progress(study=study)
    counts = {stage: sum(seat.stage == stage for seat in seats) for stage in STAGES}
    sitting = sum(seat.seat_state in Seat.SITTING for seat in seats)
    snapshot = study.results_snapshots.select_related("run").first()
    answered = study.participations.aggregate(done=Sum("completed_count"))["done"] or 0
    return FrontPage(
        who=_bench_by_state(seats),
        how_far=bench_by_stage(seats),
        groups=_groups(study, seats),
        sitting=sitting,
        finished=counts[FINISHED],
        working=counts[WORKING],
        waiting=counts[NOT_STARTED],
        answered=answered,
        expected=_expected(study, sitting),
        snapshot=snapshot,
        sayings=() if snapshot is None else _sayings(snapshot),
        is_open=is_open_jury(study=study),
    )


def _expected(study: Study, sitting: int) -> int | None:
    limit = query_limit(study=study)
    by_jurors = None if limit is None else limit * sitting
    if study.assignment_mode == Study.AssignmentMode.OVERLAP and study.overlap:
        places = study.overlap * study.query_count
        return places if by_jurors is None else min(places, by_jurors)
    return by_jurors


def _groups(
    study: Study, seats: Sequence[SeatProgress]
) -> tuple[tuple[str, tuple[Group, ...]], ...]:
    features: dict[str, list[Group]] = {}
    for stratum in strata(study=study, seats=seats):
        if stratum.seats or stratum.minimum:
            group = Group(stratum=stratum, bench=bench_by_stage(stratum.seats))
            features.setdefault(stratum.feature, []).append(group)
    return tuple((feature, tuple(groups)) for feature, groups in features.items())


def _sayings(snapshot: ResultsSnapshot) -> tuple[tuple[str, str], ...]:
    said = []
    for key, section in results_sections().items():
        content = snapshot.content.get(key, {})
        sentences = content.get("summary") or []
        if sentences:
            said.append((section.title, str(sentences[0])))
    return tuple(said)


def _size(count: int) -> str:
    return "few" if count <= FEW else "many" if count > MANY else ""


def _bench_by_state(seats: Sequence[SeatProgress]) -> Bench:
    """The seats as they are held or vacant, without those that were filled again."""
    labels = dict(Seat.State.choices)
    shown = [seat for seat in seats if seat.seat_state != Seat.State.REPLACED]
    marks = tuple(
        BenchMark(state=seat.seat_state, label=f"Seat {seat.number}: {labels[seat.seat_state]}")
        for seat in shown
    )
    return _bench(marks, {state: str(label) for state, label in labels.items()}, "seats")


def bench_by_stage(seats: Sequence[SeatProgress]) -> Bench:
    """Those who sit as marks of how far each is; who left and was replaced is not shown."""
    ordered = sorted(
        (seat for seat in seats if seat.seat_state != Seat.State.REPLACED),
        key=lambda seat: (STAGES.index(seat.stage), seat.number),
    )
    marks = tuple(
        BenchMark(
            state=STAGE_MARKS[seat.stage],
            label=f"Seat {seat.number}: {seat.stage}, {seat.completed} queries",
        )
        for seat in ordered
    )
    return _bench(marks, {mark: stage for stage, mark in STAGE_MARKS.items()}, "jurors")


def _bench(marks: tuple[BenchMark, ...], labels: dict[str, str], noun: str) -> Bench:
    key = tuple(
        KeyRow(state=state, label=label, count=count)
        for state, label in labels.items()
        if (count := sum(mark.state == state for mark in marks))
    )
    words = ", ".join(f"{row.count} {row.label}" for row in key)
    summary = f"{len(marks)} {noun}: {words}" if marks else f"No {noun}"
    return Bench(seats=marks, key=key, summary=summary, size=_size(len(marks)))
