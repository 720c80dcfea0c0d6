"""Values of features as requests name them: in words, each refused at its place."""

from collections.abc import Mapping, Sequence

from rest_framework import serializers

from juries.api.bodies import Body
from juries.api.problems import InputError, InvalidInput, pointer
from juries.models import Feature, Jury

LEGAL_SHOWN = 50


class QuotaTraitBody(Body):
    """A value that a quota counts."""

    feature = serializers.CharField(max_length=80, help_text="The trait, such as age.")
    value = serializers.CharField(max_length=120, help_text="Its value, such as 65+.")


def values_by_feature(jury: Jury) -> dict[str, dict[str, int]]:
    """Ids of the values of the jury's pool, by feature and value, in their order."""
    return {
        feature.name: {value.value: value.pk for value in feature.values.all()}
        for feature in Feature.objects.filter(pool=jury.pool_id).prefetch_related("values")
    }


def id_of_value(
    known: Mapping[str, Mapping[str, int]], trait: Mapping[str, str], path: Sequence[object]
) -> int:
    """The id of a value that stands at `path` of the body.

    Raises:
        InvalidInput: the pool has no such feature, or that has no such value.
    """
    values = known.get(trait["feature"])
    if values is None:
        raise _unknown("feature", trait["feature"], list(known), path)
    if trait["value"] not in values:
        raise _unknown("value", trait["value"], list(values), path)
    return values[trait["value"]]


def _unknown(field: str, name: str, legal: Sequence[str], path: Sequence[object]) -> InvalidInput:
    where = "The pool" if field == "feature" else "That feature"
    return InvalidInput(
        InputError(
            f"{where} has no {field} {name!r}; name one that it has.",
            pointer=pointer(*path, field),
            legal=legal[:LEGAL_SHOWN],
        )
    )
