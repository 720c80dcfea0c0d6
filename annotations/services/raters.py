"""People who rated elsewhere: as a pool with their traits, and as a jury."""

from collections.abc import Mapping, Sequence

from django.db import transaction

from juries.models import (
    Candidate,
    CandidateTrait,
    Feature,
    FeatureValue,
    Juror,
    Jury,
    Pool,
    Seat,
    User,
)
from juries.services.audit import record_act
from juries.services.pool_imports import create_pool

ROWS_AT_A_TIME = 2_000


class RatersRefused(ValueError):
    """Raters can't become a pool or a jury; the message says whose row and why."""


@transaction.atomic
def raters_to_pool(
    *,
    raters: Mapping[str, Mapping[str, str]],
    traits: Sequence[str],
    name: str,
    slug: str = "",
    is_simulated: bool = False,
    actor: User | None = None,
) -> Pool:
    """A pool of raters: their traits become features, with values in alphabetical order.

    Values have no population share, because a set of raters says nothing of the population.

    Args:
        raters: id -> traits, as `annotations.domain.tables` reads them.
        traits: names of the traits, in the order that the pool keeps.
        name: the pool's name.
        slug: of its address; made of the name if empty.
        is_simulated: they are invented.
        actor: who imports.

    Raises:
        RatersRefused: there is nobody, or a trait's name or value is too long.
    """
    if not raters:
        raise RatersRefused("There are no raters, so that there would be no pool.")
    for trait in traits:
        longest = max((len(one.get(trait, "")) for one in raters.values()), default=0)
        if len(trait) > 80 or longest > 120:
            raise RatersRefused(
                f"The trait {trait!r} is too long: 80 characters are allowed for its name, 120 for "
                f"a value; the longest here has {longest}."
            )
    pool = create_pool(name=name[:200], slug=slug, simulated=is_simulated, actor=actor)
    values = _make_features(pool, raters, traits)
    ids = list(raters)
    for start in range(0, len(ids), ROWS_AT_A_TIME):
        part = ids[start : start + ROWS_AT_A_TIME]
        candidates = Candidate.objects.bulk_create(
            Candidate(pool=pool, external_id=rater) for rater in part
        )
        CandidateTrait.objects.bulk_create(
            CandidateTrait(
                candidate=candidate,
                feature_id=values[trait, value].feature_id,
                feature_value=values[trait, value],
            )
            for rater, candidate in zip(part, candidates, strict=True)
            for trait, value in raters[rater].items()
            if trait in traits
        )
    record_act(
        actor=actor, verb="imported raters into", subject=pool, details={"raters": len(raters)}
    )
    return pool


def _make_features(
    pool: Pool, raters: Mapping[str, Mapping[str, str]], traits: Sequence[str]
) -> dict[tuple[str, str], FeatureValue]:
    made: dict[tuple[str, str], FeatureValue] = {}
    for position, trait in enumerate(traits):
        feature = Feature.objects.create(pool=pool, name=trait, position=position)
        found = sorted({one[trait] for one in raters.values() if trait in one})
        for rank, value in enumerate(found):
            made[trait, value] = FeatureValue.objects.create(
                feature=feature, value=value, position=rank
            )
    return made


@transaction.atomic
def seat_raters(
    *,
    pool: Pool,
    name: str,
    raters: Sequence[str] | None = None,
    actor: User | None = None,
) -> Jury:
    """A jury of given raters, or of all the pool: nobody is drawn, everybody has a seat.

    Args:
        pool: made by :func:`raters_to_pool`.
        name: the jury's name.
        raters: their ids; None: the whole pool.
        actor: who imports.

    Raises:
        RatersRefused: an id is not in the pool or stands twice, or there are none.
    """
    known = dict(pool.candidates.order_by("id").values_list("external_id", "pk"))
    chosen = list(known) if raters is None else list(raters)
    unknown = [rater for rater in chosen if rater not in known]
    if unknown:
        raise RatersRefused(
            f"{len(unknown)} of {len(chosen)} raters are not in the pool; "
            f"the first: {unknown[0]!r}."
        )
    if not chosen or len(set(chosen)) != len(chosen):
        raise RatersRefused("A jury needs at least one rater, and each of them once.")
    jury = Jury.objects.create(
        pool=pool,
        name=name[:200],
        size=len(chosen),
        purpose="People who rated elsewhere; they were not drawn.",
        created_by=actor,
    )
    jurors = Juror.objects.bulk_create(
        [
            Juror(jury=jury, candidate_id=known[rater], is_simulated=pool.is_simulated)
            for rater in chosen
        ],
        batch_size=ROWS_AT_A_TIME,
    )
    Seat.objects.bulk_create(
        [
            Seat(jury=jury, juror=juror, number=number, state=Seat.State.ACCEPTED)
            for number, juror in enumerate(jurors, start=1)
        ],
        batch_size=ROWS_AT_A_TIME,
    )
    record_act(actor=actor, verb="seated raters on", subject=jury, details={"raters": len(chosen)})
    return jury
