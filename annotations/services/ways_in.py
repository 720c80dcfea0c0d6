"""Ways into a study as researchers keep them: made, changed, opened, closed, removed."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from annotations.models import PlaceGroup, Study, WayIn
from annotations.selectors.ways_in import in_words, problems_of, why_study_has_no_ways
from annotations.services.studies import StudyRefused
from juries.models import User
from juries.services.audit import record_act

# What whoever came has been promised, or what her id means.
FIXED_ONCE_USED = {"kind": "kind", "id_parameter": "parameter"}
_FIELDS = (
    "kind", "name", "places", "id_parameter", "completion_url", "complete", "screened_out",
    "quota_full", "no_consent",
)  # fmt: skip


def problems_of_way(*, way: WayIn) -> dict[str, str]:
    """Why a new or changed way can't be saved, by field ("" for none); empty where it can."""
    if way.pk is None:
        reason = why_study_has_no_ways(study=way.study)
        return {"": reason} if reason else {}
    before = WayIn.objects.get(pk=way.pk)
    changed = [name for name in FIXED_ONCE_USED if getattr(before, name) != getattr(way, name)]
    if changed and (count := before.arrivals.count()):
        people = "1 person has" if count == 1 else f"{count} people have"
        return {
            name: f"{people} come by this way, so its {FIXED_ONCE_USED[name]} can't change any "
            "more. Close it and make another one."
            for name in changed
        }
    return {}


def problems_of_group(*, group: PlaceGroup) -> dict[str, str]:
    """Why a new or changed group can't be saved, by field; empty where it can."""
    count = group.way_in.arrivals.count() if group.way_in_id else 0
    if not count:
        return {}
    people = "1 person has" if count == 1 else f"{count} people have"
    reason = (
        f"{people} come by this way and been counted by its groups as they are. Close it and make "
        "another one; places can still be changed."
    )
    if group.pk is None:
        return {"": reason}
    before = PlaceGroup.objects.get(pk=group.pk)
    return {"answers": reason} if before.answers != group.answers else {}


@transaction.atomic
def save_way(*, way: WayIn, actor: User | None) -> WayIn:
    """Save a new or changed way; a new one is closed.

    Raises:
        StudyRefused: the jury of its study is drawn by lot or filled otherwise, or people have
            come by it as it was.
    """
    Study.objects.select_for_update().get(pk=way.study_id)
    for field, reason in problems_of_way(way=way).items():
        raise StudyRefused(reason, field=field)
    if way.pk is None:
        way.is_open = False
        way.save()
        _record(actor, "added a way into", way, {"kind": way.kind, "places": way.places})
        return way
    before = WayIn.objects.get(pk=way.pk)
    changed = [name for name in _FIELDS if getattr(before, name) != getattr(way, name)]
    if changed:
        way.save(update_fields=changed)
        values = {name: getattr(before, name) for name in changed}
        _record(actor, "changed a way into", way, {"before": values})
    return way


@transaction.atomic
def save_group(*, group: PlaceGroup, actor: User | None) -> PlaceGroup:
    """Save a new or changed group of a way.

    Raises:
        StudyRefused: people have come by the way, and would have been counted otherwise.
    """
    Study.objects.select_for_update().get(pk=group.way_in.study_id)
    for field, reason in problems_of_group(group=group).items():
        raise StudyRefused(reason, field=field)
    is_new = group._state.adding
    verb = "added a group to a way into" if is_new else "changed a group of a way into"
    group.save()
    details = {"group": group.name, "who": in_words(group), "places": group.places}
    _record(actor, verb, group.way_in, details)
    return group


@transaction.atomic
def remove_group(*, group: PlaceGroup, actor: User | None) -> None:
    """Remove a group of a way by which nobody has come.

    Raises:
        StudyRefused: somebody has.
    """
    Study.objects.select_for_update().get(pk=group.way_in.study_id)
    if group.way_in.arrivals.exists():
        raise StudyRefused(
            f"The group “{group.name}” stays: people have come by this way. Close it and make "
            "another one."
        )
    details = {"group": group.name}
    _record(actor, "removed a group of a way into", group.way_in, details)
    group.delete()


@transaction.atomic
def save_way_with_groups(
    *, way: WayIn, groups: Sequence[PlaceGroup] | None, actor: User | None
) -> WayIn:
    """Save a new or changed way together with all its groups; all of it or nothing.

    Args:
        way: as it is to be.
        groups: new ones, and standing ones as they are to be; others are removed. None: those that
            stand are left alone.
        actor: who says so.

    Raises:
        StudyRefused: as `save_way`, `save_group` and `remove_group`.
    """
    Study.objects.select_for_update().get(pk=way.study_id)
    save_way(way=way, actor=actor)
    if groups is None:
        return way
    standing = {group.pk: group for group in PlaceGroup.objects.filter(way_in=way)}
    kept = {group.pk for group in groups}
    for pk, group in standing.items():
        if pk not in kept:
            remove_group(group=group, actor=actor)
    for group in groups:
        before = standing.get(group.pk)
        if before is None or (before.name, before.places, before.answers) != (
            group.name, group.places, group.answers,
        ):  # fmt: skip
            save_group(group=group, actor=actor)
    return way


def why_way_stays(way: WayIn) -> str:
    """Why a way can't be removed; empty where it can."""
    count = way.arrivals.count()
    if not count:
        return ""
    people = "1 person has" if count == 1 else f"{count} people have"
    return f"{people} come by this way; close it instead."


@transaction.atomic
def remove_way(*, way: WayIn, actor: User | None) -> None:
    """Remove a way by which nobody has come.

    Raises:
        StudyRefused: somebody has.
    """
    Study.objects.select_for_update().get(pk=way.study_id)
    if reason := why_way_stays(way):
        raise StudyRefused(f"{way} stays: {reason}")
    _record(actor, "removed a way into", way, {})
    way.delete()


@transaction.atomic
def open_way(*, way: WayIn, actor: User | None) -> WayIn:
    """Let newcomers in as long as the study is open too.

    Raises:
        StudyRefused: something is missing or contradicts itself; the message names all of it.
    """
    Study.objects.select_for_update().get(pk=way.study_id)
    if problems := problems_of(way=way):
        raise StudyRefused(" ".join(problems))
    return _set_open(way, actor, is_open=True)


@transaction.atomic
def close_way(*, way: WayIn, actor: User | None) -> WayIn:
    """Let nobody new in. Who has a place goes on."""
    Study.objects.select_for_update().get(pk=way.study_id)
    return _set_open(way, actor, is_open=False)


def _set_open(way: WayIn, actor: User | None, *, is_open: bool) -> WayIn:
    if way.is_open != is_open:
        way.is_open = is_open
        way.save(update_fields=["is_open"])
        _record(actor, f"{'opened' if is_open else 'closed'} a way into", way, {})
    return way


def _record(actor: User | None, verb: str, way: WayIn, details: Mapping[str, Any]) -> None:
    record_act(actor=actor, verb=verb, subject=way.study, details={"way": way.name, **details})
