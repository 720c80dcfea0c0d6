"""Places of the ways into a study: who holds them, what is free."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from annotations.domain.places import PlaceRule
from annotations.models import Arrival, Participation, PlaceGroup, Study, WayIn
from annotations.selectors.ways_in import address_of, in_words, problems_of_all
from juries.models import Jury, Seat

_AT_WORK = (
    Participation.State.STARTED,
    Participation.State.CONSENTED,
    Participation.State.WORKING,
    Participation.State.REFUSED,
)


def holding(*, now: datetime, prefix: str = "") -> Q:
    """Arrivals that hold a place: who has finished, and who is at work under a lease."""
    return Q(**{f"{prefix}participation__state": Participation.State.FINISHED}) | Q(
        **{
            f"{prefix}lease_expires_at__gt": now,
            f"{prefix}participation__state__in": _AT_WORK,
            f"{prefix}participation__juror__seat__state__in": Seat.SITTING,
        }
    )


@dataclass(frozen=True)
class Taken:
    """Places that are held, of a way and of each of its groups (by primary key)."""

    total: int
    groups: Mapping[int, int]


def taken(*, way: WayIn, now: datetime, without: Arrival | None = None) -> Taken:
    """How many places are held; `without` one arrival, who asks for a place again."""
    held = Arrival.objects.filter(holding(now=now), way_in=way)
    if without is not None:
        held = held.exclude(pk=without.pk)
    groups = (
        held.filter(groups__isnull=False)
        .values_list("groups")
        .annotate(Count("id"))
        .order_by("groups")
    )
    return Taken(total=held.count(), groups=dict(groups))


def rules_of(*, groups: Sequence[PlaceGroup]) -> list[PlaceRule]:
    """The groups as the domain takes them."""
    return [
        PlaceRule(
            key=group.pk,
            answers={question: frozenset(picked) for question, picked in group.answers.items()},
        )
        for group in groups
    ]


def seats_giving_way(*, jury: Jury, now: datetime) -> list[int]:
    """Seats of jurors who came by a way in and have been silent beyond their lease."""
    of_juror = Participation.objects.filter(juror=OuterRef("juror"))
    active = of_juror.filter(
        holding(now=now, prefix="arrival__") | Q(arrival__isnull=True)
    ).exclude(state=Participation.State.WITHDRAWN)
    return list(
        Seat.objects.filter(
            Exists(of_juror.filter(arrival__isnull=False)),
            ~Exists(active),
            jury=jury,
            state__in=Seat.SITTING,
        )
        .order_by("number", "id")
        .values_list("pk", flat=True)
    )


def has_room(*, way: WayIn, now: datetime) -> bool:
    """Whether anybody at all could still get a place by this way."""
    if taken(way=way, now=now).total >= way.places:
        return False
    jury = way.study.jury
    if jury is None:
        return False
    held = jury.seats.filter(state__in=Seat.SITTING).count()
    return held < jury.size or bool(seats_giving_way(jury=jury, now=now))


# --- The researcher's view ------------------------------------------------------------------------


@dataclass(frozen=True)
class GroupView:
    """A group as it stands: its name, who belongs to it, places, who holds them.

    Attributes:
        answers: question's key -> the options that count; empty for all places together.
        who: the same in words.
    """

    name: str
    answers: Mapping[str, Sequence[str]]
    who: str
    places: int
    complete: int
    at_work: int

    @property
    def free(self) -> int:
        """Places that nobody holds."""
        return max(0, self.places - self.complete - self.at_work)


@dataclass(frozen=True)
class Besides:
    """How many came by a way and hold no place.

    Attributes:
        asked: are at the questions about themselves.
        silent: had a place and were silent for too long, left or withdrew.
        screened_out: belong to no group that is looked for.
        full: came when their group was full.
        declined: did not agree.
    """

    asked: int
    silent: int
    screened_out: int
    full: int
    declined: int


@dataclass(frozen=True)
class WayView:
    """A way in as it stands.

    Attributes:
        address: to be given out, with the parameters that the panel fills in.
        total: all its places, as a group of its own.
        besides: those who came and hold no place.
        problems: why nobody can come in.
    """

    way: WayIn
    address: str
    total: GroupView
    groups: tuple[GroupView, ...]
    besides: Besides
    problems: tuple[str, ...]

    @property
    def outcomes(self) -> tuple[tuple[str, int], ...]:
        """Those who hold no place, in words with counts; those that occur."""
        told = (
            ("at the questions about themselves", self.besides.asked),
            ("silent, gone or withdrawn; their places are free", self.besides.silent),
            ("in no group that is looked for", self.besides.screened_out),
            ("came when their group was full", self.besides.full),
            ("did not agree", self.besides.declined),
        )
        return tuple((words, count) for words, count in told if count)


def ways_of(*, study: Study, now: datetime) -> list[WayView]:
    """The study's ways in, oldest first."""
    ways = study.ways_in.select_related("study__jury__pool").prefetch_related("groups")
    return views_of(study=study, ways=list(ways.order_by("id")), now=now)


def views_of(*, study: Study, ways: Sequence[WayIn], now: datetime) -> list[WayView]:
    """Ways into one study as they stand, in the order given; as many queries for one as for many.

    Args:
        study: loaded with its jury and pool.
        ways: of this study, with their groups prefetched.
        now: leases that end later hold a place.
    """
    arrivals = Arrival.objects.filter(way_in__in=ways)
    held = arrivals.filter(holding(now=now))
    finished = arrivals.filter(participation__state=Participation.State.FINISHED)
    held_by_way, held_by_group = _count_by(held, "way_in"), _count_by(held, "groups")
    done_by_way, done_by_group = _count_by(finished, "way_in"), _count_by(finished, "groups")
    states = {
        (way, state): count
        for way, state, count in arrivals.values_list("way_in", "state")
        .annotate(Count("id"))
        .order_by("way_in", "state")
    }
    problems = problems_of_all(study=study, ways=ways)
    found = []
    for way, wrong in zip(ways, problems, strict=True):
        total, complete = held_by_way.get(way.pk, 0), done_by_way.get(way.pk, 0)
        groups = tuple(
            GroupView(
                name=group.name,
                answers=group.answers,
                who=in_words(group),
                places=group.places,
                complete=done_by_group.get(group.pk, 0),
                at_work=held_by_group.get(group.pk, 0) - done_by_group.get(group.pk, 0),
            )
            for group in way.groups.all()
        )
        besides = Besides(
            asked=states.get((way.pk, Arrival.State.ASKED), 0),
            silent=states.get((way.pk, Arrival.State.SEATED), 0) - total,
            screened_out=states.get((way.pk, Arrival.State.SCREENED_OUT), 0),
            full=states.get((way.pk, Arrival.State.FULL), 0),
            declined=way.declined_count,
        )
        found.append(
            WayView(
                way=way,
                address=address_of(way=way),
                total=GroupView("All", {}, "", way.places, complete, total - complete),
                groups=groups,
                besides=besides,
                problems=tuple(wrong),
            )
        )
    return found


def _count_by(arrivals: QuerySet[Arrival], field: str) -> dict[int, int]:
    """How many arrivals there are by the key of a related row."""
    rows = arrivals.filter(**{f"{field}__isnull": False}).values_list(field)
    return dict(rows.annotate(Count("id")).order_by(field))
