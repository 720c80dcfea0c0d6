"""Ways into a study: who came by them, where they lead at the end, what is wrong with them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.urls import reverse

from annotations.domain.completion import PROLIFIC_RETURN, Outcome, fill_in, is_address
from annotations.models import Arrival, Participation, PlaceGroup, ProfileQuestion, Study, WayIn
from juries.models import Candidate, Draw, Seat
from juries.selectors.newcomers import why_by_lot_only

PROLIFIC_PARAMETER = "PROLIFIC_PID"
# As Prolific wants them written; it puts the ids in their place.
PROLIFIC_QUERY = "&".join(
    f"{name}={{{{%{name}%}}}}" for name in (PROLIFIC_PARAMETER, "STUDY_ID", "SESSION_ID")
)


def way_by_token(*, token: str) -> WayIn | None:
    """The way in at an address, with its study, jury and pool."""
    return WayIn.objects.select_related("study__jury__pool").filter(token=token).first()


def is_open_jury(*, study: Study, using: str = "default") -> bool:
    """People come to the study's jury by themselves; nobody was drawn by lot."""
    if study.jury_id is None:
        return False
    came = Participation.objects.using(using).filter(study__jury=study.jury_id)
    if came.exclude(came_by=Participation.CameBy.SEAT).exists():
        return True
    ways = WayIn.objects.using(using).filter(study__jury=study.jury_id)
    return ways.exists() and not Draw.objects.using(using).filter(jury=study.jury_id).exists()


def came_by(*, study: Study, using: str = "default") -> dict[str, int]:
    """How many came to the study how: counts by `Participation.CameBy`, those that occur."""
    rows = (
        Participation.objects.using(using)
        .filter(study=study)
        .values_list("came_by")
        .annotate(Count("id"))
        .order_by("came_by")
    )
    return dict(rows)


# --- Her id ---------------------------------------------------------------------------------------


def id_parameter(*, way: WayIn) -> str:
    """The parameter that brings her id; "" where people come without one."""
    if way.kind == WayIn.Kind.PROLIFIC:
        return PROLIFIC_PARAMETER
    return way.id_parameter if way.kind == WayIn.Kind.PANEL else ""


def _prefix(way: WayIn) -> str:
    """Prolific's ids are the same everywhere; those of a panel mean something by its way alone."""
    return f"panel-{way.pk}:" if way.kind == WayIn.Kind.PANEL else f"{way.kind}:"


def candidate_id(*, way: WayIn, brought: str) -> str:
    """What a candidate is called who brought this id."""
    return _prefix(way) + brought


def brought_id(*, way: WayIn, candidate: Candidate | None) -> str:
    """The id that she brought; "" for one who brought none, or whose identity has been erased."""
    if candidate is None or not way.has_ids:
        return ""
    prefix = _prefix(way)
    name = candidate.external_id
    return name.removeprefix(prefix) if name.startswith(prefix) else ""


def arrival_at(*, study: Study, candidate: Candidate) -> Arrival | None:
    """Whether she has come to the study before, by this way or another."""
    return _arrivals().filter(way_in__study=study, candidate=candidate).first()


def arrival_of_id(*, way: WayIn, brought: str) -> Arrival | None:
    """Whether somebody with this id has come to the way's study before."""
    study = way.study
    return (
        _arrivals()
        .filter(
            way_in__study=study,
            candidate__pool=study.jury.pool_id if study.jury else None,
            candidate__external_id=candidate_id(way=way, brought=brought),
        )
        .first()
    )


def arrival_by_key(*, key: object) -> Arrival | None:
    """The arrival of a primary key that a session holds."""
    return _arrivals().filter(pk=key).first() if isinstance(key, int) else None


def arrival_of_seat(*, seat_id: int) -> Arrival | None:
    """How the holder of a seat came, if it was by a way in; the study that she was last at."""
    return (
        _arrivals()
        .filter(participation__juror__seat__id=seat_id)
        .order_by("-participation__last_seen_at", "-id")
        .first()
    )


def _arrivals() -> QuerySet[Arrival]:
    return Arrival.objects.select_related(
        "way_in__study__jury__pool", "candidate", "participation__juror__seat"
    )


# --- Where she is sent at the end -----------------------------------------------------------------


@dataclass(frozen=True)
class Ending:
    """What somebody from a panel takes with her.

    Attributes:
        outcome: how it ended.
        place: where she came from, for the words on the page; "" for an open link.
        url: where she is sent; "" where she is sent nowhere.
        code: the completion code; "" where there is none.
    """

    outcome: Outcome
    place: str
    url: str
    code: str


def ending(*, way: WayIn, outcome: Outcome, brought: str) -> Ending:
    """The code and the address for an outcome, for who brought this id."""
    given = str(getattr(way, outcome.value))
    values = {
        "id": brought,
        "status": outcome.value,
        "code": "" if is_address(given) else given,
    }
    template = given if is_address(given) else way.completion_url
    if way.kind == WayIn.Kind.PROLIFIC:
        template = PROLIFIC_RETURN if given else ""
    place = {WayIn.Kind.PROLIFIC: "Prolific", WayIn.Kind.PANEL: "the panel"}
    return Ending(
        outcome=outcome,
        place=place.get(WayIn.Kind(way.kind), ""),
        url=fill_in(template, values=values) if template else "",
        code=values["code"],
    )


def ending_of(*, participation: Participation, outcome: Outcome) -> Ending | None:
    """The same for a juror, loaded with her arrival; None where she did not come by a way in."""
    arrival: Arrival | None = getattr(participation, "arrival", None)
    if arrival is None:
        return None
    way = arrival.way_in
    brought = brought_id(way=way, candidate=arrival.candidate)
    return ending(way=way, outcome=outcome, brought=brought)


# --- What is wrong --------------------------------------------------------------------------------


def why_study_has_no_ways(*, study: Study) -> str:
    """Why people can't come to this study by themselves; empty where they can."""
    if study.jury is None:
        return "The study has no jury yet. Make one of the size that you want, and choose it."
    if reason := why_by_lot_only(jury=study.jury):
        return reason
    by_themselves = Participation.objects.filter(juror=OuterRef("juror")).exclude(
        came_by=Participation.CameBy.SEAT
    )
    others = Seat.objects.filter(~Exists(by_themselves), jury=study.jury).count()
    if others:
        return (
            f"{study.jury.name} has {others} seat{'s' if others > 1 else ''} that "
            f"{'were' if others > 1 else 'was'} given out otherwise. Make another jury for those "
            "who come by themselves, and another study for that jury."
        )
    return ""


def problems_of(*, way: WayIn) -> list[str]:
    """What keeps a way from being opened, or from letting anybody in once it is open."""
    return problems_of_all(study=way.study, ways=[way])[0]


def problems_of_all(*, study: Study, ways: Sequence[WayIn]) -> list[list[str]]:
    """The same for several ways into one study, in their order."""
    if reason := why_study_has_no_ways(study=study):
        return [[reason] for _ in ways]
    questions = {question.key: question for question in study.profile_questions.all()}
    return [list(_problems_of_way(way, study, questions)) for way in ways]


def _problems_of_way(
    way: WayIn, study: Study, questions: Mapping[str, ProfileQuestion]
) -> Iterator[str]:
    if study.jury is not None and way.places > study.jury.size:
        yield (
            f"The way has {way.places} places, but {study.jury.name} has {study.jury.size}. Make "
            "the jury larger or give out fewer places."
        )
    if way.kind == WayIn.Kind.PROLIFIC and not way.complete:
        yield "The code for who has finished is missing; Prolific pays by it."
    if way.kind == WayIn.Kind.PANEL and not way.id_parameter:
        yield "The name of the parameter that brings the participant's id is missing."
    for group in way.groups.all():
        yield from _problems_of_group(group, questions)


def _problems_of_group(
    group: PlaceGroup, questions: Mapping[str, ProfileQuestion]
) -> Iterator[str]:
    if not group.answers:
        yield f"The group “{group.name}” names no answer, so that nobody would belong to it."
    for key, picked in group.answers.items():
        question = questions.get(key)
        if question is None or question.kind != ProfileQuestion.Kind.CHOICE:
            yield f"The group “{group.name}” asks for {key!r}, which is no choice question here."
            continue
        unknown = [option for option in picked if option not in map(str, question.options)]
        if unknown:
            yield f"The group “{group.name}” asks for {unknown[0]!r}, which {key!r} doesn't offer."
        if not question.is_required:
            yield (
                f"The group “{group.name}” depends on {key!r}, which can be skipped; whoever "
                "skips it would be turned away. Make the question required."
            )


# --- In words -------------------------------------------------------------------------------------


def address_of(*, way: WayIn) -> str:
    """The whole address of a way in."""
    path = reverse("way-in", args=[way.token])
    query = ""
    if way.kind == WayIn.Kind.PROLIFIC:
        query = f"?{PROLIFIC_QUERY}"
    elif way.kind == WayIn.Kind.PANEL:
        query = f"?{urlencode({way.id_parameter: ''})}"
    return f"{settings.SITE_URL}{path}{query}"


def in_words(group: PlaceGroup) -> str:
    """Who belongs to a group: "gender: woman; age: 18-34 or 35-49"."""
    return "; ".join(
        f"{question}: {' or '.join(map(str, picked))}" for question, picked in group.answers.items()
    )
