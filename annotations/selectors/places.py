"""Places of the ways into a study: who holds them, what is free."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q

from annotations.domain.places import PlaceRule
from annotations.models import Arrival, Participation, PlaceGroup, Study, WayIn
from annotations.selectors.ways_in import address_of, in_words, problems_of
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
    """A group as it stands: its name, who belongs to it, places, who holds them."""

    name: str
    who: str
    places: int
    complete: int
    at_work: int

    @property
    def free(self) -> int:
        """Places that nobody holds."""
        return max(0, self.places - self.complete - self.at_work)


@dataclass(frozen=True)
class WayView:
    """A way in as it stands.

    Attributes:
        address: to be given out, with the parameters that the panel fills in.
        total: all its places, as a group of its own.
        outcomes: how many were turned away, in words with counts; those that occur.
        problems: why nobody can come in.
    """

    way: WayIn
    address: str
    total: GroupView
    groups: tuple[GroupView, ...]
    outcomes: tuple[tuple[str, int], ...]
    problems: tuple[str, ...]


def ways_of(*, study: Study, now: datetime) -> list[WayView]:
    """The study's ways in, oldest first."""
    ways = study.ways_in.select_related("study__jury__pool").prefetch_related("groups")
    return [_view(way, now) for way in ways.order_by("id")]


def _view(way: WayIn, now: datetime) -> WayView:
    held = taken(way=way, now=now)
    finished = Arrival.objects.filter(way_in=way, participation__state="finished")
    by_group = dict(
        finished.filter(groups__isnull=False)
        .values_list("groups")
        .annotate(Count("id"))
        .order_by("groups")
    )
    states = dict(way.arrivals.values_list("state").annotate(Count("id")).order_by("state"))
    complete = finished.count()
    silent = states.get(Arrival.State.SEATED, 0) - held.total
    outcomes = (
        ("at the questions about themselves", states.get(Arrival.State.ASKED, 0)),
        ("silent, gone or withdrawn; their places are free", silent),
        ("in no group that is looked for", states.get(Arrival.State.SCREENED_OUT, 0)),
        ("came when their group was full", states.get(Arrival.State.FULL, 0)),
        ("did not agree", way.declined_count),
    )
    return WayView(
        way=way,
        address=address_of(way=way),
        total=GroupView("All", "", way.places, complete, held.total - complete),
        groups=tuple(
            GroupView(
                name=group.name,
                who=in_words(group),
                places=group.places,
                complete=by_group.get(group.pk, 0),
                at_work=held.groups.get(group.pk, 0) - by_group.get(group.pk, 0),
            )
            for group in way.groups.all()
        ),
        outcomes=tuple((words, count) for words, count in outcomes if count),
        problems=tuple(problems_of(way=way)),
    )
