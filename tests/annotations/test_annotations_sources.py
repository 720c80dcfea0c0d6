"""What a source is called: the same wherever a figure or a table names it."""

from collections.abc import Callable

from django.utils import timezone

from annotations.models import Study
from annotations.selectors.juror_sheets import own_words
from annotations.selectors.ratings import rated_responses
from annotations.selectors.sources import source_labels
from juries.models import Jury
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


def test_a_name_that_reads_like_a_name_and_revision_is_told_apart(
    make_study: Callable[..., Study],
) -> None:
    study = make_study(queries=1, sources=("alpha", "alpha@2"))
    newer = study.sources.create(name="alpha", revision="2")
    study.queries.get().responses.create(source=newer, external_id="n", text="Another.")
    study.sources.filter(name="alpha@2").update(revision="")
    study.sources.create(name="alpha (revision 2)", revision="")
    found = names(study)
    told = {"alpha@1", "alpha@2 (no revision)", "alpha (revision 2) 2"}
    assert found.pop("labels") == {*told, "alpha (revision 2)"}
    assert found.pop("pages") >= told
    assert found == dict.fromkeys(found, told)


def test_a_jurors_sheet_tells_revisions_apart(make_study: Callable[..., Study], jury: Jury) -> None:
    study, juror = make_study(queries=1, sources=("alpha",), jury=jury), jury.jurors.all()[0]
    newer = study.sources.create(name="alpha", revision="2")
    query = study.queries.get()
    query.responses.create(source=newer, external_id="n", text="Another.")
    for response in query.responses.all():
        response.highlights.create(juror=juror, kind="nothing", created_at=timezone.now())
    [words] = own_words(juror_id=juror.pk, queries=[query])
    assert [mark.source for mark in words.marks] == ["alpha@1", "alpha@2"]
