"""Who answered, by stratum against quota."""

from django.db.models import Count, Q

from annotations.figures.participation import participation_svg
from annotations.models import Participation, PlaceGroup, Study
from annotations.ports import Figure, SectionContent, Table
from annotations.selectors.progress import (
    FINISHED,
    GONE,
    NOT_STARTED,
    WORKING,
    seats_with_progress,
    strata,
)
from annotations.selectors.ways_in import came_by, in_words, is_open_jury
from juries.models import Seat


class ParticipationSection:
    """Seats by trait: who has finished, who is at work, who is gone, against the quotas."""

    key = "who"
    title = "Who answered"

    def fingerprint(self, *, study: Study) -> str:
        """Changes with every seat's state and every finished query."""
        seats = Seat.objects.filter(jury=study.jury_id).order_by("id").values_list("id", "state")
        steps = (
            Participation.objects.filter(study=study)
            .order_by("id")
            .values_list("id", "state", "completed_count")
        )
        places = PlaceGroup.objects.filter(way_in__study=study).order_by("id")
        return f"{list(seats)}{list(steps)}{list(places.values_list('id', 'name', 'places'))}"

    def build(self, *, study: Study) -> SectionContent:
        """Compute the section from what stands in the database now."""
        seats = seats_with_progress(study=study)
        if not seats:
            return SectionContent(
                empty_reason="Nobody has come yet; nobody is drawn by lot for this study."
                if is_open_jury(study=study)
                else "No jury has been drawn for this study. Draw one and connect it."
            )
        groups = strata(study=study, seats=seats)
        sitting = [seat for seat in seats if seat.stage != GONE]
        finished = sum(seat.stage == FINISHED for seat in seats)
        gone = len(seats) - len(sitting)
        short = [
            f"{item.feature} {item.value}: {item.count(FINISHED)} finished, minimum {item.minimum}"
            for item in groups
            if item.minimum is not None and item.count(FINISHED) < item.minimum
        ]
        table = Table(
            columns=("trait", "value", "quota", "seated", *_STAGE_COLUMNS),
            rows=tuple(
                (
                    item.feature,
                    item.value,
                    "none" if item.minimum is None else f"{item.minimum} to {item.maximum}",
                    item.sitting,
                    *(item.count(stage) for stage in (FINISHED, WORKING, NOT_STARTED, GONE)),
                )
                for item in groups
            ),
            numeric=frozenset(range(3, 8)),
            caption="Seats by trait and stage, against the quotas",
        )
        is_open = is_open_jury(study=study)
        people = "simulated jurors" if study.is_simulated else "jurors"
        return SectionContent(
            summary=(
                f"{finished} of {len(sitting)} seated {people} have finished."
                + (f" {gone} {_GONE[is_open]}." if gone else ""),
                *((_self_selected(study),) if is_open else ()),
            ),
            tables=_places(study),
            notices=(
                (
                    "Among those who have finished, these quotas are not met yet: "
                    + "; ".join(short)
                    + ".",
                )
                if short
                else ()
            ),
            figures=(
                Figure(
                    key="seats",
                    title="Who has answered, by trait?",
                    svg=participation_svg(groups),
                    caption="One mark per seat; each juror stands once in every trait."
                    + ("" if is_open else " The bracket is the quota that the draw had to meet."),
                    table=table,
                    n=f"{len(sitting)} seats",
                ),
            )
            if groups
            else (),
        )


_STAGE_COLUMNS = ("finished", "at work", "not started", "gone")


# By lot, and by themselves.
_GONE = {
    False: "declined or withdrew",
    True: "left, or were silent until somebody else got the place",
}


def _self_selected(study: Study) -> str:
    counts = came_by(study=study)
    listed = ", ".join(
        f"{count} {Participation.CameBy(key).label}" for key, count in sorted(counts.items())
    )
    return (
        f"Nobody was drawn by lot: they came by themselves ({listed}), so that this describes "
        "those who came and no population."
    )


def _places(study: Study) -> tuple[tuple[str, Table], ...]:
    """Places of the ways in by group, against who has finished; none without groups."""
    groups = (
        PlaceGroup.objects.filter(way_in__study=study)
        .select_related("way_in")
        .annotate(
            done=Count(
                "arrivals",
                filter=Q(arrivals__participation__state=Participation.State.FINISHED),
            )
        )
        .order_by("way_in_id", "id")
    )
    rows = tuple(
        (group.name, in_words(group), group.way_in.name, group.done, group.places)
        for group in groups
    )
    if not rows:
        return ()
    table = Table(
        columns=("group", "who", "way in", "finished", "places"),
        rows=rows,
        numeric=frozenset({3, 4}),
        caption="Groups of those who came by themselves, against their places",
    )
    return (("Places by group", table),)
