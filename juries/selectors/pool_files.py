"""A pool written as the CSV files that it can be imported from."""

import csv
from collections.abc import Iterator
from io import StringIO

from django.db.models import QuerySet

from juries.models import Candidate, FeatureValue, Jury, Pool, Quota

ROWS_AT_A_TIME = 2000


def categories_csv(*, pool: Pool, jury: Jury | None = None) -> Iterator[str]:
    """category,name,min,max; bounds of the jury's quotas, else from nobody to the jury's size.

    min_flex,max_flex follow where any of these quotas says how far it may give way. Quotas on
    combinations have no place in such a file.
    """
    quotas: dict[int, Quota] = {}
    if jury is not None:
        for quota in jury.quotas.prefetch_related("feature_values"):
            values = list(quota.feature_values.all())
            if len(values) == 1:
                quotas[values[0].pk] = quota
    most = jury.size if jury is not None else pool.candidates.drawable().count()
    with_flex = any(quota.states_flex for quota in quotas.values())
    flex = ("min_flex", "max_flex") if with_flex else ()
    yield _line(("category", "name", "min", "max", *flex))
    for value in _values(pool):
        held = quotas.get(value.pk) or Quota(minimum=0, maximum=most)
        said = (held.flexible_minimum, held.flexible_maximum) if with_flex else ()
        yield _line((value.feature.name, value.value, held.minimum, held.maximum, *said))


def population_csv(*, pool: Pool) -> Iterator[str]:
    """feature,value,share, for values whose share is known."""
    yield _line(("feature", "value", "share"))
    for value in _values(pool):
        if value.population_share is not None:
            yield _line((value.feature.name, value.value, repr(value.population_share)))


def respondents_csv(*, pool: Pool) -> Iterator[str]:
    """Id, name, e-mail, a column a feature, household: everybody who can be drawn."""
    features = list(pool.features.order_by("position", "id"))
    yield _line(("id", "name", "email", *(feature.name for feature in features), "household"))
    last = 0
    while batch := list(_people(pool).filter(pk__gt=last)[:ROWS_AT_A_TIME]):
        last = batch[-1].pk
        for person in batch:
            held = {t.feature_id: t.feature_value.value for t in person.traits.all()}
            contact = getattr(person, "contact", None)
            yield _line(
                (
                    person.external_id,
                    as_cell(contact.name if contact else ""),
                    as_cell(contact.email if contact else ""),
                    *(held.get(feature.pk, "") for feature in features),
                    person.household,
                )
            )


def codes_csv(*, pool: Pool) -> Iterator[str]:
    """Id, name, e-mail and code of everybody who can be drawn.

    With her code a candidate finds her chance on the page of a draw.
    """
    yield _line(("id", "name", "email", "code"))
    for person in (
        pool.candidates.drawable()
        .select_related("contact")
        .order_by("pk")
        .iterator(chunk_size=ROWS_AT_A_TIME)
    ):
        contact = getattr(person, "contact", None)
        name, email = (contact.name, contact.email) if contact else ("", "")
        yield _line((as_cell(person.external_id), as_cell(name), as_cell(email), person.public_id))


def as_cell(text: str) -> str:
    """Text that a spreadsheet takes for text, not for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _values(pool: Pool) -> QuerySet[FeatureValue]:
    return (
        FeatureValue.objects.filter(feature__pool=pool)
        .select_related("feature")
        .order_by("feature__position", "feature_id", "position", "id")
    )


def _people(pool: Pool) -> QuerySet[Candidate]:
    return (
        pool.candidates.drawable()
        .select_related("contact")
        .prefetch_related("traits__feature_value")
        .order_by("pk")
    )


def _line(cells: tuple[object, ...]) -> str:
    line = StringIO(newline="")
    csv.writer(line).writerow(cells)
    return line.getvalue()
