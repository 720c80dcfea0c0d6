"""People's labels behind the Protocol of judges."""

from collections.abc import Callable

import numpy as np
import pytest
from django.utils import timezone

from annotations.models import Response, Study
from juries.models import Jury, User
from overton.models import Answer
from overton.ports import EntailmentUnavailable, load_entailment_backend
from overton.services.labels import label_expression

TREES = "Trees cool the street."


@pytest.fixture
def study(make_study: Callable[..., Study], jury: Jury) -> Study:
    """Three jurors read that alpha expresses a view, one that it contradicts it."""
    study = make_study(jury=jury, queries=1)
    study.slug = "street"
    study.save()
    answer = Answer.objects.create(query=study.queries.get(), external_id="trees", text=TREES)
    response = Response.objects.get(source__name="alpha")
    for place, juror in enumerate(jury.jurors.order_by("id")):
        label_expression(
            response=response,
            answer=answer,
            label="contradicts" if place == 3 else "expresses",
            now=timezone.now(),
            juror=juror,
        )
    return study


def test_shares_of_the_labels_are_given(study: Study) -> None:
    judge = load_entailment_backend("people:street")
    said = Response.objects.get(source__name="alpha").text
    steps: list[tuple[int, int]] = []
    found = judge.entails([said, said], [TREES, TREES], progress=lambda *own: steps.append(own))
    np.testing.assert_allclose(found, [[0.75, 0, 0.25]] * 2)
    assert steps == [(2, 2)]
    assert judge.entails([], []).shape == (0, 3)


def test_a_researcher_settles_a_pair_and_another_digest_says_so(
    study: Study, researcher: User
) -> None:
    before = load_entailment_backend("people:street")
    label_expression(
        response=Response.objects.get(source__name="alpha"),
        answer=Answer.objects.get(),
        label="does_not",
        now=timezone.now(),
        researcher=researcher,
    )
    judge = load_entailment_backend("people:street")
    said = Response.objects.get(source__name="alpha").text
    assert judge.entails([said], [TREES]).tolist() == [[0, 1, 0]]
    assert judge.weights_digest != before.weights_digest


def test_what_nobody_has_read_is_refused(study: Study) -> None:
    judge = load_entailment_backend("people:street")
    other = Response.objects.get(source__name="beta").text
    with pytest.raises(EntailmentUnavailable, match="1 of 1 pairs, the first of them “What beta"):
        judge.entails([other], [TREES])


@pytest.mark.parametrize(
    ("name", "words"), [("people", "people:SLUG"), ("people:nowhere", "no study 'nowhere'")]
)
def test_a_study_must_be_named(db: None, name: str, words: str) -> None:
    with pytest.raises(EntailmentUnavailable, match=words):
        load_entailment_backend(name)
