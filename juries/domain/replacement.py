"""A lottery for the places that fell vacant, given who stays."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from math import inf

from juries.domain.candidates import CandidateProfile, known_ids
from juries.domain.conflicts import Answer, panel_exists
from juries.domain.explanation import infeasible_quotas
from juries.domain.lottery import DEFAULT_METHOD, Lottery, find_lottery
from juries.domain.panel_space import build_panel_space
from juries.domain.quotas import Quota
from juries.domain.relaxation import InfeasibleQuotas
from juries.domain.search import LotteryProgress


class NothingToReplace(ValueError):
    """As many stay as the panel has places, or more."""


class NoReplacement(InfeasibleQuotas):
    """Those who are left can't fill the places without breaking a quota of the whole panel.

    `needed` are the residual quotas; `problems` and `changes` speak of the whole panel's quotas.
    """

    def __init__(
        self, *, cause: InfeasibleQuotas, staying: int, needed: tuple["ResidualQuota", ...]
    ):
        super().__init__(
            problems=cause.problems,
            changes=cause.changes,
            size=cause.size,
            explanation=cause.explanation,
        )
        self.needed = needed
        self.staying = staying
        open_places = cause.size - staying
        wanted = "; ".join(residual.in_words for residual in needed if residual.is_binding)
        places = f"{staying} stay and {open_places} place(s) are open"
        need = f": needed are {wanted}" if wanted else ""
        self.args = (f"{places}, but those who are left can't fill them{need}. {cause}",)


@dataclass(frozen=True, slots=True)
class ResidualQuota:
    """What one quota asks of the replacements, when `seated` of those who stay count towards it.

    `minimum` and `maximum` are in persons; a negative maximum says that too many stay already.
    """

    quota: Quota
    seated: int
    places: int

    @property
    def minimum(self) -> int:
        """Fewest replacements with these traits."""
        return max(0, self.quota.minimum - self.seated)

    @property
    def maximum(self) -> int:
        """Most replacements with these traits."""
        return min(self.places, self.quota.maximum - self.seated)

    @property
    def is_binding(self) -> bool:
        """Whether it excludes any choice of people at all."""
        return self.minimum > 0 or self.maximum < self.places

    @property
    def in_words(self) -> str:
        """`gender: female 1 to 2`."""
        if self.maximum < 0:
            return f"{self.quota.label} {-self.maximum} too many stay already"
        if self.minimum == self.maximum:
            return f"{self.quota.label} exactly {self.minimum}"
        return f"{self.quota.label} {self.minimum} to {self.maximum}"


@dataclass(frozen=True, slots=True, eq=False)
class ReplacementLottery:
    """`lottery` is over the candidates who are left; its panels are the replacements alone.

    Added to `staying`, each of them is a whole panel under all quotas and the household limit.
    """

    lottery: Lottery
    staying: tuple[str, ...]
    residuals: tuple[ResidualQuota, ...]

    @property
    def places(self) -> int:
        """How many are drawn."""
        return self.lottery.size


def residual_quotas(
    *, staying: Sequence[CandidateProfile], quotas: Sequence[Quota], size: int
) -> tuple[ResidualQuota, ...]:
    """What each quota asks of the `size - len(staying)` replacements, in the order of `quotas`.

    Raises NothingToReplace where no place is open.
    """
    places = size - len(staying)
    if places < 1:
        raise NothingToReplace(
            f"{len(staying)} stay on a panel of {size}; no place is open for a replacement."
        )
    return tuple(ResidualQuota(quota, sum(map(quota.admits, staying)), places) for quota in quotas)


def find_replacements(
    *,
    candidates: Sequence[CandidateProfile],
    staying: Collection[str],
    quotas: Sequence[Quota],
    size: int,
    household_limit: int | None = None,
    must_sit: Collection[str] = (),
    must_not_sit: Collection[str] = (),
    method: str = DEFAULT_METHOD,
    time_limit: float | None = None,
    on_progress: Callable[[LotteryProgress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> ReplacementLottery:
    """Find a lottery for the open places such that the whole panel of `size` meets `quotas`.

    `candidates` are those who stay and those who are left; `must_not_sit` names the ones who
    declined or withdrew; `must_sit` those who are to have one of the open places for certain. Those
    who stay count towards quotas and households. Raises NothingToReplace, NoReplacement (an
    InfeasibleQuotas with the residual numbers), and what `find_lottery` raises.
    """
    by_id = {candidate.id: candidate for candidate in candidates}
    seated = sorted(known_ids(staying, among=by_id, label="stay"))
    certain = sorted({*seated, *must_sit})
    residuals = residual_quotas(
        staying=[by_id[candidate] for candidate in seated], quotas=quotas, size=size
    )
    try:
        whole = find_lottery(
            candidates=candidates,
            quotas=quotas,
            size=size,
            household_limit=household_limit,
            must_sit=certain,
            must_not_sit=must_not_sit,
            method=method,
            time_limit=time_limit,
            on_progress=on_progress,
            should_stop=should_stop,
        )
    except InfeasibleQuotas as error:
        cause = error
        if cause.explanation is None:
            space = build_panel_space(
                candidates=candidates,
                quotas=quotas,
                size=size,
                household_limit=household_limit,
                must_sit=certain,
                must_not_sit=must_not_sit,
            )
            cause = infeasible_quotas(space=space, problems=error.problems)
        raise NoReplacement(cause=cause, staying=len(seated), needed=residuals) from error
    return ReplacementLottery(
        lottery=_without(whole, frozenset(seated)), staying=tuple(seated), residuals=residuals
    )


ALTERNATE = ("(alternate)", "yes")
"""A trait that marks alternates for one search; no feature of a pool should be called so."""


@dataclass(frozen=True, slots=True)
class Preference:
    """A search in which alternates fill as many places as they can.

    `candidates` and `quotas` are to be searched in place of the real ones: alternates carry
    ALTERNATE, and `most` of them have to be on the panel.
    """

    candidates: tuple[CandidateProfile, ...]
    quotas: tuple[Quota, ...]
    most: int


def prefer_alternates(
    *,
    candidates: Sequence[CandidateProfile],
    staying: Collection[str],
    alternates: Collection[str],
    quotas: Sequence[Quota],
    size: int,
    household_limit: int | None = None,
    must_sit: Collection[str] = (),
    must_not_sit: Collection[str] = (),
    time_left: Callable[[], float] = lambda: inf,
) -> Preference:
    """The most open places that alternates can fill while the whole panel meets its quotas.

    Those who `must_sit` have a place for certain, alternates or not.
    0 where they can fill none, where no panel exists at all, or where time (seconds) ran out before
    a panel with any of them was found. Raises what `build_panel_space` raises.
    """
    known_ids(alternates, among=[candidate.id for candidate in candidates], label="are alternates")
    marked = tuple(
        replace(candidate, traits=(*candidate.traits, ALTERNATE))
        if candidate.id in alternates and candidate.id not in staying
        else candidate
        for candidate in candidates
    )
    places = size - len(staying)
    ready = sum(ALTERNATE in person.traits and person.id not in must_not_sit for person in marked)
    for most in range(min(places, ready), 0, -1):
        wanted = (*quotas, Quota((ALTERNATE,), most, size))
        space = build_panel_space(
            candidates=marked,
            quotas=wanted,
            size=size,
            household_limit=household_limit,
            must_sit={*staying, *must_sit},
            must_not_sit=must_not_sit,
        )
        if panel_exists(space=space, time_left=time_left) is Answer.YES:
            return Preference(marked, wanted, most)
    return Preference(tuple(candidates), tuple(quotas), 0)


def _without(lottery: Lottery, seated: frozenset[str]) -> Lottery:
    """The same lottery told of the others alone; who stays is on every panel, so panels stay
    distinct.
    """
    left = [index for index, who in enumerate(lottery.candidate_ids) if who not in seated]
    place = {index: number for number, index in enumerate(left)}
    return replace(
        lottery,
        candidate_ids=tuple(lottery.candidate_ids[index] for index in left),
        panels=tuple(
            tuple(place[index] for index in panel if index in place) for panel in lottery.panels
        ),
        chances=lottery.chances[left],
    )
