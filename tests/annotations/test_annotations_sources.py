"""What a source is called: the same wherever a figure or a table names it."""

from collections.abc import Callable

from annotations.models import Study
from annotations.selectors.ratings import rated_responses
from annotations.selectors.sources import source_labels
from overton.selectors.labels import label_table
from overton.selectors.said import asked_queries
from overton.selectors.sources import study_sources


def names(study: Study) -> dict[str, set[str]]:
    """By where they are read: all the names."""
    queries = asked_queries(study=study)
    return {
        "labels": set(source_labels(study_id=study.pk).values()),
        "ratings": {one.source for one in rated_responses(study_id=study.pk)},
        "coverage": {one.source for one in label_table(study=study, queries=queries).responses},
        "pages": {one.name for one in study_sources(study=study)},
    }


def test_a_source_goes_by_its_name_everywhere(make_study: Callable[..., Study]) -> None:
    study = make_study(queries=1, sources=("alpha", "beta"))
    assert study.sources.get(name="alpha").revision
    found = names(study)
    assert found == {place: {"alpha", "beta"} for place in found}


def test_two_revisions_of_one_name_are_told_apart_everywhere(
    make_study: Callable[..., Study],
) -> None:
    study = make_study(queries=1, sources=("alpha", "beta"))
    newer = study.sources.create(name="alpha", revision="2")
    study.queries.get().responses.create(source=newer, external_id="n", text="Another.")
    found = names(study)
    assert found == {place: {"alpha@1", "alpha@2", "beta"} for place in found}
